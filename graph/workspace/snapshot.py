"""A trajectory as anybody may see it, at any moment: its catalog entry and what its state says. Frozen data."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from interleavethinker.graph.attempts import kept_attempt
from interleavethinker.graph.document import Document, assemble
from interleavethinker.graph.limits import Limits, Outcome
from interleavethinker.graph.state import attempts_of, newest_plan, request_of
from interleavethinker.tools.request_parsing import named_step_count
from interleavethinker.tools.types import Attempt, Plan, Request

from .catalog import Entry

__all__ = ["Trajectory", "look_at"]


class Trajectory(BaseModel):
    """Everything about one trajectory, apart from the images' bytes."""

    model_config = ConfigDict(frozen=True)

    entry: Entry
    request: Request
    seed: int
    limits: Limits
    plans: tuple[Plan, ...]
    """All versions, the newest last."""
    attempts: tuple[Attempt, ...]
    """By step, plan version and iteration."""
    cursor: int
    """First step that is not finished, from 0."""
    outcome: Outcome | None
    seconds: float
    """Work of planner, generator and critic."""
    document: Document
    lineage: tuple[Entry, ...] = ()
    """The trajectories it descends from, the nearest first; one deleted since stands as it did at the branching."""
    notes: tuple[str, ...] = ()
    """What its profile tells every reader, for example that stand-ins were used."""

    @property
    def plan(self) -> Plan | None:
        """The plan that counts."""
        return self.plans[-1] if self.plans else None

    def tries(self, step: int) -> list[Attempt]:
        """Returns the attempts of a step, under every plan version that drew it."""
        return [attempt for attempt in self.attempts if attempt.step == step]

    def kept(self, step: int) -> Attempt | None:
        """Returns the attempt that the document shows for a step."""
        return kept_attempt({str(index): attempt for index, attempt in enumerate(self.attempts)}, step)


def look_at(
    entry: Entry, state: Mapping[str, Any], lineage: tuple[Entry, ...] = (), notes: tuple[str, ...] = ()
) -> Trajectory:
    """Makes the view from a catalog entry and the state's values."""
    plan, attempts = newest_plan(state), attempts_of(state)
    limits = state.get("limits") or Limits()
    cursor, outcome = state.get("cursor", 0), state.get("outcome")
    request = request_of(state)
    return Trajectory(
        entry=entry,
        request=request,
        seed=state.get("seed", 0),
        limits=limits,
        plans=tuple(old for _, old in sorted((state.get("plans") or {}).items())),
        attempts=tuple(sorted(attempts.values(), key=lambda a: (a.step, a.plan_version, a.iteration))),
        cursor=cursor,
        outcome=outcome,
        seconds=state.get("seconds", 0.0),
        document=assemble(plan, attempts, cursor, outcome, limits, named_step_count(request.text)),
        lineage=lineage,
        notes=notes,
    )
