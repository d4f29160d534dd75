"""What a workspace runs trajectories with: the SQLite checkpointer, the compiled graph, and the opened ports.

Everything is opened when it is first needed, so that looking at a trajectory starts no server and loads no model.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiosqlite
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.runtime import Runtime

from interleavethinker.graph.build import TrajectoryGraph, build_graph
from interleavethinker.graph.context import Components
from interleavethinker.graph.profiles.opening import open_components
from interleavethinker.graph.profiles.profile import load_profile
from interleavethinker.graph.state import serializer
from interleavethinker.tools.images.store import ImageStore

from .catalog import sqlite_errors

__all__ = ["Engine"]

_WAIT_SECONDS = 30.0


class Engine:
    """The machinery of one workspace. Its methods raise `StoreError` where the database cannot be used.

    Args:
        database: The SQLite file.
        store: The workspace's image store.
        given: Ports to use instead of any profile's.
    """

    def __init__(self, database: Path, store: ImageStore, given: Components | None) -> None:
        self._path = database
        self._store = store
        self._given = given
        self._opened: dict[str, Components] = {}
        self._opening = asyncio.Lock()
        self._exits = contextlib.AsyncExitStack()
        self._saver: AsyncSqliteSaver | None = None
        self._graph: TrajectoryGraph | None = None

    async def saver(self) -> AsyncSqliteSaver:
        """Returns the checkpointer."""
        async with self._opening:
            if self._saver is None:
                connection = await self._exits.enter_async_context(aiosqlite.connect(self._path, timeout=_WAIT_SECONDS))
                # Enough against SIGKILL; `FULL` would only add power loss, at an fsync per super-step.
                await connection.execute("PRAGMA synchronous=NORMAL")
                self._saver = AsyncSqliteSaver(connection, serde=serializer())
            return self._saver

    async def graph(self) -> TrajectoryGraph:
        """Returns the graph, bound to the checkpointer; its runs bring their ports as context."""
        saver = await self.saver()
        if self._graph is None:
            self._graph = build_graph(_from_context, saver)
        return self._graph

    async def components(self, profile: str) -> Components:
        """Returns a profile's ports, opened once."""
        if self._given is not None:
            return self._given
        async with self._opening:
            if profile not in self._opened:
                opened = open_components(load_profile(profile), self._store)
                self._opened[profile] = await self._exits.enter_async_context(opened)
            return self._opened[profile]

    async def read(self, trajectory: str) -> Mapping[str, Any]:
        """Returns the values of a trajectory's state."""
        with sqlite_errors(self._path):
            snapshot = await (await self.graph()).aget_state({"configurable": {"thread_id": trajectory}})
        values: Mapping[str, Any] = snapshot.values
        return values

    async def write(self, trajectory: str, values: Mapping[str, Any], after: str) -> None:
        """Writes a new trajectory's state as if the node `after` had returned it."""
        with sqlite_errors(self._path):
            graph = await self.graph()
            await graph.aupdate_state({"configurable": {"thread_id": trajectory}}, dict(values), as_node=after)

    async def delete(self, trajectory: str) -> None:
        """Removes a trajectory's checkpoints."""
        with sqlite_errors(self._path):
            await (await self.saver()).adelete_thread(trajectory)

    async def size(self, trajectory: str) -> tuple[int, int]:
        """Returns the bytes of a trajectory's checkpoints and writes, and the number of its checkpoints."""
        query = """
            SELECT (SELECT coalesce(sum(length(checkpoint) + length(metadata)), 0)
                    FROM checkpoints WHERE thread_id = ?1)
                 + (SELECT coalesce(sum(length(value) + length(channel)), 0)
                    FROM writes WHERE thread_id = ?1),
                   (SELECT count(*) FROM checkpoints WHERE thread_id = ?1)
        """
        with sqlite_errors(self._path):
            saver = await self.saver()
            await saver.setup()
            async with saver.lock, saver.conn.execute(query, (trajectory,)) as cursor:
                row = await cursor.fetchone()
        return (0, 0) if row is None else (int(row[0]), int(row[1]))

    async def roll_back(self) -> None:
        """Drops what a cancelled run left uncommitted, which would keep everybody else from writing."""
        with sqlite_errors(self._path):
            saver = await self.saver()
            async with saver.lock:
                await saver.conn.rollback()

    async def close(self) -> None:
        """Ends generator sessions and closes the database."""
        await self._exits.aclose()


async def _from_context(runtime: Runtime[Any]) -> Components:
    components = runtime.context
    assert isinstance(components, Components)  # noqa: S101 - whoever runs this graph is in this package
    return components
