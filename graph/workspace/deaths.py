"""Processes that died while they ran a trajectory, so that no worker takes it again for ever.

A trajectory may itself be what kills its process: it takes too much memory, or a library crashes on its images. Deaths
count only as long as the trajectory gets no further, so that a long one survives any number of restarted machines.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Set
from typing import Any

from interleavethinker.graph.state import attempts_of
from interleavethinker.tools.errors import TrajectoryError

from .catalog import Catalog, TrajectorySummary
from .storage import Connection, Database, select

__all__ = ["Deaths"]

_MOST = 3
"""Processes in a row that may die without any progress of the trajectory."""
_SUSPICIOUS = 2
"""After as many, it runs alone, so that no other trajectory dies with it or is suspected in its place."""


_KEEP = """
    INSERT INTO deaths (trajectory, number, progress) VALUES (?, ?, ?)
    ON CONFLICT (trajectory) DO UPDATE SET number = excluded.number, progress = excluded.progress
"""


class Deaths:
    """The counts of one workspace.

    Args:
        database: Open.
        catalog: Where the status is recorded.
    """

    def __init__(self, database: Database, catalog: Catalog) -> None:
        self._database = database
        self._catalog = catalog

    async def admit(
        self, entry: TrajectorySummary, state: Callable[[str], Awaitable[Mapping[str, Any]]], *, unattended: bool
    ) -> None:
        """Admits a run of a trajectory whose lock the caller holds; its status is then `running` only after a death.

        Args:
            entry: As it is under the lock.
            state: Reads a trajectory's state.
            unattended: Whether a worker takes it. A person may run it at any time, and its count begins anew.

        Raises:
            TrajectoryError: It was stopped or has ended (`taken`), or too many workers died of it (`given_up`).
        """
        if not unattended:
            await self._forget(entry.id)
            return
        if entry.status != "running" and not entry.is_new:
            raise TrajectoryError(f"Trajectory {entry.id} is {entry.status} by now.", code="taken")
        if entry.status == "running":
            number = await self._count(entry.id, _progress(await state(entry.id)))
            if number >= _MOST:
                reason = (
                    f"{number} processes in a row ended while they ran it, without getting any further. Look for the "
                    "cause in the system's log (often too little memory). `interleavethinker resume` tries again."
                )
                await self._catalog.mark(entry.id, "failed", reason)
                raise TrajectoryError(reason, code="given_up")

    async def suspects(self, running: Collection[str]) -> Set[str]:
        """Returns the trajectories that should run alone in their process.

        Args:
            running: Those that run. A death is recorded when the trajectory is taken again, so one that waits has died
                once more than its record says.
        """
        query = "SELECT trajectory, number FROM deaths WHERE number >= ?"
        rows = await self._database.read(lambda connection: select(connection, query, (_SUSPICIOUS - 1,)))
        return {name for row in rows if (name := str(row["trajectory"])) not in running or row["number"] >= _SUSPICIOUS}

    async def _count(self, trajectory: str, progress: int) -> int:
        def count(connection: Connection) -> int:
            query = "SELECT number FROM deaths WHERE trajectory = ? AND progress = ?"
            rows = select(connection, query, (trajectory, progress))
            number = int(rows[0]["number"]) + 1 if rows else 1
            connection.execute(_KEEP, (trajectory, number, progress))
            return number

        return await self._database.write(count)

    async def _forget(self, trajectory: str) -> None:
        query = "SELECT 1 FROM deaths WHERE trajectory = ?"
        if await self._database.read(lambda connection: select(connection, query, (trajectory,))):
            statement = "DELETE FROM deaths WHERE trajectory = ?"
            await self._database.write(lambda connection: connection.execute(statement, (trajectory,)))


def _progress(state: Mapping[str, Any]) -> int:
    """Returns a number that grows with every result that is saved."""
    attempts = attempts_of(state)
    judged = sum(attempt.verdict is not None for attempt in attempts.values())
    return len(state.get("plans") or {}) + len(attempts) + judged
