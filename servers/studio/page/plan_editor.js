// The plan while it waits for approval: reorder, edit, add and remove steps, then approve.

import { html, useActions, useEffect, useLayoutEffect, useRef, useState } from "./lib.js";
import { Field, Problem } from "./parts.js";
import { plural } from "./words.js";

let lastKey = 0;
/** Fields that only those steps show which have them. */
const EXTRAS = { size: "Image size or shape", starts_from: "Starts from", references: "Looks at" };
const draftOf = (step) => {
  const extras = Object.keys(EXTRAS).filter((name) => step?.[name]?.length);
  return {
    key: ++lastKey,
    instruction: step?.instruction ?? "",
    prompt: step?.prompt ?? "",
    auxiliary_text: step?.caption ?? "",
    extras,
    ...Object.fromEntries(extras.map((name) => [name, String(step[name])])),
  };
};
const textOf = (value) => (value.trim() ? value : null);
const stepOf = (draft) => ({
  instruction: textOf(draft.instruction),
  prompt: textOf(draft.prompt),
  auxiliary_text: textOf(draft.auxiliary_text),
  ...Object.fromEntries(draft.extras.filter((name) => textOf(draft[name])).map((name) =>
    [name, name === "references" ? draft[name].split(",").map((one) => one.trim()).filter(Boolean) : draft[name].trim()])),
});
const isEmpty = (draft) => !draft.instruction.trim() && !draft.prompt.trim() && !draft.auxiliary_text.trim();
const asJson = (drafts) => JSON.stringify(drafts.map(stepOf));

function StepFields({ draft, number, count, onChange, onMove, onRemove }) {
  const change = (name) => (value) => onChange({ ...draft, [name]: value });
  return html`<li class="plan-step" data-key=${draft.key}>
    <div class="plan-head">
      <h3>Step ${number}</h3>
      <div class="row">
        <button type="button" class="icon" aria-label=${`Move step ${number} up`} disabled=${number === 1}
          onClick=${() => onMove(-1)}>↑</button>
        <button type="button" class="icon" aria-label=${`Move step ${number} down`} disabled=${number === count}
          onClick=${() => onMove(1)}>↓</button>
        <button type="button" class="icon" aria-label=${`Remove step ${number}`} disabled=${count === 1}
          onClick=${onRemove}>✕</button>
      </div>
    </div>
    <${Field} label="Heading" rows="1" value=${draft.instruction} onInput=${change("instruction")} />
    <${Field} label="Prompt for the image" rows="2" value=${draft.prompt} onInput=${change("prompt")}
      placeholder="No image: this step is text only" />
    <${Field} label="Text beside the image" rows="1" value=${draft.auxiliary_text} onInput=${change("auxiliary_text")} />
    ${draft.extras.map((name) => html`<${Field} label=${EXTRAS[name]} rows="1" value=${draft[name]} onInput=${change(name)} />`)}
  </li>`;
}

/**
 * Shows the plan's steps for editing. New versions of the view leave a person's changes alone.
 *
 * `approve(steps)` gets null for an unchanged plan. `memory` may keep changes of a version of the plan: it has `get` and
 * `set`, which takes null for an unchanged one.
 */
function PlanEditor({ view, approve, memory, compact = false }) {
  const original = () => view.steps.map(draftOf);
  const version = `${view.trajectory}/${view.plan_version}`;
  const [drafts, setDrafts] = useState(() => memory?.get(version)?.map((draft) => ({ ...draft, key: ++lastKey })) ?? original());
  const [editing, setEditing] = useState(!compact);
  const { busy, error, run } = useActions();
  const list = useRef();
  const focusNext = useRef(null);
  const shownVersion = useRef(version);
  useEffect(() => {
    if (shownVersion.current === version) return;
    shownVersion.current = version;
    setDrafts(original());
  }, [version]);
  useEffect(() => {
    // A moved step keeps the keyboard's focus; after a removal it goes to the step that took the place.
    const key = focusNext.current;
    focusNext.current = null;
    if (key !== null) list.current?.querySelector(`[data-key="${key}"] textarea`)?.focus();
  }, [drafts]);

  const changed = asJson(drafts) !== asJson(view.steps.map(draftOf));
  useLayoutEffect(() => memory?.set(version, changed ? drafts : null), [drafts]); // At once: see `NewRequest`.
  const edit = (change) => setDrafts((old) => change([...old]));
  const move = (index, by) => {
    const moved = drafts[index];
    edit((steps) => {
      steps.splice(index, 1);
      steps.splice(index + by, 0, moved);
      return steps;
    });
  };
  const remove = (index) => {
    focusNext.current = (drafts[index + 1] ?? drafts[index - 1]).key;
    edit((steps) => steps.toSpliced(index, 1));
  };
  const add = () => {
    const fresh = draftOf(null);
    focusNext.current = fresh.key;
    edit((steps) => [...steps, fresh]);
  };
  const send = () =>
    run("approve", async () => {
      const kept = drafts.filter((draft) => !isEmpty(draft));
      if (!kept.length) throw new Error("The plan needs at least one step with a prompt or a text.");
      await approve(changed ? kept.map(stepOf) : null);
    });

  return html`<section class="plan-editor" aria-label="Plan that waits for approval">
    ${compact && html`<h2 class="sr">Plan</h2>`}
    ${editing &&
    html`<ol ref=${list}>
      ${drafts.map(
        (draft, index) => html`<${StepFields}
          key=${draft.key} draft=${draft} number=${index + 1} count=${drafts.length}
          onChange=${(fresh) => edit((steps) => steps.with(index, fresh))}
          onMove=${(by) => move(index, by)} onRemove=${() => remove(index)} />`,
      )}
    </ol>`}
    <div class="row">
      <button type="button" class="primary" disabled=${busy} onClick=${send}>
        ${busy ? "Approving…" : changed ? `Approve changed plan (${plural(drafts.length, "step")})` : "Approve plan"}
      </button>
      ${editing && html`<button type="button" onClick=${add}>Add step</button>`}
      ${!editing && html`<button type="button" onClick=${() => setEditing(true)}>Edit steps</button>`}
      ${changed && html`<button type="button" onClick=${() => setDrafts(original())}>Undo changes</button>`}
    </div>
    <${Problem}>${error}<//>
  </section>`;
}

export { PlanEditor };
