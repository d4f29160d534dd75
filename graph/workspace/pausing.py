"""Pauses a run that has begun or is about to. Imports nothing heavy, for programs that have not imported the agent."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from interleavethinker.tools.errors import InterleaveError

__all__ = ["pause_run"]

_AGAIN_SECONDS = 0.05


async def pause_run(pause: Callable[[], Awaitable[bool]], has_ended: Callable[[], bool]) -> None:
    """Requests a pause until a run has heard it or has ended.

    What is paused before its run begins is paused at once, and the run then begins all the same; and one that has
    failed cannot be paused until it runs again.

    Args:
        pause: As `Workspace.pause`: returns False if nothing was running.
        has_ended: Whether the run has ended.
    """
    while not has_ended():
        with contextlib.suppress(InterleaveError):
            if await pause():
                return
        await asyncio.sleep(_AGAIN_SECONDS)
