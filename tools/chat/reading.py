"""Reads a model's answer beside the event loop, with a limit on the processor time that it may take."""

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from interleavethinker.tools.errors import ModelAnswerError

__all__ = ["read_aside"]

_Answer = TypeVar("_Answer")
_Read = TypeVar("_Read")


async def read_aside(read: Callable[[_Answer], _Read], answer: _Answer, seconds: float = 5.0) -> _Read:
    """Reads an answer in a thread, since no text that a model writes may stop the event loop.

    Only the thread's own time counts. On a busy machine it may wait long for a processor, and an answer that was paid
    for is not given up for that.

    Args:
        read: Reads it; raises `ModelAnswerError` if it cannot be used.
        answer: The answer.
        seconds: Processor time to read it; where the system does not tell that of a thread, time since it began.

    Raises:
        ModelAnswerError: The answer cannot be used, or takes too long to read.
    """
    clock = _ThreadClock()

    def timed() -> _Read:
        clock.start()
        try:
            return read(answer)
        finally:
            clock.stop()

    reading = asyncio.ensure_future(asyncio.to_thread(timed))
    try:
        while not (await asyncio.wait({reading}, timeout=seconds))[0]:
            if clock.seconds() >= seconds:
                raise ModelAnswerError("Reading the answer took too long. Write plain JSON.")
        return reading.result()
    finally:
        if not reading.cancel() and not reading.cancelled():
            reading.exception()  # If the caller has another error, asyncio would print this one as never retrieved.


class _ThreadClock:
    """The time that a thread works between `start` and `stop`, which it calls itself; others read it meanwhile."""

    def __init__(self) -> None:
        self._id: int | None = None
        self._began: float | None = None
        self._worked: float | None = None

    def start(self) -> None:
        if sys.platform == "linux":
            self._id = time.pthread_getcpuclockid(threading.get_ident())
        self._began = self._now()

    def stop(self) -> None:
        self._worked = self.seconds()

    def seconds(self) -> float:
        """Returns the time so far; 0 as long as the thread has not begun."""
        if self._worked is not None or self._began is None:
            return self._worked or 0.0
        return self._now() - self._began

    def _now(self) -> float:
        if sys.platform == "linux" and self._id is not None:
            return time.clock_gettime(self._id)
        return time.monotonic()
