"""Writes all exports of a trajectory into a folder."""

from pathlib import Path

from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.files import atomic_write
from interleavethinker.tools.images.store import ImageStore

from .markdown import markdown
from .stored_images import read_images
from .storyboard import storyboard, with_note

__all__ = ["export"]

_ORIGINALS = "images"


def export(trajectory: Trajectory, store: ImageStore, folder: str | Path, *, single_file: bool = False) -> Path:
    """Writes `index.html`, `document.md`, `images/` and `trajectory.json`, and replaces files of the same names.

    `index.html` shows previews, which link to the originals in `images/`. Images that are missing or damaged are left
    out, and a note in the document says so.

    Args:
        trajectory: Snapshot of the trajectory, finished or not.
        store: The workspace's image store.
        folder: Folder to write to; created if necessary.
        single_file: Write only `index.html`, with the answer's images in full size in it.

    Returns:
        The path of `index.html`.

    Raises:
        InputError: The folder cannot be created or written.
    """
    folder = Path(folder)
    page = folder / "index.html"
    images = read_images(trajectory, store)
    try:
        if single_file:
            atomic_write(page, storyboard(trajectory, store, images, full_size=True).encode())
            return page
        (folder / _ORIGINALS).mkdir(parents=True, exist_ok=True)
        for sha256, data in images.items():
            if data is not None:
                atomic_write(folder / _ORIGINALS / f"{sha256[:16]}.png", data)
        atomic_write(folder / "document.md", markdown(with_note(trajectory, images), details=True).encode())
        atomic_write(folder / "trajectory.json", trajectory.model_dump_json(indent=2).encode())
        atomic_write(page, storyboard(trajectory, store, images, originals=_ORIGINALS).encode())
    except OSError as error:
        raise InputError(
            f"Cannot write the exports to {folder}: {error.strerror}. Choose a folder that can be written."
        ) from error
    return page
