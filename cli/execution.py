"""Makes a trajectory go in this process, with a live view, and leaves its exports behind.

`run`, `resume`, `branch`, `approve` and `judge` all end here. Ctrl-C pauses after the call in flight, a second one at
once.
"""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from interleavethinker.tools.errors import InterleaveError

from .exit_codes import FAILURE, INTERRUPTED, OK, WAITING, code_of

if TYPE_CHECKING:
    from interleavethinker.graph import Trajectory, Workspace

__all__ = ["go", "in_workspace", "summary"]


def in_workspace(root: Path | None, work: "Callable[[Workspace], Awaitable[int | None]]") -> int:
    """Opens the workspace, does the work, and returns its exit code."""
    from interleavethinker.graph import Workspace

    async def body() -> int:
        async with Workspace.open(root) as workspace:
            return await work(workspace) or OK

    return asyncio.run(body())


async def go(workspace: "Workspace", trajectory: str, out: Path | None, *, as_json: bool) -> int:
    """Runs a trajectory until it ends or stops, exports it, tells the user, and returns an exit code.

    Args:
        workspace: Open.
        trajectory: Its id.
        out: Folder for the exports; default: `runs/<id>` here.
        as_json: Print one JSON object to stdout instead of sentences.
    """
    from rich.console import Console

    from interleavethinker.graph.events import Failed
    from interleavethinker.graph.export.export import export

    from .live_view import Watch

    failure: Failed | None = None
    before = await workspace.get(trajectory)
    console = Console(stderr=True, quiet=as_json)
    for note in before.notes:
        console.print(note, style="dim", highlight=False, soft_wrap=True)
    with _pausing(workspace, trajectory, console.print), Watch(console, before.plan, before.attempts) as watch:
        async with contextlib.aclosing(workspace.stream(trajectory)) as events:
            async for event in events:
                watch.see(event)
                failure = event if isinstance(event, Failed) else None
    seen = await workspace.get(trajectory)
    told: dict[str, Any] = {}
    if failure is not None:  # The database may have had no room to record it.
        entry = seen.summary.model_copy(update={"status": "failed", "reason": failure.reason})
        seen = seen.model_copy(update={"summary": entry})
        told["error"] = {"code": failure.code, "message": failure.reason}
    folder = out or Path("runs") / trajectory
    code = {"done": OK, "failed": FAILURE, "waiting": WAITING}.get(seen.summary.status, INTERRUPTED)
    page: Path | None = None
    try:
        page = export(seen, workspace.store, folder)
    except InterleaveError as error:  # The work is kept all the same: its id must not be lost.
        if failure is None and not as_json:
            _tell(seen, None)
            raise
        if failure is None:
            told["error"], code = {"code": error.code, "message": str(error)}, code_of(error)
    if as_json:
        told["storyboard"] = None if page is None else str(page)
        sys.stdout.write(json.dumps(summary(seen) | told) + "\n")
    else:
        _tell(seen, page)
    return code


def summary(seen: "Trajectory") -> dict[str, Any]:
    """Returns what `--json` prints about a trajectory."""
    return {
        "id": seen.summary.id,
        "title": seen.summary.title,
        "profile": seen.summary.profile,
        "status": seen.summary.status,
        "reason": seen.summary.reason,
        "outcome": seen.stop_reason,
        "seed": seen.seed,
        "steps": 0 if seen.plan is None else len(seen.plan.steps),
        "finished_steps": seen.current_step,
        "attempts": len(seen.attempts),
        "seconds": round(seen.seconds, 3),
        "images": list(seen.document.images),
        "notes": [*seen.document.notes, *seen.notes],
    }


def _tell(seen: "Trajectory", page: Path | None) -> None:
    name, status = seen.summary.id, seen.summary.status
    for note in seen.document.notes:
        typer.secho(note, fg="yellow", err=True)
    match status:
        case "failed":
            typer.secho(f"Stopped by an error: {seen.summary.reason}", fg="red", err=True)
            typer.echo(f"Everything so far is kept. Go on with: interleavethinker resume {name}", err=True)
        case "waiting":
            typer.echo(f"The plan waits for your approval: interleavethinker show {name}", err=True)
            typer.echo(f"Then: interleavethinker approve {name}   (or with --plan FILE)", err=True)
        case "paused" | "interrupted":
            typer.echo(f"Paused. Go on with: interleavethinker resume {name}", err=True)
        case "cancelled":
            typer.echo(f"Cancelled. Go on from any attempt with: interleavethinker branch {name} STEP", err=True)
        case _:
            pass
    typer.echo(f"Trajectory: {name}")
    if page is None:
        typer.echo(f"Its exports could not be written. Again: interleavethinker export {name} --out FOLDER", err=True)
    else:
        typer.echo(f"Storyboard: {page}")


@contextlib.contextmanager
def _pausing(workspace: "Workspace", trajectory: str, say: Callable[[str], None]) -> Iterator[None]:
    """Makes the first Ctrl-C ask for a pause and the second one stop at once."""
    loop = asyncio.get_running_loop()
    this = asyncio.current_task()
    pausing: set[asyncio.Task[None]] = set()

    async def pause() -> None:
        with contextlib.suppress(InterleaveError):  # It may be ending by itself at this very moment.
            await workspace.pause(trajectory)

    def interrupted() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        loop.add_signal_handler(signal.SIGINT, stop)
        pausing.add(loop.create_task(pause()))  # A task that nothing refers to may vanish before it has run.
        say("Pausing after the call in flight; Ctrl-C again stops at once.")

    def stop() -> None:
        if this is not None:
            this.cancel()

    try:
        loop.add_signal_handler(signal.SIGINT, interrupted)
    except (NotImplementedError, RuntimeError):  # Windows, or not the main thread: Ctrl-C stops at once.
        yield
        return
    try:
        yield
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        for task in pausing:
            task.cancel()
