"""Trajectories' states: the graph bound to LangGraph's checkpointer, on the workspace's `Database`.

LangGraph's own asynchronous savers leave a transaction open while they return to the event loop, which blocks other
connections and needs a rollback after a cancelled run. `CheckpointSaver` therefore runs the methods of LangGraph's
synchronous saver for this database, each as one function in one of its threads: every put is a whole transaction.
"""

import contextlib
import re
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
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.runtime import Runtime

from interleavethinker.graph.build import TrajectoryGraph, build_graph
from interleavethinker.graph.context import Components
from interleavethinker.graph.state import serializer
from interleavethinker.graph.tracing import trace_metadata
from interleavethinker.tools.errors import InterleaveError, StoreError

from .checkpoint_ids import continue_after
from .images import names_in
from .restored import is_whole
from .storage import Connection, Database

__all__ = ["CheckpointSaver", "Checkpoints"]

_ID_TIME = "%y%m%d-%H%M%S"
_ID = re.compile(r"(\d{6}-\d{6})-[0-9a-f]{6}")
"""A trajectory's id begins with the time of its creation."""


class CheckpointSaver(BaseCheckpointSaver[str]):
    """LangGraph's checkpointer. Only its async methods are implemented.

    Args:
        database: Open.
        serde: Encodes and decodes what a checkpoint holds.
        after_put: Awaited with the thread id after each checkpoint, before the graph's next node can start.
    """

    def __init__(
        self, database: Database, serde: SerializerProtocol, after_put: Callable[[str], Awaitable[None]]
    ) -> None:
        super().__init__(serde=serde)
        self._database = database
        self._after_put = after_put
        self._additions: dict[str, Callable[[Connection], bool]] = {}
        self._versions = InMemorySaver()

    @contextlib.contextmanager
    def adding(self, trajectory: str, add: Callable[[Connection], bool]) -> Iterator[None]:
        """Makes the next checkpoint of a trajectory one transaction with `add`; if that is False, none is written."""
        self._additions[trajectory] = add
        try:
            yield
        finally:
            self._additions.pop(trajectory, None)

    def _on(self, connection: Connection) -> BaseCheckpointSaver[str]:
        return self._database.tables.saver(connection, self.serde)

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """See `BaseCheckpointSaver.aget_tuple`. LangGraph calls it before it adds to a trajectory."""
        found = await self._database.read(lambda connection: self._on(connection).get_tuple(config))
        if found is not None:
            continue_after(found.config["configurable"]["checkpoint_id"])
        return found

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
            lambda connection: list(self._on(connection).list(config, filter=filter, before=before, limit=limit))
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
        """See `BaseCheckpointSaver.aput`.

        Raises:
            StoreError: The checkpoint would not become the newest one, and everything after it would be lost.
        """
        trajectory = str(config["configurable"]["thread_id"])
        previous = config["configurable"].get("checkpoint_id")
        if previous and checkpoint["id"] < previous:
            raise _without_successor(trajectory)
        add = self._additions.pop(trajectory, None)

        def put(connection: Connection) -> RunnableConfig:
            if add is not None and not add(connection):
                return config
            return self._on(connection).put(config, checkpoint, metadata, new_versions)

        written = await self._database.write(put, run=trajectory, alone=add is not None)
        await self._after_put(trajectory)
        return written

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """See `BaseCheckpointSaver.aput_writes`."""
        await self._database.write(
            lambda connection: self._on(connection).put_writes(config, writes, task_id, task_path),
            run=str(config["configurable"]["thread_id"]),
            alone=False,
        )

    async def adelete_thread(self, thread_id: str) -> None:
        """See `BaseCheckpointSaver.adelete_thread`."""
        await self._database.write(lambda connection: self.remove_rows(connection, thread_id))

    async def aget_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """See `BaseCheckpointSaver.aget_delta_channel_history`."""
        return await self._database.read(
            lambda connection: self._on(connection).get_delta_channel_history(config=config, channels=channels)
        )

    def get_next_version(self, current: str | None, channel: None) -> str:
        """See `BaseCheckpointSaver.get_next_version`."""
        return self._versions.get_next_version(current, channel)

    def remove_rows(self, connection: Connection, trajectory: str) -> None:
        """Deletes a trajectory's checkpoints; part of the caller's transaction, in the write thread."""
        self._on(connection).delete_thread(trajectory)


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
            StoreError: It cannot be decoded, or is of another version (`damaged`).
        """
        try:
            snapshot = await self.graph.aget_state({"configurable": {"thread_id": trajectory}})
        except StoreError:
            raise
        except Exception as error:  # Of many libraries' decoders, and `InputError` of the state's channels.
            raise _unreadable(trajectory, type(error).__name__) from error
        values: Mapping[str, Any] = snapshot.values
        if not is_whole(values):
            raise _unreadable(trajectory, "its fields are others")
        return values

    async def image_names(self, trajectories: Collection[str]) -> set[str]:
        """Returns the names of all images that trajectories use; those that occur in a damaged one's state."""
        names, unclear = await self._database.read(
            lambda connection: self._database.tables.used_images(connection, trajectories)
        )
        for trajectory in unclear:
            names |= await self._restored_image_names(trajectory)
        return names

    async def _restored_image_names(self, trajectory: str) -> set[str]:
        try:
            return names_in(await self.read(trajectory))
        except InterleaveError:  # If the database is to blame, the next query says so.
            pass
        return await self._database.read(
            lambda connection: self._database.tables.names_in_bytes(connection, trajectory)
        )

    async def create(
        self, trajectory: str, values: Mapping[str, Any], after: str, add: Callable[[Connection], str]
    ) -> str:
        """Writes a new trajectory's state as if the node `after` had returned it, in one transaction with its entry.

        Args:
            trajectory: Its id.
            values: Its state, which LangGraph writes as one checkpoint.
            after: The node.
            add: See `Catalog.addition`. If it returns the id of another trajectory, no state is written.

        Returns:
            The id that `add` returned.
        """
        config: RunnableConfig = {"configurable": {"thread_id": trajectory}, "metadata": trace_metadata()}
        added = ""

        def is_new(connection: Connection) -> bool:
            nonlocal added
            added = add(connection)
            return added == trajectory

        with self._saver.adding(trajectory, is_new):
            await self.graph.aupdate_state(config, dict(values), as_node=after)
        return added

    def remove_rows(self, connection: Connection, trajectory: str) -> None:
        """See `CheckpointSaver.remove_rows`."""
        self._saver.remove_rows(connection, trajectory)

    async def remove_orphans(self, older_than: float) -> int:
        """Removes the states of trajectories that are not in the catalog, and returns their number.

        They left it on a full disk, or an earlier version, which wrote a state before its entry, was killed between.

        Args:
            older_than: Seconds since the trajectory's creation; an earlier version may be about to add a younger one.
        """

        def remove(connection: Connection) -> int:
            names = self._database.tables.without_entry(connection)
            newest = time.strftime(_ID_TIME, time.gmtime(time.time() - older_than))
            ids = [match for name in names if (match := _ID.fullmatch(name)) and match[1] <= newest]
            for match in ids:
                self._saver.remove_rows(connection, match[0])
            return len(ids)

        return await self._database.write(remove)

    async def size(self, trajectory: str) -> tuple[int, int]:
        """Returns the bytes of a trajectory's checkpoints and writes, and the number of its checkpoints."""
        return await self._database.read(lambda connection: self._database.tables.size(connection, trajectory))


def _unreadable(trajectory: str, cause: str) -> StoreError:
    return StoreError(
        f"The saved state of trajectory {trajectory} cannot be read ({cause}): it is damaged or written by a newer "
        "version. The other trajectories are unharmed.",
        code="damaged",
    )


def _without_successor(trajectory: str) -> StoreError:
    return StoreError(
        f"Trajectory {trajectory} cannot be continued: the id of its newest checkpoint is greater than those of all "
        "new ones, which therefore would not count. Nothing was changed. `show` and `export` work; run its request "
        "again for a new trajectory.",
        code="damaged",
    )


async def _components_from_context(runtime: Runtime[Any]) -> Components:
    components = runtime.context
    assert isinstance(components, Components)  # noqa: S101 - only this package runs this graph
    return components
