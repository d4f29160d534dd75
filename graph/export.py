"""Writes all exports of a trajectory into a folder."""

import json
from pathlib import Path

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.store import ImageStore

from .look import Trajectory
from .markdown import markdown
from .record import record_of
from .storyboard import storyboard

__all__ = ["export"]


def export(trajectory: Trajectory, store: ImageStore, folder: Path) -> Path:
    """Writes `index.html`, `document.md`, `images/` and `trajectory.json`; files of the same names are replaced.

    Returns:
        The path of `index.html`.

    Raises:
        InputError: The folder cannot be written.
    """
    page = folder / "index.html"
    try:
        (folder / "images").mkdir(parents=True, exist_ok=True)
        for sha256 in sorted({*trajectory.document.images, *trajectory.request.images}):
            (folder / "images" / f"{sha256[:16]}.png").write_bytes(store.get(sha256))
        (folder / "document.md").write_text(markdown(trajectory), encoding="utf-8")
        record = record_of(trajectory).model_dump(mode="json")
        (folder / "trajectory.json").write_text(json.dumps(record, indent=2, ensure_ascii=False), encoding="utf-8")
        page.write_text(storyboard(trajectory, store), encoding="utf-8")
    except OSError as error:
        raise InputError(f"The folder {folder} must be writable: {error.strerror}.") from error
    return page
