// All trajectories of the workspace, with search and thumbnails.

import { html, useEffect, useMemo, useRef, useState } from "./lib.js";
import { Chip, Text } from "./parts.js";
import { ago } from "./times.js";
import { readable, standing } from "./words.js";

const PAGE = 60;
const GROUPS = [
  ["", "All"],
  ["running", "Running"],
  ["open", "Waiting, paused or failed"],
  ["done", "Finished"],
];
const groupOf = (status) => (status === "running" ? "running" : ["done", "cancelled"].includes(status) ? "done" : "open");

function Thumbnail({ api, item }) {
  const canvas = useRef();
  const [shown, setShown] = useState(false);
  useEffect(() => {
    let current = true;
    const observer = new IntersectionObserver(async (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      const blob = await api.thumbnail(item.id).catch(() => null);
      const bitmap = blob && (await createImageBitmap(blob).catch(() => null));
      if (!current || !bitmap) return;
      const side = Math.min(bitmap.width, bitmap.height);
      const context = canvas.current.getContext("2d");
      context.imageSmoothingEnabled = side > 96;
      context.drawImage(bitmap, (bitmap.width - side) / 2, (bitmap.height - side) / 2, side, side, 0, 0, 112, 112);
      setShown(true);
    });
    observer.observe(canvas.current);
    return () => {
      current = false;
      observer.disconnect();
    };
  }, [item.id, item.status, item.version.split("-", 2).join()]); // Steps and attempts, but not every progress report.
  return html`<canvas ref=${canvas} class=${`thumbnail ${shown ? "shown" : ""}`} width="112" height="112" aria-hidden="true" />`;
}

function matches(item, words) {
  const text = readable(`${item.title} ${item.id} ${item.profile}`).toLocaleLowerCase();
  return words.every((word) => text.includes(word));
}

function TrajectoryList({ api, list, shown }) {
  const [query, setQuery] = useState("");
  const [group, setGroup] = useState("");
  const [count, setCount] = useState(PAGE);
  const found = useMemo(() => {
    const words = query.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    return (list ?? []).filter((item) => (!group || groupOf(item.status) === group) && matches(item, words));
  }, [list, query, group]);
  return html`<nav class="list" aria-label="Trajectories">
    <div class="search">
      <input type="search" aria-label="Search" placeholder="Search" value=${query} onInput=${(event) => setQuery(event.target.value)} />
      <select aria-label="Show" value=${group} onChange=${(event) => setGroup(event.target.value)}>
        ${GROUPS.map(([value, label]) => html`<option value=${value}>${label}</option>`)}
      </select>
    </div>
    <p class="sr" role="status">${list && query ? `${found.length} found` : ""}</p>
    ${list && !found.length && html`<p class="small none-found">${list.length ? "Nothing fits this search." : "No trajectories yet."}</p>`}
    <ul>
      ${found.slice(0, count).map((item) => html`<li key=${item.id}>
        <a href=${`#/t/${item.id}`} aria-current=${item.id === shown ? "page" : null}>
          <${Thumbnail} api=${api} item=${item} />
          <span class="item-words">
            <span class="item-title"><${Text}>${item.title || "Images without words"}<//></span>
            <span class="row small"><${Chip} ...${standing(item.status)} word=${item.status === "waiting" ? "waiting" : standing(item.status).word} /><span>${ago(item.created)}</span>
              ${item.parent && html`<span>branch at step ${item.parent_step}</span>`}</span>
          </span>
        </a>
      </li>`)}
    </ul>
    ${found.length > count && html`<button type="button" onClick=${() => setCount(count + PAGE)}>Show more (${found.length - count})</button>`}
  </nav>`;
}

export { TrajectoryList };
