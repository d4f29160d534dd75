"""Trajectories' states: the graph bound to LangGraph's SQLite checkpointer, on the workspace's `Database`.

LangGraph's own `AsyncSqliteSaver` leaves its transaction open while it returns to the event loop, which blocks other
connections and needs a rollback after a cancelled run. `CheckpointSaver` therefore runs the methods of LangGraph's
synchronous saver, each as one function in one of the database's threads: every put is a whole transaction.
"""

import contextlib
import re
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    DeltaChannelHistory,
)
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.runtime import Runtime

from interleavethinker.graph.build import TrajectoryGraph, build_graph
from interleavethinker.graph.context import Components
from interleavethinker.graph.state import attempts_of, request_of, serializer
from interleavethinker.tools.errors import InterleaveError, StoreError

from .catalog import CATALOG_TABLES
from .database import Database
from .used_images import IMAGE_NAME, used_images

__all__ = ["CheckpointSaver", "Checkpoints", "create_tables"]

_ID_TIME = "%y%m%d-%H%M%S"
_ID = re.compile(r"(\d{6}-\d{6})-[0-9a-f]{6}")
"""A trajectory's id begins with the time of its creation."""
_FEW = 8
_REMOVE_SOME = [
    f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE thread_id = ? LIMIT ?)"  # noqa: S608 - ours
    for table in ("writes", "checkpoints")
]
_ORPHANS = """
    SELECT thread_id FROM checkpoints UNION SELECT thread_id FROM writes EXCEPT SELECT id FROM trajectories
"""


class _Tables(SqliteSaver):
    """LangGraph's queries on one connection, without its transactions: `Database` begins and ends those."""

    @contextlib.contextmanager
    def cursor(self, transaction: bool = True) -> Iterator[sqlite3.Cursor]:  # noqa: ARG002
        with contextlib.closing(self.conn.cursor()) as cursor:
            yield cursor


class CheckpointSaver(BaseCheckpointSaver[str]):
    """LangGraph's checkpointer. Only its async methods are implemented.

    Args:
        database: Open, with the tables of `create_tables`.
        serde: Encodes and decodes what a checkpoint holds.
        after_put: Awaited with the thread id after each checkpoint, before the graph's next node can start.
    """

    def __init__(
        self, database: Database, serde: SerializerProtocol, after_put: Callable[[str], Awaitable[None]]
    ) -> None:
        super().__init__(serde=serde)
        self._database = database
        self._after_put = after_put

    @property
    def _reading(self) -> _Tables:
        return _Tables(self._database.reader, serde=self.serde)

    @property
    def _writing(self) -> _Tables:
        return _Tables(self._database.writer, serde=self.serde)

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """See `BaseCheckpointSaver.aget_tuple`."""
        return await self._database.read(lambda _: self._reading.get_tuple(config))

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """See `BaseCheckpointSaver.alist`."""
        found = await self._database.read(
            lambda _: list(self._reading.list(config, filter=filter, before=before, limit=limit))
        )
        for checkpoint in found:
            yield checkpoint

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """See `BaseCheckpointSaver.aput`."""
        written = await self._database.write(lambda _: self._writing.put(config, checkpoint, metadata, new_versions))
        await self._after_put(str(config["configurable"]["thread_id"]))
        return written

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """See `BaseCheckpointSaver.aput_writes`."""
        await self._database.write(lambda _: self._writing.put_writes(config, writes, task_id, task_path))

    async def adelete_thread(self, thread_id: str) -> None:
        """See `BaseCheckpointSaver.adelete_thread`."""
        await self._database.write(lambda _: self.remove_rows(thread_id))

    async def aget_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """See `BaseCheckpointSaver.aget_delta_channel_history`."""
        return await self._database.read(
            lambda _: self._reading.get_delta_channel_history(config=config, channels=channels)
        )

    def get_next_version(self, current: str | None, channel: None) -> str:
        """See `BaseCheckpointSaver.get_next_version`."""
        return self._reading.get_next_version(current, channel)

    def remove_rows(self, trajectory: str) -> None:
        """Deletes a trajectory's checkpoints; part of the caller's transaction, in the write thread."""
        self._writing.delete_thread(trajectory)


class Checkpoints:
    """The states of a workspace's trajectories. Its methods raise `StoreError` if the database cannot be used.

    Attributes:
        graph: Bound to the checkpointer; a run brings its components as context.

    Args:
        database: Open.
        after_put: See `CheckpointSaver`.
    """

    def __init__(self, database: Database, after_put: Callable[[str], Awaitable[None]]) -> None:
        self._database = database
        self._saver = CheckpointSaver(database, serializer(), after_put)
        self.graph: TrajectoryGraph = build_graph(_components_from_context, self._saver)

    async def read(self, trajectory: str) -> Mapping[str, Any]:
        """Returns the values of a trajectory's state; empty if it has none.

        Raises:
            StoreError: It cannot be decoded (`damaged`).
        """
        try:
            snapshot = await self.graph.aget_state({"configurable": {"thread_id": trajectory}})
        except InterleaveError:
            raise
        except Exception as error:  # Decoders raise exceptions of many libraries.
            raise StoreError(
                f"The saved state of trajectory {trajectory} cannot be read ({type(error).__name__}): it is damaged or "
                "written by a newer version. The other trajectories are unharmed.",
                code="damaged",
            ) from error
        values: Mapping[str, Any] = snapshot.values
        return values

    async def image_names(self, trajectories: Collection[str]) -> set[str]:
        """Returns the names of all images that trajectories use; those that occur in a damaged one's state."""
        names, unclear = await self._database.read(lambda connection: used_images(connection, trajectories))
        for trajectory in unclear:
            names |= await self._restored_image_names(trajectory)
        return names

    async def _restored_image_names(self, trajectory: str) -> set[str]:
        try:
            state = await self.read(trajectory)
            attempts = attempts_of(state).values()
            names = {name for attempt in attempts for name in (attempt.image, attempt.source) if name is not None}
            return names | ({*request_of(state).images} if state else set())
        except StoreError:  # If the database is to blame, the next query says so.
            pass
        return await self._database.read(lambda connection: _names_in_bytes(connection, trajectory))

    async def write(self, trajectory: str, values: Mapping[str, Any], after: str) -> None:
        """Writes a new trajectory's state as if the node `after` had returned it."""
        await self.graph.aupdate_state({"configurable": {"thread_id": trajectory}}, dict(values), as_node=after)

    def remove_rows(self, trajectory: str) -> None:
        """See `CheckpointSaver.remove_rows`."""
        self._saver.remove_rows(trajectory)

    def remove_some_rows(self, connection: sqlite3.Connection, trajectory: str) -> int:
        """Deletes a few of a trajectory's rows and returns their number; part of the caller's transaction."""
        return sum(connection.execute(query, (trajectory, _FEW)).rowcount for query in _REMOVE_SOME)

    async def remove_orphans(self, older_than: float) -> int:
        """Removes the states of trajectories that never reached the catalog, or left it, and returns their number.

        Args:
            older_than: Seconds since the trajectory's creation; a younger one may be about to enter the catalog.
        """

        def remove(connection: sqlite3.Connection) -> int:
            rows = connection.execute(_ORPHANS).fetchall()
            newest = time.strftime(_ID_TIME, time.gmtime(time.time() - older_than))
            ids = [match for (thread_id,) in rows if (match := _ID.fullmatch(thread_id)) and match[1] <= newest]
            for match in ids:
                self._saver.remove_rows(match[0])
            return len(ids)

        return await self._database.write(remove)

    async def size(self, trajectory: str) -> tuple[int, int]:
        """Returns the bytes of a trajectory's checkpoints and writes, and the number of its checkpoints."""
        query = """
            SELECT (SELECT coalesce(sum(length(checkpoint) + length(metadata)), 0)
                    FROM checkpoints WHERE thread_id = ?1)
                 + (SELECT coalesce(sum(length(value) + length(channel)), 0)
                    FROM writes WHERE thread_id = ?1),
                   (SELECT count(*) FROM checkpoints WHERE thread_id = ?1)
        """
        row = await self._database.read(lambda connection: connection.execute(query, (trajectory,)).fetchone())
        return int(row[0]), int(row[1])


def create_tables(connection: sqlite3.Connection) -> None:
    """Creates the catalog's tables and LangGraph's if they are missing, and migrates those of its earlier versions."""
    connection.executescript(CATALOG_TABLES)
    _Tables(connection).setup()


def _names_in_bytes(connection: sqlite3.Connection, trajectory: str) -> set[str]:
    names: set[str] = set()
    for query in (
        "SELECT checkpoint FROM checkpoints WHERE thread_id = ?",
        "SELECT value FROM writes WHERE thread_id = ?",
    ):
        for (value,) in connection.execute(query, (trajectory,)):
            if isinstance(value, bytes):
                names.update(found.decode() for found in IMAGE_NAME.findall(value))
    return names


async def _components_from_context(runtime: Runtime[Any]) -> Components:
    components = runtime.context
    assert isinstance(components, Components)  # noqa: S101 - only this package runs this graph
    return components
