"""Runs a trajectory in this process with a live view, and writes its exports.

The commands `run`, `resume`, `branch`, `approve` and `judge` all end here. Ctrl-C pauses after the current generator
call; a second Ctrl-C stops at once.
"""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interleavethinker.tools.errors import InterleaveError

from .exit_codes import FAILURE, INTERRUPTED, OK, WAITING, code_of
from .terminal import console, echo, echo_json

if TYPE_CHECKING:
    from interleavethinker.graph import Trajectory, Workspace

__all__ = ["run_trajectory"]


async def run_trajectory(workspace: "Workspace", trajectory: str, out: Path | None, *, as_json: bool) -> int:
    """Runs a trajectory until it ends or stops, exports it, reports to the user, and returns an exit code.

    Args:
        workspace: An open workspace.
        trajectory: ID of the trajectory.
        out: Folder for the exports; by default `runs/<id>` in the current folder.
        as_json: Print one JSON object to stdout instead of sentences.
    """
    from interleavethinker.graph.events import Failed
    from interleavethinker.graph.export.export import export

    from .live_view import LiveView

    failure: Failed | None = None
    before = await workspace.get(trajectory)
    terminal = console(stderr=True, quiet=as_json)
    for note in before.notes:
        terminal.print(note, style="dim", soft_wrap=True)
    with (
        _pause_on_interrupt(workspace, trajectory, terminal.print),
        LiveView(terminal, before.plan, before.attempts) as view,
    ):
        async with contextlib.aclosing(workspace.stream(trajectory)) as events:
            async for event in events:
                view.show(event)
                failure = event if isinstance(event, Failed) else None
    result = await workspace.get(trajectory)
    extra: dict[str, Any] = {}
    if failure is not None:  # A full disk may have kept the workspace from recording the failure.
        result = result.model_copy(update={"status": "failed", "reason": failure.reason})
        extra["error"] = {"code": failure.code, "message": failure.reason}
    folder = out or Path("runs") / trajectory
    code = {"done": OK, "failed": FAILURE, "waiting": WAITING}.get(result.status, INTERRUPTED)
    page: Path | None = None
    try:
        page = export(result, workspace.store, folder)
    except InterleaveError as error:  # The trajectory itself is stored, so the user must still learn its ID.
        if failure is None and not as_json:
            _report(result, None)
            raise
        if failure is None:
            extra["error"], code = {"code": error.code, "message": str(error)}, code_of(error)
    if as_json:
        extra["storyboard"] = None if page is None else str(page)
        echo_json(result.short_form() | extra)
    else:
        _report(result, page)
    return code


def _report(trajectory: "Trajectory", page: Path | None) -> None:
    """Prints how the trajectory ended, what to do next, and where the exports are."""
    name = trajectory.id
    for note in trajectory.document.notes:
        echo(note, err=True, style="yellow")
    match trajectory.status:
        case "failed":
            echo(f"Stopped by an error: {trajectory.reason}", err=True, style="red")
            echo(f"Everything so far is saved. Resume with: interleavethinker resume {name}", err=True)
        case "waiting":
            echo(f"The plan is waiting for approval. Show it with: interleavethinker show {name}", err=True)
            echo(f"Approve it with: interleavethinker approve {name}   (--plan FILE replaces it)", err=True)
        case "paused" | "interrupted":
            echo(f"Paused. Resume with: interleavethinker resume {name}", err=True)
        case "cancelled":
            echo(f"Cancelled. Continue from any attempt with: interleavethinker branch {name} STEP", err=True)
        case _:
            pass
    echo(f"Trajectory: {name}")
    if page is None:
        echo(f"The exports were not written. Retry with: interleavethinker export {name} --out FOLDER", err=True)
    else:
        echo(f"Storyboard: {page}")


@contextlib.contextmanager
def _pause_on_interrupt(workspace: "Workspace", trajectory: str, say: Callable[[str], None]) -> Iterator[None]:
    """Makes the first Ctrl-C request a pause, and the second one stop at once."""
    loop = asyncio.get_running_loop()
    this_task = asyncio.current_task()
    pauses: set[asyncio.Task[None]] = set()

    async def pause() -> None:
        with contextlib.suppress(InterleaveError):  # The trajectory may have ended at the same moment.
            await workspace.pause(trajectory)

    def first() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        loop.add_signal_handler(signal.SIGINT, second)
        pauses.add(loop.create_task(pause()))  # The loop keeps only weak references to tasks.
        say("Pausing after the current generator call. Press Ctrl-C again to stop at once.")

    def second() -> None:
        if this_task is not None:
            this_task.cancel()

    try:
        loop.add_signal_handler(signal.SIGINT, first)
    except (NotImplementedError, RuntimeError):  # On Windows, or outside the main thread, Ctrl-C stops at once.
        yield
        return
    try:
        yield
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        for task in pauses:
            task.cancel()
