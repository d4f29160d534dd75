"""Files that readers never see half written: whole-file replacement, and line files that survive a killed writer.

Knows bytes and lines only, never what they mean.
"""

import contextlib
import errno
import itertools
import os
import secrets
import shutil
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeVar

from .errors import InputError, StoreError
from .plain_text import quotation

__all__ = [
    "USER_TEXT",
    "LineFile",
    "atomic_write",
    "is_file",
    "is_folder",
    "read_at_most",
    "read_regular",
    "refuse_pipe",
    "require_room",
    "require_writable",
]

USER_TEXT = "utf-8-sig"
"""Encoding of every text that a person may have written: UTF-8, without the byte order mark that editors of Windows put
before it."""

_Value = TypeVar("_Value")

_OF_SHELL = (Path("/dev"), Path("/proc"))
"""Where shells pass pipes that have a writer: `/dev/stdin`, and `/dev/fd/63` for `<(command)`."""
_NO_FILE = "it is a device, a pipe or a socket, not a file"


def refuse_pipe(path: Path) -> None:
    """Refuses a named pipe or a socket: opening a pipe waits until somebody writes to it, perhaps for ever.

    Raises:
        InputError: The path is one of these.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return  # Opening it says why not.
    if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
        raise InputError(
            f"{path} is not a regular file but a named pipe or a socket. Copy its content to a file first."
        )


def read_at_most(path: Path, most: int) -> bytes:
    """Returns the content of a file that a user names, without reading an endless one such as `/dev/zero` to its end.

    Args:
        path: The file, or a pipe of the shell, such as `/dev/stdin`.
        most: Bytes.

    Raises:
        InputError: The file is longer, is a named pipe or a socket, or no file can have this path.
        OSError: It cannot be read.
    """
    if not any(path.is_relative_to(folder) for folder in _OF_SHELL):
        refuse_pipe(path)
    try:
        file = path.open("rb")
    except ValueError as error:  # With a null character.
        raise InputError(f"{quotation(str(path), 200)} cannot be the path of a file: {error}.") from error
    with file:
        data = file.read(most + 1)
    if len(data) > most:
        raise InputError(
            f"The file {path} is too large: more than {most / 2**20:g} MiB, which is the most that is read."
        )
    return data


def read_regular(path: Path, most: int) -> bytes:
    """Returns the beginning of a file in a folder that others may have filled.

    Never waits for a pipe's writer and never reads a device, which `read_at_most` may do for what a user names.

    Args:
        path: The file.
        most: Bytes; more than a whole file can have, so that a longer one is seen to be damaged.

    Raises:
        OSError: It cannot be opened, or is no regular file.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with open(path, "rb", opener=lambda name, _: os.open(name, flags)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise FileExistsError(errno.EEXIST, _NO_FILE, str(path))
        return file.read(most)


def is_file(path: str | Path) -> bool:
    """Returns whether there is a file, as far as this user can see; unlike `Path.is_file` it never raises.

    A user's path may be too long for the system, or lie in a folder that this user may not look into.
    """
    return os.path.isfile(path)  # noqa: PTH113 - see above


def is_folder(path: str | Path) -> bool:
    """Returns whether there is a folder, as far as this user can see; unlike `Path.is_dir` it never raises."""
    return os.path.isdir(path)  # noqa: PTH112 - see above


def require_room(folder: Path, needed: int, content: str, consequence: str) -> None:
    """Checks that a folder can be written and its disk has room, so that nothing is paid for that cannot be stored.

    Args:
        folder: A folder on the disk; it need not exist yet.
        needed: Bytes.
        content: What they are for, as the subject of a sentence.
        consequence: What was therefore not done, as a sentence without its end.

    Raises:
        StoreError: The folder may not be written, or the disk is almost full (`disk_full`).
    """
    existing = next((one for one in (folder, *folder.absolute().parents) if os.path.lexists(one)), None)
    if existing is not None:
        require_writable(existing, content, consequence)
    try:
        free = needed if existing is None else shutil.disk_usage(existing).free
    except OSError:  # Some file systems do not tell; the write will.
        return
    if free < needed:
        raise StoreError(
            f"Only {free // 1024} KiB are free on the disk of {folder}; {content} may need {needed // 1024} KiB. "
            f"{consequence}. Free some space.",
            code="disk_full",
        )


def require_writable(folder: Path, content: str, consequence: str) -> None:
    """Checks that files can be made in a folder that exists; the arguments are those of `require_room`.

    Raises:
        StoreError: They cannot.
    """
    if not is_folder(folder):
        raise StoreError(f"{folder} is no folder, so {content} could not be stored. {consequence}. Choose another one.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StoreError(
            f"{folder} cannot be written, so {content} could not be stored. {consequence}. Change the permissions of "
            "the folder, or choose another one."
        )


def atomic_write(path: Path, data: bytes, fsync: bool = False, mode: int = 0o666) -> None:
    """Replaces a file in one rename, so that a reader finds either all of the new bytes or the previous file.

    Args:
        path: The file; missing folders are created.
        data: Its whole content.
        fsync: Also wait until the content and the name are on disk, which a power loss requires and SIGKILL does not.
        mode: Permissions of a new file, from which the process's umask takes away; an existing one keeps its own.

    Raises:
        OSError: The system refused. The temporary file is removed, as far as the system allows it.
    """
    with _replacing(path, fsync, mode) as file:
        file.write(data)


@contextlib.contextmanager
def _replacing(path: Path, fsync: bool = False, mode: int = 0o666) -> Iterator[BinaryIO]:
    """Opens a temporary file that becomes `path` if the block succeeds, and is removed if it fails."""
    kept = _mode_of(path)
    temporary = path.parent / f".{path.stem}.{os.getpid()}.{secrets.token_hex(4)}.tmp"

    def opened() -> BinaryIO:
        return open(temporary, "xb", opener=lambda name, flags: os.open(name, flags, mode))

    try:
        file = opened()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = opened()
    try:
        with file:
            if kept is not None:
                _set_mode(file, kept)
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


def _mode_of(path: Path) -> int | None:
    """Returns the permissions of the file that will be replaced, or None if there is none.

    Raises:
        FileExistsError: A rename would replace what nobody means to be replaced by a file, such as `/dev/null`.
    """
    try:
        mode = path.stat().st_mode
    except OSError:
        return None  # There is nothing, or writing says why not.
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise FileExistsError(errno.EEXIST, _NO_FILE, str(path))
    return stat.S_IMODE(mode) if stat.S_ISREG(mode) else None


def _set_mode(file: BinaryIO, mode: int) -> None:
    if sys.platform != "win32":
        with contextlib.suppress(OSError):  # Some network file systems have no permissions.
            os.fchmod(file.fileno(), mode & 0o777)


_REMEDY = "Restore the file from a copy, or delete that line, whose content is then lost."


class LineFile:
    r"""Lines in a file that only grows, for example JSON Lines.

    A killed writer may leave a last line without its line break. Readers skip such a torn line, and the next `append`
    removes it, so that it never joins the line after it. Every other line is kept. One process may append at a time.

    Args:
        path: The file; created with its folder by the first write.
        remedy: What to do about a damaged line, as a sentence for the user.

    Examples:
        >>> lines = LineFile(folder / "rows.jsonl")
        >>> lines.append(['{"id": 1}', '{"id": 2}'])
        >>> list(lines)
        ['{"id": 1}', '{"id": 2}']
    """

    def __init__(self, path: Path, *, remedy: str = _REMEDY) -> None:
        self.path = path
        self._remedy = remedy

    def __iter__(self) -> Iterator[str]:
        """Yields the whole lines, without their line breaks; a missing file has none.

        Raises:
            StoreError: The file cannot be read, or a line is damaged.
        """
        return self.decoded("strict")

    def decoded(self, errors: str) -> Iterator[str]:
        """Yields the whole lines as iterating does, with bytes that are not UTF-8 as `errors` of `bytes.decode` says.

        Raises:
            StoreError: The file cannot be read; or, if strict, a line is damaged.
        """
        with _as_store_error(self.path, "read"):
            try:
                file = self.path.open("rb")
            except FileNotFoundError:
                return
        with file:
            # Not `splitlines`, which also splits at line separators that JSON leaves unescaped.
            for number in itertools.count(1):
                with _as_store_error(self.path, "read"):
                    line = file.readline()
                if not line.endswith(b"\n"):
                    return
                try:
                    text = line[:-1].decode("utf-8", errors)
                except UnicodeDecodeError as error:
                    raise StoreError(
                        f"Line {number} of {self.path} is damaged: it is not UTF-8. {self._remedy}"
                    ) from error
                yield text

    def parsed(self, parse: Callable[[str], _Value]) -> Iterator[_Value]:
        """Yields what `parse` makes of each line.

        Args:
            parse: Raises `ValueError` or `TypeError` for a line that is damaged.

        Raises:
            StoreError: The file cannot be read, or a line is damaged.
        """
        for number, line in enumerate(self, 1):
            try:
                value = parse(line)
            except (ValueError, TypeError) as error:
                raise StoreError(f"Line {number} of {self.path} is damaged. {self._remedy}") from error
            yield value

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
