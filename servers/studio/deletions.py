"""Deletions that can be undone for some seconds: until then a trajectory is only hidden.

A studio that is killed meanwhile has deleted nothing. One that ends in order carries out what is due.
"""

import asyncio
import contextlib
import logging

from interleavethinker.servers.trajectories.service import TrajectoryService
from interleavethinker.tools.errors import InterleaveError, TrajectoryError

__all__ = ["Deletions"]

_log = logging.getLogger(__name__)


class Deletions:
    """The trajectories that are about to be deleted.

    Args:
        service: Deletes them.
        seconds: How long a deletion can be undone.
    """

    def __init__(self, service: TrajectoryService, seconds: float = 30.0) -> None:
        self._service = service
        self._seconds = seconds
        self._due: dict[str, asyncio.Task[None]] = {}
        self._begun: set[str] = set()
        """Those of them that are being deleted."""

    def __contains__(self, trajectory: str) -> bool:
        return trajectory in self._due

    async def add(self, trajectory: str) -> None:
        """Hides a trajectory and deletes it later.

        Raises:
            TrajectoryError: It is running (`busy`), or there is no such trajectory.
        """
        summary = await self._service.workspace.summary(trajectory)
        if summary.status == "running":
            raise TrajectoryError(f"Trajectory {summary.id} is running. Cancel or pause it first.", code="busy")
        if summary.id not in self._due:
            self._due[summary.id] = asyncio.create_task(self._delete_later(summary.id))

    def undo(self, trajectory: str) -> None:
        """Shows a trajectory again.

        Raises:
            TrajectoryError: It is deleted already, or being deleted.
        """
        if trajectory in self._begun or trajectory not in self._due:
            raise TrajectoryError(f"Trajectory {trajectory} is deleted for good.", code="unknown_trajectory")
        self._due.pop(trajectory).cancel()

    async def close(self) -> None:
        """Carries out what is due."""
        due, self._due = self._due, {}
        for trajectory, task in due.items():
            task.cancel()
            await self._delete(trajectory)

    async def _delete_later(self, trajectory: str) -> None:
        await asyncio.sleep(self._seconds)
        self._begun.add(trajectory)
        try:
            await self._delete(trajectory)
        finally:
            self._begun.discard(trajectory)
            self._due.pop(trajectory, None)

    async def _delete(self, trajectory: str) -> None:
        with contextlib.suppress(InterleaveError):  # Somebody runs or has deleted it: then it stays, or is gone.
            await self._service.delete(trajectory)
            _log.info("deleted trajectory %s", trajectory)
