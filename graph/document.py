"""The interleaved document, which can be assembled at any point of a trajectory.

The document is a pure function of the state. A block holds text or the name of an image. Each block carries its step
and the step's status, so that a best effort is always distinguishable from an accepted image.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

from interleavethinker.tools.renamed_fields import with_new_names
from interleavethinker.tools.types import Attempt, CheckReport, Plan, Sha256

from .attempts import selected_attempt
from .drift_notes import drift_notes
from .limits import Limits, StopReason, explain

__all__ = ["Block", "Document", "DocumentStatus", "StepStatus", "assemble", "left_undone", "status_of"]

DocumentStatus = Literal["incomplete", "complete and checked", "complete, not checked", "complete with known faults"]
"""Whether all steps are finished, and the result of the check against the request."""

_MOST_NAMED = 8
"""Steps that a sentence names by their numbers."""

StepStatus = Literal["accepted", "best_effort", "not_judged", "refused", "text_only"]
"""Result of a step: accepted by the critic or a person, best attempt kept although all were rejected, an image that
nobody judged, no image because the image service refused every prompt, or a step without a prompt."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Block(_Frozen):
    """One piece of the document, in reading order."""

    kind: Literal["heading", "image", "text"]
    step: int
    """Index in the plan, from 0."""
    status: StepStatus
    text: str = ""
    """The text; for an image, the prompt that it was generated from."""
    sha256: Sha256 | None = None
    """Name of the image in the workspace's store."""

    @model_validator(mode="before")
    @classmethod
    def _read_old_names(cls, data: object) -> object:
        return with_new_names(data, {"mark": "status"})


class Document(_Frozen):
    """The answer to a request. `complete` is false while steps are missing; `notes` name its limitations and faults."""

    blocks: tuple[Block, ...] = ()
    complete: bool = False
    notes: tuple[str, ...] = ()
    checked: bool = False
    """Whether the document was checked against the request, and the check could decide; false in old records."""
    faults: tuple[str, ...] = ()
    """What the checks of the plan and of the document found wrong or missing, one sentence each."""
    sources: tuple[str, ...] = ()
    """Where facts come from that were looked up before planning: web addresses, or the names of tools."""

    @property
    def status(self) -> DocumentStatus:
        """How far the document can be trusted to show what the request asks for."""
        if not self.complete:
            return "incomplete"
        if self.faults:
            return "complete with known faults"
        return "complete and checked" if self.checked else "complete, not checked"

    @property
    def images(self) -> tuple[Sha256, ...]:
        """Names of the images, in reading order."""
        return tuple(block.sha256 for block in self.blocks if block.sha256 is not None)

    @property
    def text(self) -> str:
        """All text outside images, one line per block."""
        return "\n".join(block.text for block in self.blocks if block.kind != "image")


def assemble(
    plan: Plan | None,
    attempts: Mapping[str, Attempt],
    current_step: int,
    stop_reason: StopReason | None,
    limits: Limits,
    requested_steps: int | None = None,
    report: CheckReport | None = None,
    sources: tuple[str, ...] = (),
    *,
    at_rest: bool = False,
) -> Document:
    """Builds the document from everything generated so far.

    Args:
        plan: The newest plan; None before planning.
        attempts: All attempts, by key.
        current_step: First unfinished step. Its best attempt is included if there is one; while nothing runs, also
            those of later steps, which ran side by side with it.
        stop_reason: Why the trajectory ended; None while it has not ended.
        limits: Limits of the trajectory, for the note about a reached limit.
        requested_steps: Number of steps that the request asks for, if it names one.
        report: Result of the document check; None if there was none.
        sources: Where facts come from that were looked up before planning.
        at_rest: Whether nothing runs although the trajectory has not ended by itself: it was paused or cancelled, waits
            for a person, or failed.
    """
    if plan is None:
        sentence = "" if stop_reason is None else explain(stop_reason, limits)
        return Document(notes=(sentence,) if sentence else ())
    blocks: list[Block] = []
    shown: Counter[StepStatus] = Counter()
    ended = stop_reason is not None
    for index in _steps_to_show(plan, attempts, current_step, ended=ended, at_rest=at_rest):
        # Another prompt may follow where an image was refused, but nothing follows for a text.
        finished = index < current_step or (index > current_step and (ended or plan.steps[index].prompt is None))
        step_blocks = _step_blocks(plan, attempts, index, finished)
        blocks += step_blocks
        if index < current_step or ended:  # Others may still be accepted.
            shown.update({block.status for block in step_blocks})
    notes = []
    if stop_reason is not None and (sentence := explain(stop_reason, limits, left_undone(plan, blocks))):
        notes.append(sentence)
    missing = _missing(plan, blocks)
    if not ended and missing and missing[0] < max((block.step for block in blocks), default=-1):
        notes.append(f"{_not_generated(missing).capitalize()} so far.")
    if shown["best_effort"]:
        notes.append(f"{_steps_show(shown['best_effort'])} a best effort: no attempt was accepted.")
    if shown["not_judged"]:
        notes.append(f"{_steps_show(shown['not_judged'])} an image that was not judged.")
    if shown["refused"]:
        steps = "1 step has" if shown["refused"] == 1 else f"{shown['refused']} steps have"
        notes.append(f"{steps} no image: the image service refused the content.")
    notes += [
        f"Step {index + 1}: {attempt.note}"
        for index in dict.fromkeys(block.step for block in blocks if block.kind == "image")
        if (attempt := selected_attempt(attempts, index)) is not None and attempt.note
    ]
    notes += drift_notes(plan, attempts, len(plan.steps) if ended or at_rest else current_step, limits)
    reports = [one for one in (plan.report, report) if one is not None]
    faults = dict.fromkeys(fault for one in reports for fault in one.faults)
    notes += dict.fromkeys(note for one in reports for note in one.notes)
    if requested_steps is not None and requested_steps != len(plan.steps):
        note = f"The request asks for {requested_steps} steps; the plan has {len(plan.steps)}."
        notes += [] if note in faults else [note]
    notes += [f"Known fault: {fault}" for fault in faults]
    return Document(
        blocks=tuple(blocks),
        complete=stop_reason == StopReason.COMPLETE,
        notes=tuple(notes),
        checked=report is not None and report.checked,
        faults=tuple(faults),
        sources=sources,
    )


def status_of(attempt: Attempt | None) -> StepStatus:
    """Returns the status of a finished step that has a prompt and shows this attempt, or none."""
    if attempt is None:
        return "refused"
    if attempt.verdict is None or attempt.verdict.success is None:
        return "not_judged"
    return "accepted" if attempt.verdict.success else "best_effort"


def left_undone(plan: Plan, blocks: Iterable[Block]) -> str:
    """Returns what a limit left undone, as the end of a sentence.

    Args:
        plan: The newest plan.
        blocks: Those of the document.
    """
    blocks = tuple(blocks)
    missing = _missing(plan, blocks)
    if not missing:
        return "not every step was finished"
    if missing[0] > max((block.step for block in blocks), default=-1):
        return "later steps were not generated"
    return _not_generated(missing)


def _missing(plan: Plan, blocks: Iterable[Block]) -> list[int]:
    """Returns the indices of the steps with a prompt of which a document shows nothing."""
    shown = {block.step for block in blocks}
    return [index for index, step in enumerate(plan.steps) if step.prompt is not None and index not in shown]


def _not_generated(missing: Sequence[int]) -> str:
    if len(missing) > _MOST_NAMED:
        return f"{len(missing)} steps were not generated"
    if len(missing) == 1:
        return f"step {missing[0] + 1} was not generated"
    return f"steps {', '.join(str(index + 1) for index in missing[:-1])} and {missing[-1] + 1} were not generated"


def _steps_show(count: int) -> str:
    return "1 step shows" if count == 1 else f"{count} steps show"


def _steps_to_show(
    plan: Plan, attempts: Mapping[str, Attempt], current_step: int, *, ended: bool, at_rest: bool
) -> list[int]:
    """Returns the indices of the steps that may be shown.

    While the trajectory runs, what was made ahead of the current step may become outdated at any moment. Whatever has
    not when nothing runs is part of the document, with the texts before it.
    """
    steps = list(range(min(current_step + 1, len(plan.steps))))
    if not (ended or at_rest):
        return steps
    begun = {
        one.step
        for one in attempts.values()
        if one.plan_version == plan.version and not one.outdated and (ended or one.image is not None)
    }
    later = range(current_step + 1, min(max(begun, default=-1) + 1, len(plan.steps)))
    return steps + [index for index in later if index in begun or plan.steps[index].prompt is None]


def _step_blocks(plan: Plan, attempts: Mapping[str, Attempt], index: int, finished: bool) -> list[Block]:
    step = plan.steps[index]
    selected = selected_attempt(attempts, index) if step.prompt is not None else None
    refusals = [one for one in attempts.values() if one.step == index and one.image is None and not one.outdated]
    if selected is None and not (finished and (step.prompt is None or refusals)):
        return []
    status: StepStatus = "text_only" if step.prompt is None else status_of(selected)
    blocks = []
    if step.instruction:
        blocks.append(Block(kind="heading", step=index, status=status, text=step.instruction))
    if selected is not None:
        image = Block(kind="image", step=index, status=status, text=selected.prompt, sha256=selected.image)
        blocks.append(image)
    elif refusals:
        newest = max(refusals, key=lambda one: (one.plan_version, one.iteration))
        blocks.append(Block(kind="text", step=index, status=status, text=f"[No image. {newest.refusal}]"))
    if step.auxiliary_text:
        blocks.append(Block(kind="text", step=index, status=status, text=step.auxiliary_text))
    return blocks
