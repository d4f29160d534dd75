"""Writes all exports of a trajectory into a folder."""

import contextlib
import json
import re
from pathlib import Path

from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.files import atomic_write
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.plain_text import with_escaped_controls

from .image_provenance import with_provenance
from .markdown import markdown
from .stored_images import StoredImages
from .storyboard import storyboard, with_note

__all__ = ["export", "is_export", "remove_export"]

_ORIGINALS = "images"
_IMAGE = re.compile(r"[0-9a-f]{16}\.png")
_OWN_PAGE = (
    b'<meta name="generator" content="interleavethinker">',
    b"default-src 'none'; img-src data:; style-src 'unsafe-inline'",  # Pages of earlier versions.
)
_HEAD = 2000
"""Bytes at the beginning of a page that name its author."""


def export(
    trajectory: Trajectory, store: ImageStore, folder: str | Path, *, single_file: bool = False, provenance: bool = True
) -> Path:
    """Writes `index.html`, `document.md`, `images/` and `trajectory.json`, and replaces those of an earlier export.

    Files of these names that no export wrote are never replaced. `index.html` shows previews, which link to the
    originals in `images/`. Images that are missing or damaged are left out, and a note in the document says so.

    Args:
        trajectory: Snapshot of the trajectory, finished or not.
        store: The workspace's image store.
        folder: Folder to write to; created if necessary.
        single_file: Write only `index.html`, with the answer's images in full size in it.
        provenance: Write into each generated image's file how it was made: model, prompt, seed, digest.

    Returns:
        The path of `index.html`.

    Raises:
        InputError: The folder cannot be created or written, or holds such a file of somebody else.
    """
    folder = Path(folder)
    page = folder / "index.html"
    images = StoredImages(trajectory, store)
    makers = {one.image: one for one in reversed(trajectory.attempts) if one.image is not None and one.model}
    try:
        _check_own(folder, [page.name] if single_file else [page.name, "trajectory.json", "document.md"])
        if single_file:
            atomic_write(page, storyboard(trajectory, store, images, full_size=True).encode())
            return page
        (folder / _ORIGINALS).mkdir(parents=True, exist_ok=True)
        # First the file that vouches for the others: the next export replaces what a killed one has left.
        atomic_write(folder / "trajectory.json", with_escaped_controls(trajectory.model_dump_json(indent=2)).encode())
        for sha256, data in images.items():
            if data is not None:
                made = makers.get(sha256) if provenance else None
                written = data if made is None else with_provenance(data, trajectory, made)
                atomic_write(folder / _ORIGINALS / f"{sha256[:16]}.png", written)
        atomic_write(folder / "document.md", markdown(with_note(trajectory, images), details=True).encode())
        atomic_write(page, storyboard(trajectory, store, images, originals=_ORIGINALS).encode())
    except OSError as error:
        raise InputError(
            f"Cannot write the exports to {folder}: {error.strerror}. Choose a folder that can be written."
        ) from error
    return page


def is_export(folder: str | Path) -> bool:
    """Whether an export was written to this folder."""
    try:
        return _is_own_page(Path(folder) / "index.html") or _is_own_record(Path(folder) / "trajectory.json")
    except OSError:
        return False


def remove_export(folder: str | Path) -> None:
    """Removes the files of an export, and the folder if nothing else is in it. Does nothing in other folders."""
    folder = Path(folder)
    if not is_export(folder):
        return
    images = [path for path in (folder / _ORIGINALS).glob("*.png") if _IMAGE.fullmatch(path.name)]
    with contextlib.suppress(OSError):
        for path in (*images, *(folder / name for name in ("index.html", "document.md", "trajectory.json"))):
            path.unlink(missing_ok=True)
        for emptied in (folder / _ORIGINALS, folder):
            if emptied.is_dir() and not any(emptied.iterdir()):
                emptied.rmdir()


def _check_own(folder: Path, names: list[str]) -> None:
    """Refuses to replace files that no export wrote. `document.md` has no mark; the files beside it vouch for it.

    Raises:
        InputError: There is such a file.
    """
    page, record = folder / "index.html", folder / "trajectory.json"
    own_page, own_record = _is_own_page(page), _is_own_record(record)
    own = {page.name: own_page, record.name: own_record, "document.md": own_page or own_record}
    for name in names:
        if (folder / name).is_file() and not own[name]:
            raise InputError(
                f"{folder / name} is a file that no export wrote, and would be replaced. Choose another folder, or "
                "move the file away."
            )


def _is_own_page(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(_HEAD)
    return any(mark in head for mark in _OWN_PAGE)


def _is_own_record(path: Path) -> bool:
    try:
        record = json.loads(path.read_bytes())
    except (FileNotFoundError, IsADirectoryError, ValueError, RecursionError):
        return False
    return isinstance(record, dict) and {"id", "schema_version"} <= record.keys()
