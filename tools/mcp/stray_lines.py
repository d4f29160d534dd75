"""Lines that a stdio server prints among its messages: one warning for each connection instead of a traceback a line.

The MCP library skips such lines, logs each as an error with its traceback, and has no setting for it.
"""

import logging
from contextvars import ContextVar

from pydantic import ValidationError

from interleavethinker.tools.plain_text import quotation

from .malformed_answers import broken_answer

__all__ = ["warn_once"]

_LONGEST = 200
"""Characters of the line that the warning quotes."""
_log = logging.getLogger(__name__)
_warned: ContextVar[list[bool]] = ContextVar("warned")
"""Of the connection that the current task reads; tasks of other clients in this process have none."""


class _StrayLines(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        """Returns whether the library may log this itself."""
        warned = _warned.get(None)
        error = record.exc_info[1] if record.exc_info else None
        if warned is None or not isinstance(error, ValidationError):
            return True
        if not warned and broken_answer(error) is None:
            warned.append(True)
            line = error.errors(include_url=False)[0]["input"]
            _log.warning(
                "The image server prints text to standard output, where only messages belong: %s (further lines are "
                "skipped silently)",
                quotation(str(line), _LONGEST),
            )
        return False


_filter = _StrayLines()


def warn_once() -> None:
    """Makes the connection that this task opens next report only its first stray line."""
    logging.getLogger("mcp.client.stdio").addFilter(_filter)  # Adding it again does nothing.
    _warned.set([])
