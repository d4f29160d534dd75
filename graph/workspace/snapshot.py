"""A trajectory as anybody may see it, at any moment: its catalog entry and what its state says. Frozen data."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from interleavethinker.graph.attempts import selected_attempt
from interleavethinker.graph.document import Document, assemble
from interleavethinker.graph.limits import Limits, StopReason
from interleavethinker.graph.state import attempts_of, current_step_of, newest_plan, request_of, stop_reason_of
from interleavethinker.tools.request_parsing import named_step_count
from interleavethinker.tools.types import Attempt, Plan, Request

from .catalog import TrajectorySummary

__all__ = ["Trajectory", "snapshot_of"]


class Trajectory(BaseModel):
    """Everything about one trajectory, apart from the images' bytes."""

    model_config = ConfigDict(frozen=True)

    summary: TrajectorySummary
    request: Request
    seed: int
    limits: Limits
    plans: tuple[Plan, ...]
    """All versions, the newest last."""
    attempts: tuple[Attempt, ...]
    """By step, plan version and iteration."""
    current_step: int
    """First step that is not finished, from 0."""
    stop_reason: StopReason | None
    seconds: float
    """Work of planner, generator and critic."""
    document: Document
    lineage: tuple[TrajectorySummary, ...] = ()
    """The trajectories it descends from, the nearest first; one deleted since stands as it did at the branching."""
    notes: tuple[str, ...] = ()
    """What its profile tells every reader, for example that stand-ins were used."""

    @property
    def plan(self) -> Plan | None:
        """The plan that counts."""
        return self.plans[-1] if self.plans else None

    def attempts_for(self, step: int) -> list[Attempt]:
        """Returns the attempts of a step, under every plan version that drew it."""
        return [attempt for attempt in self.attempts if attempt.step == step]

    def selected(self, step: int) -> Attempt | None:
        """Returns the attempt that the document shows for a step."""
        return selected_attempt({str(index): attempt for index, attempt in enumerate(self.attempts)}, step)


def snapshot_of(
    summary: TrajectorySummary,
    state: Mapping[str, Any],
    lineage: tuple[TrajectorySummary, ...] = (),
    notes: tuple[str, ...] = (),
) -> Trajectory:
    """Makes the view from a catalog entry and the state's values."""
    plan, attempts = newest_plan(state), attempts_of(state)
    limits = state.get("limits") or Limits()
    current_step, stop_reason = current_step_of(state), stop_reason_of(state)
    request = request_of(state)
    return Trajectory(
        summary=summary,
        request=request,
        seed=state.get("seed", 0),
        limits=limits,
        plans=tuple(old for _, old in sorted((state.get("plans") or {}).items())),
        attempts=tuple(sorted(attempts.values(), key=lambda a: (a.step, a.plan_version, a.iteration))),
        current_step=current_step,
        stop_reason=stop_reason,
        seconds=state.get("seconds", 0.0),
        document=assemble(plan, attempts, current_step, stop_reason, limits, named_step_count(request.text)),
        lineage=lineage,
        notes=notes,
    )
