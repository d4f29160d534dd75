// The limits of work and cost: their fields, for a new request and for a trajectory that goes on.

import { html } from "./lib.js";
import { number } from "./words.js";

const DRIFT = { "": "default", nothing: "do nothing", note: "note it in the document", redraw: "redraw from an earlier image", restart: "restart from the text" };

/** What the fields hold at first: nothing, which keeps a limit as it is. */
export const NO_LIMITS = { attempts: "", variants: "", calls: "", seconds: "", cost: "", drift: "", damage: "" };

/** Returns what the fields ask for, as the studio takes it. */
export const limitsIn = (form) => ({
  max_attempts: number(form.attempts, "Attempts per step", 1),
  variants: number(form.variants, "First attempts per step", 1),
  max_calls: number(form.calls, "Generator calls in all", 1),
  time_limit: number(form.seconds, "Seconds of work"),
  max_cost: number(form.cost, "Cost in US dollars"),
  on_drift: form.drift || null,
  max_drift: number(form.damage, "Damage by edits that is tolerated"),
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
