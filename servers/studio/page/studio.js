// The studio: list on the left, one trajectory, a new request or a comparison on the right.

import { CompareBranches } from "./compare.js";
import { Changes, StudioApi, findKey, forgetKey } from "./http.js";
import { html, render, useEffect, useRef, useState } from "./lib.js";
import { TrajectoryList } from "./list.js";
import { useList, useOnline } from "./live.js";
import { NewRequest } from "./new_request.js";
import { Problem } from "./parts.js";
import { TrajectoryPage } from "./trajectory.js";
import { shortened } from "./words.js";

const decoded = (word) => {
  try {
    return decodeURIComponent(word);
  } catch {
    return word; // A damaged link; what it names will not be found.
  }
};

function useRoute() {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const changed = () => setHash(location.hash);
    addEventListener("hashchange", changed);
    changed(); // It may have changed since the first drawing.
    return () => removeEventListener("hashchange", changed);
  }, []);
  const [, page = "", ...words] = hash.split("/").map(decoded);
  return { page, words };
}

function useTheme() {
  useEffect(() => {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const apply = () => (document.documentElement.dataset.theme = dark.matches ? "dark" : "light");
    dark.addEventListener("change", apply);
    apply();
    return () => dark.removeEventListener("change", apply);
  }, []);
}

function Undo({ api, deleted, onDone }) {
  const [error, setError] = useState("");
  useEffect(() => {
    const timer = setTimeout(onDone, deleted.undo_seconds * 1000);
    return () => clearTimeout(timer);
  }, [deleted]);
  const undo = () => api.act(deleted.trajectory, "restore").then(
    () => { location.hash = `#/t/${deleted.trajectory}`; onDone(); },
    (problem) => setError(problem.message));
  return html`<div class="floating" role="status"><span>Deleted “<bdi>${shortened(deleted.title, 40)}</bdi>”.</span>
    <button type="button" onClick=${undo}>Undo</button>
    <button type="button" class="icon" aria-label="Dismiss" onClick=${onDone}>✕</button>
    <${Problem}>${error}<//></div>`;
}

/** Says that a deleted trajectory is back, for example because another program continued it meanwhile. */
function Kept({ kept, onDone }) {
  return html`<div class="floating" role="status"><span>“<bdi>${shortened(kept.title, 40)}</bdi>” was not deleted. ${kept.reason}</span>
    <a href=${`#/t/${kept.trajectory}`} onClick=${onDone}>Show</a>
    <button type="button" class="icon" aria-label="Dismiss" onClick=${onDone}>✕</button></div>`;
}

function Studio({ api, changes, options }) {
  useTheme();
  const route = useRoute();
  const list = useList(api, changes);
  const online = useOnline(changes);
  const [deleted, setDeleted] = useState(null);
  const [kept, setKept] = useState(null);
  useEffect(() => changes.subscribe((news) => {
    if (!news.kept) return;
    setKept(news.kept);
    setDeleted((shown) => (shown?.trajectory === news.kept.trajectory ? null : shown));
  }), [changes]);
  const go = (hash) => (location.hash = hash);
  const id = route.page === "t" ? route.words[0] : "";
  useEffect(() => {
    if (!route.words[1]) scrollTo(0, 0);
    if (route.page !== "t") document.title = "interleavethinker studio";
  }, [route.page, id]);
  const home = !["t", "new", "compare"].includes(route.page);
  // A form that stands here because there is nothing to list stays when something comes: somebody may be writing in it.
  const asks = useRef(false);
  asks.current = home && !deleted && (asks.current || list?.length === 0);
  return html`<div class=${`studio ${home ? "at-home" : "at-page"}`}>
    <a class="skip" href="#main" onClick=${(event) => { event.preventDefault(); document.getElementById("main").focus(); }}>Skip to the content</a>
    <header class="bar">
      <a class="home" href="#/">interleavethinker <span>studio</span></a>
      <span class="small offline" role="status">${online ? "" : "Not connected; trying again…"}</span>
      <a class="button primary" href="#/new">New request</a>
    </header>
    <div class="side"><${TrajectoryList} api=${api} list=${list} shown=${id} /></div>
    <main id="main" tabindex="-1">
      ${id && html`<${TrajectoryPage} key=${id} api=${api} changes=${changes} forms=${options.exports} id=${id} place=${Number(route.words[1]) || 0} go=${go}
        onDeleted=${(view) => { setDeleted(view); go("#/"); }} />`}
      ${route.page === "compare" && html`<${CompareBranches} api=${api} changes=${changes} ids=${route.words} />`}
      ${(route.page === "new" || asks.current) && html`<${NewRequest} api=${api} options=${options} place=${route.page} onStarted=${(name) => go(`#/t/${name}`)} />`}
      ${home && !asks.current && list?.length > 0 && html`<h1 class="sr">Trajectories</h1><div class="welcome"><p>Choose a trajectory, or <a href="#/new">start a new one</a>.</p></div>`}
    </main>
    ${deleted && html`<${Undo} api=${api} deleted=${deleted} onDone=${() => setDeleted(null)} />`}
    ${kept && !deleted && html`<${Kept} kept=${kept} onDone=${() => setKept(null)} />`}
  </div>`;
}

function Locked({ children }) {
  useTheme();
  return html`<main class="locked"><h1>interleavethinker studio</h1><p>${children}</p>
    <p>Run <code>interleavethinker studio</code> and open the link that it prints. The link contains this studio’s key,
      which keeps other users of this machine out.</p></main>`;
}

async function main() {
  const root = document.getElementById("app");
  const key = await findKey(() => render(html`<${Locked}>This page needs the studio’s key.<//>`, root));
  const api = new StudioApi(key);
  const changes = new Changes(api);
  for (;;) {
    try {
      const options = await api.options();
      changes.start();
      render(html`<${Studio} api=${api} changes=${changes} options=${options} />`, root);
      return;
    } catch (error) {
      if (error.status === 401) {
        forgetKey();
        render(html`<${Locked}>The key of this link is not, or no longer, that of this studio.<//>`, root);
        return;
      }
      render(html`<${Locked}>${error.message}<//>`, root);
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
}

// A file that misses the form must not replace the page.
for (const kind of ["dragover", "drop"])
  addEventListener(kind, (event) => event.dataTransfer?.types.includes("Files") && event.preventDefault());
addEventListener("hashchange", () => location.hash.startsWith("#key=") && location.reload());
main();
