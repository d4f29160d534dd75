// The storyboard inside a chat: one trajectory, live, in at most 500 pixels of height.

import { AttemptActions, AttemptWords, describe } from "./attempts.js";
import { BoardApi } from "./board_api.js";
import { html, render, useActions, useEffect, useRef, useState } from "./lib.js";
import { Chip, Field, LongText, Problem, Text } from "./parts.js";
import { AddImage, Picture } from "./pictures.js";
import { PlanEditor } from "./plan_editor.js";
import { attemptKey, attemptName, attemptStanding, canGoOn, canResume, isOver, number, plural, readable, shortened, standing, stepStanding, workWords } from "./words.js";

function Cells({ api, view, shown, onShow }) {
  const [, redraw] = useState();
  useEffect(() => {
    addEventListener("resize", redraw);
    return () => removeEventListener("resize", redraw);
  }, []);
  const most = Math.max(3, Math.min(7, Math.floor((innerWidth - 100) / 52))); // As many as fit between the arrows.
  const first = view.steps.length <= most ? 0 : Math.min(Math.max(0, shown - 1 - Math.floor(most / 2)), view.steps.length - most);
  const visible = view.steps.slice(first, first + most);
  const turn = (by) => onShow(Math.min(view.steps.length, Math.max(1, shown + by)));
  const paged = view.steps.length > most;
  return html`<nav class="cells" aria-label="Steps">
    ${paged && html`<button type="button" class="icon" aria-label="Earlier steps" disabled=${first === 0} onClick=${() => turn(-most)}>‹</button>`}
    ${visible.map((step) => {
      const state = stepStanding(step, view);
      return html`<button type="button" key=${step.n} class=${`cell ${state.tone}`} aria-pressed=${step.n === shown}
        aria-label=${`Step ${step.n}, ${state.word}: ${shortened(step.instruction || step.prompt || step.caption, 80)}`}
        onClick=${() => onShow(step.n)}>
        ${step.image ? html`<${Picture} api=${api} sha256=${step.image} alt="" />` : html`<span class="hollow" />`}
        <span class="cell-number" aria-hidden="true">${step.n}</span>
      </button>`;
    })}
    ${paged && html`<button type="button" class="icon" aria-label="Later steps" disabled=${first + most >= view.steps.length} onClick=${() => turn(most)}>›</button>`}
  </nav>`;
}

function StepPanel({ api, view, step, held, acts, children }) {
  const [chosen, setChosen] = useState(null);
  useEffect(() => setChosen(null), [step.n, view.trajectory]);
  const { attempts } = step;
  const attempt = attempts.find((one) => attemptKey(one) === (held ?? chosen)) ?? attempts.find((one) => one.selected) ?? attempts.at(-1);
  const state = attempt ? attemptStanding(attempt) : stepStanding(step, view);
  return html`<section class="step-panel" aria-label=${`Step ${step.n}`}>
    ${attempt &&
    html`<div class=${`frame ${state.tone}`}>
      ${attempt.image
        ? html`<${Picture} api=${api} sha256=${attempt.image} alt=${describe(view, step, attempt)} />`
        : html`<span class="small">No image</span>`}
    </div>`}
    ${attempts.length > 1 &&
    html`<div class="row tabs" role="group" aria-label="Attempts">
      ${attempts.map((one) => html`<button type="button" key=${attemptKey(one)} class="small-button" aria-pressed=${one === attempt}
        aria-label=${`${attemptName(step, one)}, ${attemptStanding(one).word}`} onClick=${() => { setChosen(attemptKey(one)); acts.hold(""); }}>
        ${one.n}${attemptStanding(one).mark ? ` ${attemptStanding(one).mark}` : ""}</button>`)}
    </div>`}
    <div class="about">
      <div class="row head"><span class="small">Step ${step.n} of ${view.of}</span><${Chip} ...${state} /></div>
      ${step.instruction && html`<h2><${LongText} text=${step.instruction} length=${60} /></h2>`}
      ${step.caption && html`<p class="caption"><${LongText} text=${step.caption} length=${60} /></p>`}
      ${attempt
        ? html`<${AttemptWords} step=${step} attempt=${attempt} short=${70} />`
        : step.prompt && html`<p><span class="label">Planned prompt</span><${LongText} text=${step.prompt} length=${80} /></p>`}
    </div>
    ${attempt && html`<${AttemptActions} key=${step.n + attemptKey(attempt)} api=${api} view=${view} step=${step} attempt=${attempt} acts=${acts}>${children}<//>`}
    ${!attempt && children}
  </section>`;
}

function Region({ result }) {
  const [region, setRegion] = useState("");
  result.current = () => ({ region: region.trim() || null });
  return html`<${Field} label="Change only left, top, width, height" rows="1" placeholder="50%,0,50%,100%" value=${region} onInput=${setRegion} />`;
}

const LIMITS = { max_calls: "Generator calls in all", max_cost: "Cost in US dollars", time_limit: "Seconds of work" };

function Steering({ api, view, onAct, note, setNote }) {
  const { busy, error, run } = useActions();
  const [limits, setLimits] = useState({});
  const act = (verb) => run(verb, () => onAct(verb, {}));
  const goOn = () =>
    run("resume", async () => {
      const given = Object.entries(limits).map(([name, text]) => [name, number(text, LIMITS[name], { max_calls: 1 }[name])]);
      await onAct("resume", Object.fromEntries(given));
      setLimits({});
    });
  const button = (verb, label) =>
    html`<button type="button" disabled=${busy} onClick=${() => act(verb)}>${busy === verb ? "…" : label}</button>`;
  const hostModes = api.bridge.context.availableDisplayModes ?? [];
  return html`<span class="steering">
      ${view.status === "running" && button("pause", "Pause")}
      ${canResume(view) && button("resume", view.status === "ready" ? "Start" : "Resume")}
      ${!isOver(view) && button("cancel", "Cancel")}
      <${AddImage} api=${api} onError=${setNote}
        onImage=${(image) => { api.tellModel(image); setNote(`The assistant can use image ${image.sha256.slice(0, 12)}.`); }} />
      ${hostModes.includes("fullscreen") && api.bridge.context.displayMode !== "fullscreen" &&
      html`<button type="button" onClick=${() => api.fullscreen()}>Full screen</button>`}
      ${view.studio && api.bridge.capabilities.openLinks &&
      html`<button type="button" onClick=${() => api.openLink(view.studio)}>Open studio</button>`}
      ${canGoOn(view) && html`<details><summary>Other limits</summary>
        ${Object.entries(LIMITS).map(([name, label]) => html`<${Field} label=${label} rows="1" value=${limits[name] ?? ""}
          placeholder=${view.limits[name]} onInput=${(text) => setLimits({ ...limits, [name]: text })} />`)}
        <button type="button" disabled=${busy} onClick=${goOn}>Resume with these</button></details>`}
    <span class="small" role="status">${note}</span>
    <${Problem}>${error}<//>
  </span>`;
}

function Board({ api }) {
  const [view, setView] = useState(null);
  const [trouble, setTrouble] = useState("");
  const [chosen, setChosen] = useState(null);
  const [held, setHeld] = useState(""); // Step and attempt that a form is open for.
  const [note, setNote] = useState("");
  useEffect(() => api.follow(setView, setTrouble), [api]);
  const show = (n) => {
    setChosen(n);
    setHeld("");
  };
  const last = useRef("");
  useEffect(() => {
    if (view && last.current !== view.trajectory) show(null);
    last.current = view?.trajectory ?? "";
  }, [view?.trajectory]);
  if (!view) return html`<p class="small" role="status">${trouble || "Waiting for the storyboard…"}</p>`;

  const state = standing(view.status, view);
  const working = view.status === "running" ? workWords(view.work) || "Working" : "";
  const newest = view.steps.findLast((one) => one.attempts.length) ?? view.steps[0]; // The image that came last.
  const step = view.steps.find((one) => one.n === (held[0] ?? chosen)) ?? newest;
  const acts = {
    Region,
    hold: setHeld,
    judge: (verdict) => api.act("judge", verdict),
    branch: (point) => api.act("branch", point),
  };
  const steering = html`<${Steering} api=${api} view=${view} note=${note} setNote=${setNote} onAct=${(verb, args) => api.act(verb, args)} />`;
  const hasSteps = view.of > 0 && view.status !== "waiting";
  return html`<article class="board" aria-busy=${view.status === "running"}>
    <header>
      <div class="row head"><${Chip} ...${state} />
        <span class="small">${view.of > 0 && `${view.finished} of ${plural(view.of, "step")}`}${view.calls > 0 && ` · ${plural(view.calls, "image")}`}</span>
        <span class="small working" role="status">${working}</span></div>
      <h1><${Text}>${shortened(view.title, 60)}<//></h1>
      ${state.sentence && html`<p class=${`note ${state.tone}`}><${LongText} text=${state.sentence} length=${120} /></p>`}
      ${view.faults.length > 0 && html`<p class="note bad"><${LongText} text=${view.faults.join("\n")} length=${120} /></p>`}
    </header>
    <${Problem}>${trouble}<//>
    ${view.status === "waiting"
      ? html`<ol class="plan-list">${view.steps.map((one) => html`<li key=${one.n}><${LongText} length=${90} text=${one.instruction || one.prompt || one.caption} /></li>`)}</ol>
          <${PlanEditor} compact view=${view} approve=${(steps) => api.act("approve", { steps })} />`
      : hasSteps && html`<${Cells} api=${api} view=${view} shown=${step.n} onShow=${show} />
          <${StepPanel} api=${api} view=${view} step=${step} held=${held[1]} acts=${acts}>${steering}<//>`}
    ${!hasSteps && html`<div class="row">${steering}</div>`}
  </article>`;
}

const root = document.getElementById("app");
const api = new BoardApi({ theme: (theme) => (document.documentElement.dataset.theme = theme) });
render(html`<${Board} api=${api} />`, root);
api.start().catch((error) => render(html`<${Problem}>${readable(error.message)}<//>`, root));
