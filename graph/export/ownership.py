"""Whose files lie in a folder: what an export may replace, and what it must leave.

An export replaces what an earlier export of the same trajectory has written and nobody has edited. Anything else is
somebody's work, and an error names it. Symbolic links inside the folder are never followed.
"""

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.exhaustion import DISK_FULL
from interleavethinker.tools.files import is_file, read_at_most
from interleavethinker.tools.structured_text import parse_json

from .image_provenance import without_provenance
from .seals import Seal, seal_of

__all__ = [
    "DOCUMENT",
    "IMAGES",
    "MOST_BYTES",
    "PAGE",
    "RECORD",
    "WAY_OUT",
    "check_folder",
    "check_links",
    "check_owner",
    "check_replaceable",
    "digest_of_record",
    "is_export",
    "owned_files",
    "unwritable",
]

PAGE, DOCUMENT, RECORD, IMAGES = "index.html", "document.md", "trajectory.json", "images"
_NAMES = (PAGE, DOCUMENT, RECORD)
_IMAGE = re.compile(r"[0-9a-f]{16}\.png")
_OWN_PAGE = (
    b'<meta name="generator" content="interleavethinker">',
    b"default-src 'none'; img-src data:; style-src 'unsafe-inline'",  # Pages of earlier versions.
)
_HEAD = 2000
"""Bytes at the beginning of a page that name its author."""
MOST_BYTES = 2**30
"""Bytes of a file that are read; longer ones are nobody's exports."""
WAY_OUT = (
    "Choose another folder with --out, move the file away, or replace it with `export --force` (Python: force=True)."
)
"""How to go on, at the end of a refusal."""


@dataclass(frozen=True)
class _Found:
    """A file that has the name of an export's."""

    path: Path
    exported: bool
    """Whether an export wrote it, as far as one can tell."""
    trajectory: str | None = None
    """Whose export it is; None if it does not say."""
    seal: Seal | None = None


def check_folder(folder: Path, trajectory: str | None = None) -> None:
    """Refuses before any work what an export to this folder would refuse after it, as far as it is known by then.

    Args:
        folder: The folder; it need not exist.
        trajectory: ID of the trajectory; None if it does not exist yet.

    Raises:
        InputError: See `check_owner` and `check_links`.
    """
    check_owner(folder, trajectory)
    check_links(folder)


def check_links(folder: Path, images: Iterable[str] = ()) -> None:
    """Refuses symbolic links in the places that an export writes to.

    Args:
        folder: The export's folder, which may be a link itself.
        images: Names of files in its folder `images`.

    Raises:
        InputError: There is one.
    """
    for path in (*(folder / name for name in (*_NAMES, IMAGES)), *(folder / IMAGES / name for name in images)):
        if path.is_symlink():
            raise InputError(
                f"{path} is a symbolic link, and exports never write through links inside their folder. Remove the "
                "link, or choose another folder."
            )


def check_owner(folder: Path, trajectory: str | None = None) -> None:
    """Refuses a folder that holds the exports of another trajectory.

    Args:
        folder: The folder; it need not exist.
        trajectory: ID of the trajectory; None if it does not exist yet.

    Raises:
        InputError: It holds them, or cannot be read.
    """
    for name in _NAMES:
        found = _found(folder, name)
        if found is not None and found.trajectory not in {None, trajectory}:
            raise InputError(
                f"{folder} holds the exports of the trajectory {found.trajectory} ({name}), which would be replaced. "
                "Choose another folder with --out, or replace them with `export --force` (Python: force=True)."
            )


def check_replaceable(
    folder: Path, names: Iterable[str], images: Iterable[str], old_text: Callable[[], bytes | None]
) -> None:
    """Refuses to replace files of somebody else, and edited ones.

    Args:
        folder: The export's folder; it need not exist.
        names: Which files are to be written.
        images: Names of the files that are to be written to its folder `images`.
        old_text: Returns the document of the record in the folder, for exports of versions without seals.

    Raises:
        InputError: There is such a file.
    """
    for name in names:
        found = _found(folder, name)
        if found is not None and not found.exported:
            raise InputError(f"{found.path} is a file that no export wrote, and would be replaced. {WAY_OUT}")
        if found is not None and not _is_unedited(found, old_text):
            raise InputError(f"{found.path} was edited after it had been exported, and would be replaced. {WAY_OUT}")
    for name in images:
        path = folder / IMAGES / name
        if is_file(path) and not _is_own_image(path):
            raise InputError(
                f"{path} is another image than the exported one of this name, and would be replaced. {WAY_OUT}"
            )


def is_export(folder: str | Path) -> bool:
    """Whether an export was written to this folder."""
    try:
        return any(found is not None and found.exported for found in (_found(Path(folder), name) for name in _NAMES))
    except (OSError, InputError):
        return False


def owned_files(folder: Path) -> list[Path]:
    """Returns the files of an export that nobody has edited, in a folder that holds one."""
    images = [path for path in (folder / IMAGES).glob("*.png") if _IMAGE.fullmatch(path.name)]
    own = [path for path in images if not path.is_symlink() and is_file(path) and _is_own_image(path)]
    found = [_found(folder, name) for name in _NAMES if not (folder / name).is_symlink()]
    return [*own, *(one.path for one in found if one is not None and one.exported and _is_unedited(one, None))]


def digest_of_record(data: bytes) -> str:
    """Returns the digest by which a document knows the record beside it."""
    return hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest()


def _found(folder: Path, name: str) -> _Found | None:
    path = folder / name
    if not is_file(path):  # A pipe would wait for its writer.
        return None
    data = read_at_most(path, MOST_BYTES)
    if name == RECORD:
        trajectory = _trajectory_of(data)
        return _Found(path, trajectory is not None, trajectory)
    seal = seal_of(data)
    if seal is not None:
        return _Found(path, True, seal.trajectory, seal)
    if name == PAGE:
        return _Found(path, any(mark in data[:_HEAD] for mark in _OWN_PAGE))
    # A document of earlier versions has no mark; the files beside it vouch for it.
    vouching = [_found(folder, PAGE), _found(folder, RECORD)]
    return _Found(path, any(one is not None and one.exported for one in vouching))


def _is_unedited(found: _Found, old_text: Callable[[], bytes | None] | None) -> bool:
    if found.seal is not None:
        return found.seal.whole
    if found.path.name == PAGE:
        return True  # Of an earlier version: it cannot be told.
    if found.path.name == RECORD:
        document = _found(found.path.parent, DOCUMENT)
        if document is None or document.seal is None or not document.seal.records:
            return True
        return digest_of_record(found.path.read_bytes()) in document.seal.records
    return old_text is None or old_text() == found.path.read_bytes()


def _is_own_image(path: Path) -> bool:
    data = without_provenance(read_at_most(path, MOST_BYTES))
    return hashlib.sha256(data).hexdigest().startswith(path.stem)


def _trajectory_of(record: bytes) -> str | None:
    try:
        fields = parse_json(record)
    except ValueError:
        return None
    if not (isinstance(fields, dict) and {"id", "schema_version"} <= fields.keys()):
        return None
    return str(fields["id"])[:200]


def unwritable(path: Path, error: OSError, content: str = "") -> InputError:
    """Returns the error for an export that the system refused to write, with a way out that fits its reason.

    Args:
        path: Where it was to be written.
        error: Why it was not.
        content: What it is, for a folder of several files.
    """
    full = error.errno in DISK_FULL
    way_out = "Free some space on its disk, or choose another folder" if full else "Choose a folder that can be written"
    what = f"{content} to {path}" if content else str(path)
    return InputError(f"Cannot write {what}: {error.strerror}. {way_out}.")
