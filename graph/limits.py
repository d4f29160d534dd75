"""What a trajectory may spend, and how a spent limit is told to the reader of its document.

A limit never loses work: the document so far is delivered and says which limit ended it.
"""

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from interleavethinker.tools.renamed_fields import with_new_names

__all__ = ["Limits", "StopReason", "explain"]


class StopReason(StrEnum):
    """Why a trajectory ended by itself."""

    COMPLETE = "complete"
    """Every step of the plan is finished."""
    MAX_CALLS = "max_calls"
    """`Limits.max_calls` generator calls were made."""
    TIME_LIMIT = "time_limit"
    """`Limits.time_limit` seconds of work were spent."""
    HOST_LIMIT = "host_limit"
    """The recursion limit of the program that invoked the graph is nearly reached."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        """Reads `deadline`, the name of TIME_LIMIT in databases and records of version 0.1."""
        return cls("time_limit") if value == "deadline" else None


class Limits(BaseModel):
    """The limits of one trajectory; saved with it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_attempts: int = Field(default=5, ge=1, le=100)
    """Attempts per step (T_max of the paper)."""
    max_calls: int | None = Field(default=None, ge=1)
    """Attempts recorded in this trajectory, answered from a cache or not. A branch's prefix and dropped drafts are
    free."""
    time_limit: float | None = Field(default=None, gt=0)
    """Seconds of work by planner, generator and critic; pauses do not count."""
    look_ahead: int = Field(default=1, ge=1, le=64)
    """Steps whose first attempts are drafted before the critic judges them together; 1 judges each step at once."""
    replan_after: int = Field(default=2, ge=1)
    """Steps that must have failed under one plan before its remaining steps are planned anew."""
    max_replans: int = Field(default=1, ge=0)
    """How often the remaining steps may be planned anew."""
    max_steps: int = Field(default=100, ge=1)
    """Longest plan that is accepted; protects against a planner that does not stop."""

    @model_validator(mode="before")
    @classmethod
    def _read_old_names(cls, data: object) -> object:
        return with_new_names(data, {"deadline": "time_limit", "max_iterations": "max_attempts"})


def explain(stop_reason: StopReason, limits: Limits) -> str:
    """Returns the sentence that the document carries when a limit ended it; empty when it is complete."""
    match stop_reason:
        case StopReason.COMPLETE:
            return ""
        case StopReason.MAX_CALLS:
            calls = "1 generator call" if limits.max_calls == 1 else f"{limits.max_calls} generator calls"
            return f"Stopped after {calls}, as limited; later steps were not drawn."
        case StopReason.TIME_LIMIT:
            seconds = "1 second" if limits.time_limit == 1 else f"{limits.time_limit:g} seconds"
            return f"Stopped after {seconds} of work, as limited; later steps were not drawn."
        case StopReason.HOST_LIMIT:
            return (
                "Stopped by the recursion limit of the program around this graph; later steps were not drawn. "
                'Invoke the graph with {**config, "recursion_limit": 10_000}.'
            )
