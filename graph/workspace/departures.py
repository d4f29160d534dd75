"""Readers who leave a trajectory's event stream early, until the run that they read from has ended.

`break` in an `async for` only schedules the end of the generator: for a moment the trajectory still looks running,
although its reader considers it paused. Whoever uses the trajectory next, in this process, waits for that moment. A
generator that a variable holds does not end at all before its workspace is closed. A stream that another task reads
meanwhile is paused then.

A stream that tells how its run ended has ended by then, so that its reader may judge, branch or delete in the loop.
"""

import asyncio
import contextlib
import inspect
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from weakref import WeakSet

from interleavethinker.graph.events import ApprovalNeeded, Cancelled, Event, Failed, Finished, Paused, ReviewNeeded
from interleavethinker.tools.errors import InterleaveError, StoreError

__all__ = ["Departures"]

_TURNS_OF_THE_LOOP = 3
"""One in which the event loop's hook for abandoned generators runs, one in which its task starts, one to spare."""
_LAST_EVENTS = (ApprovalNeeded, Cancelled, Failed, Finished, Paused, ReviewNeeded)
"""How a run may end."""
_LOOK_S = 0.1
"""How often a closing workspace looks whether what runs has ended."""


class Departures:
    """The departures of one workspace. A trajectory has at most one reader at a time, which its lock ensures."""

    def __init__(self) -> None:
        self._ended: dict[str, asyncio.Event] = {}
        self._open = Counter[str]()
        self._closing = False
        self._streams = WeakSet[AsyncGenerator[Event]]()

    def watched(self, events: AsyncGenerator[Event]) -> AsyncGenerator[Event]:
        """Returns a stream that `closing` will end. Dropping it still ends it at once.

        Args:
            events: Holds the trajectory's lock, which is free again before the reader gets the last event.
        """
        freed = _freed_before_the_last(events)
        self._streams.add(freed)
        return freed

    @contextlib.contextmanager
    def noticed(self, trajectory: str) -> Iterator[None]:
        """Surrounds the `yield` of a stream: notices that its reader leaves there."""
        try:
            yield
        except GeneratorExit:
            self._ended[trajectory] = asyncio.Event()
            raise

    @contextlib.contextmanager
    def reported(self, trajectory: str) -> Iterator[None]:
        """Surrounds the whole stream: reports its end to those who wait in `over`."""
        try:
            yield
        finally:
            if (ended := self._ended.pop(trajectory, None)) is not None:
                ended.set()

    @contextlib.contextmanager
    def running(self, trajectory: str) -> Iterator[None]:
        """Surrounds a run, for whose end `closing` waits.

        Raises:
            StoreError: The workspace is being closed.
        """
        if self._closing:
            raise StoreError("The workspace is being closed, so nothing is run in it any more.")
        self._open[trajectory] += 1
        try:
            yield
        finally:
            self._open[trajectory] -= 1

    async def over(self, trajectory: str) -> None:
        """Returns once nobody is about to leave the trajectory's stream."""
        await _let_hooks_run()
        if (ended := self._ended.get(trajectory)) is not None:
            await ended.wait()

    @contextlib.asynccontextmanager
    async def closing(self, pause: Callable[[str], Awaitable[object]]) -> AsyncIterator[None]:
        """Surrounds the use of the workspace. At its end all streams that were left end, also those that are held.

        A run that another task reads is paused, and its end awaited. After an error in this block it is not awaited,
        because a call in flight that never ends may be that error's cause; the task gets an error then.

        Args:
            pause: Pauses a trajectory. Its call in flight ends first: ended here, it would be made again.
        """
        try:
            yield
        except BaseException:
            self._closing = True
            await self._end_unread()
            raise
        self._closing = True
        await self._end_unread()
        while running := list(+self._open):
            for trajectory in running:
                with contextlib.suppress(InterleaveError):  # It has ended meanwhile.
                    await pause(trajectory)
            await asyncio.sleep(_LOOK_S)
            await self._end_unread()

    async def _end_unread(self) -> None:
        for events in tuple(self._streams):
            if not inspect.isasyncgen(events) or not events.ag_running:
                await events.aclose()
        await _let_hooks_run()
        for ended in tuple(self._ended.values()):
            await ended.wait()


async def _freed_before_the_last(events: AsyncGenerator[Event]) -> AsyncGenerator[Event]:
    async with contextlib.aclosing(events):
        async for event in events:
            if isinstance(event, _LAST_EVENTS):
                async for _ in events:  # There is none: it ends.
                    pass
            yield event


async def _let_hooks_run() -> None:
    for _ in range(_TURNS_OF_THE_LOOP):
        await asyncio.sleep(0)
