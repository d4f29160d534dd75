"""A trajectory's answer as one file: a document, slides, an animation, or an archive of all exports.

Word and PDF documents and slides need the extra `documents`; everything else comes with a plain installation.
"""

import io
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.files import atomic_write, is_file
from interleavethinker.tools.images.png import open_rgb
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.local_extra import install_extra
from interleavethinker.tools.plain_text import clean, one_line

from .export import export
from .outcome import STATUS_SUFFIXES, opening_notes
from .ownership import WAY_OUT, unwritable
from .pdf import pdf_of
from .pictures import picture_of
from .seals import seal_of_file, sealed_file
from .slides import slides_of
from .stored_images import MISSING_IMAGE, read_image

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["FORMS", "export_as", "file_of"]

_FRAME_SIDE = 1024
"""Pixels of the longer side of an animation; larger images are scaled down."""
_SMALLEST_FRAME = 256
"""Smaller images, such as those of the micro world, are enlarged without smoothing."""
_FRAME_MS = 1500
_AUTHOR = b"interleavethinker"
_MOST_PROPERTIES = 2**20
"""Bytes that are read of a document's properties."""
_PICTURE_INCHES = 5.5
_ZIP_YEARS = range(1980, 2108)
"""Years that a ZIP archive can express."""


def export_as(
    trajectory: Trajectory,
    store: ImageStore,
    path: str | Path,
    form: str,
    *,
    force: bool = False,
    provenance: bool = True,
) -> Path:
    """Writes an answer to one file, and replaces only an earlier export of it that nobody has edited. Blocks.

    Args:
        trajectory: Snapshot of the trajectory, finished or not.
        store: The workspace's image store.
        path: The file.
        form: `docx`, `pdf`, `pptx`, `gif`, `webp` or `zip`.
        force: Replace also a file that is somebody else's, of another trajectory, or edited.
        provenance: Whether the images in a `zip` say how they were made; in other forms they never do.

    Returns:
        The path.

    Raises:
        InputError: There is no such form, the answer has no image to animate, the extra `documents` is not installed,
            the file cannot be written, or the file of this name would be lost.
    """
    path = Path(path)
    data = file_of(trajectory, store, form, provenance=provenance)
    try:
        if path.is_symlink():
            raise InputError(f"{path} is a symbolic link, and exports never write through one. Remove the link.")
        if not force:
            _check_replaceable(path, trajectory.id, data)
        atomic_write(path, data)
    except OSError as error:
        raise unwritable(path, error) from error
    return path


def file_of(trajectory: Trajectory, store: ImageStore, form: str, *, provenance: bool = True) -> bytes:
    """Returns the bytes of the file that `export_as` writes.

    Raises:
        InputError: See `export_as`.
    """
    if form not in FORMS:
        raise InputError(f"The form of an export is one of {', '.join(FORMS)}; got {form!r}.")
    data = _zip(trajectory, store, provenance=provenance) if form == "zip" else FORMS[form](trajectory, store)
    return sealed_file(data, form, trajectory.id)


def _check_replaceable(path: Path, trajectory: str, data: bytes) -> None:
    if not is_file(path) or (found := path.read_bytes()) == data:
        return
    seal = seal_of_file(found)
    if seal is not None and seal.whole and seal.trajectory == trajectory:
        return
    if seal is None:  # Programs that save a file again leave unknown parts out.
        state = (
            "was edited after it had been exported, or is the export of a version that did not mark its files"
            if _is_own(path)
            else "is a file that no export wrote"
        )
    elif seal.trajectory != trajectory:
        state = f"is the export of the trajectory {seal.trajectory}"
    else:
        state = "was edited after it had been exported"
    raise InputError(f"{path} {state}, and would be replaced. {WAY_OUT}")


def _is_own(path: Path) -> bool:
    """Whether a file says that this program made it: as its author, in a comment, or by the record in an archive."""
    if not zipfile.is_zipfile(path):
        return _AUTHOR in path.read_bytes()
    try:
        with zipfile.ZipFile(path) as archive:
            if any(Path(name).name == "trajectory.json" for name in archive.namelist()):
                return True
            with archive.open("docProps/core.xml") as properties:
                return _AUTHOR in properties.read(_MOST_PROPERTIES)
    except (KeyError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error):
        return False


def _zip(trajectory: Trajectory, store: ImageStore, *, provenance: bool = True) -> bytes:
    buffer = io.BytesIO()
    archived = zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False)
    with tempfile.TemporaryDirectory() as folder, archived as archive:
        export(trajectory, store, folder, provenance=provenance)
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file():
                archive.write(path, Path(trajectory.id) / path.relative_to(folder))
    return buffer.getvalue()


def _animation(trajectory: Trajectory, store: ImageStore, form: str) -> bytes:
    names = trajectory.document.images
    images = [open_rgb(png) for png in (read_image(store, name) for name in names) if png is not None]
    if not images:
        reason = "whose images are all missing or damaged in the workspace" if names else "which has no image yet"
        raise InputError(f"There is nothing to animate in trajectory {trajectory.id}, {reason}.")
    frames = _of_one_size(images)
    buffer = io.BytesIO()
    options: dict[str, object] = {"lossless": False, "quality": 85} if form == "WEBP" else {"optimize": True}
    # Where each format has a place for it.
    options |= {"xmp": _AUTHOR} if form == "WEBP" else {"comment": _AUTHOR}
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
    _require("Word documents", "python-docx", "docx")
    _check_clock("Word documents")
    from docx import Document
    from docx.shared import Inches

    written = Document()
    written.core_properties.title = one_line(trajectory.title)
    written.core_properties.author = "interleavethinker"
    written.core_properties.comments = f"Trajectory {trajectory.id}"
    written.add_heading(one_line(trajectory.title), 0)
    for note in (*opening_notes(trajectory.document), *trajectory.notes):
        written.add_paragraph(clean(note), style="Intense Quote")
    for block in trajectory.document.blocks:
        match block.kind:
            case "heading":
                suffix = STATUS_SUFFIXES.get(block.status, "")
                written.add_heading(f"{block.step + 1}. {one_line(block.text)}{suffix}", 2)
            case "image":
                png = read_image(store, block.sha256 or "")
                if png is None:
                    written.add_paragraph(MISSING_IMAGE)
                    continue
                written.add_picture(io.BytesIO(picture_of(png)), width=Inches(_PICTURE_INCHES))
                _describe(written.inline_shapes[-1], one_line(block.text))
            case "text":
                written.add_paragraph(clean(block.text))
    if trajectory.document.sources:
        written.add_heading("Sources", 2)
        for source in trajectory.document.sources:
            written.add_paragraph(one_line(source), style="List Bullet")
    buffer = io.BytesIO()
    written.save(buffer)
    return buffer.getvalue()


def _pdf(trajectory: Trajectory, store: ImageStore) -> bytes:
    _require("PDF files", "fpdf2", "fpdf")
    _require("PDF files", "uharfbuzz", "uharfbuzz")
    return pdf_of(trajectory, store)


def _pptx(trajectory: Trajectory, store: ImageStore) -> bytes:
    _require("Slides", "python-pptx", "pptx")
    _check_clock("Slides")
    return slides_of(trajectory, store)


def _require(what: str, package: str, module: str) -> None:
    """Raises InputError if a library of the extra is not installed."""
    if find_spec(module) is None:
        raise InputError(
            f"{what} need {package}, which is not installed. Install it with: {install_extra('documents')}",
            code="missing_extra",
        )


def _check_clock(what: str) -> None:
    """Raises InputError if the clock is wrong in a way that the libraries, which write ZIP archives, cannot express."""
    year = time.localtime().tm_year
    if year not in _ZIP_YEARS:
        raise InputError(
            f"{what} cannot be written while this machine's clock says {year}; their format knows the years "
            f"{_ZIP_YEARS.start} to {_ZIP_YEARS.stop - 1}. Set the clock, or choose another form."
        )


def _describe(shape: object, description: str) -> None:
    """Gives a picture its alternative text, which screen readers speak."""
    shape._inline.docPr.set("descr", description)  # type: ignore[attr-defined]  # noqa: SLF001 - the library has no public way


FORMS: Mapping[str, Callable[[Trajectory, ImageStore], bytes]] = {
    "docx": _docx,
    "pdf": _pdf,
    "pptx": _pptx,
    "gif": lambda trajectory, store: _animation(trajectory, store, "GIF"),
    "webp": lambda trajectory, store: _animation(trajectory, store, "WEBP"),
    "zip": _zip,
}
"""By the extensions of their files."""
