// One attempt and what a person can do with it: accept, reject with words, keep it instead, branch.

import { html, useActions, useRef, useState } from "./lib.js";
import { Field, LongText, Problem, PromptChange } from "./parts.js";
import { AddImage, Picture, useUploads } from "./pictures.js";
import { attemptKey, attemptStanding, isOver, promptBefore } from "./words.js";

/** Whether a verdict by hand is possible: only on the first unfinished step, under the newest plan. */
const canJudge = (view, step, attempt) =>
  !isOver(view) && view.status !== "waiting" && step.n === view.finished + 1 && attempt.plan_version === view.plan_version;

/** Whether the next attempt of a step can be made by a branch. */
const canBranch = (view, step) => step.prompt !== null && step.n <= view.finished + 1 && view.status !== "waiting";

// No <form>: the frame of a chat program must not submit any.
function RejectForm({ api, attempt, Region, onSend, onClose }) {
  const [prompt, setPrompt] = useState(attempt.prompt);
  const [reason, setReason] = useState("");
  const region = useRef();
  const { busy, error, run } = useActions();
  const send = () => {
    run("reject", async () => {
      // Unchanged words are no words of the person: the next attempt then only has a new seed.
      const part = await region.current?.();
      await onSend({ accept: false, prompt: prompt.trim() === attempt.prompt.trim() ? null : prompt, reason, ...part });
      onClose();
    });
  };
  return html`<div class="inline-form" role="form" aria-label=${`Reject attempt ${attempt.n}`}>
    <${Field} label="Prompt of the next attempt" rows="3" value=${prompt} onInput=${setPrompt} />
    <${Field} label="What is wrong (optional)" rows="1" value=${reason} onInput=${setReason} />
    ${attempt.image && html`<${Region} api=${api} sha256=${attempt.image} result=${region} />`}
    <div class="row">
      <button type="button" class="primary" disabled=${busy} onClick=${send}>${busy ? "Sending…" : "Reject and try again"}</button>
      <button type="button" onClick=${onClose}>Close</button>
    </div>
    <${Problem}>${error}<//>
  </div>`;
}

function BranchForm({ api, step, attempt, onSend, onClose }) {
  const [prompt, setPrompt] = useState("");
  const [seed, setSeed] = useState("");
  const [image, setImage] = useState(null);
  const [uploads, uploading] = useUploads(api);
  const { busy, error, run } = useActions();
  const [imageError, setImageError] = useState("");
  const send = () => {
    run("branch", async () => {
      const text = seed.trim();
      if (text && !/^\d{1,15}$/.test(text)) throw new Error("A seed is a whole number from 0 on.");
      await onSend({
        step: step.n,
        attempt: attempt.n,
        prompt: prompt.trim() ? prompt : null,
        seed: text ? Number(text) : null,
        image: image?.sha256 ?? null,
      });
      onClose();
    });
  };
  return html`<div class="inline-form" role="form" aria-label=${`Branch at step ${step.n}, attempt ${attempt.n}`}>
    <p class="small">A branch is a new trajectory that keeps everything before this attempt.</p>
    <${Field} label="Other words for the step (optional)" rows="2" value=${prompt} onInput=${setPrompt}
      placeholder=${step.prompt ?? ""} />
    <label class="field"><span class="label">Seed (optional)</span>
      <input inputmode="numeric" value=${seed} onInput=${(event) => setSeed(event.target.value)} /></label>
    ${image && html`<div class="chosen"><${Picture} api=${api} sha256=${image.sha256} alt="Your image" /></div>`}
    <div class="row">
      <button type="button" class="primary" disabled=${busy || uploading} onClick=${send}>${busy ? "Branching…" : image ? "Branch with this image" : "Create branch"}</button>
      <${AddImage} api=${uploads} label=${image ? "Another image" : "Use my own image"} onError=${setImageError}
        onImage=${(added) => setImage(added)} />
      <button type="button" onClick=${onClose}>Close</button>
    </div>
    <${Problem}>${error || imageError}<//>
  </div>`;
}

/** Buttons for an attempt; `acts` has judge, branch, and Region: the part of an image to change, see `region.js`; perhaps hold, for what a form is open for. */
function AttemptActions({ api, view, step, attempt, acts, children }) {
  const [form, setForm] = useState("");
  const { busy, error, run } = useActions();
  const judgeable = canJudge(view, step, attempt);
  const branchable = canBranch(view, step);
  const keepable = branchable && attempt.image && !attempt.selected && !judgeable;
  const judge = (verdict) => acts.judge({ step: step.n, attempt: attempt.n, ...verdict });
  const toggle = (name) => {
    const open = form === name ? "" : name;
    setForm(open);
    acts.hold?.(open && [step.n, attemptKey(attempt)]); // News must not take away a form that somebody fills in.
  };
  const close = () => toggle(form);
  if (!judgeable && !branchable && !children) return null;
  return html`<div class="actions">
    <div class="row">
      ${judgeable && attempt.image && !(attempt.verdict === "accepted" && attempt.by_person) &&
      html`<button type="button" disabled=${busy}
        onClick=${() => run("accept", () => judge({ accept: true, prompt: null, reason: "" }))}>Accept</button>`}
      ${judgeable &&
      html`<button type="button" aria-expanded=${form === "reject"} onClick=${() => toggle("reject")}>Reject…</button>`}
      ${keepable &&
      html`<button type="button" disabled=${busy} title="Starts a branch that continues from this image"
        onClick=${() => run("keep", () => acts.branch({
          step: step.n, attempt: attempt.n, prompt: null, seed: null, choose: true,
        }))}>Keep this one</button>`}
      ${branchable &&
      html`<button type="button" aria-expanded=${form === "branch"} onClick=${() => toggle("branch")}>Branch…</button>`}
      ${children}
    </div>
    ${form === "reject" && html`<${RejectForm} api=${api} attempt=${attempt} Region=${acts.Region} onSend=${judge} onClose=${close} />`}
    ${form === "branch" &&
    html`<${BranchForm} api=${api} step=${step} attempt=${attempt} onSend=${acts.branch} onClose=${close} />`}
    <${Problem}>${error}<//>
  </div>`;
}

const describe = (view, step, attempt) =>
  `Step ${step.n}, attempt ${attempt.n}, ${attemptStanding(attempt).word}: ${attempt.prompt}`;

/** Prompt, reason and numbers of an attempt; `short` limits the first two to that many letters and leaves out the rest. */
function AttemptWords({ step, attempt, short }) {
  const before = promptBefore(step, attempt);
  const judge = attempt.verdict === "refused" ? "Image service" : attempt.by_person ? "Person" : "Critic";
  const numbers = [
    `seed ${attempt.seed}`,
    `${attempt.seconds.toFixed(1)} s`,
    attempt.confidence !== null && `P(success) ${attempt.confidence.toFixed(2)}`,
    attempt.place !== null && `place ${attempt.place} in comparison`,
    attempt.outdated && "outdated: a new plan or another image came first",
    attempt.masked && "changes only a region",
    attempt.drift && `drift ${attempt.drift.toFixed(3)}`,
  ];
  return html`<div class="words">
    <p><span class="label">${before === attempt.prompt ? "Prompt" : "Prompt, rewritten"}</span>
      <${PromptChange} before=${before} after=${attempt.prompt} length=${short} /></p>
    ${attempt.reason && html`<p><span class="label">${judge}</span><${LongText} text=${attempt.reason} length=${short} /></p>`}
    ${attempt.checklist.length > 0 &&
    html`<div><span class="label">Checklist</span><ul class="checklist">${attempt.checklist.map(
      (one) => html`<li>${one.met === null ? "? unsure" : one.met ? "✓ met" : "✗ not met"}: ${one.text}</li>`,
    )}</ul></div>`}
    ${!short && html`<p class="small">${attempt.selected && step.attempts.length > 1 && html`<strong>shown in the answer</strong> · `}
      ${numbers.filter(Boolean).join(" · ")}</p>`}
  </div>`;
}

export { AttemptActions, AttemptWords, canBranch, describe };
