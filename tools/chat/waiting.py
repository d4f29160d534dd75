"""When a call of a chat model is repeated, and how long the pause before it is: rate limits and overload pass by.

Reads the exceptions of any provider's client by the attributes that they have in common. A call that is refused for
good, such as one without credit, is not repeated.
"""

import contextlib
import random
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass

from interleavethinker.tools.retry_after import retry_after_seconds

__all__ = ["CallPolicy", "pause_before_retry", "report_pause", "reporting_pauses"]

PauseListener = Callable[[float, str], None]
"""Called with the seconds of a pause and its reason."""

_OVERLOADED = {429, 502, 503, 504, 529}
_FINAL = ("insufficient_quota", "billing_hard_limit", "credit balance")
_FIRST_PAUSE, _LONGEST_BACKOFF = 1.0, 60.0
_listener: ContextVar[PauseListener | None] = ContextVar("pause_listener", default=None)


@dataclass(frozen=True)
class CallPolicy:
    """Limits of one call of a chat model."""

    timeout: float | None = None
    """Seconds for one answer, without the pauses; None: no limit."""
    max_retries: int = 20
    """How often a call is repeated that the provider turned down because of a rate limit or overload."""
    longest_wait: float = 3600.0
    """Seconds that the pauses of one call may take in all, whatever the provider asks for."""


@contextlib.contextmanager
def reporting_pauses(listener: PauseListener) -> Iterator[None]:
    """Reports the pauses of all chat models called in this context."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def report_pause(seconds: float, reason: str) -> None:
    """Tells the listener of this context, if there is one."""
    listener = _listener.get()
    if listener is not None:
        listener(seconds, reason)


def pause_before_retry(error: Exception, attempt: int) -> tuple[float, str] | None:
    """Returns the seconds to wait before a call is repeated, and why; None if repeating it cannot help.

    The seconds are what the provider asks for, even if it asks for years.

    Args:
        error: A provider's exception.
        attempt: How often the call was made, from 1.
    """
    response = getattr(error, "response", None)
    status = getattr(error, "status_code", None) or getattr(response, "status_code", None)
    if status not in _OVERLOADED or any(word in _details(error) for word in _FINAL):
        return None
    headers = getattr(response, "headers", None)
    asked = None if headers is None else retry_after_seconds(headers.get("retry-after"))
    backoff = min(_FIRST_PAUSE * 2 ** (attempt - 1), _LONGEST_BACKOFF) * random.uniform(0.5, 1.5)
    reason = "rate limit" if status == 429 else "provider overloaded"
    return backoff if asked is None else asked, f"{reason} (HTTP {status})"


def _details(error: Exception) -> str:
    """Returns the error's message, code and body in lower case."""
    return f"{error} {getattr(error, 'code', '')} {getattr(error, 'body', '')}".lower()
