"""What the graph's nodes hold while they run: the three ports and the profile's limits, passed as LangGraph context.

`both_ways` lets one coroutine serve as a node under `invoke` and `ainvoke` alike: called without a loop, it runs in the
process-wide loop thread, where the MCP session of a shared profile lives.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.runtime import Runtime, get_runtime

from interleavethinker.tools.protocols import Critic, ImageGenerator, Planner

from .limits import Limits

__all__ = ["Ports", "both_ways", "loop_thread"]

_T = TypeVar("_T")
_Work = Callable[[Any, Runtime[Any]], Coroutine[Any, Any, dict[str, Any]]]


@dataclass(frozen=True)
class Ports:
    """The graph's dependencies."""

    planner: Planner
    critic: Critic
    generator: ImageGenerator
    limits: Limits = field(default_factory=Limits)
    """Used where a trajectory brings none."""


class LoopThread:
    """An event loop in a daemon thread, for what must outlive a single `invoke`."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, name="interleavethinker", daemon=True).start()

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Runs a coroutine in the thread and waits for it, from code without a running loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    async def hop(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Runs a coroutine in the thread and awaits it from whichever loop is running; cancelling reaches it."""
        if asyncio.get_running_loop() is self.loop:
            return await work
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.loop))


@cache
def loop_thread() -> LoopThread:
    """Returns the process's loop thread, started at the first call."""
    return LoopThread()


class _Node(Runnable[Any, dict[str, Any]]):
    """A plain runnable: LangChain's `RunnableLambda` would inspect signatures at every call."""

    def __init__(self, node: _Work, name: str) -> None:
        self.name = name
        self._node = node

    def invoke(self, input: Any, config: RunnableConfig | None = None, **_: Any) -> dict[str, Any]:  # noqa: A002, ARG002
        return loop_thread().run(self._node(input, get_runtime(Ports)))

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **_: Any) -> dict[str, Any]:  # noqa: A002, ARG002
        return await self._node(input, get_runtime(Ports))


def both_ways(node: _Work, name: str) -> Runnable[Any, dict[str, Any]]:
    """Makes a graph node, usable with and without a running event loop, from a coroutine function."""
    return _Node(node, name)
