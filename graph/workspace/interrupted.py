"""Trajectories whose process has died: the catalog says that they run, and nobody holds their lock."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from .catalog import TrajectorySummary
from .lock import is_held

__all__ = ["with_interrupted"]


async def with_interrupted(
    read: Callable[[], Awaitable[list[TrajectorySummary]]], lock_path: Callable[[str], Path]
) -> list[TrajectorySummary]:
    """Reads entries and replaces `running` by `interrupted` where the process that ran the trajectory has died.

    A run that ends after its entry was read, and before its lock was looked at, resembles one whose process has died.
    Therefore an entry counts as interrupted only if it is still the same when it is read again.

    Args:
        read: Returns the entries as the catalog has them.
        lock_path: Returns where a trajectory's lock file lies.
    """

    def without_holder(entries: list[TrajectorySummary]) -> set[TrajectorySummary]:
        return {one for one in entries if one.status == "running" and not is_held(lock_path(one.id))}

    seen_free: set[TrajectorySummary] = set()
    while True:
        entries = await read()
        free = await asyncio.to_thread(without_holder, entries)
        if free <= seen_free:
            return [one.model_copy(update={"status": "interrupted"}) if one in free else one for one in entries]
        seen_free |= free
