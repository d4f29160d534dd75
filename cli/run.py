"""`interleavethinker run` and `resume`: from a request to a storyboard, in this process or through a live worker."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interleavethinker.tools.errors import InputError

from .estimating import print_estimate
from .execution import announce, run_trajectory
from .exit_codes import BAD_INPUT, OK, report
from .handing_over import Begun, hand_over
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
    checked_seed,
    limits_with,
    with_drift_guard,
)
from .requests import asked_of
from .terminal import console, echo, echo_json
from .workspace_command import workspace_command

if TYPE_CHECKING:
    from interleavethinker.graph import Profile, Workspace

__all__ = ["resume", "run"]


@contextlib.asynccontextmanager
async def _begun(options: Mapping[str, Any]) -> AsyncIterator[Begun]:
    """Hands the request over to a live worker, or starts the image server that `run` will need.

    The server then imports its libraries beside this process.

    Raises:
        InputError: The request is refused, or the options do not fit together.
        ProfileError: No such profile, or the libraries of its local models are not installed.
    """
    begun = Begun()
    if options["queue"] or options["estimate"]:
        yield begun
        return
    quiet = options["json_output"] or options["quiet"]
    asked = asked_of(**{name: value for name, value in options.items() if name not in _NOT_OF_REQUEST})
    try:
        if not (options["no_worker"] or options["ask"]):
            try:
                await hand_over(options["folder"], asked, begun)
            except InputError as error:
                suggestion = None if quiet else _accepted(error)
                if suggestion is None:
                    raise
                await hand_over(options["folder"], replace(asked, text=suggestion), begun)
        if begun.trajectory is not None:
            terminal = console(stderr=True, quiet=quiet)
            begun.say = terminal.print
            with begun.pausing():
                announce(begun.trajectory, terminal)
                yield begun
            return
        async with _server_of(asked.profile):
            yield begun
    except (asyncio.CancelledError, KeyboardInterrupt):
        if begun.created is not None:
            echo(f"Stopped. Go on with: interleavethinker resume {begun.created}", err=True)
        raise
    finally:
        if begun.connection is not None:
            await begun.connection.close()


_NOT_OF_REQUEST = {"folder", "quiet", "no_worker"}


def _server_of(profile: "Profile") -> AbstractAsyncContextManager[None]:
    from interleavethinker.graph.profiles.checks import require_local_libraries
    from interleavethinker.tools.mcp.early_start import started_early

    if profile.generator.model is None:  # Another program, which is not started before the request is accepted.
        return contextlib.nullcontext()
    require_local_libraries(profile)
    return started_early(profile.generator)


@partial(workspace_command, around=_begun)
async def run(
    workspace: "Workspace",
    begun: Begun,
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
    no_worker: Annotated[  # noqa: ARG001 - read before the workspace is open
        bool, typer.Option("--no-worker", help="Answer in this process, even if a `worker` of the workspace runs.")
    ] = False,
    quiet: Quiet = False,
    json_output: Json = False,
) -> int:
    """Answer a request with text and images.

    Without a request, the profile's example is used.
    Ctrl-C pauses after the current image; `resume` continues.
    --ask shows you the plan and each image: accept it, edit the plan in
    $EDITOR, reject an image and give your own prompt, or quit for now.
    If a `worker` of the workspace runs, it answers at once: its models are
    loaded already.

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
    from interleavethinker.graph.workspace.catalog import RequestKey
    from interleavethinker.graph.workspace.request_images import request_images
    from interleavethinker.graph.workspace.worker_client import wake_workers
    from interleavethinker.tools.folders import is_database_url
    from interleavethinker.tools.request_parsing import place_images

    asked = asked_of(
        prompt=prompt,
        image=image,
        profile=profile,
        out=out,
        approve_plan=approve_plan,
        max_attempts=max_attempts,
        max_calls=max_calls,
        max_cost=max_cost,
        time_limit=time_limit,
        look_ahead=look_ahead,
        variants=variants,
        on_drift=on_drift,
        max_drift=max_drift,
        seed=seed,
        size=size,
        aspect=aspect,
        ask=ask,
        estimate=estimate,
        queue=queue,
        json_output=json_output,
    )
    if estimate:
        print_estimate(asked.profile, asked.text, asked.images, asked.limits, asked.image_size, as_json=json_output)
        return OK
    if asked.profile.notice and not (json_output or quiet):
        echo(asked.profile.notice, err=True, style="dim")
    if begun.trajectory is None:
        images = await request_images(asked.images, workspace.add_image)
        begun.kept = not (queue or begun.offered)
        create = partial(
            workspace.create,
            profile=asked.profile.source,
            limits=asked.limits,
            seed=seed,
            approve_plan=asked.approve_plan,
            image_size=asked.image_size,
            key=RequestKey(begun.key),
            attended=not queue,
        )
        try:
            trajectory = await create(place_images(asked.text, images))
        except InputError as error:
            suggestion = None if json_output or quiet else _accepted(error)
            if suggestion is None:
                raise
            trajectory = await create(place_images(suggestion, images))
        begun.created = trajectory
    else:
        trajectory = begun.trajectory
    if queue:
        if not is_database_url(workspace.location or ""):
            await wake_workers(workspace.root)
        if json_output:
            echo_json((await workspace.get(trajectory)).short_form())
        else:
            echo(f"Trajectory: {trajectory}")
            echo("A worker of this workspace answers it: interleavethinker worker", err=True)
        return OK
    events = None if ask else begun.events
    return await run_trajectory(workspace, trajectory, out, as_json=json_output, quiet=quiet, ask=ask, events=events)


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
