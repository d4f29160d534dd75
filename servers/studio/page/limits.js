// The limits of work and cost: their fields, for a new request and for a trajectory that goes on.

import { html } from "./lib.js";
import { canResume } from "./words.js";

const DRIFT = { "": "default", nothing: "go on", note: "say so in the document", redraw: "redraw from an earlier image", restart: "draw again from the start" };

/** Whether a trajectory runs on with other limits: one that is to be resumed, or one that a limit ended. */
export const canGoOn = (view) =>
  canResume(view) || (view.status === "done" && ["max_calls", "max_cost", "time_limit", "host_limit"].includes(view.stop_reason));

/** What the fields hold at first: nothing, which keeps a limit as it is. */
export const NO_LIMITS = { attempts: "", variants: "", calls: "", seconds: "", cost: "", drift: "", damage: "" };

/** Returns the number in a field; null if it is empty. */
export function number(text, name, least) {
  if (!text.trim()) return null;
  const value = Number(text.trim().replace(/^\$\s*/, "") || NaN);
  if (!Number.isFinite(value) || value < least) throw new Error(`${name} must be a number from ${least} on.`);
  return value;
}

/** Returns what the fields ask for, as the studio takes it. */
export const limitsIn = (form) => ({
  max_attempts: number(form.attempts, "Attempts per step", 1),
  variants: number(form.variants, "First attempts per step", 1),
  max_calls: number(form.calls, "Generator calls", 1),
  time_limit: number(form.seconds, "Seconds of work", 1),
  max_cost: number(form.cost, "The limit of cost", 0),
  on_drift: form.drift || null,
  max_drift: number(form.damage, "The damage that is tolerated", 0),
});

export function LimitFields({ form, limits, onChange, keep = "default" }) {
  const small = (name, label, placeholder) => html`<label class="field"><span class="label">${label}</span>
    <input inputmode=${name === "cost" || name === "damage" ? "decimal" : "numeric"} placeholder=${placeholder ?? ""} value=${form[name]}
      onInput=${(event) => onChange({ [name]: event.target.value })} /></label>`;
  return html`${small("attempts", "Attempts per step", limits.max_attempts)}
    ${small("variants", "First attempts per step, to choose from", limits.variants)}
    ${small("calls", "Generator calls in all", limits.max_calls ?? "no limit")}
    ${small("seconds", "Seconds of work", limits.time_limit ?? "no limit")}
    ${small("cost", "Cost in US dollars", limits.max_cost ?? "no limit")}
    <label class="field"><span class="label">If edits damage the image</span>
      <select value=${form.drift} onChange=${(event) => onChange({ drift: event.target.value })}>
        ${Object.entries(DRIFT).map(([value, label]) => html`<option value=${value}>${value ? label : keep}</option>`)}
      </select></label>
    ${small("damage", "Damage by edits that is tolerated", limits.drift?.threshold)}`;
}
