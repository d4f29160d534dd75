"""Signals that end a server over HTTP, and the time after it in which its program leaves everything in order."""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

__all__ = ["orderly_end"]


@contextlib.contextmanager
def orderly_end() -> Iterator[None]:
    """Lets a program go on behind a server that SIGTERM or SIGHUP ended. Enclose the server alone.

    uvicorn raises the signal that ended it once more afterwards. By default that ends the process on the spot: running
    trajectories are not paused, and the generator calls in flight are thrown away. SIGHUP, which a closing terminal
    sends, is not even handled by uvicorn; here it means the same as SIGTERM, unless it is ignored (`nohup`). Behind the
    block the usual handlers are back, so that a second signal ends the process at once.
    """
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
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
