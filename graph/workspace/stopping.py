"""`pause` and `cancel`: a command for the process that runs the trajectory, or a change of status if none does."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from interleavethinker.tools.errors import TrajectoryError

from .catalog import Catalog, Status, TrajectorySummary
from .commands import CommandQueue, Verb
from .storage import Locks

__all__ = ["StopCommand", "stop"]

_TRIES, _SECONDS_BETWEEN_TRIES = 100, 0.005


@dataclass(frozen=True)
class StopCommand:
    """How a trajectory is to be stopped."""

    verb: Verb
    status: Status
    """The status of one that nobody runs."""
    allowed: Collection[Status]
    """Statuses, other than `running`, in which it can be stopped."""


async def stop(
    summary: Callable[[], Awaitable[TrajectorySummary]],
    catalog: Catalog,
    commands: CommandQueue,
    locks: Locks,
    command: StopCommand,
) -> bool:
    """Stops a trajectory; returns whether a process that runs it is to do so.

    Args:
        summary: Reads its current entry.
        catalog: Where its status is recorded.
        commands: Where commands for it go.
        locks: The workspace's.
        command: How to stop it.

    Raises:
        TrajectoryError: There is nothing to stop, or it is started and stopped repeatedly (`busy`).
    """
    for tries_left in reversed(range(_TRIES)):
        entry = await summary()
        if entry.status == "running":
            if await commands.enqueue(entry.id, command.verb, only_if="running"):
                return True
            continue  # The run ended in the meantime.
        if entry.status not in command.allowed:
            raise TrajectoryError(f"Trajectory {entry.id} is {entry.status}; there is nothing to {command.verb}.")
        try:
            # Nobody can start it before the status is recorded. If it has just been started, look again soon.
            async with locks.hold(entry.id, patient=False):
                if (await catalog.get(entry.id)).updated == entry.updated:
                    await catalog.mark(entry.id, command.status)
                    return False
        except TrajectoryError as error:
            if error.code != "busy" or not tries_left:
                raise
            await asyncio.sleep(_SECONDS_BETWEEN_TRIES)
    raise TrajectoryError(f"Trajectory {entry.id} is being started and stopped repeatedly; try again.", code="busy")
