"""Commands for a trajectory, added by any process and executed by the one that runs it.

They are stored in the table `controls`. A runner must react within a call (`cancel`) or before its next node (the
others), without a query on the event loop: a `CommandWatch` keeps the open commands of one running trajectory in
memory. It reads the table when a command is added through the same workspace, when a checkpoint is written, and when
one query in every 0.1 seconds, for all running trajectories of the workspace, finds commands of other processes.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from interleavethinker.tools.errors import StoreError

from .storage import Connection, Database, select

__all__ = ["Command", "CommandQueue", "CommandWatch", "Verb"]

_log = logging.getLogger(__name__)
_POLL_SECONDS = 0.1

Verb = Literal["approve", "cancel", "judge", "pause"]


class Command(BaseModel):
    """A request to the process that runs a trajectory."""

    model_config = ConfigDict(frozen=True)

    number: int
    verb: Verb
    payload: dict[str, JsonValue]


class CommandQueue:
    """The commands of one workspace.

    Args:
        database: Open.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watches: dict[str, CommandWatch] = {}
        self._added = asyncio.Event()
        self._poll: asyncio.Task[None] | None = None

    async def enqueue(
        self,
        trajectory: str,
        verb: Verb,
        payload: dict[str, JsonValue] | None = None,
        *,
        only_if: Literal["running", "waiting"] | None = None,
        unless_open: bool = False,
    ) -> bool:
        """Adds a command for the process that runs the trajectory, now or next.

        Args:
            trajectory: Its id.
            verb: What to do.
            payload: Details.
            only_if: Add it only if the catalog has this status at the moment of adding.
            unless_open: Leave an open command with the same verb as it is, and add none.

        Returns:
            Whether the command was added, or is open already.
        """

        def insert(connection: Connection) -> bool:
            query = "SELECT 1 FROM trajectories WHERE id = ? AND status = ?"
            if only_if is not None and connection.execute(query, (trajectory, only_if)).fetchone() is None:
                return False
            query = "SELECT 1 FROM controls WHERE trajectory = ? AND verb = ?"
            if unless_open and connection.execute(query, (trajectory, verb)).fetchone() is not None:
                return True
            statement = "INSERT INTO controls (trajectory, verb, payload) VALUES (?, ?, ?)"
            connection.execute(statement, (trajectory, verb, json.dumps(payload or {})))
            return True

        added = await self._database.write(insert)
        if added and trajectory in self._watches:
            self._added.set()
        return added

    async def pending(self, trajectory: str) -> tuple[Command, ...]:
        """Returns the open commands, in order."""
        query = "SELECT number, verb, payload FROM controls WHERE trajectory = ? ORDER BY number"
        rows = await self._database.read(lambda connection: select(connection, query, (trajectory,)))
        return tuple(
            Command(number=row["number"], verb=row["verb"], payload=json.loads(row["payload"])) for row in rows
        )

    async def acknowledge(self, commands: Iterable[Command]) -> None:
        """Removes commands that were executed or arrived too late."""
        numbers = [command.number for command in commands]

        def remove(connection: Connection) -> None:
            for number in numbers:
                connection.execute("DELETE FROM controls WHERE number = ?", (number,))

        if numbers:
            await self._database.write(remove)

    async def refresh(self, trajectory: str) -> None:
        """Updates the watch on this trajectory, if this workspace is running it."""
        watch = self._watches.get(trajectory)
        if watch is not None:
            await watch.refresh()

    @contextlib.asynccontextmanager
    async def watch(self, trajectory: str) -> AsyncIterator["CommandWatch"]:
        """Keeps a trajectory's open commands in memory. Only the holder of its lock may do so."""
        watch = CommandWatch(self, trajectory)
        self._watches[trajectory] = watch
        if self._poll is None:
            self._poll = asyncio.create_task(self._poll_all())
        try:
            yield watch
        finally:
            del self._watches[trajectory]
            if not self._watches:
                poll, self._poll = self._poll, None
                poll.cancel()
                await asyncio.gather(poll, return_exceptions=True)

    async def _poll_all(self) -> None:
        """Refreshes the watches with open commands when one is added, and every 0.1 seconds: other processes add too.

        One query for all of them: with one for each, many trajectories at once would spend a tenth of their time here.
        """
        query, told = "SELECT DISTINCT trajectory FROM controls", False
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_POLL_SECONDS):
                    await self._added.wait()
            self._added.clear()
            try:
                rows = await self._database.read(lambda connection: select(connection, query, ()))
            except StoreError as error:  # The next checkpoint meets the same error and fails its trajectory with it.
                if not told:  # Once in an outage, of which there are ten polls in a second.
                    _log.warning("cannot read the commands of running trajectories: %s", error)
                told = True
                continue
            told = False
            commanded = {row["trajectory"] for row in rows}
            watches = [watch for name, watch in self._watches.items() if name in commanded or watch.pending]
            found = await asyncio.gather(*(watch.refresh() for watch in watches), return_exceptions=True)
            for failed in filter(None, found):
                _log.warning("cannot read the commands of a running trajectory: %s", failed)


class CommandWatch:
    """The open commands of one running trajectory.

    Attributes:
        pending: The commands, in order, as of the last refresh.
    """

    def __init__(self, queue: CommandQueue, trajectory: str) -> None:
        self.pending: tuple[Command, ...] = ()
        self._queue = queue
        self._id = trajectory
        self._refreshing = asyncio.Lock()
        self._on_cancel: Callable[[], object] | None = None
        self._while_pausing: Callable[[], object] | None = None

    def has(self, verb: Verb) -> bool:
        """Returns whether such a command is open."""
        return any(command.verb == verb for command in self.pending)

    def call_on_cancel(self, callback: Callable[[], object] | None) -> None:
        """Calls back as soon as a `cancel` is open, at once if it is already; None removes the callback."""
        self._on_cancel = callback
        self._call_back()

    def call_while_pausing(self, callback: Callable[[], object] | None) -> None:
        """Calls back at every refresh while a `pause` is open; None removes the callback."""
        self._while_pausing = callback
        self._call_back()

    async def refresh(self) -> None:
        """Reads the open commands from the table."""
        async with self._refreshing:  # Otherwise a slow read could bring back what `acknowledge` has removed since.
            self.pending = await self._queue.pending(self._id)
        self._call_back()

    async def acknowledge(self, command: Command) -> None:
        """Removes a command that was executed or arrived too late."""
        async with self._refreshing:
            await self._queue.acknowledge([command])
            self.pending = tuple(other for other in self.pending if other.number != command.number)

    def _call_back(self) -> None:
        if self._while_pausing is not None and self.has("pause"):
            self._while_pausing()
        if self._on_cancel is not None and self.has("cancel"):
            callback, self._on_cancel = self._on_cancel, None
            callback()
