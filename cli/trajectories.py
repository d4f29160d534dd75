"""Commands about trajectories that exist already: looking, steering from another terminal, branching, exporting,
deleting.

Steps and attempts are counted from 1 here, as the storyboard does.
"""

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interleavethinker.tools.errors import InputError

from .execution import go, in_workspace, summary
from .exit_codes import OK
from .run import LARGEST, AsJson, Deadline, Id, MaxCalls, MaxIterations, Out, Root, limits_with, named

if TYPE_CHECKING:
    from rich.console import Console

    from interleavethinker.graph import Trajectory, Workspace
    from interleavethinker.tools.types import Step

__all__ = ["approve", "branch", "cancel", "delete", "export", "judge", "list_", "pause", "show"]

_Stay = Annotated[bool, typer.Option("--stay", help="Only record it; go on later with `resume`.")]
_STAYED = "Recorded. Go on with: interleavethinker resume {}"


def list_(workspace: Root = None, json_output: AsJson = False) -> None:
    """List all trajectories, the newest first."""

    async def work(opened: "Workspace") -> None:
        entries = await opened.list()
        if json_output:
            sys.stdout.write(json.dumps([entry.model_dump(mode="json") for entry in entries]) + "\n")
            return
        from rich.console import Console
        from rich.table import Column, Table

        table = Table(Column("id", no_wrap=True), "status", "profile", "started", "request", box=None)
        for entry in entries:
            started = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.created))
            table.add_row(entry.id, entry.status, entry.profile, started, entry.title.replace("[", r"\["))
        Console().print(table if entries else "No trajectories yet. Start with: interleavethinker run")

    raise typer.Exit(in_workspace(workspace, work))


def show(trajectory: Id, workspace: Root = None, json_output: AsJson = False) -> None:
    """Show a trajectory as it stands, running or not; --json prints all of it, as the export `trajectory.json`."""

    async def work(opened: "Workspace") -> None:
        from rich.console import Console

        from interleavethinker.graph.export.record import record_of

        seen = await opened.get(trajectory)
        if json_output:
            sys.stdout.write(record_of(seen).model_dump_json() + "\n")
        else:
            _print(Console(highlight=False, markup=False, soft_wrap=True), seen)

    raise typer.Exit(in_workspace(workspace, work))


def pause(trajectory: Id, workspace: Root = None, json_output: AsJson = False) -> None:
    """Stop a trajectory after the picture in work, whichever process runs it."""

    async def work(opened: "Workspace") -> None:
        running = await opened.pause(trajectory)
        words = "It stops after the picture in work." if running else "Paused."
        await _told(opened, trajectory, words, as_json=json_output)

    raise typer.Exit(in_workspace(workspace, work))


def cancel(trajectory: Id, workspace: Root = None, json_output: AsJson = False) -> None:
    """Give a trajectory up, ending even a call in flight; what was made is kept, and can be branched from."""

    async def work(opened: "Workspace") -> None:
        running = await opened.cancel(trajectory)
        await _told(opened, trajectory, "It is being stopped." if running else "Cancelled.", as_json=json_output)

    raise typer.Exit(in_workspace(workspace, work))


def approve(
    trajectory: Id,
    plan: Annotated[
        Path | None,
        typer.Option(help='A JSON file with other steps: [{"instruction", "prompt", "auxiliary_text"}, …].'),
    ] = None,
    out: Out = None,
    stay: _Stay = False,
    workspace: Root = None,
    json_output: AsJson = False,
) -> None:
    """Approve the plan that a trajectory waits with, or replace it, and go on."""

    async def work(opened: "Workspace") -> int:
        name = (await opened.summary(trajectory)).id
        await opened.approve(name, None if plan is None else _steps(plan))
        if stay:
            return await _told(opened, name, _STAYED.format(name), as_json=json_output)
        return await go(opened, name, out, as_json=json_output)

    raise typer.Exit(in_workspace(workspace, work))


def judge(
    trajectory: Id,
    accept: Annotated[bool | None, typer.Option("--accept/--reject", help="Your verdict.")] = None,
    prompt: Annotated[str | None, typer.Option(help="With --reject: what to ask the generator next.")] = None,
    reason: Annotated[str, typer.Option(help="Why; kept with the verdict.")] = "",
    step: Annotated[int | None, typer.Option(min=1, help="Must be the step under way.")] = None,
    attempt: Annotated[int | None, typer.Option(min=1, help="The newest by default.")] = None,
    out: Out = None,
    stay: _Stay = False,
    workspace: Root = None,
    json_output: AsJson = False,
) -> None:
    """Judge an attempt of the step under way yourself, in the critic's place, and go on."""
    if accept is None:
        raise InputError("Say --accept or --reject.")

    async def work(opened: "Workspace") -> int:
        from interleavethinker.graph import HumanVerdict

        name = (await opened.summary(trajectory)).id
        verdict = HumanVerdict(
            success=bool(accept),
            prompt=prompt,
            reasoning=reason,
            step=None if step is None else step - 1,
            iteration=None if attempt is None else attempt - 1,
        )
        if await opened.judge(name, verdict):
            words = "It is running; your verdict counts from the next moment."
            return await _told(opened, name, words, as_json=json_output)
        if stay:
            return await _told(opened, name, _STAYED.format(name), as_json=json_output)
        return await go(opened, name, out, as_json=json_output)

    raise typer.Exit(in_workspace(workspace, work))


def branch(
    trajectory: Id,
    step: Annotated[int, typer.Argument(min=1, help="Everything before this step is kept.")],
    attempt: Annotated[int, typer.Option(min=1, help="Keep the step's attempts before this one too.")] = 1,
    prompt: Annotated[str | None, typer.Option(help="What to ask the generator instead.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=LARGEST, help="The generator's seed for this attempt.")] = None,
    image: Annotated[Path | None, typer.Option(help="A picture that takes the place of the attempt's.")] = None,
    max_attempts: MaxIterations = None,
    max_calls: MaxCalls = None,
    time_limit: Deadline = None,
    out: Out = None,
    stay: _Stay = False,
    workspace: Root = None,
    json_output: AsJson = False,
) -> None:
    """Start a new trajectory from any attempt of another, running or not, and go on with it.

    With none of --prompt, --seed and --image, it draws the rest anew with other seeds. Its limits are the parent's,
    apart from those given here, and what it keeps of the parent counts towards none: so work goes on after a limit.
    """

    async def work(opened: "Workspace") -> int:
        from interleavethinker.graph import BranchPoint

        given = None if image is None else await opened.add_image(image)
        point = BranchPoint(step=step - 1, iteration=attempt - 1, prompt=prompt, seed=seed, image=given)
        usual = (await opened.get(trajectory)).limits
        limits = limits_with(usual, max_attempts=max_attempts, max_calls=max_calls, time_limit=time_limit)
        name = await opened.branch(trajectory, point, limits)
        if stay:
            return await _told(opened, name, name, as_json=json_output)
        return await go(opened, name, out, as_json=json_output)

    raise typer.Exit(in_workspace(workspace, work))


def export(trajectory: Id, out: Out = None, workspace: Root = None, json_output: AsJson = False) -> None:
    """Write a trajectory's storyboard, Markdown document with images, and JSON record."""

    async def work(opened: "Workspace") -> None:
        from interleavethinker.graph.export.export import export as write

        seen = await opened.get(trajectory)
        page = write(seen, opened.store, out or Path("runs") / seen.summary.id)
        typer.echo(json.dumps({"storyboard": str(page)}) if json_output else f"Storyboard: {page}")

    raise typer.Exit(in_workspace(workspace, work))


def delete(
    trajectory: Annotated[
        list[str] | None, typer.Argument(help="Ids, or unique beginnings; none: only collect.")
    ] = None,
    workspace: Root = None,
    json_output: AsJson = False,
) -> None:
    """Delete trajectories, and images that no trajectory needs (those of the last hour are left alone)."""

    async def work(opened: "Workspace") -> None:
        # All are found before any is deleted.
        names = dict.fromkeys([(await opened.summary(named(one))).id for one in trajectory or []])
        for name in names:
            await opened.delete(name)
        removed = await opened.collect_garbage()
        if json_output:
            typer.echo(json.dumps({"deleted": list(names), "images_removed": len(removed)}))
        else:
            typer.echo(f"{len(names)} trajectories deleted, {len(removed)} unneeded images removed.")

    raise typer.Exit(in_workspace(workspace, work))


async def _told(opened: "Workspace", trajectory: str, words: str, *, as_json: bool) -> int:
    """Says that something was done, or how the trajectory stands after it, and returns the exit code."""
    typer.echo(json.dumps(summary(await opened.get(trajectory))) if as_json else words)
    return OK


def _steps(path: Path) -> "list[Step]":
    from pydantic import TypeAdapter, ValidationError

    from interleavethinker.graph.profiles.profile import problems_of
    from interleavethinker.tools.types import Step

    try:
        steps = TypeAdapter(list[Step]).validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"The plan {path} must be a readable file: {error.strerror}.") from error
    except ValidationError as error:
        raise InputError(f"{path} must be a JSON list of steps: {problems_of(error)}.") from error
    for number, step in enumerate(steps, start=1):
        words = [text for text in (step.instruction, step.prompt, step.auxiliary_text) if text is not None]
        if not any(text.strip() for text in words) or (step.prompt is not None and not step.prompt.strip()):
            raise InputError(
                f"Each step of {path} must have a prompt, or words without one; step {number} has neither, "
                "or an empty prompt."
            )
    return steps


def _print(console: "Console", seen: "Trajectory") -> None:
    entry = seen.summary
    console.print(f"{entry.title}\n", style="bold")
    parent = "" if entry.parent is None else f", from {entry.parent} step {(entry.parent_step or 0) + 1}"
    console.print(f"{entry.id}: {entry.status}, profile {entry.profile}, seed {seen.seed}{parent}")
    for note in filter(None, (entry.reason, *seen.document.notes)):
        console.print(note, style="yellow")
    for index, step in enumerate(seen.plan.steps if seen.plan else ()):
        console.print(f"\n{index + 1}. {step.instruction or step.auxiliary_text or ''}", style="bold")
        for attempt in seen.attempts_for(index):
            verdict = attempt.verdict
            word = {None: "not judged", True: "accepted", False: "rejected"}[verdict.success if verdict else None]
            kept = "*" if attempt == seen.selected(index) else " "
            console.print(
                f"  {kept} attempt {attempt.iteration + 1}: {word}, {attempt.seconds:.2f} s: {attempt.prompt}"
            )
