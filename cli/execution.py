"""Runs a trajectory in this process with a live view, and writes its exports.

The commands `run`, `resume`, `branch`, `approve` and `judge` all end here. Ctrl-C pauses after the current generator
call; a second Ctrl-C stops at once.
"""

import contextlib
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from interleavethinker.tools.errors import InputError, InterleaveError

from .estimating import cost_of_plan
from .exit_codes import BAD_INPUT, FAILURE, INTERRUPTED, OK, WAITING, code_of
from .interrupts import pause_on_interrupt
from .terminal import console, echo, echo_json

if TYPE_CHECKING:
    from rich.console import Console

    from interleavethinker.graph import Trajectory, Workspace
    from interleavethinker.graph.events import Event

__all__ = ["PAUSING", "Events", "announce", "check_can_ask", "run_trajectory"]

_RAISABLE = {"max_calls": "--max-calls", "max_cost": "--max-cost", "time_limit": "--time-limit"}
"""Options of `resume` by the reasons why a trajectory stopped."""
_NOT_STORED = {"disk_full", "store"}
"""Codes of errors after which the last work may not have been stored."""
PAUSING = "Pausing after the current generator call. Press Ctrl-C again to stop at once."


class Events(Protocol):
    """Where a new trajectory's events come from, if not only from `Workspace.stream`."""

    note: str
    """What the user is told about it; may be empty."""
    announced: bool
    """Whether the user has been told the trajectory's ID."""

    def interrupts(
        self, workspace: "Workspace", trajectory: str, say: Callable[[str], None]
    ) -> AbstractContextManager[None]:
        """Surrounds the reading of the events, during which Ctrl-C pauses.

        Args:
            workspace: Open.
            trajectory: ID of the trajectory.
            say: Tells the user what happens then.
        """

    def __call__(self, workspace: "Workspace", trajectory: str, say: Callable[[str], None]) -> "AsyncGenerator[Event]":
        """Yields the events until the run ends or stops.

        Args:
            workspace: Open.
            trajectory: ID of the trajectory.
            say: Tells the user what happens meanwhile.
        """


async def run_trajectory(
    workspace: "Workspace",
    trajectory: str,
    out: Path | None,
    *,
    as_json: bool,
    quiet: bool = False,
    ask: bool = False,
    events: Events | None = None,
) -> int:
    """Runs a trajectory until it ends or stops, exports it, reports to the user, and returns an exit code.

    Args:
        workspace: An open workspace.
        trajectory: ID of the trajectory.
        out: Folder for the exports; by default `runs/<id>` in the current folder.
        as_json: Print one JSON object to stdout instead of sentences.
        quiet: Print only the result, and what went wrong.
        ask: Stop after the plan and after each image, and ask a person.
        events: For a new trajectory about which nobody is asked; None: it is run in this process.

    Raises:
        InputError: The folder holds another trajectory's exports, or a person cannot be asked with `as_json`.
    """
    from interleavethinker.graph.events import Failed
    from interleavethinker.graph.export.export import export

    folder = out or Path("runs") / trajectory
    before = await workspace.get(trajectory)
    _check_before(before, folder, ask=ask, as_json=as_json)
    terminal = console(stderr=True, quiet=as_json or quiet)
    if events is None or not events.announced:
        announce(trajectory, terminal)
    for note in (*before.notes, *([events.note] if events and events.note else ())):
        terminal.print(note, style="dim", soft_wrap=True)
    last = await (_run_and_ask if ask else partial(_run, events=events))(workspace, trajectory, terminal)
    result = await workspace.get(trajectory)
    extra: dict[str, Any] = {}
    failure = last if isinstance(last, Failed) else None
    if failure is not None:  # A full disk may have kept the workspace from recording the failure.
        result = result.model_copy(update={"status": "failed", "reason": failure.reason})
        extra["error"] = {"code": failure.code, "message": failure.reason}
    refused = failure is not None and failure.refused
    failed = BAD_INPUT if refused else FAILURE
    code = {"done": OK, "failed": failed, "waiting": WAITING}.get(result.status, INTERRUPTED)
    page: Path | None = None
    try:
        page = export(result, workspace.store, folder)
    except InterleaveError as error:  # The trajectory itself is stored, so the user must still learn its ID.
        if failure is None and not as_json:
            _report(result, None)
            raise
        if failure is None:
            extra["error"], code = error.data, code_of(error)
    if as_json:
        extra["storyboard"] = None if page is None else str(page)
        echo_json(result.short_form() | extra)
    else:
        if result.status == "waiting" and (cost := await cost_of_plan(result)):
            echo(cost, err=True)
        _report(result, page, refused=refused, unsaved=failure is not None and failure.code in _NOT_STORED)
        if ask and result.status in {"waiting", "paused"}:
            terminal.print(f"Be asked again with: interleavethinker resume {trajectory} --ask", soft_wrap=True)
        if page is not None:
            terminal.print(f"Open it with: interleavethinker open {trajectory}", style="dim", soft_wrap=True)
    return code


def announce(trajectory: str, terminal: "Console") -> None:
    """Tells the user a trajectory's ID."""
    terminal.print(f"Trajectory {trajectory}", style="bold", soft_wrap=True)


def _check_before(trajectory: "Trajectory", folder: Path, *, ask: bool, as_json: bool) -> None:
    """Checks what would otherwise be told only after the work."""
    from interleavethinker.graph.export.ownership import check_folder

    check_folder(folder, trajectory.id)
    if ask:
        check_can_ask(as_json=as_json)


def check_can_ask(*, as_json: bool) -> None:
    """Checks that a person can be asked about each image; before a request is recorded, which a worker would answer.

    Raises:
        InputError: Nobody can: the output is for a program.
    """
    if as_json:
        raise InputError("--ask talks with a person and --json with a program; give only one of them.")


async def _run(
    workspace: "Workspace", trajectory: str, terminal: "Console", *, review: bool = False, events: Events | None = None
) -> "Event | None":
    """Runs a trajectory until it stops and returns the last event."""
    from .live_view import LiveView

    last: Event | None = None
    before = await workspace.get(trajectory)
    if events is not None:
        before = before.model_copy(update={"plans": (), "attempts": (), "current_step": 0})  # It may run already.
    interrupts: AbstractContextManager[None]
    if events is None:
        interrupts = pause_on_interrupt(lambda: workspace.pause(trajectory), terminal.print, PAUSING)
    else:
        interrupts = events.interrupts(workspace, trajectory, terminal.print)
    with interrupts, LiveView(terminal, before) as view:
        if events is None:
            source = workspace.stream(trajectory, review=review)
        else:
            source = events(workspace, trajectory, lambda text: terminal.print(text, style="dim", soft_wrap=True))
        async with contextlib.aclosing(source) as running:
            async for last in running:
                view.show(last)
    return last


async def _run_and_ask(workspace: "Workspace", trajectory: str, terminal: "Console") -> "Event | None":
    """Runs a trajectory and asks a person wherever it stops for one, until it ends or the person quits."""
    from interleavethinker.graph.events import ApprovalNeeded, ReviewNeeded

    from .asking import ask_about_attempt, ask_about_open_question, ask_about_plan

    if not await ask_about_open_question(workspace, trajectory):
        return None
    while True:
        last = await _run(workspace, trajectory, terminal, review=True)
        match last:
            case ApprovalNeeded(plan=plan):
                goes_on = await ask_about_plan(workspace, trajectory, plan)
            case ReviewNeeded(attempt=attempt, variants=variants):
                goes_on = await ask_about_attempt(workspace, trajectory, attempt, variants)
            case _:
                goes_on = False
        if not goes_on:
            return last


def _report(trajectory: "Trajectory", page: Path | None, *, refused: bool = False, unsaved: bool = False) -> None:
    """Prints how the trajectory ended, what to do next, and where the exports are."""
    from interleavethinker.graph.spending import dollar_words

    name = trajectory.id
    document = trajectory.document
    if document.complete:
        style = {"complete and checked": "green", "complete with known faults": "red"}.get(document.status)
        echo(f"{document.status.capitalize()}.", err=True, style=style)
    for note in document.notes:
        echo(note, err=True, style="yellow")
    match trajectory.status:
        case "failed" if refused:
            echo(f"The request cannot be carried out: {trajectory.reason}", err=True, style="red")
        case "failed":
            echo(f"Stopped by an error: {trajectory.reason}", err=True, style="red")
            saved = "Everything up to the last checkpoint" if unsaved else "Everything so far"
            echo(f"{saved} is saved. Resume with: interleavethinker resume {name}", err=True)
        case "waiting":
            echo(f"The plan is waiting for approval. Show it with: interleavethinker show {name}", err=True)
            echo(f"Approve it with: interleavethinker approve {name}   (--plan FILE replaces it)", err=True)
        case "paused" | "interrupted":
            echo(f"Paused. Resume with: interleavethinker resume {name}", err=True)
        case "cancelled":
            echo(f"Cancelled. Continue from any attempt with: interleavethinker branch {name} STEP", err=True)
        case _ if trajectory.stop_reason in _RAISABLE:
            option = _RAISABLE[trajectory.stop_reason]
            echo(f"Raise the limit and go on with: interleavethinker resume {name} {option} …", err=True)
        case _:
            pass
    if cost := dollar_words(trajectory.spending):
        echo(f"Cost: {cost}", err=True)
    echo(f"Trajectory: {name}")
    if page is None:
        echo(f"The exports were not written. Retry with: interleavethinker export {name} --out FOLDER", err=True)
    else:
        echo(f"Document: {page.with_name('document.md')}")
        echo(f"Storyboard: {page}")
