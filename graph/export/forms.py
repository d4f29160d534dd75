"""A trajectory's answer as one file: a Word document, an animation, or an archive of all exports.

The Word document needs the extra `documents`; everything else comes with a plain installation.
"""

import io
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.files import atomic_write
from interleavethinker.tools.images.png import open_rgb
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.local_extra import install_extra
from interleavethinker.tools.plain_text import clean, one_line

from .export import export
from .stored_images import read_image

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["FORMS", "export_as", "file_of"]

_FRAME_SIDE = 1024
"""Pixels of the longer side of an animation; larger images are scaled down."""
_SMALLEST_FRAME = 256
"""Smaller images, such as those of the micro world, are enlarged without smoothing."""
_FRAME_MS = 1500
_PICTURE_INCHES = 5.5
_SUFFIXES = {"best_effort": " (best effort)", "not_judged": " (not judged)", "refused": " (no image)"}


def export_as(trajectory: Trajectory, store: ImageStore, path: str | Path, form: str) -> Path:
    """Writes an answer to one file, which is replaced if it exists. Blocks.

    Args:
        trajectory: Snapshot of the trajectory, finished or not.
        store: The workspace's image store.
        path: The file.
        form: `docx`, `gif`, `webp` or `zip`.

    Returns:
        The path.

    Raises:
        InputError: There is no such form, the answer has no image to animate, the extra `documents` is not installed,
            or the file cannot be written.
    """
    path = Path(path)
    data = file_of(trajectory, store, form)
    try:
        atomic_write(path, data)
    except OSError as error:
        raise InputError(f"Cannot write {path}: {error.strerror}. Choose a folder that can be written.") from error
    return path


def file_of(trajectory: Trajectory, store: ImageStore, form: str) -> bytes:
    """Returns the bytes of the file that `export_as` writes.

    Raises:
        InputError: See `export_as`.
    """
    if form not in FORMS:
        raise InputError(f"The form of an export is one of {', '.join(FORMS)}; got {form!r}.")
    return FORMS[form](trajectory, store)


def _zip(trajectory: Trajectory, store: ImageStore) -> bytes:
    buffer = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        export(trajectory, store, folder)
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file():
                archive.write(path, Path(trajectory.id) / path.relative_to(folder))
    return buffer.getvalue()


def _animation(trajectory: Trajectory, store: ImageStore, form: str) -> bytes:
    found = (read_image(store, name) for name in trajectory.document.images)
    images = [open_rgb(png) for png in found if png is not None]
    if not images:
        raise InputError(f"Trajectory {trajectory.id} has no image yet, so there is nothing to animate.")
    frames = _of_one_size(images)
    buffer = io.BytesIO()
    options = {"lossless": False, "quality": 85} if form == "WEBP" else {"optimize": True}
    frames[0].save(buffer, form, save_all=True, append_images=frames[1:], duration=_FRAME_MS, loop=0, **options)
    return buffer.getvalue()


def _of_one_size(images: "list[Image]") -> "list[Image]":
    """Returns the images on frames of one size, each as large as it fits, in the middle."""
    from PIL import Image, ImageOps

    width, height = max(one.width for one in images), max(one.height for one in images)
    scale = min(1.0, _FRAME_SIDE / max(width, height))
    if max(width, height) < _SMALLEST_FRAME:
        scale = float(-(-_SMALLEST_FRAME // max(width, height)))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    method = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS
    return [ImageOps.pad(one, size, method=method, color="white") for one in images]


def _docx(trajectory: Trajectory, store: ImageStore) -> bytes:
    if find_spec("docx") is None:
        raise InputError(
            f"Word documents need python-docx, which is not installed. Install it with: {install_extra('documents')}",
            code="missing_extra",
        )
    from docx import Document
    from docx.shared import Inches

    written = Document()
    written.core_properties.title = one_line(trajectory.title)
    written.core_properties.author = "interleavethinker"
    written.core_properties.comments = f"Trajectory {trajectory.id}"
    written.add_heading(one_line(trajectory.title), 0)
    status = [f"{trajectory.document.status.capitalize()}."] if trajectory.document.complete else []
    for note in (*status, *trajectory.document.notes, *trajectory.notes):
        written.add_paragraph(clean(note), style="Intense Quote")
    for block in trajectory.document.blocks:
        match block.kind:
            case "heading":
                suffix = _SUFFIXES.get(block.status, "")
                written.add_heading(f"{block.step + 1}. {one_line(block.text)}{suffix}", 2)
            case "image":
                png = read_image(store, block.sha256 or "")
                if png is None:
                    written.add_paragraph("[This image is missing or damaged in the workspace.]")
                    continue
                written.add_picture(io.BytesIO(png), width=Inches(_PICTURE_INCHES))
                _describe(written.inline_shapes[-1], one_line(block.text))
            case "text":
                written.add_paragraph(clean(block.text))
    buffer = io.BytesIO()
    written.save(buffer)
    return buffer.getvalue()


def _describe(shape: object, description: str) -> None:
    """Gives a picture its alternative text, which screen readers speak."""
    shape._inline.docPr.set("descr", description)  # type: ignore[attr-defined]  # noqa: SLF001 - the library has no public way


FORMS: Mapping[str, Callable[[Trajectory, ImageStore], bytes]] = {
    "docx": _docx,
    "gif": lambda trajectory, store: _animation(trajectory, store, "GIF"),
    "webp": lambda trajectory, store: _animation(trajectory, store, "WEBP"),
    "zip": _zip,
}
"""By the extensions of their files."""
