// One attempt as a card of the studio; the storyboard in a chat shows one at a time, without a card.

import { AttemptActions, AttemptWords, describe } from "./attempts.js";
import { html } from "./lib.js";
import { Chip } from "./parts.js";
import { Picture } from "./pictures.js";
import { attemptName, attemptStanding } from "./words.js";

function AttemptCard({ api, view, step, attempt, acts, children }) {
  const standing = attemptStanding(attempt);
  return html`<li class=${`attempt ${standing.tone}`}>
    <div class="row head"><span class="small">${attemptName(step, attempt)}</span><${Chip} ...${standing} /></div>
    ${attempt.image
      ? html`<div class="frame"><${Picture} api=${api} sha256=${attempt.image} alt=${describe(view, step, attempt)} /></div>`
      : html`<div class="frame none"><span class="small">No image</span></div>`}
    <${AttemptWords} step=${step} attempt=${attempt} />
    <${AttemptActions} api=${api} view=${view} step=${step} attempt=${attempt} acts=${acts}>${children}<//>
  </li>`;
}

export { AttemptCard };
