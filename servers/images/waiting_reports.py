"""Tells a client that waits what it waits for: a model that loads, or calls before its own.

Denoising steps report themselves once they begin. Until then a client would hear nothing, and many give up after a
minute without news. The protocol wants every report to be further than the one before, so these stay below the first
of the most steps that a call may have.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from interleavethinker.tools.protocols import ProgressCallback

__all__ = ["reports_while_waiting"]

FIRST_SECONDS = 1.0
"""Pause before the first report; most calls never need one."""
EVERY_SECONDS = 3.0
_MOST = 0.004
"""Below one step of 200, `ServiceLimits.max_steps`."""


@contextlib.asynccontextmanager
async def reports_while_waiting(
    progress: ProgressCallback | None, reason: Callable[[], str]
) -> AsyncIterator[ProgressCallback | None]:
    """Yields the callback for the steps; calls `progress` every few seconds until the first step.

    Args:
        progress: The client's; None if it wants no progress.
        reason: Returns what the call waits for at this moment.
    """
    if progress is None:
        yield None
        return
    report = progress

    async def tell() -> None:
        number = 0
        pause = FIRST_SECONDS
        while True:
            await asyncio.sleep(pause)
            number, pause = number + 1, EVERY_SECONDS
            report(_MOST * number / (number + 1), reason())

    teller = asyncio.create_task(tell())

    def step(fraction: float, message: str) -> None:
        teller.cancel()
        report(fraction, message)

    try:
        yield step
    finally:
        teller.cancel()
        await asyncio.gather(teller, return_exceptions=True)
