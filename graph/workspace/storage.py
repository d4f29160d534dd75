"""The seam between a workspace and where it keeps its data: a database, its checkpoint tables, and locks.

There are two implementations. `SqliteDatabase` and `FileLocks` use a folder, which is the default; `PostgresDatabase`
and `PostgresLocks` use a server that any number of machines share. The catalog's queries are the same on both.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.serde.base import SerializerProtocol

__all__ = ["MISSING_PARTS", "CheckpointTables", "Connection", "Cursor", "Database", "Held", "Locks", "Value", "select"]

_T = TypeVar("_T")
MISSING_PARTS = (
    "a table or column is missing in it. A very old version made it, or it is damaged: restore it from a backup, or "
    "choose another folder"
)
Value = str | int | float | bytes | None
"""What a column holds."""


class Cursor(Protocol):
    """The result of a statement, as Python's database API describes it."""

    @property
    def rowcount(self) -> int:
        """Number of rows that the statement changed."""

    @property
    def description(self) -> Sequence[Any] | None:
        """The columns, each a sequence that begins with its name."""

    def fetchone(self) -> Any:
        """Returns the next row, or None."""

    def fetchall(self) -> list[Any]:
        """Returns the remaining rows."""


class Connection(Protocol):
    """Executes statements whose values are marked by `?`."""

    def execute(self, query: str, values: Sequence[Value] = ..., /) -> Cursor:
        """Executes one statement."""


class CheckpointTables(Protocol):
    """Queries on LangGraph's tables, whose form differs between databases. They run in a thread of the database."""

    def saver(self, connection: Connection, serde: SerializerProtocol) -> BaseCheckpointSaver[str]:
        """Returns LangGraph's checkpointer on a connection, as part of the caller's transaction."""

    def used_images(self, connection: Connection, trajectories: Collection[str]) -> tuple[set[str], set[str]]:
        """Returns the names of images that trajectories use, and the trajectories whose states must be asked."""

    def names_in_bytes(self, connection: Connection, trajectory: str) -> set[str]:
        """Returns all image names in what is stored of a trajectory, which may be damaged."""

    def without_entry(self, connection: Connection) -> list[str]:
        """Returns the trajectories that have a state and are not in the catalog."""

    def size(self, connection: Connection, trajectory: str) -> tuple[int, int]:
        """Returns the bytes of a trajectory's checkpoints and writes, and the number of its checkpoints."""


class Database(Protocol):
    """A database that is used from an event loop. Its methods raise `StoreError` if it cannot be used.

    A write is atomic, also when its caller is cancelled. Writes of one `Database` take effect in the order in which
    they were submitted, so awaiting one also waits for every write submitted before it.
    """

    @property
    def tables(self) -> CheckpointTables:
        """Queries on the checkpoints in this database."""

    @property
    def newest_first(self) -> str:
        """The order of the catalog's rows by when they were added, the newest first, whatever the clock said then."""

    @property
    def clock(self) -> str:
        """SQL for the time in seconds since 1970. All users of the database share it, whatever their own clocks say."""

    async def read(self, work: Callable[[Connection], _T]) -> _T:
        """Runs `work` on a connection, in a thread, and returns its result."""

    async def write(self, work: Callable[[Connection], _T], *, run: str | None = None, alone: bool = True) -> _T:
        """Runs `work` in one transaction, commits it and returns its result; an exception rolls back.

        Args:
            work: Runs in a thread.
            run: The trajectory whose run writes. If this process held its lock and has lost it, nothing is written.
            alone: Whether no other process may write between its statements. Writes that only the holder of a
                trajectory's lock makes need no more protection.
        """

    async def vacuum(self, at_least: float = 0.0) -> int:
        """Gives the space of deleted rows back if its share is `at_least`; returns how many bytes."""


class Locks(Protocol):
    """One user per trajectory, across processes; a lock is free once its holder has died."""

    def hold(self, trajectory: str, *, patient: bool = True) -> AbstractAsyncContextManager[object]:
        """Holds a trajectory while the context is open.

        Args:
            trajectory: Its id.
            patient: Whether to try again for a moment if the lock is taken.

        Raises:
            TrajectoryError: On entering, if another process or task uses the trajectory (`busy`).
            StoreError: On entering, if the lock cannot be used.
        """

    async def held(self, trajectories: Collection[str]) -> set[str]:
        """Returns those that a process uses at this moment."""

    async def forget(self, trajectory: str) -> None:
        """Removes what is left of the lock of a deleted trajectory; called by its holder."""


Held = Callable[[Collection[str]], Awaitable[set[str]]]
"""`Locks.held`."""


def select(connection: Connection, query: str, values: Sequence[Value] = ()) -> list[dict[str, Any]]:
    """Returns the rows of a query by column name."""
    cursor = connection.execute(query, values)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
