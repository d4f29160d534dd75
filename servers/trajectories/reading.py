"""Reads views from the workspace, once for all who ask at the same time: ten open pages cost as much as one."""

import asyncio
from collections.abc import Callable

from interleavethinker.graph.workspace.catalog import TrajectorySummary
from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.graph.workspace.workspace import Workspace

from .runs import Runs
from .view import View, Work, parse_version, view_of

__all__ = ["ViewReader"]

_FAMILY_SECONDS = 2.0
"""How old the list of trajectories may be in which a view looks for branches."""


class ViewReader:
    """Reads views.

    Args:
        workspace: Open.
        runs: What runs in this process.
        studio: Returns the address of the local page for a trajectory, if one is served.
    """

    def __init__(self, workspace: Workspace, runs: Runs, studio: Callable[[str], str] | None) -> None:
        self._workspace = workspace
        self._runs = runs
        self._studio = studio
        self._reads: dict[str, tuple[int, asyncio.Task[View]]] = {}
        self._family: tuple[float, list[TrajectorySummary]] = (float("-inf"), [])

    async def read(self, trajectory: str) -> View:
        """Returns the view of a trajectory, by its complete id.

        Calls at the same time share one reading, unless something has changed since it began.

        Raises:
            TrajectoryError: There is no such trajectory.
        """
        number = self._runs.changes(trajectory)
        begun, reading = self._reads.get(trajectory, (-1, None))
        if reading is None or reading.done() or begun != number:
            reading = asyncio.create_task(self._read_now(trajectory))
            self._reads[trajectory] = number, reading
            reading.add_done_callback(lambda done: self._ended(trajectory, done))
        return await asyncio.shield(reading)

    async def seen_attempt(self, trajectory: str, since: str, step: int | None) -> tuple[int, int | None]:
        """Returns which attempt a verdict means that names none: its step and number, both from 1.

        Args:
            trajectory: Its complete id.
            since: The version that the author of the verdict has seen.
            step: The step that they name, from 1; None: the newest of which they have seen an attempt.

        Returns:
            The step, and its newest attempt that they have seen; None: they have seen none of it.

        Raises:
            InputError: `since` is no version.
        """
        seen = parse_version(since)
        step = step or (seen.finished + 1 if seen.attempts or not seen.finished else seen.finished)
        if not seen.attempts or step != seen.finished + 1:
            return step, None
        view = await self.read(trajectory)
        shown = view.steps[seen.finished].attempts[: seen.attempts] if seen.finished < view.of else ()
        return step, shown[-1].n if shown else None

    async def summaries(self, not_older_than: float = 0.0) -> list[TrajectorySummary]:
        """Returns all trajectories, the newest first, as they were at most some seconds ago."""
        now = asyncio.get_running_loop().time()
        read, summaries = self._family
        if now - read > not_older_than:
            summaries = await self._workspace.list()
            self._family = now, summaries
        return summaries

    def forget_family(self) -> None:
        """Has the next view read the list of trajectories again."""
        self._family = float("-inf"), []

    def close(self) -> None:
        """Ends readings in progress."""
        for _, reading in self._reads.values():
            reading.cancel()

    def _ended(self, trajectory: str, reading: "asyncio.Task[View]") -> None:
        if self._reads.get(trajectory, (0, None))[1] is reading:
            del self._reads[trajectory]
        if not reading.cancelled():
            reading.exception()  # Its callers may have left, and asyncio would complain.

    async def _read_now(self, trajectory: str) -> View:
        snapshot = await self._workspace.get(trajectory)
        family = await self.summaries(_FAMILY_SECONDS)
        address = None if self._studio is None else self._studio(trajectory)
        waits = snapshot.status == "waiting"
        answered = waits and await self._workspace.recorded_approval(trajectory) is not None
        return await asyncio.to_thread(view_of, snapshot, family, self._work(snapshot), address, answered=answered)

    def _work(self, snapshot: Trajectory) -> Work | None:
        work, plan = self._runs.work(snapshot.id), snapshot.plan
        if work is None or work.phase != "loading" or not self._workspace.components.are_open(snapshot.profile):
            return work
        if plan is None:  # The models are loaded, and nothing has happened since.
            return Work(phase="planning")
        return Work(phase="generating", step=min(snapshot.current_step, len(plan.steps)) + 1)
