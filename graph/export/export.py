"""Writes all exports of a trajectory into a folder."""

import json
from pathlib import Path

from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.files import atomic_write
from interleavethinker.tools.images.store import ImageStore

from .markdown import markdown
from .record import record_of
from .storyboard import pictures_of, storyboard, with_note

__all__ = ["export"]


def export(trajectory: Trajectory, store: ImageStore, folder: Path) -> Path:
    """Writes `index.html`, `document.md`, `images/` and `trajectory.json`; files of the same names are replaced.

    A picture that is missing or damaged is left out, and a note says so.

    Returns:
        The path of `index.html`.

    Raises:
        InputError: The folder cannot be written.
    """
    page = folder / "index.html"
    pictures = pictures_of(trajectory, store)
    shown = {*trajectory.document.images, *trajectory.request.images}
    record = record_of(trajectory).model_dump(mode="json")
    try:
        (folder / "images").mkdir(parents=True, exist_ok=True)
        for sha256, data in pictures.items():
            if data is not None and sha256 in shown:
                atomic_write(folder / "images" / f"{sha256[:16]}.png", data)
        atomic_write(folder / "document.md", markdown(with_note(trajectory, pictures)).encode())
        atomic_write(folder / "trajectory.json", json.dumps(record, indent=2, ensure_ascii=False).encode())
        atomic_write(page, storyboard(trajectory, store, pictures).encode())
    except OSError as error:
        raise InputError(f"The folder {folder} must be writable: {error.strerror}.") from error
    return page
