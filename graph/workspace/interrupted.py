"""Trajectories whose process has died: the catalog says that they run, and nobody holds their lock."""

from collections.abc import Awaitable, Callable, Collection
from functools import partial

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.validation import require_type

from .catalog import STATUSES, Catalog, Status, TrajectorySummary
from .storage import Held

__all__ = ["current", "newest", "with_interrupted"]

_INEXACT: frozenset[Status] = frozenset({"running", "interrupted", "failed"})
"""The catalog may say otherwise: a dead process still runs there, and a damaged entry counts as failed."""


async def current(catalog: Catalog, held: Held, trajectory: str) -> TrajectorySummary:
    """Returns a trajectory as it is now.

    Args:
        catalog: The catalog.
        held: See `Locks.held`.
        trajectory: Its complete id.
    """

    async def read() -> list[TrajectorySummary]:
        return [await catalog.get(trajectory)]

    return (await with_interrupted(read, held))[0]


async def newest(
    catalog: Catalog, held: Held, limit: int | None, statuses: Collection[Status] | None
) -> list[TrajectorySummary]:
    """Returns trajectories as they are now, the newest first. The database reads no more of them than needed.

    Args:
        catalog: The catalog.
        held: See `Locks.held`.
        limit: At most so many; None: all.
        statuses: Only those that have one of these; None: any.

    Raises:
        InputError: The limit is negative or no whole number, or there is no such status.
    """
    require_type(limit, (int, type(None)), "limit", "a whole number")
    require_type(statuses, (Collection, type(None)), "statuses", "a list of statuses")
    unknown = [one for one in statuses or () if one not in STATUSES]
    if isinstance(statuses, str) or unknown:
        shown = statuses if isinstance(statuses, str) else unknown[0]
        raise InputError(f"`statuses` must be a list of {', '.join(STATUSES)}; got {shown!r}.")
    if limit is not None and limit < 0:
        raise InputError(f"The limit must be 0 or more; got limit={limit}.")
    if statuses is None or _INEXACT.isdisjoint(statuses):
        return await with_interrupted(partial(catalog.summaries, limit, statuses), held)
    recorded = None if "failed" in statuses else {*statuses, "running"}
    found = await with_interrupted(partial(catalog.summaries, None, recorded), held)
    return [one for one in found if one.status in statuses][:limit]


async def with_interrupted(
    read: Callable[[], Awaitable[list[TrajectorySummary]]], held: Held
) -> list[TrajectorySummary]:
    """Reads entries and replaces `running` by `interrupted` where the process that ran the trajectory has died.

    A run that ends after its entry was read, and before its lock was looked at, resembles one whose process has died.
    Therefore an entry counts as interrupted only if it is still the same when it is read again.

    Args:
        read: Returns the entries as the catalog has them.
        held: See `Locks.held`.
    """
    seen_free: set[TrajectorySummary] = set()
    while True:
        entries = await read()
        running = {one for one in entries if one.status == "running"}
        holding = await held([one.id for one in running]) if running else set()
        free = {one for one in running if one.id not in holding}
        if free <= seen_free:
            return [one.model_copy(update={"status": "interrupted"}) if one in free else one for one in entries]
        seen_free |= free
