"""Commands about existing trajectories: show, pause, cancel, approve, judge, branch, export.

The command line counts steps and attempts from 1, as the storyboard does; the library counts from 0.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.plain_text import one_line
from interleavethinker.tools.types import Plan

from .execution import run_trajectory
from .exit_codes import OK
from .options import (
    Aspect,
    ExportFolder,
    Json,
    MaxAttempts,
    MaxCalls,
    MaxCost,
    MaxDrift,
    NoRun,
    OnDrift,
    Quiet,
    Size,
    TimeLimit,
    TrajectoryId,
    Variants,
    checked_seed,
    image_size_of,
    limits_with,
    with_drift_guard,
)
from .terminal import console, echo, echo_json
from .workspace_command import workspace_command

if TYPE_CHECKING:
    from rich.console import Console

    from interleavethinker.graph import Trajectory, Workspace

__all__ = ["approve", "branch", "cancel", "export", "judge", "pause", "print_trajectory", "show"]

_RECORDED = "Recorded. Run it with: interleavethinker resume {}"


@workspace_command
async def show(workspace: "Workspace", trajectory: TrajectoryId, json_output: Json = False) -> None:
    """Show the current state of a trajectory, running or not.

    --json prints the full record, as in the export `trajectory.json`.
    """
    snapshot = await workspace.get(trajectory)
    if json_output:
        echo_json(snapshot.model_dump(mode="json"))
    else:
        print_trajectory(console(), snapshot)
        if (answer := await workspace.recorded_approval(snapshot.id)) is not None:
            from .live_view import plan_lines
            from .plan_files import answer_line

            echo(f"\n{answer_line(answer.steps)}", style="yellow")
            for line in plan_lines(Plan(steps=answer.steps)) if answer.steps else ():
                console().print(line)


@workspace_command
async def pause(workspace: "Workspace", trajectory: TrajectoryId, json_output: Json = False) -> None:
    """Pause a trajectory after the current image, whichever process runs it."""
    running = await workspace.pause(trajectory)
    message = "The trajectory will pause after the current image." if running else "Paused."
    await _confirm(workspace, trajectory, message, as_json=json_output)


@workspace_command
async def cancel(workspace: "Workspace", trajectory: TrajectoryId, json_output: Json = False) -> None:
    """Cancel a trajectory, including a generator call in progress.

    Everything generated so far is kept, and `branch` can continue from it.
    """
    running = await workspace.cancel(trajectory)
    message = "The trajectory is being cancelled." if running else "Cancelled."
    await _confirm(workspace, trajectory, message, as_json=json_output)


@workspace_command
async def approve(
    workspace: "Workspace",
    trajectory: TrajectoryId,
    plan: Annotated[
        Path | None,
        typer.Option(
            help='JSON file with steps to use instead: [{"instruction", "prompt", "auxiliary_text", "size", '
            '"starts_from", "references"}, …].'
        ),
    ] = None,
    out: ExportFolder = None,
    no_run: NoRun = False,
    quiet: Quiet = False,
    json_output: Json = False,
) -> int:
    """Approve a waiting plan, or replace it, and run the trajectory.

    With --no-run the answer is kept until the next run; --plan replaces it.
    """
    from .plan_files import read_steps

    name = (await workspace.summary(trajectory)).id
    await workspace.approve(name, None if plan is None else read_steps(plan))
    if no_run:
        return await _confirm(workspace, name, _RECORDED.format(name), as_json=json_output)
    return await run_trajectory(workspace, name, out, as_json=json_output, quiet=quiet)


@workspace_command
async def judge(
    workspace: "Workspace",
    trajectory: TrajectoryId,
    accept: Annotated[bool | None, typer.Option("--accept/--reject", help="Your verdict.")] = None,
    prompt: Annotated[
        str | None, typer.Option(help="With --reject: your words for the step, by which it is then judged.")
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(
            metavar="X,Y,W,H",
            help="With --reject: change only this rectangle, in pixels or percent; all else stays pixel by pixel.",
        ),
    ] = None,
    mask: Annotated[
        Path | None, typer.Option(help="With --reject: an image of the same size, white where to change.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Reason, stored with the verdict.")] = "",
    step: Annotated[int | None, typer.Option(min=1, help="Must be the current step.")] = None,
    attempt: Annotated[int | None, typer.Option(min=1, help="Attempt to judge; the newest by default.")] = None,
    out: ExportFolder = None,
    no_run: NoRun = False,
    quiet: Quiet = False,
    json_output: Json = False,
) -> int:
    """Override the critic's verdict on an attempt of the current step, and run the trajectory.

    Examples:
    interleavethinker judge ID --reject --prompt "a larger red ball"
    interleavethinker judge ID --reject --region 50%,0,50%,100%
    """
    if accept is None:
        raise InputError("Give a verdict: --accept or --reject.")
    if accept and prompt is not None:
        raise InputError("--prompt goes with --reject: it says how the next attempt is made.")
    from interleavethinker.graph import HumanVerdict

    name = (await workspace.summary(trajectory)).id
    verdict = HumanVerdict(
        success=accept,
        prompt=prompt,
        reasoning=reason,
        region=region,
        mask=None if mask is None else await workspace.add_image(mask),
        step=None if step is None else step - 1,
        iteration=None if attempt is None else attempt - 1,
    )
    if await workspace.judge(name, verdict):
        message = "The trajectory is running; your verdict applies from the next node on."
        return await _confirm(workspace, name, message, as_json=json_output)
    if no_run:
        return await _confirm(workspace, name, _RECORDED.format(name), as_json=json_output)
    return await run_trajectory(workspace, name, out, as_json=json_output, quiet=quiet)


@workspace_command
async def branch(
    workspace: "Workspace",
    trajectory: TrajectoryId,
    step: Annotated[int, typer.Argument(min=1, metavar="STEP", help="Everything before this step is kept.")],
    attempt: Annotated[int, typer.Option(min=1, help="Also keep the step's attempts before this one.")] = 1,
    prompt: Annotated[str | None, typer.Option(help="Your words for the step, by which it is then judged.")] = None,
    seed: Annotated[int | None, typer.Option(callback=checked_seed, help="Generator seed of this attempt.")] = None,
    image: Annotated[Path | None, typer.Option(help="Image to use for the step; it counts as accepted.")] = None,
    size: Size = None,
    aspect: Aspect = None,
    choose: Annotated[bool, typer.Option("--choose", help="Keep this attempt instead; continue from it.")] = False,
    max_attempts: MaxAttempts = None,
    variants: Variants = None,
    max_calls: MaxCalls = None,
    max_cost: MaxCost = None,
    time_limit: TimeLimit = None,
    on_drift: OnDrift = None,
    max_drift: MaxDrift = None,
    out: ExportFolder = None,
    no_run: NoRun = False,
    quiet: Quiet = False,
    json_output: Json = False,
) -> int:
    """Create a new trajectory from any attempt of another one, and run it.

    The parent may be running. Without --prompt, --seed, --image, --choose,
    --size and --aspect, the remaining images get other seeds. The branch
    has the limits and the image size of its parent, apart from those given
    here, and the attempts that it keeps count towards none of them. A branch
    can therefore continue a trajectory that a limit stopped.

    Examples:
    interleavethinker branch ID 2 --prompt "make the ball pink"
    interleavethinker branch ID 1 --attempt 3 --choose
    """
    from interleavethinker.graph import BranchPoint
    from interleavethinker.graph.export.ownership import check_folder

    if out is not None and not no_run:
        check_folder(out)
    replacement = None if image is None else await workspace.add_image(image)
    point = BranchPoint(
        step=step - 1,
        iteration=attempt - 1,
        prompt=prompt,
        seed=seed,
        image=replacement,
        image_size=image_size_of(size, aspect),
        choose=choose,
    )
    limits = limits_with(
        (await workspace.get(trajectory)).limits,
        max_attempts=max_attempts,
        variants=variants,
        max_calls=max_calls,
        max_cost=max_cost,
        time_limit=time_limit,
    )
    limits = with_drift_guard(limits, on_drift, max_drift)
    name = await workspace.branch(trajectory, point, limits, attended=not no_run)
    if no_run:
        return await _confirm(workspace, name, name, as_json=json_output)
    return await run_trajectory(workspace, name, out, as_json=json_output, quiet=quiet)


@workspace_command
async def export(
    workspace: "Workspace",
    trajectory: TrajectoryId,
    out: ExportFolder = None,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help="storyboard; docx, pdf, pptx, gif, webp or zip: one file; or lmms-eval, for a benchmark run's folder.",
        ),
    ] = "storyboard",
    task: Annotated[
        str | None, typer.Option(help="With --format lmms-eval: the name of its task; ueval by default.")
    ] = None,
    single_file: Annotated[
        bool, typer.Option("--single-file", help="Only the storyboard, with its images in full size in it.")
    ] = False,
    provenance: Annotated[
        bool, typer.Option(help="Write into each image's file how it was made: model, prompt, seed, digest.")
    ] = True,
    force: Annotated[
        bool, typer.Option("--force", help="Replace also edited files, other trajectories' exports, other files.")
    ] = False,
    json_output: Json = False,
) -> None:
    """Write the storyboard, the Markdown document with its images, and the JSON record.

    The storyboard shows previews, which link to the images beside it. To
    send it as one file, use --single-file. --format docx, pdf and pptx write
    a document or slides, gif and webp an animation of the answer's images, and
    zip all exports in one file, ID.EXTENSION in the folder. With --format
    lmms-eval, the answers of a finished benchmark run become a log that
    lmms-eval's model `from_log` replays.

    Earlier exports of the same trajectory are replaced. Files that you have
    edited, exports of another trajectory and any other files are not, unless
    you give --force.

    Examples:
    interleavethinker export last --format docx --out answers
    """
    if form != "storyboard" and single_file:
        raise InputError(f"--single-file is for the storyboard; --format {form} writes one file anyway. Give only one.")
    if form not in {"storyboard", "zip"} and not provenance:
        raise InputError(f"--format {form} writes no provenance into images; leave out --no-provenance.")
    if form != "lmms-eval" and task is not None:
        raise InputError("--task is for --format lmms-eval; leave it out.")
    if form == "lmms-eval":
        from interleavethinker.evaluation.benchmarks.lmms_eval import write_log

        log = write_log(Path(trajectory), task or "ueval", out or Path("runs") / "lmms-eval-logs")
        echo_json({"log": str(log)}) if json_output else echo(f"Log: {log}")
        return
    from interleavethinker.graph.export.export import export as write
    from interleavethinker.graph.export.forms import FORMS, export_as
    from interleavethinker.graph.export.stored_images import StoredImages
    from interleavethinker.graph.export.storyboard import missing_images

    if form not in {"storyboard", *FORMS}:
        raise InputError(f"--format must be storyboard, {', '.join(FORMS)} or lmms-eval; got {form!r}.")
    snapshot = await workspace.get(trajectory)
    if missing := missing_images(snapshot, StoredImages(snapshot, workspace.store)):
        echo(missing, err=True, style="yellow")
    if form in FORMS:
        path = (out or Path("runs") / snapshot.id) / f"{snapshot.id}.{form}"
        file = export_as(snapshot, workspace.store, path, form, force=force, provenance=provenance)
        echo_json({"file": str(file)}) if json_output else echo(f"File: {file}")
        return
    folder = out or Path("runs") / snapshot.id
    page = write(snapshot, workspace.store, folder, single_file=single_file, provenance=provenance, force=force)
    if json_output:
        echo_json({"storyboard": str(page)})
    else:
        echo(f"Storyboard: {page}")


async def _confirm(workspace: "Workspace", trajectory: str, message: str, *, as_json: bool) -> int:
    """Prints a message, or the trajectory's summary as JSON, and returns the exit code."""
    if as_json:
        echo_json((await workspace.get(trajectory)).short_form())
    else:
        echo(message)
    return OK


def print_trajectory(terminal: "Console", trajectory: "Trajectory") -> None:
    """Prints the state of a trajectory for a person."""
    from interleavethinker.graph.export.attempt_numbers import drift_words
    from interleavethinker.graph.spending import dollar_words

    def line(text: str, style: str | None = None, indent: str = "") -> None:
        terminal.print(indent + one_line(text), style=style, soft_wrap=True)

    line(trajectory.title, "bold")
    line("")
    parent = (
        ""
        if trajectory.parent is None
        else f", branched from {trajectory.parent} step {(trajectory.parent_step or 0) + 1}"
    )
    size = f", image size {trajectory.image_size}" if trajectory.image_size else ""
    line(f"{trajectory.id}: {trajectory.status}, profile {trajectory.profile}, seed {trajectory.seed}{size}{parent}")
    if cost := dollar_words(trajectory.spending):
        line(f"cost so far: {cost}")
    for note in filter(None, (trajectory.reason, *trajectory.document.notes)):
        line(note, "yellow")
    for source in trajectory.document.sources:
        line(f"source: {source}")
    for index, step in enumerate(trajectory.plan.steps if trajectory.plan else ()):
        line("")
        line(f"{index + 1}. {step.instruction or step.auxiliary_text or ''}", "bold")
        for attempt in trajectory.attempts_for(index):
            success = attempt.verdict.success if attempt.verdict else None
            status = {None: "not judged", True: "accepted", False: "rejected"}[success]
            status = "refused by the image service" if attempt.image is None else status
            marker = "*" if attempt == trajectory.selected(index) else " "
            status += ", outdated" * attempt.outdated
            words = ", ".join((status, f"{attempt.seconds:.2f} s", *drift_words(attempt)))
            line(
                f"{marker} attempt {attempt.iteration + 1}: {words}: {attempt.prompt}",
                None,
                "  ",
            )
