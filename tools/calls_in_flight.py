"""The calls of one run: which are being answered, and which only wait until a service takes them again.

An overloaded service may ask to be left alone for an hour. Nothing is lost if a run is paused while all its calls
wait like that, whereas a call that is being answered may have been paid for.
"""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

__all__ = ["CallsInFlight", "call_in_flight", "call_waiting", "calls_of_run", "count_calls_in"]


class CallsInFlight:
    """Counts the calls of a run. Knows nothing of what they are."""

    def __init__(self) -> None:
        self._open = 0
        self._waiting = 0

    @property
    def only_wait(self) -> bool:
        """Whether there are calls, and every one of them waits."""
        return 0 < self._waiting == self._open

    @contextlib.contextmanager
    def in_flight(self) -> Iterator[None]:
        """Counts a call from its beginning to its end."""
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Counts the time in which a call that is in flight waits."""
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1


_calls: ContextVar[CallsInFlight | None] = ContextVar("calls_in_flight", default=None)


def count_calls_in(calls: CallsInFlight) -> None:
    """Has the calls that are made in this context counted."""
    _calls.set(calls)


def calls_of_run() -> CallsInFlight | None:
    """Returns the counter of this context's run; None if nobody counts."""
    return _calls.get()


def call_in_flight() -> contextlib.AbstractContextManager[None]:
    """Returns a block in which a call of this context's run is made."""
    calls = _calls.get()
    return contextlib.nullcontext() if calls is None else calls.in_flight()


def call_waiting() -> contextlib.AbstractContextManager[None]:
    """Returns a block inside that of `call_in_flight` in which the call waits and nobody works on it."""
    calls = _calls.get()
    return contextlib.nullcontext() if calls is None else calls.waiting()
