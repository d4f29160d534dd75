"""How a trajectory and its steps stand, in words, and the commands that continue from there."""

from dataclasses import dataclass
from typing import Literal

from interleavethinker.graph.document import Document, left_undone, status_of
from interleavethinker.graph.limits import StopReason, explain
from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.tools.types import Attempt, Verdict

__all__ = [
    "STATUS_SUFFIXES",
    "Outcome",
    "StepState",
    "Tone",
    "branch_command",
    "opening_notes",
    "outcome_of",
    "step_state",
    "verdict_words",
]

STATUS_SUFFIXES = {"best_effort": " (best effort)", "not_judged": " (not judged)", "refused": " (no image)"}
"""What a step's heading adds to its words, by its status."""

Tone = Literal["good", "fair", "bad", "calm"]
"""How pages color a status; the words carry the meaning."""


@dataclass(frozen=True)
class Outcome:
    """How a trajectory stands."""

    word: str
    tone: Tone
    sentence: str
    """Why it stands there; empty if the word says it all."""
    command: str = ""
    """Command that continues it; empty if there is none."""


@dataclass(frozen=True)
class StepState:
    """How a step stands."""

    word: str
    tone: Tone


def opening_notes(document: Document) -> list[str]:
    """Returns what a document says before its first step: how it ended, if it did, and its notes."""
    status = [f"{document.status.capitalize()}."] if document.complete else []
    return [*status, *document.notes]


def outcome_of(trajectory: Trajectory) -> Outcome:
    """Returns how a trajectory stands and why."""
    resume = f"interleavethinker resume {trajectory.id}"
    match trajectory.status:
        case "done":
            return _ended(trajectory)
        case "failed":
            return Outcome("failed", "bad", trajectory.reason, resume)
        case "cancelled":
            return Outcome("cancelled", "bad", "Cancelled by a person. A branch can continue from any attempt.")
        case "waiting":
            sentence = "The plan waits for a person's approval; nothing is generated before that."
            return Outcome("waiting for approval", "fair", sentence, f"interleavethinker approve {trajectory.id}")
        case "paused":
            return Outcome("paused", "fair", "Paused. Resuming repeats no finished image.", resume)
        case "interrupted":
            sentence = "The process ended before the trajectory did. Resuming repeats no finished image."
            return Outcome("interrupted", "fair", sentence, resume)
        case "running":
            sentence = "The trajectory was running when this page was written; export it again for a newer page."
            return Outcome("running", "calm", sentence, f"interleavethinker export {trajectory.id}")
        case _:
            return Outcome("not started", "calm", "Nothing has been planned or generated yet.", resume)


def _ended(trajectory: Trajectory) -> Outcome:
    reason = trajectory.stop_reason or StopReason.COMPLETE
    if reason == StopReason.REJECTED:
        return Outcome("plan rejected", "bad", explain(reason, trajectory.limits))
    if reason != StopReason.COMPLETE:
        if trajectory.plan is None:
            return Outcome("stopped by a limit", "fair", explain(reason, trajectory.limits))
        left = left_undone(trajectory.plan, trajectory.document.blocks)
        return Outcome("stopped by a limit", "fair", explain(reason, trajectory.limits, left))
    steps, document = len(trajectory.plan.steps) if trajectory.plan else 0, trajectory.document
    finished = "The only step is finished." if steps == 1 else f"All {steps} steps are finished."
    if document.faults:
        return Outcome(document.status, "bad", finished)
    doubtful = any(block.status in {"best_effort", "not_judged", "refused"} for block in document.blocks)
    if not document.checked:
        sentence = f"{finished} Whether the answer fulfills the whole request was not checked."
        return Outcome(document.status, "fair" if doubtful else "calm", sentence)
    sentence = f"{finished} The check of the answer against the request found no fault."
    return Outcome(document.status, "fair" if doubtful else "good", sentence)


def step_state(trajectory: Trajectory, index: int) -> StepState:
    """Returns how a step of the newest plan stands."""
    plan, selected = trajectory.plan, trajectory.selected(index)
    if plan is None or index >= len(plan.steps):
        return StepState("dropped from the plan", "calm")
    ended = trajectory.stop_reason is not None or trajectory.status == "cancelled"
    shown = {block.step for block in trajectory.document.blocks}
    # What ran side by side with the current step may be in the document.
    beside = index > trajectory.current_step and index in shown
    finished = index < trajectory.current_step or (beside and (ended or plan.steps[index].prompt is None))
    if plan.steps[index].prompt is None:
        return StepState("text only" if finished else "not reached" if ended else "pending", "calm")
    if selected is None and finished:
        return StepState("refused", "bad")
    if selected is None:
        return StepState("not generated" if ended else "pending", "calm")
    if selected.verdict is not None and selected.verdict.success:
        return StepState("accepted by a person" if selected.verdict.by_hand else "accepted", "good")
    if not finished and not ended:
        return StepState("in progress", "calm")
    return StepState(status_of(selected).replace("_", " "), "fair")


def verdict_words(verdict: Verdict | None) -> StepState:
    """Returns a verdict in words."""
    if verdict is None or verdict.success is None:
        return StepState("not judged", "fair")
    word = "accepted" if verdict.success else "rejected"
    return StepState(f"{word} by a person" if verdict.by_hand else word, "good" if verdict.success else "bad")


def branch_command(trajectory: Trajectory, index: int, attempts: list[Attempt]) -> str:
    """Returns the command that makes a new trajectory from a step; empty if the step cannot be branched yet."""
    plan = trajectory.plan
    if plan is None or index > trajectory.current_step or not attempts:
        return ""
    return f"interleavethinker branch {trajectory.id} {index + 1}"
