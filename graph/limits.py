"""What a trajectory may spend, and how a spent limit is told to the reader of its document.

A limit never loses work: the document so far is delivered and says which limit ended it.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Limits", "Outcome", "explain"]

Outcome = Literal["complete", "max_calls", "deadline", "host_limit"]
"""Why a trajectory ended by itself."""


class Limits(BaseModel):
    """The limits of one trajectory; saved with it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_iterations: int = Field(default=5, ge=1, le=100)
    """Attempts per step (T_max of the paper)."""
    max_calls: int | None = Field(default=None, ge=1)
    """Attempts recorded in this trajectory, answered from a cache or not. A branch's prefix and dropped drafts are
    free."""
    deadline: float | None = Field(default=None, gt=0)
    """Seconds of work by planner, generator and critic; pauses do not count."""
    look_ahead: int = Field(default=1, ge=1, le=64)
    """Steps whose first attempts are drafted before the critic judges them together; 1 judges each step at once."""
    replan_after: int = Field(default=2, ge=1)
    """Steps that must have failed under one plan before its remaining steps are planned anew."""
    max_replans: int = Field(default=1, ge=0)
    """How often the remaining steps may be planned anew."""
    max_steps: int = Field(default=100, ge=1)
    """Longest plan that is accepted; protects against a planner that does not stop."""


def explain(outcome: Outcome, limits: Limits) -> str:
    """Returns the sentence that the document carries when a limit ended it; empty when it is complete."""
    match outcome:
        case "complete":
            return ""
        case "max_calls":
            calls = "1 generator call" if limits.max_calls == 1 else f"{limits.max_calls} generator calls"
            return f"Stopped after {calls}, as limited; later steps were not drawn."
        case "deadline":
            seconds = "1 second" if limits.deadline == 1 else f"{limits.deadline:g} seconds"
            return f"Stopped after {seconds} of work, as limited; later steps were not drawn."
        case "host_limit":
            return (
                "Stopped by the recursion limit of the program around this graph; later steps were not drawn. "
                'Invoke the graph with {**config, "recursion_limit": 10_000}.'
            )
