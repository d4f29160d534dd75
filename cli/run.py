"""`interleavethinker run` and `resume`: from a request to a storyboard, in this process."""

import math
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interleavethinker.tools.errors import InputError

from .execution import go, in_workspace

if TYPE_CHECKING:
    from interleavethinker.graph import Limits, Workspace
    from interleavethinker.tools.request_parsing import RequestLike

__all__ = [
    "LARGEST",
    "AsJson",
    "Deadline",
    "Id",
    "MaxCalls",
    "MaxIterations",
    "Out",
    "Root",
    "limits_with",
    "named",
    "resume",
    "run",
]

LARGEST = 2**31 - 1
"""Of seeds and counts: what every generator and every file of ours can hold."""


def _usable(out: Path | None) -> Path | None:
    """Refuses a folder for exports that could not be written, before any work is done for it; creates nothing."""
    if out is not None:
        try:
            nearest = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
            usable = nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)
        except OSError:
            usable = False
        if not usable:
            raise InputError(f"--out must be a folder that can be written or created; {out} is not.")
    return out


def _seconds(time_limit: float | None) -> float | None:
    if time_limit is not None and not (math.isfinite(time_limit) and time_limit > 0):
        raise InputError(f"--deadline must be a number of seconds above 0; {time_limit:g} is not.")
    return time_limit


def named(trajectory: str) -> str:
    """Refuses an empty id, which any trajectory's would begin with."""
    if not trajectory.strip():
        raise InputError("The id of a trajectory, or a beginning of it, is needed; `list` shows them.")
    return trajectory


Root = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        envvar="INTERLEAVETHINKER_HOME",
        help="Folder of trajectories; the user's data folder by default.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", callback=_usable, help="Folder for the storyboard; runs/ID by default."),
]
Id = Annotated[str, typer.Argument(callback=named, help="Its id, or a unique beginning of it.")]
MaxIterations = Annotated[int | None, typer.Option(min=1, max=100, help="Attempts per step.")]
MaxCalls = Annotated[int | None, typer.Option(min=1, max=LARGEST, help="Generator calls in all.")]
Deadline = Annotated[float | None, typer.Option(callback=_seconds, help="Seconds of work.")]
_PLACE = re.compile(r"<image>")


def run(
    prompt: Annotated[str, typer.Argument(help="What to tell and show; <image> marks the place of an --image.")] = "",
    image: Annotated[list[Path] | None, typer.Option(help="A picture of the request; may be repeated.")] = None,
    profile: Annotated[str, typer.Option(help="micro, klein, api, or a TOML file.")] = "micro",
    out: Out = None,
    approve_plan: Annotated[bool, typer.Option("--approve-plan", help="Wait for your approval of the plan.")] = False,
    max_attempts: MaxIterations = None,
    max_calls: MaxCalls = None,
    time_limit: Deadline = None,
    look_ahead: Annotated[int | None, typer.Option(min=1, max=64, help="Steps drafted before they are judged.")] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=LARGEST, help="Same seed, same pictures (local models).")
    ] = None,
    workspace: Root = None,
    json_output: AsJson = False,
) -> None:
    """Answer a request with text and pictures; without one, an example of the profile's.

    Ctrl-C pauses after the picture in work. Exit codes: 0 done, also when a limit ended it; 3 an error stopped it; 4
    its plan waits for approval; 130 paused or cancelled. A trajectory that stopped goes on with `resume`.
    """

    async def work(opened: "Workspace") -> int:
        from interleavethinker.graph import load_profile

        chosen = load_profile(profile)
        limits = limits_with(
            chosen.limits,
            max_attempts=max_attempts,
            max_calls=max_calls,
            time_limit=time_limit,
            look_ahead=look_ahead,
        )
        _usable(out or Path("runs"))
        if chosen.notice and not json_output:
            typer.secho(chosen.notice, dim=True, err=True)
        trajectory = await opened.create(
            await _request(opened, prompt or ("" if image else chosen.example), image or []),
            profile=profile,
            limits=limits,
            seed=seed,
            approve_plan=approve_plan,
        )
        return await go(opened, trajectory, out, as_json=json_output)

    raise typer.Exit(in_workspace(workspace, work))


def resume(
    trajectory: Id,
    out: Out = None,
    workspace: Root = None,
    json_output: AsJson = False,
) -> None:
    """Go on with a trajectory that was paused, interrupted, killed or failed; nothing finished is repeated."""

    async def work(opened: "Workspace") -> int:
        return await go(opened, (await opened.summary(trajectory)).id, out, as_json=json_output)

    raise typer.Exit(in_workspace(workspace, work))


def limits_with(usual: "Limits", **given: float | None) -> "Limits":
    """Returns the usual limits with those replaced that were given.

    Raises:
        InputError: One of them is out of range.
    """
    from pydantic import ValidationError

    from interleavethinker.graph.profiles.profile import problems_of

    try:
        return usual.model_validate(usual.model_dump() | {key: one for key, one in given.items() if one is not None})
    except ValidationError as error:
        raise InputError(f"These limits cannot be used: {problems_of(error)}") from error


async def _request(workspace: "Workspace", text: str, images: list[Path]) -> "RequestLike":
    """Puts each picture where `<image>` stands for it; those without a place come first."""
    from interleavethinker.tools.types import ImagePart, TextPart

    pieces = _PLACE.split(text)
    if len(pieces) - 1 > len(images):
        raise InputError(
            f"The text has {len(pieces) - 1} places for pictures, but --image was given {len(images)} times."
        )
    parts = [ImagePart(sha256=await workspace.add_image(path)) for path in images]
    unplaced = len(parts) - (len(pieces) - 1)
    request: list[ImagePart | TextPart] = [*parts[:unplaced]]
    for piece, following in zip(pieces, [*parts[unplaced:], None], strict=True):
        if piece.strip():
            request.append(TextPart(text=piece.strip()))
        if following is not None:
            request.append(following)
    return request
