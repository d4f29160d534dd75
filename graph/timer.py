"""Measures the work of one node and cuts it off at the trajectory's deadline."""

import asyncio
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from .limits import Limits

__all__ = ["NodeTimer"]


class NodeTimer:
    """An async context around a node's calls.

    Attributes:
        seconds: The trajectory's total after the context.
        expired: Whether the deadline ended the work; its TimeoutError is swallowed, any other passes.

    Args:
        state: The trajectory's state; its `seconds` so far count.
        limits: Its `time_limit` counts.
    """

    def __init__(self, state: Mapping[str, Any], limits: Limits) -> None:
        self.seconds: float = state.get("seconds", 0.0)
        self.expired = False
        left = None if limits.time_limit is None else max(0.0, limits.time_limit - self.seconds)
        self._timeout = asyncio.timeout(left)
        self._started = 0.0

    async def __aenter__(self) -> "NodeTimer":
        """Starts the clock."""
        self._started = time.monotonic()
        await self._timeout.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Stops the clock; says whether the error was the deadline's."""
        self.seconds += time.monotonic() - self._started
        try:
            await self._timeout.__aexit__(kind, error, trace)
        except TimeoutError:
            self.expired = True
        return self.expired
