"""`interleavethinker run` and `resume`: from a request to a storyboard, in this process."""

import contextlib
import sys
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interleavethinker.tools.errors import InputError

from .estimating import print_estimate, require_prices
from .execution import check_can_ask, run_trajectory
from .exit_codes import BAD_INPUT, OK, report
from .options import (
    Ask,
    Aspect,
    Estimate,
    ExportFolder,
    Json,
    LookAhead,
    MaxAttempts,
    MaxCalls,
    MaxCost,
    MaxDrift,
    OnDrift,
    ProfileName,
    Quiet,
    Size,
    TimeLimit,
    TrajectoryId,
    Variants,
    check_export_folder,
    checked_seed,
    image_size_of,
    limits_with,
    with_drift_guard,
)
from .terminal import echo, echo_json
from .workspace_command import workspace_command

if TYPE_CHECKING:
    from interleavethinker.graph import Workspace

__all__ = ["resume", "run"]


def _server_of(options: Mapping[str, Any]) -> AbstractAsyncContextManager[None]:
    """Starts the image server that `run` will need, which then imports its libraries beside this process.

    Raises:
        ProfileError: No such profile, or the libraries of its local models are not installed.
    """
    if options["queue"] or options["estimate"]:
        return contextlib.nullcontext()
    from interleavethinker.graph.profiles.checks import require_local_libraries
    from interleavethinker.graph.profiles.profile import load_profile
    from interleavethinker.tools.mcp.early_start import started_early
    from interleavethinker.tools.settings import chosen_profile

    profile = load_profile(chosen_profile(options["profile"]))
    if profile.generator.model is None:  # Another program, which is not started before the request is accepted.
        return contextlib.nullcontext()
    require_local_libraries(profile)
    return started_early(profile.generator)


@partial(workspace_command, around=_server_of)
async def run(
    workspace: "Workspace",
    prompt: Annotated[
        str | None,
        typer.Argument(metavar="REQUEST", help="The request; <image> marks where an --image belongs."),
    ] = None,
    image: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[NAME=]FILE",
            help="An image of the request; repeatable. A named one is a reference that texts mention as @NAME.",
        ),
    ] = None,
    profile: ProfileName = None,
    out: ExportFolder = None,
    approve_plan: Annotated[bool, typer.Option("--approve-plan", help="Wait for your approval of the plan.")] = False,
    max_attempts: MaxAttempts = None,
    max_calls: MaxCalls = None,
    max_cost: MaxCost = None,
    time_limit: TimeLimit = None,
    look_ahead: LookAhead = None,
    variants: Variants = None,
    on_drift: OnDrift = None,
    max_drift: MaxDrift = None,
    seed: Annotated[
        int | None, typer.Option(callback=checked_seed, help="The same seed gives the same images (local models).")
    ] = None,
    size: Size = None,
    aspect: Aspect = None,
    ask: Ask = False,
    estimate: Estimate = False,
    queue: Annotated[bool, typer.Option("--queue", help="Only record the request; a `worker` answers it.")] = False,
    quiet: Quiet = False,
    json_output: Json = False,
) -> int:
    """Answer a request with text and images.

    Without a request, the profile's example is used.
    Ctrl-C pauses after the current image; `resume` continues.
    --ask shows you the plan and each image: accept it, edit the plan in
    $EDITOR, reject an image and give your own prompt, or quit for now.

    Examples:
    interleavethinker run "a red ball on the left, then make it blue"
    interleavethinker run "Repaint <image> at night" --image house.png
    interleavethinker run "@tom in a garden, then at night" --image tom=cat.png
    interleavethinker run --profile klein --max-calls 20 "Fold a boat"
    interleavethinker run --profile api --estimate "Fold a boat, in 5 steps"
    interleavethinker run --profile klein --aspect 16:9 "Fold a boat"

    Exit codes: 0 finished or stopped by a limit, 2 refused request,
    3 error, 4 waiting for approval, 130 paused or cancelled.
    """
    from interleavethinker.graph import load_profile
    from interleavethinker.graph.export.ownership import check_folder
    from interleavethinker.graph.workspace.request_images import request_images
    from interleavethinker.tools.request_parsing import place_images
    from interleavethinker.tools.settings import chosen_profile

    name = chosen_profile(profile)
    chosen = load_profile(name)
    limits = limits_with(
        chosen.limits,
        max_attempts=max_attempts,
        max_calls=max_calls,
        max_cost=max_cost,
        time_limit=time_limit,
        look_ahead=look_ahead,
        variants=variants,
    )
    limits = with_drift_guard(limits, on_drift, max_drift)
    text = prompt if prompt is not None else "" if image else chosen.example
    if estimate:
        print_estimate(chosen, text, image or (), limits, image_size_of(size, aspect), as_json=json_output)
        return OK
    require_prices(chosen, limits)
    if queue and (ask or out is not None):
        raise InputError("--queue only records the request: leave out --ask and --out. `export` writes the answer.")
    check_export_folder(out or Path("runs"))
    if out is not None:
        check_folder(out)
    if ask:
        limits = limits_with(limits, look_ahead=look_ahead or 1)
        check_can_ask(limits, as_json=json_output)
    if chosen.notice and not (json_output or quiet):
        echo(chosen.notice, err=True, style="dim")
    images = await request_images(image or (), workspace.add_image)
    create = partial(
        workspace.create,
        profile=name,
        limits=limits,
        seed=seed,
        approve_plan=approve_plan or ask,
        image_size=image_size_of(size, aspect),
    )
    try:
        trajectory = await create(place_images(text, images))
    except InputError as error:
        suggestion = None if json_output or quiet else _accepted(error)
        if suggestion is None:
            raise
        trajectory = await create(place_images(suggestion, images))
    if queue:
        if json_output:
            echo_json((await workspace.get(trajectory)).short_form())
        else:
            echo(f"Trajectory: {trajectory}")
            echo("A worker of this workspace answers it: interleavethinker worker", err=True)
        return OK
    return await run_trajectory(workspace, trajectory, out, as_json=json_output, quiet=quiet, ask=ask)


def _accepted(error: InputError) -> str | None:
    """Returns the request that a refusal suggests, if a person at a terminal, who is asked here, wants it."""
    if error.suggestion is None or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    from .asking import accepts_suggestion

    report(error, as_json=False)
    if not accepts_suggestion():
        raise typer.Exit(BAD_INPUT)
    return error.suggestion


@workspace_command
async def resume(
    workspace: "Workspace",
    trajectory: TrajectoryId,
    out: ExportFolder = None,
    max_attempts: MaxAttempts = None,
    variants: Variants = None,
    max_calls: MaxCalls = None,
    max_cost: MaxCost = None,
    time_limit: TimeLimit = None,
    look_ahead: LookAhead = None,
    on_drift: OnDrift = None,
    max_drift: MaxDrift = None,
    ask: Ask = False,
    quiet: Quiet = False,
    json_output: Json = False,
) -> int:
    """Resume a stopped trajectory: paused, interrupted, killed or failed.

    Finished images are not generated again. New limits replace the old ones:
    a trajectory that a limit stopped goes on if you raise that limit.
    --on-drift and --max-drift apply to the steps that are not begun.
    --ask asks the question at which an earlier --ask was left, and then about
    each image.

    Examples:
    interleavethinker resume last --max-calls 40 --max-cost 2
    """
    name = (await workspace.summary(trajectory)).id
    changes = {
        "max_attempts": max_attempts,
        "variants": variants,
        "max_calls": max_calls,
        "max_cost": max_cost,
        "time_limit": time_limit,
        "look_ahead": look_ahead,
    }
    if any(value is not None for value in (on_drift, max_drift, *changes.values())):
        limits = limits_with((await workspace.get(name)).limits, **changes)
        await workspace.change_limits(name, with_drift_guard(limits, on_drift, max_drift))
    return await run_trajectory(workspace, name, out, as_json=json_output, quiet=quiet, ask=ask)
