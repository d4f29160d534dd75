"""Option and argument types that several commands share, their checks, and the new names of renamed options.

The types are used as annotations: `out: ExportFolder = None`. Checks run while the command line is parsed, so a bad
value is refused before any work.
"""

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.image_sizes import read_size

from .completions import complete_profiles, complete_trajectories

if TYPE_CHECKING:
    from interleavethinker.graph import Limits

__all__ = [
    "MAX_INTEGER",
    "RENAMED_OPTIONS",
    "Ask",
    "Aspect",
    "Estimate",
    "ExportFolder",
    "Json",
    "LookAhead",
    "MaxAttempts",
    "MaxCalls",
    "MaxCost",
    "MaxDrift",
    "NoRun",
    "OnDrift",
    "ProfileName",
    "Quiet",
    "ShutdownTimeout",
    "Size",
    "TimeLimit",
    "TrajectoryId",
    "Variants",
    "WorkspaceFolder",
    "check_export_folder",
    "check_trajectory_id",
    "checked_seed",
    "image_size_of",
    "limits_with",
    "with_drift_guard",
]

MAX_INTEGER = 2**31 - 1
"""Largest seed and count: every generator and every file format here can store it."""


def checked_seed(seed: int | None) -> int | None:
    """Returns a seed that a person gave.

    Raises:
        InputError: It is out of range.
    """
    if seed is not None and not 0 <= seed <= MAX_INTEGER:
        raise InputError(f"--seed takes a whole number from 0 to {MAX_INTEGER}; got {str(seed)[:40]}.")
    return seed


RENAMED_OPTIONS = {
    "--deadline": "--time-limit",
    "--max-iterations": "--max-attempts",
    "--stay": "--no-run",
}
"""Options of earlier versions and their new names; the error about an unknown option mentions them."""

_LIMITS = "Limits"


def check_export_folder(out: Path | None) -> Path | None:
    """Returns the folder for exports, after checking that it can be written or created. Creates nothing.

    Raises:
        InputError: A file is in the way, or the folder cannot be written.
    """
    if out is not None:
        try:
            nearest = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
            usable = nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)
        except OSError:
            usable = False
        if not usable:
            raise InputError(f"--out must be a folder that exists or can be created, and is writable; got {out}.")
    return out


def check_trajectory_id(trajectory: str) -> str:
    """Returns the ID, which must not be empty: every ID starts with an empty prefix.

    Raises:
        InputError: The ID is empty.
    """
    if not trajectory.strip():
        raise InputError("The trajectory ID is empty. Give an ID or a unique prefix of one; `list` shows them.")
    return trajectory


def _check_time_limit(time_limit: float | None) -> float | None:
    if time_limit is not None and not (math.isfinite(time_limit) and time_limit > 0):
        raise InputError(f"--time-limit must be positive (seconds); got {time_limit:g}.")
    return time_limit


def _check_max_cost(max_cost: float | None) -> float | None:
    if max_cost is not None and not (math.isfinite(max_cost) and max_cost > 0):
        raise InputError(f"--max-cost must be positive (US dollars); got {max_cost:g}.")
    return max_cost


WorkspaceFolder = Annotated[
    str | None,
    typer.Option(
        "--workspace",
        envvar=["INTERLEAVETHINKER_WORKSPACE", "INTERLEAVETHINKER_HOME"],
        help="Folder of trajectories, or postgresql://…; default: the setting `workspace`, or the user's data folder.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print machine-readable output.")]
ProfileName = Annotated[
    str | None,
    typer.Option(
        "--profile",
        envvar="INTERLEAVETHINKER_PROFILE",
        autocompletion=complete_profiles,
        help="Profile: micro, klein, api, one of yours, or a TOML file; by default the setting `profile`, or micro.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only the result, and what went wrong.")]
Estimate = Annotated[
    bool, typer.Option("--estimate", help="Only print what hosted models will cost; nothing is called.")
]
Ask = Annotated[bool, typer.Option("--ask", help="Ask you about the plan and about each image; see `resume --ask`.")]
ExportFolder = Annotated[
    Path | None,
    typer.Option(
        "--out", "-o", callback=check_export_folder, help="Folder for the storyboard and document; runs/ID by default."
    ),
]
TrajectoryId = Annotated[
    str,
    typer.Argument(
        callback=check_trajectory_id,
        autocompletion=complete_trajectories,
        metavar="ID",
        help="ID of the trajectory, a unique prefix, or `last`.",
    ),
]
NoRun = Annotated[bool, typer.Option("--no-run", help="Only record it; run the trajectory later with `resume`.")]
MaxAttempts = Annotated[int | None, typer.Option(min=1, max=100, help="Attempts per step.", rich_help_panel=_LIMITS)]
Variants = Annotated[
    int | None,
    typer.Option(
        min=1, max=16, help="First attempts of each step; the critic keeps the best.", rich_help_panel=_LIMITS
    ),
]
MaxCalls = Annotated[
    int | None, typer.Option(min=1, max=MAX_INTEGER, help="Generator calls in total.", rich_help_panel=_LIMITS)
]
MaxCost = Annotated[
    float | None,
    typer.Option(callback=_check_max_cost, help="US dollars for hosted models; see `prices`.", rich_help_panel=_LIMITS),
]
TimeLimit = Annotated[
    float | None,
    typer.Option(callback=_check_time_limit, help="Seconds of work; pauses do not count.", rich_help_panel=_LIMITS),
]
LookAhead = Annotated[
    int | None,
    typer.Option(min=1, max=64, help="Most steps worked on at once; later ones are drafted.", rich_help_panel=_LIMITS),
]


def _check_size(size: str | None) -> str | None:
    return None if size is None else _size_of_kind("--size", size, exact=True)


def _check_aspect(aspect: str | None) -> str | None:
    return None if aspect is None else _size_of_kind("--aspect", aspect, exact=False)


def _size_of_kind(option: str, text: str, *, exact: bool) -> str:
    try:
        read = read_size(text)
    except InputError as error:
        raise InputError(f"{option}: {error}") from error
    if read.exact != exact:
        other = "--size WIDTHxHEIGHT" if read.exact else "--aspect WIDTH:HEIGHT"
        kind = "pixels, like 1024x576" if exact else "an aspect ratio, like 16:9"
        raise InputError(f"{option} takes {kind}; got {read}. Use {other} for that.")
    return str(read)


Size = Annotated[
    str | None,
    typer.Option(
        metavar="WxH", callback=_check_size, help="Size of the images in pixels, like 1024x576, if the model has it."
    ),
]
Aspect = Annotated[
    str | None,
    typer.Option(
        metavar="W:H", callback=_check_aspect, help="Shape of the images, like 16:9; the model picks the size."
    ),
]


def image_size_of(size: str | None, aspect: str | None) -> str | None:
    """Returns the image size that two options ask for.

    Raises:
        InputError: Both are given.
    """
    if size is not None and aspect is not None:
        raise InputError(f"Give --size or --aspect, not both; got {size} and {aspect}.")
    return size or aspect


def _check_max_drift(max_drift: float | None) -> float | None:
    if max_drift is not None and not (math.isfinite(max_drift) and max_drift > 0):
        raise InputError(f"--max-drift must be positive; got {max_drift:g}.")
    return max_drift


ShutdownTimeout = Annotated[
    float,
    typer.Option(
        metavar="SECONDS", help="Most seconds that generator calls in flight get when a signal ends the server."
    ),
]
OnDrift = Annotated[
    Literal["nothing", "note", "redraw", "restart"] | None,
    typer.Option(help="Once edits have damaged too much: note it, redraw from an earlier image, or restart from text."),
]
MaxDrift = Annotated[
    float | None,
    typer.Option(
        callback=_check_max_drift, help="Damage by edits that is tolerated (default 0.5).", rich_help_panel=_LIMITS
    ),
]


def with_drift_guard(limits: "Limits", on_drift: str | None, max_drift: float | None) -> "Limits":
    """Returns limits with another drift guard; None keeps a value.

    Raises:
        InputError: There is a threshold, but nothing to do about it.
    """
    if max_drift is not None and (on_drift or limits.drift.action) == "nothing":
        raise InputError("--max-drift has no effect without --on-drift note, redraw or restart.")
    given = {"action": on_drift, "threshold": max_drift}
    guard = limits.drift.model_copy(update={name: value for name, value in given.items() if value is not None})
    return limits.model_copy(update={"drift": guard})


def limits_with(limits: "Limits", **changes: float | None) -> "Limits":
    """Returns limits with the given values replaced; None keeps a value.

    Raises:
        InputError: A value is out of range.
    """
    from pydantic import ValidationError

    from interleavethinker.tools.validation import problems_of

    given = {name: value for name, value in changes.items() if value is not None}
    try:
        return limits.model_validate(limits.model_dump() | given)
    except ValidationError as error:
        raise InputError(f"Invalid limits: {problems_of(error)}.") from error
