"""The interleaved document: what a trajectory gives its reader, at any moment of its life.

A pure function of the state. Blocks hold text or an image's name; each carries its step and that step's status, so
that a best effort is never passed off as a success.
"""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

from interleavethinker.tools.renamed_fields import with_new_names
from interleavethinker.tools.types import Attempt, Plan, Sha256

from .attempts import selected_attempt
from .limits import Limits, StopReason, explain

__all__ = ["Block", "Document", "StepStatus", "assemble"]

StepStatus = Literal["accepted", "best_effort", "text_only"]
"""What became of a step: the critic (or a person) accepted it, its best attempt was kept, or it has no image at all."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Block(_Frozen):
    """One piece of the document, in reading order."""

    kind: Literal["heading", "image", "text"]
    step: int
    """Index in the plan, from 0."""
    status: StepStatus
    text: str = ""
    """The words; for an image, what it was asked to show."""
    sha256: Sha256 | None = None
    """The image's name in the workspace store."""

    @model_validator(mode="before")
    @classmethod
    def _read_old_names(cls, data: object) -> object:
        return with_new_names(data, {"mark": "status"})


class Document(_Frozen):
    """What the reader gets. `complete` is false while steps are missing; `notes` say what a reader should know."""

    blocks: tuple[Block, ...] = ()
    complete: bool = False
    notes: tuple[str, ...] = ()

    @property
    def images(self) -> tuple[Sha256, ...]:
        """The images, in order."""
        return tuple(block.sha256 for block in self.blocks if block.sha256 is not None)

    @property
    def text(self) -> str:
        """All words outside images, one block a line."""
        return "\n".join(block.text for block in self.blocks if block.kind != "image")


def assemble(
    plan: Plan | None,
    attempts: Mapping[str, Attempt],
    current_step: int,
    stop_reason: StopReason | None,
    limits: Limits,
    asked_steps: int | None = None,
) -> Document:
    """Builds the document of everything made so far.

    Args:
        plan: The newest plan; None before there is one.
        attempts: All attempts.
        current_step: The first step that is not finished; an unfinished step's best attempt is shown too.
        stop_reason: Why the trajectory ended, or None while it has not.
        limits: Used to word the note about a spent limit.
        asked_steps: The number of steps that the user named, if any.
    """
    notes = []
    if stop_reason is not None and (sentence := explain(stop_reason, limits)):
        notes.append(sentence)
    if plan is None:
        return Document(notes=tuple(notes))
    blocks: list[Block] = []
    efforts = 0
    # Drafts beyond the cursor are not part of the document: they may still be dropped.
    for index in range(min(current_step + 1, len(plan.steps))):
        made = _step_blocks(plan, attempts, index, index < current_step)
        blocks += made
        if index < current_step or stop_reason is not None:  # The step under way may still be accepted.
            efforts += any(block.kind == "image" and block.status == "best_effort" for block in made)
    if efforts:
        shown = "1 step shows" if efforts == 1 else f"{efforts} steps show"
        notes.append(f"{shown} a best effort: no attempt was accepted.")
    if asked_steps is not None and asked_steps != len(plan.steps):
        notes.append(f"The request names {asked_steps} steps; the plan has {len(plan.steps)}.")
    return Document(blocks=tuple(blocks), complete=stop_reason == StopReason.COMPLETE, notes=tuple(notes))


def _step_blocks(plan: Plan, attempts: Mapping[str, Attempt], index: int, finished: bool) -> list[Block]:
    step = plan.steps[index]
    kept = selected_attempt(attempts, index) if step.prompt is not None else None
    if kept is None and not (finished and step.prompt is None):
        return []
    status: StepStatus = "text_only"
    if kept is not None:
        status = "accepted" if kept.verdict is not None and kept.verdict.success else "best_effort"
    blocks = []
    if step.instruction:
        blocks.append(Block(kind="heading", step=index, status=status, text=step.instruction))
    if kept is not None:
        blocks.append(Block(kind="image", step=index, status=status, text=kept.prompt, sha256=kept.image))
    if step.auxiliary_text:
        blocks.append(Block(kind="text", step=index, status=status, text=step.auxiliary_text))
    return blocks
