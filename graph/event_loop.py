"""The process-wide event loop thread, and graph nodes that work with and without a running event loop.

Why a thread: the MCP session of a shared profile must outlive a single `graph.invoke(…)`, and an asyncio session is
bound to the loop that opened it. The session therefore lives in one background loop, and callers from any loop, or from
none, send their coroutines there. `profiles.opening` documents the life of what runs in it.
"""

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, InvalidStateError
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, Generic, TypeVar

from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.runtime import Runtime, get_runtime

from interleavethinker.tools.errors import InterleaveError

from .context import GraphContext
from .tracing import node_span

__all__ = ["LoopThread", "OpenContexts", "choice", "loop_thread", "sync_and_async_node"]

_K = TypeVar("_K")
_T = TypeVar("_T")
_CLOSE_TIMEOUT = 5.0
"""Seconds."""
_Node = Callable[[Any, Runtime[Any]], Coroutine[Any, Any, dict[str, Any]]]


class _ThreadEndedError(RuntimeError):
    def __init__(self) -> None:
        super().__init__(
            "The event loop thread of interleavethinker has ended, so nothing can run in it any more. All finished "
            "work is kept. Restart the program; if it printed no error, a component has stopped the thread's loop."
        )


class _ForkedError(InterleaveError):
    """Neither threads nor SQLite's connections survive a fork; the constructor's form lets it be pickled."""

    code = "forked"


class LoopThread:
    """An event loop that runs in a daemon thread until the process ends.

    Attributes:
        loop: The running loop.
    """

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._lock = threading.Lock()
        self._open: set[Future[Any]] = set()
        """What callers wait for."""
        self._ended = False
        self._process = os.getpid()
        threading.Thread(target=self._run, name="interleavethinker", daemon=True).start()

    def submit(self, work: Coroutine[Any, Any, _T]) -> "Future[_T]":
        """Runs a coroutine in the thread and returns its future result. Safe to call from any thread.

        Raises:
            RuntimeError: The thread has ended; the future gets this error if it ends later.
            InterleaveError: This process was forked from the thread's (`forked`), and has the thread no more.
        """
        if os.getpid() != self._process:  # Before the lock, which nobody may be left to free.
            work.close()
            raise _ForkedError(
                "This process was forked from one that had used interleavethinker before, and its event loop, database "
                "connections and models do not survive that. Start the process with another method, for example "
                "multiprocessing.get_context('spawn'), or use interleavethinker only after the fork."
            )
        with self._lock:
            if self._ended:
                work.close()
                raise _ThreadEndedError
            future = asyncio.run_coroutine_threadsafe(work, self.loop)
            self._open.add(future)
        future.add_done_callback(self._open.discard)
        return future

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Runs a coroutine in the thread and blocks until it returns.

        It must not be called from the thread itself, which would then wait for itself.
        """
        return self.submit(work).result()

    async def run_from_any_loop(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Runs a coroutine in the thread and awaits it from the running loop, whichever that is.

        Cancelling the caller cancels the coroutine.
        """
        if asyncio.get_running_loop() is self.loop:
            return await work
        return await asyncio.wrap_future(self.submit(work))

    def _run(self) -> None:
        try:
            while True:
                # A task that raises one of these ends its loop; the caller gets it, too, once the loop goes on.
                with contextlib.suppress(SystemExit, KeyboardInterrupt):
                    self.loop.run_forever()
                    return  # Somebody stopped it.
        finally:
            with self._lock:
                self._ended = True
                waiting = list(self._open)
            for future in waiting:
                with contextlib.suppress(InvalidStateError):
                    future.set_exception(_ThreadEndedError())


_starting = threading.Lock()
"""Without it two threads that call for the first time would start two loops, and wait for each other's locks."""
_loop_threads: list[LoopThread] = []


def loop_thread() -> LoopThread:
    """Returns the loop thread of this process; the first call starts it. Safe to call from any thread."""
    if _loop_threads:  # Without the lock, which a thread that a fork did not copy may have held.
        return _loop_threads[0]
    with _starting:
        if not _loop_threads:
            _loop_threads.append(LoopThread())
        return _loop_threads[0]


class OpenContexts(Generic[_K, _T]):
    """Opens an async context for each key once, and keeps it open until `close`.

    Its coroutines must all run in the same event loop, which is the one that the contexts belong to.

    Args:
        open_context: Returns the context of a key.
    """

    def __init__(self, open_context: Callable[[_K], AbstractAsyncContextManager[_T]]) -> None:
        self._open_context = open_context
        self._open: dict[_K, _T] = {}
        self._exits = AsyncExitStack()
        self._lock = asyncio.Lock()
        """Opening takes seconds: without the lock two first users at the same time would open a context twice."""

    async def get(self, key: _K) -> _T:
        """Returns what the context of a key yields; the first call opens it."""
        async with self._lock:
            if key not in self._open:
                self._open[key] = await self._exits.enter_async_context(self._open_context(key))
            return self._open[key]

    async def close(self) -> None:
        """Closes all contexts; `get` opens them again."""
        async with self._lock:
            self._open.clear()
            exits, self._exits = self._exits, AsyncExitStack()
            await exits.aclose()

    def close_in_loop_thread(self) -> None:
        """Closes all contexts, which belong to the loop thread, from any other thread; blocks for at most 5 seconds."""
        if not self._open:
            return
        # A thread that has ended closes nothing any more, and what was open before a fork is the parent's.
        with contextlib.suppress(TimeoutError, _ThreadEndedError, _ForkedError):
            loop_thread().submit(self.close()).result(_CLOSE_TIMEOUT)


class _NodeRunnable(Runnable[Any, dict[str, Any]]):
    """A minimal runnable. LangChain's `RunnableLambda` would inspect signatures at every call."""

    def __init__(self, node: _Node, name: str) -> None:
        self.name: str = name
        self._node = node

    def invoke(self, input: Any, config: RunnableConfig | None = None, **_: Any) -> dict[str, Any]:  # noqa: A002, ARG002
        with node_span(self.name, input):
            return loop_thread().run(self._node(input, get_runtime(GraphContext)))

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **_: Any) -> dict[str, Any]:  # noqa: A002, ARG002
        with node_span(self.name, input):
            return await self._node(input, get_runtime(GraphContext))


class _Choice(Runnable[Any, str]):
    """Runs a function in the calling thread. LangGraph would start a thread for it at every call."""

    def __init__(self, choose: Callable[[Any], str]) -> None:
        self.name = choose.__name__
        self._choose = choose

    def invoke(self, input: Any, config: RunnableConfig | None = None, **_: Any) -> str:  # noqa: A002, ARG002
        return self._choose(input)

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **_: Any) -> str:  # noqa: A002, ARG002
        return self._choose(input)


def choice(choose: Callable[[Any], str]) -> Runnable[Any, Any]:
    """Returns a function that chooses the next node, for a conditional edge.

    Args:
        choose: Pure and fast, because it runs in the event loop.
    """
    return _Choice(choose)


def sync_and_async_node(node: _Node, name: str) -> Runnable[Any, dict[str, Any]]:
    """Returns a graph node that calls a coroutine function under `ainvoke` and under `invoke`.

    `ainvoke` awaits the coroutine in the running loop. `invoke` runs it in the process-wide loop thread and blocks.

    Args:
        node: Coroutine function of the state and the runtime.
        name: Name of the node.
    """
    return _NodeRunnable(node, name)
