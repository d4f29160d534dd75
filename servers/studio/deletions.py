"""Deletions that can be undone for some seconds: until then a trajectory is only hidden.

A studio that is killed meanwhile has deleted nothing. One that ends in order carries out what is due. A trajectory that
another process continued meanwhile, for example `resume` in a terminal, is shown again instead.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from interleavethinker.graph.workspace.catalog import TrajectorySummary
from interleavethinker.servers.trajectories.service import TrajectoryService
from interleavethinker.tools.errors import InterleaveError, TrajectoryError

__all__ = ["UNDO_SECONDS", "Deletions"]

UNDO_SECONDS = 20.0
"""How long a deletion can be undone."""

_log = logging.getLogger(__name__)


@dataclass
class _Deletion:
    """A trajectory that is about to be deleted."""

    state: object
    """What the trajectory was when it was deleted; see `Deletions._state`."""
    task: asyncio.Task[None] = field(init=False)
    begun: bool = False
    """Whether it is too late to undo."""


class Deletions:
    """The trajectories that are about to be deleted.

    Args:
        service: Deletes them.
        seconds: How long a deletion can be undone.
        on_kept: Called with a trajectory that is shown again after the time, and why it was not deleted.
    """

    def __init__(
        self,
        service: TrajectoryService,
        seconds: float = UNDO_SECONDS,
        on_kept: Callable[[TrajectorySummary, str], None] = lambda *_: None,
    ) -> None:
        self.seconds = seconds
        self._service = service
        self._on_kept = on_kept
        self._due: dict[str, _Deletion] = {}

    def __contains__(self, trajectory: str) -> bool:
        return trajectory in self._due

    async def add(self, trajectory: str) -> None:
        """Hides a trajectory and deletes it later.

        Raises:
            TrajectoryError: It is running (`busy`), or there is no such trajectory.
        """
        summary = await self._service.workspace.summary(trajectory)
        # Here it is at work from the start on; the catalog says so once its models are loaded.
        if summary.status == "running" or self._service.work(summary.id) is not None:
            raise TrajectoryError(f"Trajectory {summary.id} is running. Cancel or pause it first.", code="busy")
        state = await self._state(summary)
        if summary.id not in self._due:
            deletion = self._due[summary.id] = _Deletion(state)
            deletion.task = asyncio.create_task(self._delete_later(summary.id, deletion))

    def undo(self, trajectory: str) -> None:
        """Shows a trajectory again.

        Raises:
            TrajectoryError: It is deleted already, or being deleted.
        """
        deletion = self._due.get(trajectory)
        if deletion is None or deletion.begun:
            raise TrajectoryError(f"Trajectory {trajectory} is deleted for good.", code="unknown_trajectory")
        del self._due[trajectory]
        deletion.task.cancel()

    async def close(self) -> None:
        """Carries out what is due."""
        due, self._due = self._due, {}
        for trajectory, deletion in due.items():
            deletion.task.cancel()
            await self._delete(trajectory, deletion.state)

    async def _delete_later(self, trajectory: str, deletion: _Deletion) -> None:
        await asyncio.sleep(self.seconds)
        deletion.begun = True
        try:
            await self._delete(trajectory, deletion.state)
        finally:
            self._due.pop(trajectory, None)

    async def _delete(self, trajectory: str, before: object) -> None:
        """Deletes a trajectory, or shows it again if it is another one by now or cannot be deleted."""
        kept = None
        try:
            kept = await self._service.workspace.summary(trajectory)
            if await self._state(kept) == before:
                await self._service.delete(trajectory)
                _log.info("deleted trajectory %s", trajectory)
                return
            reason = "It changed in the meantime, for example because another program continued it."
        except InterleaveError as error:  # It runs, or is gone already.
            reason = str(error)
        _log.info("trajectory %s was not deleted: %s", trajectory, reason)
        self._due.pop(trajectory, None)
        if kept is not None:
            self._on_kept(kept, reason)

    async def _state(self, summary: TrajectorySummary) -> object:
        """Returns what differs after anybody continued, judged or changed a trajectory; not what its relatives do."""
        try:
            found = await self._service.workspace.get(summary.id)
        except InterleaveError:  # It is damaged, and can be deleted all the same.
            return summary.status, summary.updated
        return summary.status, summary.updated, found.plans, found.attempts, found.limits, found.stop_reason
