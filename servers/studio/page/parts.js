// Small pieces that board and studio share. Texts of models and people only ever become text nodes, isolated by <bdi>.

import { html, useState } from "./lib.js";
import { readable, shortened, wordDiff } from "./words.js";

/** A text by a model or a person. `lines` keeps its line breaks. */
const Text = ({ children, lines = false }) =>
  html`<bdi class=${lines ? "lines" : ""}>${readable(children)}</bdi>`;

const Chip = ({ word, tone, mark }) =>
  html`<span class=${`chip ${tone}`}>${mark && html`<span aria-hidden="true">${mark} </span>`}${word}</span>`;

/** A long text that starts short. */
function LongText({ text, length = 260 }) {
  const [whole, setWhole] = useState(false);
  if ([...readable(text)].length <= length * 1.25) return html`<${Text} lines>${text}<//>`;
  return html`<${Text} lines>${whole ? text : shortened(text, length)}<//>${" "}
    <button type="button" class="link" aria-expanded=${whole} onClick=${() => setWhole(!whole)}>
      ${whole ? "Shorter" : "Whole text"}
    </button>`;
}

/** A prompt with the words marked that it changed. */
function PromptChange({ before, after, length }) {
  if (before === after || before.length + after.length > (length ? 3 * length : 4000)) return html`<${LongText} text=${after} length=${length} />`;
  return html`<bdi>${wordDiff(before, after).map(([kind, text]) => {
    if (kind === "same") return readable(text);
    const Tag = kind === "removed" ? "del" : "ins";
    return html`<${Tag}><span class="sr">[${kind}: </span>${readable(text)}<span class="sr">]</span><//>`;
  })}</bdi>`;
}

const Problem = ({ children }) => children && html`<p class="note bad" role="alert"><${Text} lines>${children}<//></p>`;

/** A labelled text field that grows with its text. */
function Field({ label, value, onInput, rows = 2, hint, ...others }) {
  return html`<label class="field">
    <span class="label">${label}</span>
    <textarea rows=${rows} dir="auto" value=${value} onInput=${(event) => onInput(event.target.value)} ...${others} />
    ${hint && html`<span class="small">${hint}</span>`}
  </label>`;
}

export { Chip, Field, LongText, Problem, PromptChange, Text };
