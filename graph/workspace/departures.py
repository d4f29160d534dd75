"""Readers who leave a trajectory's event stream early, until the run that they read from has ended.

`break` in an `async for` only schedules the end of the generator: for a moment the trajectory still looks running,
although its reader considers it paused. Whoever uses the trajectory next, in this process, waits for that moment.
"""

import asyncio
import contextlib
from collections.abc import Iterator

__all__ = ["Departures"]

_TURNS_OF_THE_LOOP = 3
"""One in which the event loop's hook for abandoned generators runs, one in which its task starts, one to spare."""


class Departures:
    """The departures of one workspace. A trajectory has at most one reader at a time, which its lock ensures."""

    def __init__(self) -> None:
        self._ended: dict[str, asyncio.Event] = {}

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

    async def over(self, trajectory: str) -> None:
        """Returns once nobody is about to leave the trajectory's stream."""
        for _ in range(_TURNS_OF_THE_LOOP):
            await asyncio.sleep(0)
        if (ended := self._ended.get(trajectory)) is not None:
            await ended.wait()
