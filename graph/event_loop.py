"""An event loop in a thread of its own, and graph nodes that run with or without a running loop.

`sync_and_async_node` lets one coroutine serve as a node under `invoke` and `ainvoke` alike: called without a loop, it
runs in the process-wide loop thread, where the MCP session of a shared profile lives.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from functools import cache
from typing import Any, TypeVar

from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.runtime import Runtime, get_runtime

from .context import Components

__all__ = ["LoopThread", "loop_thread", "sync_and_async_node"]

_T = TypeVar("_T")
_Node = Callable[[Any, Runtime[Any]], Coroutine[Any, Any, dict[str, Any]]]


class LoopThread:
    """An event loop in a daemon thread, for what must outlive a single `invoke`."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, name="interleavethinker", daemon=True).start()

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Runs a coroutine in the thread and waits for it, from code without a running loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    async def run_from_any_loop(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Runs a coroutine in the thread and awaits it from whichever loop is running; cancelling reaches it."""
        if asyncio.get_running_loop() is self.loop:
            return await work
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.loop))


@cache
def loop_thread() -> LoopThread:
    """Returns the process's loop thread, started at the first call."""
    return LoopThread()


class _NodeRunnable(Runnable[Any, dict[str, Any]]):
    """A plain runnable: LangChain's `RunnableLambda` would inspect signatures at every call."""

    def __init__(self, node: _Node, name: str) -> None:
        self.name = name
        self._node = node

    def invoke(self, input: Any, config: RunnableConfig | None = None, **_: Any) -> dict[str, Any]:  # noqa: A002, ARG002
        return loop_thread().run(self._node(input, get_runtime(Components)))

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **_: Any) -> dict[str, Any]:  # noqa: A002, ARG002
        return await self._node(input, get_runtime(Components))


def sync_and_async_node(node: _Node, name: str) -> Runnable[Any, dict[str, Any]]:
    """Makes a graph node, usable with and without a running event loop, from a coroutine function."""
    return _NodeRunnable(node, name)
