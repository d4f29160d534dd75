// Words of the page: how a trajectory, a step and an attempt stand, and which words of a prompt changed.
// Pure functions of the view, which the server describes in `servers/trajectories/view.py`.

export const plural = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

/** Text as a reader sees it: without terminal colors and control characters, which models sometimes write. */
export const readable = (text) =>
  String(text ?? "")
    .replace(/\u001b\[[0-9;?]*[ -/]*[@-~]/g, "")
    // eslint-disable-next-line no-control-regex
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "");

export const shortened = (text, length) => {
  const letters = [...readable(text)];
  return letters.length <= length ? letters.join("") : `${letters.slice(0, length - 1).join("")}…`;
};

const DONE = { "complete and checked": "good", "complete, not checked": "calm", "complete with known faults": "bad", incomplete: "fair" };

const STANDINGS = {
  running: ["running", "calm", ""],
  waiting: ["waiting for approval", "fair", "The plan waits for your approval. Nothing is generated before that."],
  paused: ["paused", "fair", "Paused. Resuming repeats no finished image."],
  interrupted: ["interrupted", "fair", "Its program ended. Resuming repeats no finished image."],
  failed: ["failed", "bad", "Stopped by an error."],
  cancelled: ["cancelled", "calm", "Cancelled. A branch continues from any attempt."],
  ready: ["not started", "calm", "Nothing is planned yet."],
};

/** Returns the status in a word or two, how to color it, and why it stands there unless all steps are finished. */
export function standing(status, view) {
  const [known, tone, sentence] = STANDINGS[status] ?? [];
  if (known) return { word: known, tone, sentence: (status === "failed" && view?.reason) || sentence };
  if (!view) return { word: "done", tone: "good", sentence: "" };
  if (view.stop_reason && view.stop_reason !== "complete")
    return { word: view.stop_reason === "rejected" ? "plan rejected" : "stopped by a limit", tone: "fair", sentence: view.notes[0] };
  const color = DONE[view.document_status] ?? "calm";
  const doubtful = view.steps.some((step) => ["best_effort", "not_judged", "refused"].includes(step.status));
  return { word: view.document_status, tone: doubtful && color !== "bad" ? "fair" : color, sentence: "" };
}

/** Whether it stopped before its end without an order to end. */
export const canResume = (view) => "paused interrupted failed ready".includes(view.status);

/** Whether it goes on with other limits: one that is to be resumed, or one that a limit ended. */
export const canGoOn = (view) => canResume(view) || (view.status === "done" && /max|limit/.test(view.stop_reason));

/** Returns the number in a field, whole and at least `least`, or else any positive one; null if it is empty. */
export function number(text, name, least) {
  if (!text.trim()) return null;
  const value = Number(text.trim().replace(/^\$\s*/, "") || NaN);
  if (least === undefined ? !(value > 0 && value < Infinity) : !Number.isInteger(value) || value < least)
    throw new Error(`${name} must be a ${least === undefined ? "positive number" : `whole number of at least ${least}`}.`);
  return value;
}

export const isOver = (view) => view.status === "done" || view.status === "cancelled";

export function stepStanding(step, view) {
  const selected = step.attempts.find((attempt) => attempt.selected);
  switch (step.status) {
    case "accepted":
      return { word: selected?.by_person ? "accepted by a person" : "accepted", tone: "good" };
    case "best_effort":
      return { word: "best effort", tone: "fair" };
    case "not_judged":
      return { word: "not judged", tone: "fair" };
    case "refused":
      return { word: "refused", tone: "bad" };
    case "text_only":
      return { word: "text only", tone: "calm" };
    case "current":
      return view.status === "running" ? { word: "in progress", tone: "calm" } : { word: "next", tone: "calm" };
    default:
      return { word: isOver(view) ? "not generated" : "to come", tone: "calm" };
  }
}

export function attemptStanding(attempt) {
  const person = attempt.by_person ? " by a person" : "";
  switch (attempt.verdict) {
    case "accepted":
      return { word: `accepted${person}`, tone: "good", mark: "✓" };
    case "rejected":
      return { word: `rejected${person}`, tone: "bad", mark: "✗" };
    case "refused":
      return { word: "refused", tone: "bad", mark: "✗" };
    case "unjudged":
      return { word: "not judged", tone: "fair" };
    default:
      return { word: "not judged yet", tone: "calm" };
  }
}

export function workWords(work) {
  if (!work) return "";
  const where = work.step ? `step ${work.step}${work.attempt > 1 ? `, attempt ${work.attempt}` : ""}` : "";
  const share = work.fraction ? ` (${Math.round(work.fraction * 100)} %)` : "";
  switch (work.phase) {
    case "loading":
      return "Loading the models";
    case "planning":
      return "Writing the plan";
    case "generating":
      return `Generating ${where || "an image"}${share}`;
    case "judging":
      return `Judging ${where || "the image"}`;
    default:
      return work.message || "Waiting for the model’s provider";
  }
}

/** Name of an attempt for people; the plan version only where the step has attempts of several plans. */
export function attemptName(step, attempt) {
  const plans = new Set(step.attempts.map((one) => one.plan_version));
  return plans.size > 1 ? `Attempt ${attempt.n}, plan ${attempt.plan_version}` : `Attempt ${attempt.n}`;
}

export const attemptKey = (attempt) => `${attempt.plan_version}.${attempt.n}`;

/** The prompt that an attempt changed: that of the attempt before it, or the plan's. */
export function promptBefore(step, attempt) {
  const position = step.attempts.indexOf(attempt);
  return position > 0 ? step.attempts[position - 1].prompt : step.prompt ?? attempt.prompt;
}

const WORD = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]\s*|[\p{L}\p{M}\p{N}_'’-]+\s*|[^\p{L}\p{M}\p{N}_\s]\s*/gu;
const MAX_COMPARISONS = 1_000_000;
const RELATED = 0.3; // Share of equal words below which marking single words would leave only scraps.

/** Returns [kind, text] passages; leaving out the removed ones gives `after`, apart from white space. */
export function wordDiff(before, after) {
  if (before === after) return [["same", after]];
  const old = before.match(WORD) ?? [];
  const fresh = after.match(WORD) ?? [];
  const replaced = [["removed", before.trim()], ["same", " "], ["added", after.trim()]].filter(([, text]) => text);
  if (!old.length || !fresh.length || old.length * fresh.length > MAX_COMPARISONS) return replaced;
  const equal = (i, j) => old[i].trim() === fresh[j].trim();
  const width = fresh.length + 1;
  const lengths = new Uint16Array((old.length + 1) * width); // Longest common subsequence of the remaining words.
  for (let i = old.length - 1; i >= 0; i--)
    for (let j = fresh.length - 1; j >= 0; j--)
      lengths[i * width + j] = equal(i, j)
        ? lengths[(i + 1) * width + j + 1] + 1
        : Math.max(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
  if ((2 * lengths[0]) / (old.length + fresh.length) < RELATED) return replaced;
  const passages = [];
  const add = (kind, word) => {
    const last = passages.at(-1);
    if (last?.[0] === kind) last[1] += word;
    else passages.push([kind, word]);
  };
  let i = 0;
  let j = 0;
  while (i < old.length || j < fresh.length) {
    if (i < old.length && j < fresh.length && equal(i, j)) {
      add("same", fresh[j]);
      i += 1;
      j += 1;
    } else if (i < old.length && (j === fresh.length || lengths[(i + 1) * width + j] >= lengths[i * width + j + 1])) {
      add("removed", old[i]);
      i += 1;
    } else {
      add("added", fresh[j]);
      j += 1;
    }
  }
  // White space after a changed word is not marked.
  return passages.flatMap(([kind, text]) =>
    kind === "same" || text === text.trimEnd() ? [[kind, text]] : [[kind, text.trimEnd()], ["same", " "]],
  );
}
