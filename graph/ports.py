"""What the graph's nodes hold while they run: the three ports and the profile's limits, passed as LangGraph context.

`both_ways` lets one coroutine serve as a node under `invoke` and `ainvoke` alike: called without a loop, it runs in the
process-wide loop thread, where the MCP session of a shared profile lives.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from langchain_core.runnables import RunnableLambda
from langgraph.runtime import Runtime, get_runtime

from interleavethinker.tools.ports import Critic, ImageGenerator, Planner

from .limits import Limits

__all__ = ["Ports", "both_ways", "loop_thread"]

_T = TypeVar("_T")


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


def both_ways(
    node: Callable[[Any, Runtime[Any]], Awaitable[dict[str, Any]]], name: str
) -> RunnableLambda[Any, dict[str, Any]]:
    """Makes a graph node, usable with and without a running event loop, from a coroutine function."""

    async def call(state: Any, runtime: Runtime[Any]) -> dict[str, Any]:
        return await node(state, runtime)

    def without_loop(state: Any) -> dict[str, Any]:
        return loop_thread().run(call(state, get_runtime(Ports)))

    async def with_loop(state: Any) -> dict[str, Any]:
        return await call(state, get_runtime(Ports))

    return RunnableLambda(without_loop, afunc=with_loop, name=name)
