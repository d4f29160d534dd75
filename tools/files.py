"""Files that readers never see half written: whole-file replacement, and line files that survive a killed writer.

Knows bytes and lines only, never what they mean.
"""

import contextlib
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from .errors import InputError, StoreError

__all__ = ["LineFile", "atomic_write", "read_at_most"]


def read_at_most(path: Path, most: int) -> bytes:
    """Returns the content of a file that a user names, without reading an endless one such as `/dev/zero` to its end.

    Args:
        path: The file, or a pipe.
        most: Bytes.

    Raises:
        InputError: The file is longer.
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise InputError(
            f"The file {path} is too large: more than {most / 2**20:g} MiB, which is the most that is read."
        )
    return data


def atomic_write(path: Path, data: bytes, fsync: bool = False) -> None:
    """Replaces a file in one rename, so that a reader finds either all of the new bytes or the previous file.

    Args:
        path: The file; missing folders are created.
        data: Its whole content.
        fsync: Also wait until the content and the name are on disk, which a power loss requires and SIGKILL does not.

    Raises:
        OSError: The system refused. The temporary file is removed, as far as the system allows it.
    """
    with _replacing(path, fsync) as file:
        file.write(data)


@contextlib.contextmanager
def _replacing(path: Path, fsync: bool = False) -> Iterator[BinaryIO]:
    """Opens a temporary file that becomes `path` if the block succeeds, and is removed if it fails."""
    temporary = path.parent / f".{path.stem}.{os.getpid()}.{secrets.token_hex(4)}.tmp"
    try:
        file = temporary.open("xb")
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = temporary.open("xb")
    try:
        with file:
            yield file
            if fsync:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        try:
            temporary.unlink(missing_ok=True)
        except OSError as cleanup_error:
            # The first error is the one to report, but a leftover file must not go unnoticed.
            error.add_note(f"The temporary file {temporary.name} could not be removed: {cleanup_error.strerror}.")
        raise
    if fsync:
        descriptor = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class LineFile:
    r"""Lines in a file that only grows, for example JSON Lines.

    A killed writer may leave a last line without its line break. Readers skip such a torn line, and the next `append`
    removes it, so that it never joins the line after it. Every other line is kept. One process may append at a time.

    Args:
        path: The file; created with its folder by the first write.

    Examples:
        >>> lines = LineFile(folder / "rows.jsonl")
        >>> lines.append(['{"id": 1}', '{"id": 2}'])
        >>> list(lines)
        ['{"id": 1}', '{"id": 2}']
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __iter__(self) -> Iterator[str]:
        """Yields the whole lines, without their line breaks; a missing file has none.

        Raises:
            StoreError: The file cannot be read.
        """
        with _as_store_error(self.path, "read"):
            try:
                file = self.path.open("rb")
            except FileNotFoundError:
                return
        with file:
            # Not `splitlines`, which also splits at line separators that JSON leaves unescaped.
            while True:
                with _as_store_error(self.path, "read"):
                    line = file.readline()
                if not line.endswith(b"\n"):
                    return
                yield line[:-1].decode("utf-8")

    def append(self, lines: Iterable[str]) -> None:
        """Adds lines; each is handed to the system before the next one is taken from `lines`.

        Args:
            lines: Texts without line breaks, which may be produced lazily.

        Raises:
            StoreError: The file cannot be written.
        """
        with _as_store_error(self.path, "written"):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = self.path.open("ab+", buffering=0)
        with file:
            with _as_store_error(self.path, "written"):
                _remove_torn_line(file)
            for line in lines:
                with _as_store_error(self.path, "written"):
                    _write_all(file, f"{line}\n".encode())

    def replace(self, lines: Iterable[str]) -> None:
        """Replaces the whole file in one rename.

        Raises:
            StoreError: The file cannot be written.
        """
        with contextlib.ExitStack() as stack:
            with _as_store_error(self.path, "written"):
                file = stack.enter_context(_replacing(self.path))
            for line in lines:
                with _as_store_error(self.path, "written"):
                    file.write(f"{line}\n".encode())


@contextlib.contextmanager
def _as_store_error(path: Path, action: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(f"{path.name} cannot be {action}: {error.strerror or type(error).__name__}.") from error


def _remove_torn_line(file: BinaryIO) -> None:
    size = file.seek(0, os.SEEK_END)
    if size == 0:
        return
    file.seek(size - 1)
    if file.read(1) == b"\n":
        return
    file.seek(0)
    file.truncate(file.read().rfind(b"\n") + 1)


def _write_all(file: BinaryIO, data: bytes) -> None:
    """Writes to an unbuffered file, which may take fewer bytes than it was given."""
    while data:
        data = data[file.write(data) :]
