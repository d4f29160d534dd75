"""Writes all exports of a trajectory into a folder."""

import contextlib
from pathlib import Path

from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.files import atomic_write, read_regular
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.plain_text import with_escaped_controls

from .image_provenance import with_provenance
from .markdown import markdown
from .ownership import (
    DOCUMENT,
    IMAGES,
    MOST_BYTES,
    PAGE,
    RECORD,
    check_links,
    check_owner,
    check_replaceable,
    digest_of_record,
    is_export,
    owned_files,
    unwritable,
)
from .seals import sealed
from .stored_images import StoredImages
from .storyboard import storyboard, with_note

__all__ = ["export", "remove_export"]


def export(
    trajectory: Trajectory,
    store: ImageStore,
    folder: str | Path,
    *,
    single_file: bool = False,
    provenance: bool = True,
    force: bool = False,
    replace_others: bool = False,
) -> Path:
    """Writes `index.html`, `document.md`, `images/` and `trajectory.json`, and replaces those of an earlier export.

    Other files of these names are never replaced: of somebody else, of another trajectory, or edited since. Nothing is
    written through a symbolic link inside the folder. `index.html` shows previews, which link to the
    originals in `images/`. Images that are missing or damaged are left out, and a note in the document says so.

    Args:
        trajectory: Snapshot of the trajectory, finished or not.
        store: The workspace's image store.
        folder: Folder to write to; created if necessary.
        single_file: Write only `index.html`, with the answer's images in full size in it.
        provenance: Write into each generated image's file how it was made: model, prompt, seed, digest.
        force: Replace also files that are somebody else's, of another trajectory, or edited.
        replace_others: Replace another trajectory's exports that nobody has edited, as in the folders of a batch.

    Returns:
        The path of `index.html`.

    Raises:
        InputError: The folder cannot be created or written, or holds files that would be lost.
    """
    folder = Path(folder)
    page = folder / PAGE
    images = StoredImages(trajectory, store)
    makers = {one.image: one for one in reversed(trajectory.attempts) if one.image is not None and one.model}
    names = [] if single_file else [f"{sha256[:16]}.png" for sha256 in images if sha256 not in images.unreadable]
    try:
        check_links(folder, names)
        if not force:
            written = (PAGE,) if single_file else (PAGE, RECORD, DOCUMENT)
            if not replace_others:
                check_owner(folder, trajectory.id)
            check_replaceable(folder, written, names, lambda: _document_of_record(folder, store))
        if single_file:
            atomic_write(page, sealed(storyboard(trajectory, store, images, full_size=True).encode(), trajectory.id))
            return page
        (folder / IMAGES).mkdir(parents=True, exist_ok=True)
        for sha256, data in images.items():
            if data is not None:
                made = makers.get(sha256) if provenance else None
                described = data if made is None else with_provenance(data, trajectory, made)
                atomic_write(folder / IMAGES / f"{sha256[:16]}.png", described)
        record = with_escaped_controls(trajectory.model_dump_json(indent=2)).encode()
        text = sealed(_document(trajectory, images), trajectory.id, _records_beside(folder, record))
        atomic_write(folder / DOCUMENT, text)
        atomic_write(page, sealed(storyboard(trajectory, store, images, originals=IMAGES).encode(), trajectory.id))
        # Last: whoever finds it finds the others complete.
        atomic_write(folder / RECORD, record)
    except OSError as error:
        raise unwritable(folder, error, "the exports") from error
    return page


def remove_export(folder: str | Path) -> None:
    """Removes the files of an export, and the folder if nothing else is in it. Does nothing in other folders.

    Files that were edited stay.
    """
    folder = Path(folder)
    if not is_export(folder) or (folder / IMAGES).is_symlink():
        return
    with contextlib.suppress(OSError, InputError):
        for path in owned_files(folder):
            path.unlink(missing_ok=True)
        for emptied in (folder / IMAGES, folder):
            if emptied.is_dir() and not any(emptied.iterdir()):
                emptied.rmdir()


def _document_of_record(folder: Path, store: ImageStore) -> bytes | None:
    """Returns the document of the trajectory that a folder's record holds; None if it cannot be told."""
    try:
        recorded = Trajectory.model_validate_json(read_regular(folder / RECORD, MOST_BYTES))
    except (OSError, ValueError):
        return None
    return _document(recorded, StoredImages(recorded, store))


def _document(trajectory: Trajectory, images: StoredImages) -> bytes:
    return markdown(with_note(trajectory, images), details=True, unreadable=images.unreadable).encode()


def _records_beside(folder: Path, new: bytes) -> list[str]:
    """Returns the digests of the new record and of the one that it replaces, which a killed export leaves."""
    digests = [digest_of_record(new)]
    with contextlib.suppress(OSError):
        digests.append(digest_of_record(read_regular(folder / RECORD, MOST_BYTES)))
    return list(dict.fromkeys(digests))
