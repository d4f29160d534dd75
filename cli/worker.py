"""`interleavethinker worker`: options, signals and messages; the work is `graph.workspace.worker`'s."""

import asyncio
import contextlib
import math
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from interleavethinker.tools.errors import InputError

from .completions import complete_profiles
from .exit_codes import INTERRUPTED
from .interrupts import ending_signals
from .options import Quiet
from .terminal import discard_lost_output, echo
from .workspace_command import workspace_command

if TYPE_CHECKING:
    from interleavethinker.graph import Trajectory, Workspace

__all__ = ["worker"]


def _check_idle(idle: float | None) -> float | None:
    if idle is not None and not (math.isfinite(idle) and idle > 0):
        raise InputError(f"--idle must be positive (minutes); got {idle:g}.")
    return idle


@workspace_command
async def worker(
    workspace: "Workspace",
    at_once: Annotated[int, typer.Option(min=1, max=256, help="Most trajectories that run at the same time.")] = 4,
    until_empty: Annotated[bool, typer.Option("--until-empty", help="End when nothing waits any more.")] = False,
    idle: Annotated[
        float | None,
        typer.Option(metavar="MINUTES", callback=_check_idle, help="End after so many minutes without work."),
    ] = None,
    preload: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PROFILE",
            autocompletion=complete_profiles,
            help="Load the models of this profile before the first request; repeatable.",
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Answer the requests that wait in a workspace.

    Takes trajectories that were never run (`run --queue`) or whose process has
    died, the oldest first. Any number of workers may share a workspace. One
    that is killed loses nothing: another one goes on, and no finished image is
    generated again. Paused, failed and cancelled trajectories are left alone.

    `run` of the same user finds a worker of its workspace, and has it answer
    at once: models stay loaded. The worker uses its own environment variables.
    (Workspaces in PostgreSQL have no such shortcut.)

    The first Ctrl-C or SIGTERM finishes what runs; the second one stops at
    once and leaves it to other workers.

    Examples:
    interleavethinker run --queue "Fold a paper boat"
    interleavethinker worker --at-once 8
    interleavethinker worker --until-empty
    interleavethinker worker --preload micro --idle 30
    """
    from interleavethinker.graph.profiles.preloading import preload as load
    from interleavethinker.graph.profiles.profile import load_profile
    from interleavethinker.graph.workspace.worker import Worker
    from interleavethinker.graph.workspace.worker_server import serve_worker

    def report(trajectory: "Trajectory") -> None:
        if not quiet:
            reason = f": {trajectory.reason}" if trajectory.reason else ""
            echo(f"{trajectory.id} {trajectory.status}{reason}")

    working = Worker(workspace, report, at_once=at_once)
    profiles = [load_profile(name) for name in preload or ()]
    with _stopping(working.stop):
        for profile in profiles:
            await load(profile, await workspace.components.get(profile.source))
            if not quiet:
                echo(f"Loaded the profile {profile.name}.", err=True)
        async with serve_worker(working, workspace):
            await working.run(until_empty=until_empty, idle=None if idle is None else idle * 60)


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
