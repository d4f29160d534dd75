// Two attempts of one trajectory, or two branches step by step, side by side.

import { AttemptWords, describe } from "./attempts.js";
import { html, useEffect, useRef } from "./lib.js";
import { useView } from "./live.js";
import { Chip, LongText, Problem, PromptChange, Text } from "./parts.js";
import { Picture } from "./pictures.js";
import { attemptName, attemptStanding, standing, stepStanding } from "./words.js";

function CompareAttempts({ api, view, pair, onClose }) {
  const dialog = useRef();
  useEffect(() => dialog.current.showModal(), []);
  const [[first, one], [second, two]] = pair;
  return html`<dialog ref=${dialog} class="compare" aria-label="Two attempts side by side" onClose=${onClose}>
    <form method="dialog" class="row"><h2>Two attempts</h2><button class="icon" aria-label="Close">✕</button></form>
    <div class="side-by-side">
      ${pair.map(([step, attempt]) => html`<div class="attempt">
        <div class="row head"><span class="small">Step ${step.n}, ${attemptName(step, attempt).toLowerCase()}</span><${Chip} ...${attemptStanding(attempt)} /></div>
        ${attempt.image
          ? html`<div class="frame"><${Picture} size="large" api=${api} sha256=${attempt.image} alt=${describe(view, step, attempt)} /></div>`
          : html`<div class="frame none"><span class="small">No image</span></div>`}
        <${AttemptWords} step=${step} attempt=${attempt} />
      </div>`)}
    </div>
    ${one.prompt !== two.prompt && html`<p><span class="label">From the first prompt to the second</span>
      <${PromptChange} before=${one.prompt} after=${two.prompt} /></p>`}
    ${one.prompt === two.prompt && first.n === second.n && html`<p class="small">Both have the same prompt; the seeds differ.</p>`}
  </dialog>`;
}

function CompareHead({ view, id, error }) {
  if (error) return html`<${Problem}>${error}<//>`;
  if (!view) return html`<p class="small">Loading ${id}…</p>`;
  return html`<div><${Chip} ...${standing(view.status, view)} />
    <h2><a href=${`#/t/${view.trajectory}`}><${Text}>${view.title}<//></a></h2>
    <p class="small">${view.trajectory} · ${view.calls} attempts · seed ${view.seed}</p></div>`;
}

function CompareCell({ api, view, index, other }) {
  const step = view?.steps[index];
  if (!step) return html`<div class="compare-cell empty"><span class="small">No such step</span></div>`;
  const kept = step.attempts.find((attempt) => attempt.selected);
  const words = kept?.prompt ?? step.prompt ?? step.caption;
  const otherStep = other?.steps[index];
  const otherWords = otherStep?.attempts.find((attempt) => attempt.selected)?.prompt ?? otherStep?.prompt ?? otherStep?.caption ?? words;
  const same = Boolean(kept?.image && otherStep?.image === kept.image);
  return html`<div class="compare-cell">
    ${kept?.image && html`<div class="frame"><${Picture} api=${api} sha256=${kept.image} alt=${describe(view, step, kept)} /></div>`}
    <div class="row head"><${Chip} ...${stepStanding(step, view)} />${same && html`<span class="small">the same image</span>`}</div>
    <p>${index >= 0 && other && words !== otherWords ? html`<${PromptChange} before=${otherWords} after=${words} />` : html`<${LongText} text=${words} />`}</p>
  </div>`;
}

function CompareBranches({ api, changes, ids }) {
  const one = useView(api, changes, ids[0]);
  const two = useView(api, changes, ids[1]);
  const count = Math.max(one.view?.steps.length ?? 0, two.view?.steps.length ?? 0);
  return html`<article class="compare-page">
    <p><a href=${`#/t/${ids[1]}`}>← Back</a></p>
    <h1>Two branches</h1>
    <div class="side-by-side heads"><${CompareHead} ...${one} id=${ids[0]} /><${CompareHead} ...${two} id=${ids[1]} /></div>
    <p class="small">On the right, words that the other branch does not have are underlined, and words that only it has are struck through.</p>
    <ol class="compare-steps">
      ${Array.from({ length: count }, (_, index) => html`<li key=${index}><h3>Step ${index + 1}</h3>
        <div class="side-by-side"><${CompareCell} api=${api} view=${one.view} index=${index} />
          <${CompareCell} api=${api} view=${two.view} index=${index} other=${one.view} /></div></li>`)}
    </ol>
  </article>`;
}

export { CompareAttempts, CompareBranches };
