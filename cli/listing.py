"""Commands that find a trajectory: list, last, open."""

import re
import webbrowser
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from interleavethinker.tools.errors import InputError, InterleaveError
from interleavethinker.tools.plain_text import one_line

from .options import ExportFolder, Json, TrajectoryId
from .terminal import console, echo, echo_json
from .trajectories import print_trajectory
from .workspace_command import LAST, newest_trajectory, workspace_command

if TYPE_CHECKING:
    from interleavethinker.graph import TrajectorySummary, Workspace
    from interleavethinker.graph.workspace.catalog import Status

__all__ = ["last", "list_", "open_"]

_DEFAULT_LIMIT = 20
_SHORTEST_PREFIX = 13
"""Date and time of an ID; it gets longer where two trajectories were created in the same second."""
_STATUSES = ("ready", "running", "interrupted", "paused", "waiting", "done", "failed", "cancelled")
_ENDINGS = {"max_calls": "call limit", "max_cost": "cost limit", "time_limit": "time limit", "rejected": "rejected"}
"""Words for trajectories that are done because of something else than their last step, by the stop reason."""
_STYLES = {
    "done": "green",
    **dict.fromkeys(_ENDINGS.values(), "yellow"),
    "failed": "red",
    "running": "blue",
    "waiting": "yellow",
}


def _check_status(status: str | None) -> str | None:
    if status is not None and status not in _STATUSES:
        raise InputError(f"No status {status!r}. Choose one of: {', '.join(_STATUSES)}.")
    return status


def _check_pattern(pattern: str | None) -> str | None:
    try:
        re.compile(pattern or "")
    except re.error as error:
        raise InputError(f"--grep takes a regular expression, and {pattern!r} is none: {error}.") from error
    return pattern


@workspace_command
async def list_(
    workspace: "Workspace",
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=0, help="Show at most this many; 20 by default, 0 shows all.")
    ] = None,
    status: Annotated[
        str | None,
        typer.Option(
            callback=_check_status,
            autocompletion=lambda: list(_STATUSES),
            help=f"Only trajectories with this status: {', '.join(_STATUSES)}.",
        ),
    ] = None,
    grep: Annotated[
        str | None, typer.Option(callback=_check_pattern, help="Only requests that match this regular expression.")
    ] = None,
    json_output: Json = False,
) -> None:
    """List trajectories, newest first: ID, status, finished steps, age, cost, request.

    Of those that are done, one that a limit ended names the limit instead.
    `approved` waits no longer: its plan's answer is there for the next run.
    The ID is shown as far as it is unique. --json prints all trajectories
    unless --limit is given.
    """
    most = (limit or None) if limit is not None or json_output else _DEFAULT_LIMIT
    if status is None and not grep:
        found = await workspace.list(limit=most)
    else:  # All that fit are counted.
        chosen = await workspace.list(statuses=None if status is None else {cast("Status", status)})
        found = [one for one in chosen if not grep or re.search(grep, one.title, re.IGNORECASE)]
    shown = found[:most]
    if json_output:
        echo_json([summary.model_dump(mode="json") for summary in shown])
        return
    everything = await workspace.ids()
    if not shown:
        hint = "No trajectory fits." if everything else "No trajectories yet. Create one with: interleavethinker run"
        echo(hint)
    total = len(everything) if status is None and not grep else len(found)
    prefixes = _unique_prefixes(everything)
    names = [prefixes.get(one.id, one.id) for one in shown]  # One may have been deleted since.
    width = max(map(len, names), default=0)
    for summary, name in zip(shown, names, strict=True):
        await _print_line(workspace, summary, f"{name:<{width}}")
    if total > len(shown):
        echo(f"{total - len(shown)} more; --limit 0 shows all.", err=True)


@workspace_command
async def last(workspace: "Workspace", json_output: Json = False) -> None:
    """Show the most recent trajectory, as `show last` does.

    Every command that takes an ID accepts the word `last` instead.
    """
    snapshot = await workspace.get(await newest_trajectory(workspace))
    if json_output:
        echo_json(snapshot.model_dump(mode="json"))
    else:
        print_trajectory(console(), snapshot)


@workspace_command
async def open_(
    workspace: "Workspace",
    trajectory: TrajectoryId = LAST,
    out: ExportFolder = None,
    browser: Annotated[bool, typer.Option(help="Open the storyboard in your browser.")] = True,
    json_output: Json = False,
) -> None:
    """Write the exports of a trajectory and open its storyboard in your browser.

    Without an ID: the most recent one. --no-browser only prints the path.
    """
    from interleavethinker.graph.export.export import export

    snapshot = await workspace.get(trajectory)
    page = export(snapshot, workspace.store, out or Path("runs") / snapshot.id)
    if json_output:
        echo_json({"storyboard": str(page)})
    else:
        echo(page)
    if browser and not json_output and not webbrowser.open(page.resolve().as_uri()):
        echo("No browser was found; open the file yourself.", err=True)


async def _print_line(workspace: "Workspace", summary: "TrajectorySummary", prefix: str) -> None:
    from rich.text import Text

    from interleavethinker.tools.prices import dollar_amount

    status: str = summary.status
    try:
        snapshot = await workspace.get(summary.id)
        cost = f"  {dollar_amount(snapshot.spending.dollars)}" if snapshot.spending.uses else ""
        steps = f"{snapshot.current_step}/{len(snapshot.plan.steps)}" if snapshot.plan else "-"
        if status == "waiting" and await workspace.recorded_approval(summary.id) is not None:
            status = "approved"
        if status == "done" and snapshot.stop_reason is not None:
            status = _ENDINGS.get(snapshot.stop_reason.value, status)
    except InterleaveError:  # Deleted since the list was read, or from a damaged database.
        steps, cost = "?", ""
    terminal = console()
    line = Text.assemble(
        f"{prefix}  ",
        (f"{status:<11}", _STYLES.get(status, "")),
        f" {steps:>5}  {_age(summary.created):>6}{cost}  {one_line(summary.title)}",
    )
    if terminal.is_terminal:  # A pipe gets whole titles.
        line.truncate(terminal.width, overflow="ellipsis")
    terminal.print(line, soft_wrap=True)


def _unique_prefixes(names: Sequence[str]) -> dict[str, str]:
    """Returns the shortest prefix of each name that no other one has, and at least the date and the time."""
    ordered = sorted(names)
    lengths = dict.fromkeys(names, _SHORTEST_PREFIX)
    for pair in pairwise(ordered):
        common = sum(1 for _ in takewhile(lambda both: both[0] == both[1], zip(*pair, strict=False)))
        for name in pair:
            lengths[name] = max(lengths[name], common + 1)
    return {name: name[: lengths[name]] for name in names}


def _age(created: datetime) -> str:
    """Returns the time since then in one unit, such as `5 min`."""
    seconds = max(0.0, (datetime.now(UTC) - created).total_seconds())
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit}"
    return "now"
