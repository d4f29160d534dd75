"""`trajectory.json`: a whole trajectory, except the bytes of its images, in a versioned form for other programs.

The version changes when a field is removed or renamed, or changes its meaning. New fields with defaults do not change
it. `trajectory.schema.json` in this folder is the JSON Schema.
"""

import time
from typing import Literal

from pydantic import BaseModel, ConfigDict

from interleavethinker.graph.document import Document
from interleavethinker.graph.limits import Limits, StopReason
from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.tools.types import Attempt, Plan, Request

__all__ = ["SCHEMA_VERSION", "Ancestor", "Record", "record_of"]

SCHEMA_VERSION = 2


class Ancestor(BaseModel):
    """A trajectory from which this one was branched, directly or indirectly."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    step: int
    """Step at which it was branched, from 0."""
    iteration: int
    """Attempt of that step, from 0."""


class Record(BaseModel):
    """The content of `trajectory.json`. Steps and iterations count from 0. Images are named by their SHA-256."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[2] = 2
    id: str
    title: str
    profile: str
    status: str
    reason: str
    created: str
    """UTC, ISO 8601."""
    request: Request
    seed: int
    limits: Limits
    plans: tuple[Plan, ...]
    attempts: tuple[Attempt, ...]
    stop_reason: StopReason | None
    seconds: float
    document: Document
    lineage: tuple[Ancestor, ...]
    """Ancestors, nearest first. A parent is listed even if it was deleted."""
    notes: tuple[str, ...]


def record_of(trajectory: Trajectory) -> Record:
    """Returns the record of a trajectory."""
    entry = trajectory.summary
    chain = (entry, *trajectory.lineage)
    lineage = tuple(
        Ancestor(id=one.parent, step=one.parent_step or 0, iteration=one.parent_iteration or 0)
        for one in chain
        if one.parent is not None
    )
    return Record(
        id=entry.id,
        title=entry.title,
        profile=entry.profile,
        status=entry.status,
        reason=entry.reason,
        created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(entry.created)),
        request=trajectory.request,
        seed=trajectory.seed,
        limits=trajectory.limits,
        plans=trajectory.plans,
        attempts=trajectory.attempts,
        stop_reason=trajectory.stop_reason,
        seconds=trajectory.seconds,
        document=trajectory.document,
        lineage=lineage,
        notes=trajectory.notes,
    )
