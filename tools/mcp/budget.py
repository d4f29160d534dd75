"""How often one image may be tried: a budget that every part of a call shares, and that nobody outside renews."""

import asyncio
import contextlib
import random
import time
from collections.abc import Iterator
from pathlib import Path

from interleavethinker.tools.errors import GeneratorError
from interleavethinker.tools.retry_after import pause_of

from .watched_calls import LostCallError

__all__ = ["LostSessionError", "ResendBudget"]


class LostSessionError(ConnectionError):
    """The server answers, but does not know the session any more."""


_PAUSE_SECONDS = 0.5
"""Pause before a call is sent again whose error may go away; doubled each time."""
_MOST_ERRORS = 2
"""Errors that may go away, which servers send: such a call may have cost something, unlike one whose server died."""

_CRASHES_IN_COMPANY = 2
"""Crashes after which a call is sent alone. One may be anybody's; sending all calls alone at once would be slow."""

_LOST = ((LostCallError, "lost this call {}"), (LostSessionError, "lost its session {} during this call"))


class ResendBudget:
    """Counts the failed attempts at one image: its call, its uploads, and the reading of its result.

    Args:
        max_resends: How often requests may be sent again in all; after errors that servers send, twice.
        log: The server's log, for the message.
        seconds: How long the attempts may take in all.
    """

    def __init__(self, max_resends: int, log: Path | None = None, seconds: float = float("inf")) -> None:
        self._max_resends = max_resends
        self._log = log
        self.refusal = ""
        """The last answer of a busy server."""
        self._until = time.monotonic() + seconds
        self._failures = 0
        self._deaths = 0
        self._errors = 0
        self.limit: asyncio.Timeout | None = None
        """Ends the call; set once it has begun."""

    @property
    def must_be_alone(self) -> bool:
        """Whether the next attempt must not end by another call's crash: it is the last one, or there were several."""
        return self._deaths >= _CRASHES_IN_COMPANY or self._failures >= self._max_resends

    @contextlib.contextmanager
    def time_stopped(self) -> Iterator[None]:
        """Does not count the time in which the context is open."""
        limit, started = self.limit, time.monotonic()
        end = None if limit is None else limit.when()
        if limit is not None:
            limit.reschedule(None)
        try:
            yield
        finally:
            passed = time.monotonic() - started
            self._until += passed
            if limit is not None and end is not None:
                limit.reschedule(end + passed)

    def count_death(self, error: BaseException) -> None:
        """Counts a server that died meanwhile, or lost the call or the session.

        Raises:
            GeneratorError: That was the last attempt (`server_died`, exhausted).
        """
        self._deaths += 1
        self._failures += 1
        if self._failures > self._max_resends:
            log = "Check its log." if self._log is None else f"See its log: {self._log}"
            times = _times(self._deaths)
            kind = next((words for kind, words in _LOST if isinstance(error, kind)), "crashed {} during this call")
            what = kind.format(times)
            said = f"{error} " if isinstance(error, LostSessionError) else ""
            raise GeneratorError(
                f"The image server {what}; `max_resends` = "
                f"{self._max_resends} allows no further attempt at this image. {said}{log}",
                code="server_died",
                retryable=True,
                exhausted=True,
            ) from error

    def pause_after(self, error: GeneratorError) -> float:
        """Counts an error, and returns the seconds to wait before the call is sent again.

        Raises:
            GeneratorError: Sending it again cannot help, or that was the last attempt (exhausted).
        """
        if error.exhausted or not error.retryable:
            raise error
        self._errors += 1
        self._failures += 1
        if self._errors > _MOST_ERRORS or self._failures > self._max_resends:
            raise GeneratorError(
                f"{error} (Tried {_times(self._failures)}, the most for one image.)",
                code=error.code,
                retryable=True,
                exhausted=True,
            ) from error
        return self.pause(error, _PAUSE_SECONDS * (1 << self._errors) * random.uniform(0.5, 1.0))

    def pause(self, error: GeneratorError, otherwise: float) -> float:
        """Returns the seconds to wait as the server asks, or `otherwise` if it does not.

        Raises:
            GeneratorError: It asks for more time than is left (exhausted).
        """
        self.refusal = str(error) if error.code == "busy" else ""
        left = self._until - time.monotonic()
        seconds = pause_of(error.retry_after, otherwise)
        if error.retry_after is not None and seconds > left:
            raise GeneratorError(
                f"{error} It asks to be left alone for {error.retry_after:.0f} s, longer than what `call_timeout` "
                f"leaves ({max(0.0, left):.0f} s).",
                code=error.code,
                retryable=True,
                exhausted=True,
            ) from error
        return seconds


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
