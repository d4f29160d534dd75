// The page of one trajectory: how it stands, the answer, every attempt, the plan, its branches and details.

import { AttemptCard } from "./attempt_card.js";
import { canBranch, describe } from "./attempts.js";
import { CompareAttempts } from "./compare.js";
import { html, useActions, useEffect, useState } from "./lib.js";
import { LimitFields, NO_LIMITS, limitsIn } from "./limits.js";
import { useView } from "./live.js";
import { Chip, LongText, Problem, Text } from "./parts.js";
import { Picture } from "./pictures.js";
import { PlanEditor } from "./plan_editor.js";
import { RegionChoice } from "./region.js";
import { duration } from "./times.js";
import { attemptKey, attemptName, canGoOn, canResume, isOver, plural, shortened, standing, stepStanding, workWords } from "./words.js";

/** What a finished answer's status means. */
const ENDS = {
  "complete and checked": "All steps are finished. The check of the answer against the request found no fault.",
  "complete, not checked": "All steps are finished. Whether the answer fulfills the whole request was not checked.",
  "complete with known faults": "All steps are finished, but the answer has known faults.",
  incomplete: "The answer is incomplete.",
};
const PLAN = "studio-plan";
/** Keeps the changes of one plan while the page is loaded again. */
const planMemory = {
  get(version) {
    const kept = JSON.parse(sessionStorage.getItem(PLAN));
    return kept?.version === version ? kept.drafts : null;
  },
  set(version, drafts) {
    if (drafts) sessionStorage.setItem(PLAN, JSON.stringify({ version, drafts }));
    else if (this.get(version)) sessionStorage.removeItem(PLAN);
  },
};

function RequestWords({ api, view }) {
  const words = view.request.map((part) => part.text).filter(Boolean).join("\n").trim();
  const images = view.request.filter((part) => part.image);
  const long = [...words].length > 280;
  return html`<h1 class=${words.length > 120 ? "long" : ""}><${Text} lines>${long ? view.title : words || "Images without words"}<//></h1>
    ${long && html`<details class="request"><summary>The whole request</summary><p><${Text} lines>${words}<//></p></details>`}
    ${images.length > 0 && html`<ul class="request-images">${images.map(({ image, name, purpose }, index) => html`<li key=${index}>
      <${Picture} api=${api} sha256=${image} alt=${`Image ${index + 1} of the request${name ? `, @${name}` : ""}`} />
      ${name && html`<p class="small"><${Text}>${purpose ? `@${name}: ${purpose}` : `@${name}`}<//></p>`}</li>`)}</ul>`}`;
}

function Export({ api, view, forms, busy, run }) {
  const save = (form) =>
    run("export", async () => {
      const { name, blob } = await api.download(view.trajectory, form);
      const address = URL.createObjectURL(blob);
      Object.assign(document.createElement("a"), { href: address, download: name }).click();
      setTimeout(() => URL.revokeObjectURL(address), 60_000);
    });
  return html`<select aria-label="Export" value="" disabled=${busy} onChange=${(event) => { save(event.target.value); event.target.value = ""; }}>
    <option value="" disabled selected>${busy === "export" ? "Exporting…" : "Export…"}</option>
    ${forms.map(({ form, label }) => html`<option value=${form}>${label}</option>`)}
  </select>`;
}

function Toolbar({ api, view, forms, show, onDeleted }) {
  const { busy, error, run } = useActions();
  const act = (verb) => run(verb, async () => show(await api.act(view.trajectory, verb)));
  const button = (verb, label, kind = "") =>
    html`<button type="button" class=${kind} disabled=${busy} onClick=${() => act(verb)}>${busy === verb ? "…" : label}</button>`;
  const remove = () =>
    run("delete", async () => {
      const { undo_seconds } = await api.act(view.trajectory, "delete");
      onDeleted({ ...view, undo_seconds });
    });
  return html`<div class="row toolbar" role="group" aria-label="Trajectory">
    ${view.status === "running" && button("pause", "Pause")}
    ${canResume(view) && button("resume", view.status === "ready" ? "Start" : "Resume", "primary")}
    ${!isOver(view) && button("cancel", "Cancel")}
    <${Export} api=${api} view=${view} forms=${forms} busy=${busy} run=${run} />
    ${view.status !== "running" && html`<button type="button" class="quiet" disabled=${busy} onClick=${remove}>Delete</button>`}
    <${Problem}>${error}<//>
  </div>`;
}

/** Resumes with other limits, which is also how a trajectory goes on that a limit stopped. */
function OtherLimits({ api, view, show }) {
  const [form, setForm] = useState(NO_LIMITS);
  const { busy, error, run } = useActions();
  const send = (event) => {
    event.preventDefault();
    run("resume", async () => {
      const limits = limitsIn(form);
      if (!Object.values(limits).some((value) => value !== null)) throw new Error("Give at least one limit.");
      show(await api.act(view.trajectory, "resume", limits));
      setForm(NO_LIMITS);
    });
  };
  return html`<details class="other-limits"><summary>${view.status === "done" ? "Raise the limit and go on" : "Go on with other limits"}</summary>
    <form onSubmit=${send}>
      <div class="grid"><${LimitFields} form=${form} limits=${view.limits} keep="as before"
        onChange=${(changed) => setForm((old) => ({ ...old, ...changed }))} /></div>
      <p class="small">An empty field keeps its limit. Finished images are not made again.</p>
      <button disabled=${busy}>${busy ? "…" : view.status === "ready" ? "Start with these limits" : "Resume with these limits"}</button>
      <${Problem}>${error}<//>
    </form></details>`;
}

function Answer({ api, view }) {
  const current = view.status === "running" ? view.finished + 1 : 0;
  return html`<section aria-labelledby="answer"><h2 id="answer">Answer</h2>
    <ol class=${`strip ${view.steps.length <= 3 ? "few" : view.steps.length > 12 ? "many" : ""}`}>
      ${view.steps.map((step) => {
        const state = stepStanding(step, view);
        const kept = step.attempts.find((attempt) => attempt.selected) ?? step.attempts.at(-1);
        const working = step.n === current;
        const share = working && view.work?.step === step.n ? view.work.fraction : null;
        return html`<li key=${step.n} class=${`panel ${working ? "current" : ""}`}><figure>
          ${kept?.image
            ? html`<${Picture} api=${api} size=${view.steps.length > 12 ? "small" : "large"} sha256=${kept.image} alt=${describe(view, step, kept)} />`
            : step.prompt !== null && html`<span class="hollow">${step.status === "refused" && html`<span class="small">The image service refused this image</span>`}</span>`}
          ${share !== null && html`<progress max="1" value=${share} aria-label=${`Image of step ${step.n}`} />`}
          <figcaption>
            <p class="panel-title"><span class="number">${step.n}</span>${step.instruction && html` <${LongText} text=${step.instruction} length=${160} />`}</p>
            ${step.caption && html`<p class="caption"><${LongText} text=${step.caption} length=${320} /></p>`}
            <p class="row">${state.word !== "accepted" && state.word !== "text only" && html`<${Chip} ...${state} />`}
              ${step.attempts_made > 0 && html`<a class="small" href=${`#/t/${view.trajectory}/${step.n}`}>${plural(step.attempts_made, "attempt")}</a>`}</p>
          </figcaption></figure></li>`;
      })}
    </ol></section>`;
}

function StepCard({ api, view, step, acts, picked, onPick }) {
  const state = stepStanding(step, view);
  const single = step.attempts.length === 1;
  return html`<li class="step" id=${`step-${step.n}`} tabindex="-1">
    <header class="row"><h3><span class="number">Step ${step.n}</span> <${LongText} text=${step.instruction} length=${160} /></h3><${Chip} ...${state} /></header>
    ${step.prompt === null && step.caption && html`<p><${LongText} text=${step.caption} length=${400} /></p>`}
    ${step.prompt !== null && !step.attempts.length && html`<p><span class="label">Planned prompt</span><${LongText} text=${step.prompt} length=${400} /></p>`}
    ${step.attempts.length > 0 && html`<ol class=${`attempts ${single ? "single" : ""}`}>
      ${step.attempts.map((attempt) => {
        const key = `${step.n}/${attemptKey(attempt)}`;
        return html`<${AttemptCard} key=${key} api=${api} view=${view} step=${step} attempt=${attempt} acts=${acts}>
          <label class="pick small"><input type="checkbox" checked=${picked.includes(key)} onChange=${() => onPick(key)}
            aria-label=${`Compare step ${step.n}, ${attemptName(step, attempt).toLowerCase()}`} /> compare</label>
        <//>`;
      })}
    </ol>`}
    ${!step.attempts.length && canBranch(view, step) && view.status === "running" && html`<p class="small">${workWords(view.work)}</p>`}
  </li>`;
}

function Family({ view }) {
  const children = (parent) => view.branches.filter((one) => one.parent === parent);
  const known = new Set(view.branches.map((one) => one.trajectory));
  const roots = view.branches.filter((one) => one.parent === null || !known.has(one.parent));
  const node = (one) => html`<li key=${one.trajectory}>
    <span class="row">
      ${one.trajectory === view.trajectory
        ? html`<strong aria-current="page">${one.parent ? `From step ${one.step}, attempt ${one.attempt}` : "The first one"} (this one)</strong>`
        : html`<a href=${`#/t/${one.trajectory}`}>${one.parent ? `From step ${one.step}, attempt ${one.attempt}` : "The first one"}</a>`}
      <${Chip} ...${standing(one.status)} /><span class="small">${one.trajectory}</span>
      ${one.trajectory !== view.trajectory && html`<a class="small" href=${`#/compare/${one.trajectory}/${view.trajectory}`}>compare</a>`}
    </span>
    ${children(one.trajectory).length > 0 && html`<ul>${children(one.trajectory).map(node)}</ul>`}
  </li>`;
  return html`<section aria-labelledby="branches"><h2 id="branches">Branches</h2><ul class="tree">${roots.map(node)}</ul></section>`;
}

function Details({ view }) {
  const { limits } = view;
  const facts = [
    ["Trajectory", view.trajectory],
    ["Profile", view.profile],
    ["Created", new Date(view.created).toLocaleString()],
    ["Seed", view.seed],
    ["Limits", [
      `${plural(limits.max_attempts, "attempt")} per step`,
      limits.variants > 1 && `${limits.variants} variants of the first`,
      limits.max_calls && plural(limits.max_calls, "generator call"),
      limits.time_limit && `${limits.time_limit} s of work`,
      limits.max_cost && `$${limits.max_cost.toFixed(limits.max_cost < 0.01 ? 4 : 2)} for hosted models`,
      limits.drift && limits.drift.action !== "nothing" && `${limits.drift.action} after damage by edits above ${limits.drift.threshold}`,
    ].filter(Boolean).join(", ")],
    ["Plan", view.plan_version ? `version ${view.plan_version}, ${plural(view.of, "step")}` : "none yet"],
  ];
  return html`<section aria-labelledby="details"><h2 id="details">Details</h2>
    <dl>${facts.map(([name, value]) => html`<dt>${name}</dt><dd><${Text}>${value}<//></dd>`)}</dl>
    ${view.reasoning && html`<details><summary>The planner’s reasoning</summary><p><${Text} lines>${view.reasoning}<//></p></details>`}
  </section>`;
}

function Notes({ view, state }) {
  const sentence = state.sentence || (view.status === "done" ? ENDS[view.document_status] : "");
  const said = new Set([sentence, ...view.faults]);
  const notes = view.notes.filter((note) => !said.has(note) && !view.faults.some((fault) => note.includes(fault)));
  return html`${sentence && html`<p class=${view.status === "done" && state.tone === "good" ? "soft" : `note ${state.tone}`}>
      <${Text} lines>${sentence}<//></p>`}
    ${view.faults.length > 0 && html`<div class="note bad"><strong>Known faults</strong><ul>${view.faults.map((fault) => html`<li><${Text}>${fault}<//></li>`)}</ul></div>`}
    ${notes.map((note) => html`<p class="note calm"><${LongText} text=${note} /></p>`)}`;
}

/** `forms` are those of exports; `go` changes the address; `onDeleted` offers an undo. */
function TrajectoryPage({ api, changes, forms, id, place, go, onDeleted }) {
  const { view, error, show } = useView(api, changes, id);
  const [picked, setPicked] = useState([]);
  useEffect(() => setPicked([]), [id]);
  useEffect(() => {
    document.title = view ? `${shortened(view.title, 60)} – studio` : "interleavethinker studio";
  }, [view?.title]);
  const ready = Boolean(view);
  useEffect(() => {
    const card = place && ready && document.getElementById(`step-${place}`);
    if (!card) return;
    card.scrollIntoView({ block: "start" });
    card.focus({ preventScroll: true });
  }, [place, ready, id]);
  if (error) return html`<${Problem}>${error}<//>`;
  if (!view) return html`<p class="small" role="status">Loading…</p>`;

  const state = standing(view.status, view);
  const acts = {
    Region: RegionChoice,
    judge: async (verdict) => show(await api.act(id, "judge", verdict)),
    branch: async (point) => go(`#/t/${(await api.act(id, "branch", point)).trajectory}`),
  };
  const pick = (key) => setPicked((old) => (old.includes(key) ? old.filter((one) => one !== key) : [...old, key].slice(-2)));
  const pair = picked.flatMap((key) => view.steps.flatMap((step) =>
    step.attempts.filter((attempt) => `${step.n}/${attemptKey(attempt)}` === key).map((attempt) => [step, attempt])));
  const meta = [view.of > 0 && `${view.finished} of ${plural(view.of, "step")}`, view.calls > 0 && plural(view.calls, "attempt"), view.seconds > 0 && duration(view.seconds)];
  const working = view.status === "running" ? workWords(view.work) || "Running in another program" : "";
  return html`<article class="trajectory" aria-busy=${view.status === "running"}>
    <header>
      <div class="row"><${Chip} ...${state} /><span class="small">${meta.filter(Boolean).join(" · ")}</span>
        <span class="small working" role="status">${working}</span></div>
      <${RequestWords} api=${api} view=${view} />
      <${Notes} view=${view} state=${state} />
      <${Toolbar} api=${api} view=${view} forms=${forms} show=${show} onDeleted=${onDeleted} />
      ${canGoOn(view) && html`<${OtherLimits} key=${id} api=${api} view=${view} show=${show} />`}
    </header>
    ${view.status === "waiting"
      ? html`<h2>Plan</h2><${PlanEditor} view=${view} memory=${planMemory} approve=${async (steps) => show(await api.act(id, "approve", { steps }))} />`
      : view.of > 0 && html`<${Answer} api=${api} view=${view} />
          <section aria-labelledby="steps"><h2 id="steps">Steps and attempts</h2><ol class="steps">
            ${view.steps.filter((step) => step.attempts.length || step.n <= view.finished + 1).map((step) => html`<${StepCard}
              key=${step.n} api=${api} view=${view} step=${step} acts=${acts} picked=${picked} onPick=${pick} />`)}
          </ol></section>`}
    ${view.branches.length > 0 && html`<${Family} view=${view} />`}
    <${Details} view=${view} />
    ${pair.length === 1 && html`<p class="floating small" role="status">Choose a second attempt to compare.</p>`}
    ${pair.length === 2 && html`<${CompareAttempts} key=${picked.join()} api=${api} view=${view} pair=${pair} onClose=${() => setPicked([])} />`}
  </article>`;
}

export { TrajectoryPage };
