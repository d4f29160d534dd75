"""The events of a running trajectory, as frozen models that can be written as JSON.

Nodes emit the events of the loop through LangGraph's custom stream. The workspace adds the events of a trajectory's
life: waiting for approval, paused, cancelled, failed, finished. Missing an event loses nothing, because the state
contains the same information.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from interleavethinker.tools.types import Attempt, CheckReport, Plan

from .document import Document, StepStatus
from .limits import StopReason
from .spending import Spending

__all__ = [
    "ApprovalNeeded",
    "Cancelled",
    "DocumentChecked",
    "Event",
    "Failed",
    "Finished",
    "GenerationFailed",
    "GenerationProgress",
    "ImageGenerated",
    "ImageRefused",
    "Judged",
    "ModelWaiting",
    "Paused",
    "PlanChecked",
    "Planned",
    "ReviewNeeded",
    "Spent",
    "StepFinished",
]


class Event(BaseModel):
    """Base class of all events. Each subclass has a `kind`, which names it in JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Planned(Event):
    """A plan was made, or the remaining steps were replanned."""

    kind: Literal["planned"] = "planned"
    plan: Plan
    first: int = 0
    """Index of the first new step: 0 for a first plan."""


class PlanChecked(Event):
    """The plan check is done. If the plan is `rejected`, another `Planned` follows."""

    kind: Literal["plan_checked"] = "plan_checked"
    plan: Plan
    """With its `report`."""


class GenerationProgress(Event):
    """A generator call has started or makes progress."""

    kind: Literal["generation_progress"] = "generation_progress"
    step: int
    iteration: int
    prompt: str
    seed: int
    fraction: float = 0.0
    """Finished part of the call, from 0 to 1."""
    message: str = ""


class GenerationFailed(Event):
    """A generator call failed beside others that did not. It is made again, unless it was a variant: its step goes on
    with the other variants then, whose attempts have a note of it. Where no other call helps, `Failed` follows instead.
    """

    kind: Literal["generation_failed"] = "generation_failed"
    step: int
    iteration: int
    reason: str


class ImageGenerated(Event):
    """A generator call returned an image, which is in the store."""

    kind: Literal["image_generated"] = "image_generated"
    attempt: Attempt


class ImageRefused(Event):
    """The image service refused the content of a generator call; the attempt has its words and no image."""

    kind: Literal["image_refused"] = "image_refused"
    attempt: Attempt


class Judged(Event):
    """The critic or a person judged an attempt."""

    kind: Literal["judged"] = "judged"
    attempt: Attempt


class StepFinished(Event):
    """A step is finished. `attempt` is the selected one, or None for a step without an image."""

    kind: Literal["step_finished"] = "step_finished"
    step: int
    status: StepStatus
    attempt: Attempt | None = None


class DocumentChecked(Event):
    """The check of the complete document is done."""

    kind: Literal["document_checked"] = "document_checked"
    report: CheckReport


class ModelWaiting(Event):
    """A chat model's provider is overloaded or limits the rate of calls; the call is repeated after a pause."""

    kind: Literal["model_waiting"] = "model_waiting"
    seconds: float
    reason: str


class Spent(Event):
    """Calls of hosted models were paid for; there is none for models on this machine."""

    kind: Literal["spent"] = "spent"
    spending: Spending
    """What the trajectory has cost so far."""
    dollars: float
    """The sum, as far as prices are known."""


class ApprovalNeeded(Event):
    """The trajectory waits for a person to approve or edit the plan."""

    kind: Literal["approval_needed"] = "approval_needed"
    plan: Plan


class ReviewNeeded(Event):
    """The trajectory was paused for a person's verdict on its newest attempt; see `Workspace.stream`."""

    kind: Literal["review_needed"] = "review_needed"
    attempt: Attempt
    """Of several variants the best one, which is kept or refined if nobody judges."""
    variants: tuple[Attempt, ...] = ()
    """All attempts that the person chooses among, `attempt` included, in order; empty if it is the only one. A verdict
    on another one has its `iteration`."""


class Paused(Event):
    """The trajectory was paused; it can be resumed."""

    kind: Literal["paused"] = "paused"


class Cancelled(Event):
    """The trajectory was cancelled; everything generated so far is kept."""

    kind: Literal["cancelled"] = "cancelled"


class Failed(Event):
    """The trajectory stopped with an error; it can be resumed once the cause is fixed."""

    kind: Literal["failed"] = "failed"
    code: str
    reason: str
    refused: bool = False
    """Whether the request is at fault, so that resuming the trajectory would fail again."""


class Finished(Event):
    """The trajectory ended: it is complete or reached a limit."""

    kind: Literal["finished"] = "finished"
    stop_reason: StopReason
    document: Document
