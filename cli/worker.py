"""`interleavethinker worker`: options, signals and messages; the work is `graph.workspace.worker`'s."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from .exit_codes import INTERRUPTED
from .interrupts import ending_signals
from .options import Quiet
from .terminal import discard_lost_output, echo
from .workspace_command import workspace_command

if TYPE_CHECKING:
    from interleavethinker.graph import Trajectory, Workspace

__all__ = ["worker"]


@workspace_command
async def worker(
    workspace: "Workspace",
    at_once: Annotated[int, typer.Option(min=1, max=256, help="Most trajectories that run at the same time.")] = 4,
    until_empty: Annotated[bool, typer.Option("--until-empty", help="End when nothing waits any more.")] = False,
    quiet: Quiet = False,
) -> None:
    """Answer the requests that wait in a workspace.

    Takes trajectories that were never run (`run --queue`) or whose process has
    died, the oldest first. Any number of workers may share a workspace. One
    that is killed loses nothing: another one goes on, and no finished image is
    generated again. Paused, failed and cancelled trajectories are left alone.

    The first Ctrl-C or SIGTERM finishes what runs; the second one stops at
    once and leaves it to other workers.

    Examples:
    interleavethinker run --queue "Fold a paper boat"
    interleavethinker worker --at-once 8
    interleavethinker worker --until-empty
    """
    from interleavethinker.graph.workspace.worker import Worker

    def report(trajectory: "Trajectory") -> None:
        if not quiet:
            reason = f": {trajectory.reason}" if trajectory.reason else ""
            echo(f"{trajectory.id} {trajectory.status}{reason}")

    working = Worker(workspace, report, at_once=at_once)
    with _stopping(working.stop):
        await working.run(until_empty=until_empty)


@contextlib.contextmanager
def _stopping(stop: Callable[[], None]) -> Iterator[None]:
    """Calls `stop` at the first signal; ends the process at the second, without a chance to mark anything as paused."""
    loop = asyncio.get_running_loop()
    signals = 0

    def received() -> None:
        nonlocal signals
        signals += 1
        if signals == 1:
            stop()
            discard_lost_output()
            echo("Finishing what runs. Press Ctrl-C again to leave it to other workers.", err=True)
            return
        sys.stderr.flush()
        os._exit(INTERRUPTED)

    kinds = ending_signals()
    try:
        for kind in kinds:
            loop.add_signal_handler(kind, received)
    except (NotImplementedError, RuntimeError):  # On Windows, or outside the main thread.
        yield
        return
    try:
        yield
    finally:
        for kind in kinds:
            loop.remove_signal_handler(kind)
