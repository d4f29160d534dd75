"""A bound on the lines that requests can put into the log, most of which need no token."""

import contextlib
import logging
import time
from collections.abc import Callable, Iterator

from interleavethinker.tools.plain_text import quotation

from .plain_requests import WithoutDepartures

__all__ = ["FewLines", "few_lines"]

_LOGGERS = ("uvicorn.error", "mcp.server.transport_security", "mcp.server.streamable_http_manager")
"""What they warn of, a request can bring about: malformed heads, wrong hosts and origins, unknown sessions."""
_MOST = 10
_SECONDS = 60.0
_LONGEST = 300


class FewLines(logging.Filter):
    """Lets a few warnings through in each period, shortened and on one line each; errors always pass.

    Args:
        most: Warnings in one period; the last one says that others are left out.
        seconds: Length of a period.
        clock: Returns the present time in seconds.
    """

    def __init__(
        self, most: int = _MOST, seconds: float = _SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._most, self._seconds, self._clock = most, seconds, clock
        self._since = clock()
        self._count = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """See `logging.Filter.filter`."""
        if record.levelno >= logging.ERROR:
            return True
        now = self._clock()
        if now - self._since >= self._seconds:
            self._since, self._count = now, 0
        self._count += 1
        if self._count > self._most:
            return False
        left_out = f" (More warnings are left out for {self._seconds:g} s.)" if self._count == self._most else ""
        record.msg, record.args = quotation(record.getMessage(), _LONGEST) + left_out, ()
        return True


@contextlib.contextmanager
def few_lines() -> Iterator[None]:
    """Bounds the log of a server while it runs."""
    filters: list[tuple[logging.Logger, logging.Filter]]
    filters = [(logging.getLogger(name), FewLines()) for name in _LOGGERS]
    filters.append((logging.getLogger("mcp.server.streamable_http"), WithoutDepartures()))
    for logger, each in filters:
        logger.addFilter(each)
    try:
        yield
    finally:
        for logger, each in filters:
            logger.removeFilter(each)
