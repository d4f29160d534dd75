"""Cancels the work of a node when the trajectory's time limit is reached, and measures how long it took."""

import asyncio
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from .limits import Limits

__all__ = ["TimeLimit"]


class TimeLimit:
    """Async context manager around the calls of a node.

    Attributes:
        seconds: Seconds of work of the whole trajectory, valid after the context.
        expired: Whether the time limit ended the work. Its TimeoutError is suppressed; other errors propagate.

    Args:
        state: State of the trajectory, with the `seconds` used so far.
        limits: Limits of the trajectory, with the `time_limit`.
    """

    def __init__(self, state: Mapping[str, Any], limits: Limits) -> None:
        self.seconds: float = state.get("seconds", 0.0)
        self.expired = False
        remaining = None if limits.time_limit is None else max(0.0, limits.time_limit - self.seconds)
        self._timeout = asyncio.timeout(remaining)
        self._started = 0.0

    async def __aenter__(self) -> "TimeLimit":
        """Starts the timer."""
        self._started = time.monotonic()
        await self._timeout.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Stops the timer and suppresses the timeout of the time limit."""
        self.seconds += time.monotonic() - self._started
        try:
            await self._timeout.__aexit__(kind, error, trace)
        except TimeoutError:
            self.expired = True
        return self.expired
