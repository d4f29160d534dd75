"""Signals that end a server: the calls in flight end first, and its program leaves everything in order afterwards."""

import asyncio
import contextlib
import logging
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from types import FrameType

from interleavethinker.tools.errors import InputError

__all__ = [
    "DEFAULT_SHUTDOWN_TIMEOUT",
    "Drain",
    "FirstSignal",
    "check_shutdown_timeout",
    "drained_at_sigterm",
    "orderly_end",
]

Drain = Callable[[], Awaitable[None]]
"""Takes no new work, and returns when the calls in flight have ended or its time is over."""

_log = logging.getLogger(__name__)
DEFAULT_SHUTDOWN_TIMEOUT = 60.0
"""Seconds. A call that is thrown away may have been paid, and is made again."""


def check_shutdown_timeout(seconds: float) -> None:
    """Checks the most seconds for which a server waits for calls in flight.

    Raises:
        InputError: They are negative or no number.
    """
    if not seconds >= 0:
        raise InputError(f"--shutdown-timeout must be at least 0 (seconds); got {seconds:g}.")


class FirstSignal:
    """Lets the calls in flight end before the first signal takes effect. The second one takes effect at once.

    Args:
        drain: See `Drain`.
        end: Ends the server.
    """

    def __init__(self, drain: Drain, end: Callable[[], None]) -> None:
        self._drain = drain
        self._end = end
        self._loop = asyncio.get_running_loop()
        self._received = False
        self._task: asyncio.Task[None] | None = None

    def receive(self) -> None:
        """Takes one signal. May be called by a signal handler."""
        if self._received:
            self._end()
        else:
            self._received = True
            self._loop.call_soon_threadsafe(self._begin)

    async def close(self) -> None:
        """Stops waiting for the calls in flight."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _begin(self) -> None:
        self._task = self._loop.create_task(self._drain_and_end())

    async def _drain_and_end(self) -> None:
        try:
            await self._drain()
        except Exception:  # noqa: BLE001 - a defect must not keep the server from ending
            _log.exception("waiting for the calls in flight failed")
        self._end()


@contextlib.contextmanager
def drained_at_sigterm(drain: Drain) -> Iterator[None]:
    """Lets the calls in flight end before SIGTERM ends the process; a second one ends it at once.

    systemd and batch systems send SIGTERM to a program and its children at once. The program then waits for the calls
    that its child, a server over stdio, has in flight.
    """

    def end() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTERM)

    if not _may_set_handlers() or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, FirstSignal(drain, end).receive)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


def _may_set_handlers() -> bool:
    return sys.platform != "win32" and threading.current_thread() is threading.main_thread()


@contextlib.contextmanager
def orderly_end() -> Iterator[None]:
    """Lets a program go on behind a server that SIGTERM or SIGHUP ended. Enclose the server alone.

    uvicorn raises the signal that ended it once more afterwards. By default that ends the process on the spot: running
    trajectories are not paused, and the generator calls in flight are thrown away. SIGHUP, which a closing terminal
    sends, is not even handled by uvicorn; here it means the same as SIGTERM, unless it is ignored (`nohup`). Behind the
    block the usual handlers are back, so that a second signal ends the process at once.
    """
    if sys.platform == "win32" or not _may_set_handlers():
        yield
        return

    def hung_up(_number: int, _frame: FrameType | None) -> None:
        signal.raise_signal(signal.SIGTERM)

    before = {}
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        before[signal.SIGTERM] = signal.signal(signal.SIGTERM, lambda *_: None)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, hung_up)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
