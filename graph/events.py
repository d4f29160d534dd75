"""What a running trajectory tells whoever watches it: typed, frozen, JSON-able events.

Nodes emit the events of the loop through LangGraph's custom stream; the workspace adds those of a trajectory's life
(waiting, paused, cancelled, failed). Missing an event loses nothing: the state tells the same story.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from interleavethinker.tools.types import Attempt, Plan

from .document import Document, StepStatus
from .limits import StopReason

__all__ = [
    "AnyEvent",
    "ApprovalNeeded",
    "Cancelled",
    "Event",
    "Failed",
    "Finished",
    "GenerationProgress",
    "ImageGenerated",
    "Judged",
    "Paused",
    "Planned",
    "StepFinished",
]


class Event(BaseModel):
    """Root of all events; `kind` names the class for programs."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Planned(Event):
    """A plan was written, or written anew from its step `first` on."""

    kind: Literal["planned"] = "planned"
    plan: Plan
    first: int = 0


class GenerationProgress(Event):
    """A generator call is under way."""

    kind: Literal["generation_progress"] = "generation_progress"
    step: int
    iteration: int
    prompt: str
    seed: int
    fraction: float = 0.0
    message: str = ""


class ImageGenerated(Event):
    """A generator call is finished; its image lies in the store."""

    kind: Literal["image_generated"] = "image_generated"
    attempt: Attempt


class Judged(Event):
    """The critic, or a person, gave a verdict."""

    kind: Literal["judged"] = "judged"
    attempt: Attempt


class StepFinished(Event):
    """A step has what it will have; `attempt` is the one kept, None for a step of text only."""

    kind: Literal["step_finished"] = "step_finished"
    step: int
    status: StepStatus
    attempt: Attempt | None = None


class ApprovalNeeded(Event):
    """The trajectory waits for a person to approve or edit the plan."""

    kind: Literal["approval_needed"] = "approval_needed"
    plan: Plan


class Paused(Event):
    """The trajectory stopped because somebody asked; it can be resumed."""

    kind: Literal["paused"] = "paused"


class Cancelled(Event):
    """The trajectory was given up; what was made is kept."""

    kind: Literal["cancelled"] = "cancelled"


class Failed(Event):
    """The trajectory stopped on an error; it can be resumed once the reason is gone."""

    kind: Literal["failed"] = "failed"
    code: str
    reason: str


class Finished(Event):
    """The trajectory ended; `stop_reason` tells whether a limit ended it."""

    kind: Literal["finished"] = "finished"
    stop_reason: StopReason
    document: Document


AnyEvent = Annotated[
    ApprovalNeeded
    | Cancelled
    | GenerationProgress
    | ImageGenerated
    | Failed
    | Finished
    | Judged
    | Paused
    | Planned
    | StepFinished,
    Field(discriminator="kind"),
]
"""For reading events back from JSON."""
