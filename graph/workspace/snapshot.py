"""A trajectory at one moment, running or not: its catalog entry and the contents of its state. Frozen data.

`Trajectory` is the one model of a trajectory: `Workspace.get` returns it, exports are made from it, and its JSON form
is the content of `trajectory.json` and of `show --json`.
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ConfigDict, JsonValue

from interleavethinker.graph.attempts import selected_attempt
from interleavethinker.graph.document import Document
from interleavethinker.graph.limits import Limits, StopReason
from interleavethinker.graph.lookups import lookups_of
from interleavethinker.graph.routing import limits_of
from interleavethinker.graph.spending import Spending, spending_of
from interleavethinker.graph.state import (
    attempts_of,
    current_step_of,
    document_of,
    inherited_calls_of,
    request_of,
    stop_reason_of,
)
from interleavethinker.tools.image_sizes import ImageSize
from interleavethinker.tools.types import Attempt, Lookup, Plan, Request

from .catalog import TrajectorySummary
from .provenance import Provenance

__all__ = ["Trajectory", "snapshot_of"]

_SHORT_FORM = {"id", "title", "profile", "status", "reason", "stop_reason", "seed", "seconds"}


class Trajectory(TrajectorySummary):
    """Everything about one trajectory, except the bytes of its images, which are named by their SHA-256.

    Steps and iterations count from 0.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[2] = 2
    """Version of the JSON form. It changes when a field is removed or renamed, or changes its meaning; new fields with
    defaults do not change it. `graph/export/trajectory.schema.json` is its JSON Schema."""
    request: Request
    seed: int
    image_size: ImageSize | None = None
    """Size or aspect ratio of the images; None if that was left to the model. A step of the plan may have its own."""
    limits: Limits
    plans: tuple[Plan, ...]
    """All versions, the newest last."""
    attempts: tuple[Attempt, ...]
    """By step, plan version and iteration."""
    inherited_calls: int = 0
    """How many of the attempts a branch has from its parent; they do not count against `Limits.max_calls`."""
    current_step: int
    """First step that is not finished."""
    stop_reason: StopReason | None
    """Why it ended by itself; None if it has not."""
    seconds: float
    """Time spent in planner, generator and critic."""
    document: Document
    lookups: tuple[Lookup, ...] = ()
    """What was looked up before planning."""
    spending: Spending = Spending()
    """What hosted models have cost; empty in records of earlier versions."""
    lineage: tuple[TrajectorySummary, ...] = ()
    """Its ancestors, the nearest first; a deleted one as it was at the time of branching."""
    notes: tuple[str, ...] = ()
    """The profile's notes to every reader, for example that an agent is scripted."""
    provenance: Provenance = Provenance()
    """Models and package version; each attempt names its image model and image server itself."""

    @property
    def summary(self) -> TrajectorySummary:
        """Its catalog entry, as `Workspace.summary` returns it."""
        return TrajectorySummary.model_validate({name: getattr(self, name) for name in TrajectorySummary.model_fields})

    @property
    def plan(self) -> Plan | None:
        """The newest plan."""
        return self.plans[-1] if self.plans else None

    def attempts_for(self, step: int) -> list[Attempt]:
        """Returns the attempts of a step, under every plan version that has this step."""
        return [attempt for attempt in self.attempts if attempt.step == step]

    def selected(self, step: int) -> Attempt | None:
        """Returns the attempt that the document shows for a step."""
        return selected_attempt({str(index): attempt for index, attempt in enumerate(self.attempts)}, step)

    def short_form(self) -> dict[str, JsonValue]:
        """Returns the fields of the JSON form that fit on a screen, with counts, images and notes instead of the rest.

        `steps`, `finished_steps`, `attempts` and `dollars` are numbers; `images`, `faults` and `document_status` are
        those of the document, and `notes` the document's and the profile's.
        """
        return self.model_dump(mode="json", include=_SHORT_FORM) | {
            "steps": 0 if self.plan is None else len(self.plan.steps),
            "finished_steps": self.current_step,
            "attempts": len(self.attempts),
            "dollars": self.spending.dollars,
            "images": list(self.document.images),
            "document_status": self.document.status,
            "faults": list(self.document.faults),
            "notes": [*self.document.notes, *self.notes],
        }


def snapshot_of(
    summary: TrajectorySummary,
    state: Mapping[str, Any],
    lineage: tuple[TrajectorySummary, ...] = (),
    notes: tuple[str, ...] = (),
    provenance: Provenance | None = None,
) -> Trajectory:
    """Combines a catalog entry with the state's values.

    Args:
        summary: The catalog entry.
        state: The values of the graph's state.
        lineage: See `Trajectory.lineage`.
        notes: See `Trajectory.notes`.
        provenance: See `Trajectory.provenance`.
    """
    attempts = attempts_of(state).values()
    return Trajectory(
        **dict(summary),
        request=request_of(state),
        seed=state.get("seed", 0),
        image_size=state.get("image_size"),
        limits=limits_of(state),
        plans=tuple(old for _, old in sorted((state.get("plans") or {}).items())),
        attempts=tuple(sorted(attempts, key=lambda a: (a.step, a.plan_version, a.iteration))),
        inherited_calls=inherited_calls_of(state),
        current_step=current_step_of(state),
        stop_reason=stop_reason_of(state),
        seconds=state.get("seconds", 0.0),
        spending=spending_of(state),
        document=document_of(state, at_rest=summary.status not in {"ready", "running"}),
        lookups=lookups_of(state),
        lineage=lineage,
        notes=notes,
        provenance=provenance or Provenance(),
    )
