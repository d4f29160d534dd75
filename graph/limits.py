"""The limits of a trajectory, the reasons why it stops, and the note about a reached limit.

Reaching a limit loses no work: the document is delivered as far as it is finished and names the limit.
"""

from enum import StrEnum
from typing import Literal, Self

from pydantic import ConfigDict, Field, model_validator

from interleavethinker.tools.prices import dollar_amount
from interleavethinker.tools.renamed_fields import with_new_names
from interleavethinker.tools.strict_numbers import StrictNumbers

__all__ = ["DriftAction", "DriftGuard", "Limits", "StopReason", "explain"]

DriftAction = Literal["nothing", "note", "redraw", "restart"]
_MOST = 2**63 - 1
"""Largest integer that every database and serializer stores."""


class StopReason(StrEnum):
    """Why a trajectory ended."""

    COMPLETE = "complete"
    """Every step of the plan is finished."""
    MAX_CALLS = "max_calls"
    """`Limits.max_calls` generator calls were made."""
    MAX_COST = "max_cost"
    """`Limits.max_cost` dollars were spent."""
    TIME_LIMIT = "time_limit"
    """`Limits.time_limit` seconds of work were used."""
    HOST_LIMIT = "host_limit"
    """The recursion limit of the surrounding program was almost reached."""
    REJECTED = "rejected"
    """A person rejected the plan and gave no other instructions."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        """Reads `deadline`, the name of TIME_LIMIT in databases and records of version 0.1."""
        return cls("time_limit") if value == "deadline" else None


class DriftGuard(StrictNumbers):
    """What happens once the edits of a chain have damaged too much that nobody asked to change."""

    # `model_copy(update=…)` checks nothing: with a value out of range, nothing could read the stored state again.
    model_config = ConfigDict(frozen=True, extra="forbid", revalidate_instances="always")

    action: DriftAction = "nothing"
    """`note`: a note in the document. `redraw`: the next step starts from the last image with at most half of that
    damage, with the prompts since then merged into its own. `restart`: it is drawn from text, or from the image of the
    request, with all prompts merged."""
    threshold: float = Field(default=0.5, gt=0, allow_inf_nan=False)
    """Largest `Drift.total` that is tolerated."""
    max_words: int = Field(default=120, ge=10, le=_MOST)
    """Longest merged prompt; the step goes on from the drifted image if it would be longer."""

    def __str__(self) -> str:
        """Returns the action."""
        return self.action


class Limits(StrictNumbers):
    """The limits of one trajectory; they are stored with it."""

    # `model_copy(update=…)` checks nothing: with a value out of range, nothing could read the stored state again.
    model_config = ConfigDict(frozen=True, extra="forbid", revalidate_instances="always")

    max_attempts: int = Field(default=5, ge=1, le=100)
    """Attempts per step (T_max of the paper); with `variants`, the first ones count as one."""
    variants: int = Field(default=1, ge=1, le=16)
    """First attempts of each step, generated side by side with different seeds. All are judged, and the best one is
    kept or refined. With more than one, nothing is drafted ahead."""
    judge_last_attempt: bool = True
    """Whether the critic judges a step's last allowed attempt too. False calls it only where its confidence can choose
    among several attempts, as version 0.1 did."""
    retry_unjudged: bool = False
    """Whether an attempt is repeated when the critic gave no usable verdict on it. False keeps its image, marked as not
    judged, because a critic that cannot answer would otherwise cost `max_attempts` images per step."""
    max_calls: int | None = Field(default=None, ge=1, le=_MOST)
    """Attempts of this trajectory, including those answered from a cache. Attempts inherited by a branch do not
    count, and neither do drafts of `look_ahead` that nothing came of. None: no limit."""
    max_cost: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """US dollars that hosted models may cost, at the prices of the price table; tokens that a provider does not report
    are estimated. No further round of calls is begun once they are spent, so the last round may go beyond. None: no
    limit."""
    time_limit: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Seconds of work by planner, generator and critic; pauses do not count. None: no limit."""
    look_ahead: int = Field(default=1, ge=1, le=64)
    """Most steps that are worked on at once: later ones are drafted while the critic judges the current one, as far as
    that saves time; 1: no drafts."""
    replan_after: int = Field(default=2, ge=1, le=_MOST)
    """Number of failed steps under one plan after which the remaining steps are replanned."""
    max_replans: int = Field(default=1, ge=0, le=_MOST)
    """How often the remaining steps may be replanned."""
    max_plan_retries: int = Field(default=1, ge=0, le=10)
    """How often the planner is asked again after a plan that failed its check, before the fallback planner is."""
    drift: DriftGuard = DriftGuard()
    """Guard against damage that accumulates over many edits."""
    max_steps: int = Field(default=100, ge=1, le=_MOST)
    """Largest number of steps in a plan; protects against a planner that does not stop."""

    @property
    def most_attempts(self) -> int:
        """Attempts that a step may have, each variant counted."""
        return self.max_attempts + self.variants - 1

    @model_validator(mode="before")
    @classmethod
    def _read_old_names(cls, data: object) -> object:
        return with_new_names(data, {"deadline": "time_limit", "max_iterations": "max_attempts"})


def explain(stop_reason: StopReason, limits: Limits, left: str = "later steps were not generated") -> str:
    """Returns the document's note about the limit that ended the trajectory; empty for a complete trajectory.

    Args:
        stop_reason: Why it ended.
        limits: Its limits.
        left: What it left undone.
    """
    match stop_reason:
        case StopReason.COMPLETE:
            return ""
        case StopReason.MAX_CALLS if limits.max_calls is not None:
            calls = "1 generator call" if limits.max_calls == 1 else f"{limits.max_calls} generator calls"
            return f"Stopped at the limit of {calls}; {left}."
        case StopReason.MAX_COST if limits.max_cost is not None:
            return f"Stopped at the limit of {dollar_amount(limits.max_cost)}; {left}."
        case StopReason.TIME_LIMIT if limits.time_limit is not None:
            seconds = "1 second" if limits.time_limit == 1 else f"{limits.time_limit:g} seconds"
            return f"Stopped at the limit of {seconds} of work; {left}."
        case StopReason.MAX_CALLS | StopReason.MAX_COST | StopReason.TIME_LIMIT:
            return f"Stopped at a limit that was lifted afterwards; {left}."
        case StopReason.HOST_LIMIT:
            return (
                f"Stopped by the recursion limit of the surrounding program; {left}. "
                'Invoke the graph with {**config, "recursion_limit": 10_000}.'
            )
        case StopReason.REJECTED:
            return "The plan was rejected; nothing was generated."
