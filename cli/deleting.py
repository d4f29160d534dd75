"""`interleavethinker delete`: removes trajectories and says what stays: recent images, exports, a server's copies."""

import contextlib
import math
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interleavethinker.tools.errors import InputError, StoreError, TrajectoryError
from interleavethinker.tools.folders import default_server_store
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.plain_text import quantity

from .completions import complete_trajectories
from .options import Json, check_trajectory_id
from .terminal import echo, echo_json
from .workspace_command import workspace_command

if TYPE_CHECKING:
    from interleavethinker.graph import TrajectorySummary, Workspace

__all__ = ["delete"]

_WORTH_COMPACTING = 0.25
"""Share of the database that must be free before its space is given back to the disk."""


@dataclass(frozen=True)
class _Left:
    """What a deletion leaves behind."""

    recent_images: int
    exports: Sequence[str]
    """Folders."""
    server_images: int
    """Copies in the store of this machine's image server."""


@workspace_command
async def delete(
    workspace: "Workspace",
    trajectories: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ID", autocompletion=complete_trajectories, help="IDs or unique prefixes; none: only unused images."
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Delete all trajectories, except running ones.")] = False,
    purge: Annotated[
        bool,
        typer.Option(
            "--purge",
            help="Also delete their images of the last hour, their exports in runs/ID, and the copies of their images "
            "in the store of this machine's image server.",
        ),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would be deleted.")] = False,
    json_output: Json = False,
) -> None:
    """Delete trajectories, and images that no trajectory uses.

    Images of the last hour are kept, since a running call may need them;
    so are exports, and the image server's own copies, which answer equal
    calls. What stays is printed; --purge deletes what only they used, too.

    Examples:
    interleavethinker delete last
    interleavethinker delete --all --dry-run
    """
    names = await _chosen(workspace, trajectories or [], every=every)
    images = await workspace.images_of(*names) - await _used_by_others(workspace, names)
    if dry_run:
        unused = await workspace.unused_images(without=names)
        removed = len(unused.removable) + (sum(image in images for image in unused.recent) if purge else 0)
        left = await _left(workspace, names, images, without=names)
        _print(names, removed, _Left(0, [], 0) if purge else left, as_json=json_output, purge=purge, dry_run=True)
        return
    entries = [entry for name in names if (entry := await _delete_one(workspace, name, skip_running=every)) is not None]
    deleted = [entry.id for entry in entries]
    images = images - await _used_by_others(workspace, deleted)
    until = max(map(_ended, entries), default=math.inf)
    count = len(await workspace.collect_garbage(also=images if purge else (), also_until=until))
    if purge:
        _purge(deleted, [image for image in images if image not in workspace.store])
    if deleted:
        with contextlib.suppress(StoreError):  # The space is used again anyway.
            await workspace.vacuum(at_least=_WORTH_COMPACTING)
    _print(deleted, count, await _left(workspace, deleted, images), as_json=json_output, purge=purge)


async def _chosen(workspace: "Workspace", given: Sequence[str], *, every: bool) -> Sequence[str]:
    """Returns the IDs to delete. All are looked up before anything is deleted, so a wrong one deletes nothing."""
    if every and given:
        raise InputError("Give either IDs or --all.")
    if every:
        return await workspace.ids()
    return list(dict.fromkeys([(await workspace.summary(check_trajectory_id(one))).id for one in given]))


async def _used_by_others(workspace: "Workspace", names: Collection[str]) -> set[str]:
    others = [one for one in await workspace.ids() if one not in names]
    return set(await workspace.images_of(*others))


async def _delete_one(workspace: "Workspace", name: str, *, skip_running: bool) -> "TrajectorySummary | None":
    try:
        entry = await workspace.summary(name)
        await workspace.delete(name)
    except TrajectoryError as error:
        if error.code != "busy" or not skip_running:
            raise
        echo(f"Trajectory {name} is running and stays.", err=True)
        return None
    return entry


def _ended(entry: "TrajectorySummary") -> float:
    """Returns when a trajectory used its images for the last time; nobody knows of one whose process died."""
    return math.inf if entry.status == "interrupted" else entry.updated.timestamp()


def _purge(names: Sequence[str], images: Collection[str]) -> None:
    from interleavethinker.graph.export.export import remove_export

    for name in names:
        remove_export(_export_folder(name))
    store = _server_store()
    if store is None:
        return
    for image in images:
        with contextlib.suppress(OSError):
            store.delete(image)


async def _left(
    workspace: "Workspace", names: Sequence[str], images: Collection[str], without: Collection[str] = ()
) -> _Left:
    from interleavethinker.graph.export.ownership import is_export

    unused = await workspace.unused_images(without=without)
    exports = [str(_export_folder(name)) for name in names if is_export(_export_folder(name))]
    store = _server_store()
    return _Left(len(unused.recent), exports, 0 if store is None else sum(image in store for image in images))


def _export_folder(name: str) -> Path:
    return Path("runs") / name


def _server_store() -> ImageStore | None:
    try:
        return ImageStore(default_server_store())
    except InputError:  # A user without a home folder.
        return None


def _print(
    names: Sequence[str], images: int, left: _Left, *, as_json: bool, purge: bool, dry_run: bool = False
) -> None:
    if as_json:
        echo_json({"deleted": list(names), "images_removed": images, "left": asdict(left)})
        return
    verb = "Would delete" if dry_run else "Deleted"
    echo(f"{verb} {quantity(len(names), 'trajectory', 'trajectories')} and {quantity(images, 'unused image')}.")
    stays = []
    if left.recent_images:
        which = f"{quantity(left.recent_images, 'image')} of the last hour"
        stays.append(f"{which} (a running call may need them; a later `delete` removes what is not used then)")
    if left.exports:
        stays.append(f"the exports in {', '.join(left.exports)}")
    if left.server_images:
        stays.append(f"{quantity(left.server_images, 'copy', 'copies')} in the image server's store")
    if stays:
        more = f" `delete --purge` {'takes' if dry_run else 'would have taken'} along what belongs to them."
        echo(f"Left: {'; '.join(stays)}.{more if names and not purge else ''}")
