"""What kinds of files may stand where SQLite would open one, and whether one still lies where it was opened."""

import stat
from pathlib import Path

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.plain_text import quotation

__all__ = ["OpenedFile", "refuse_other_kinds"]

_SUFFIXES = ("", "-wal", "-shm", "-journal")
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_LONGEST_PATH = 200
"""Characters of a path in a message."""


class OpenedFile:
    """A file that stays open. The system lets others move or delete it meanwhile, or put another one in its place.

    Args:
        path: The file, which must exist; also found after this process has changed its current folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()
        self._identity: tuple[int, int] | None = None
        self._identity = self._found()

    def is_in_place(self) -> bool:
        """Whether the same file lies at the path. Blocks for as long as looking takes."""
        return self._identity is None or self._found() == self._identity

    def _found(self) -> tuple[int, int] | None:
        try:
            status = self._path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError:  # A share that does not answer tells nothing about the file.
            return self._identity
        return status.st_dev, status.st_ino


def refuse_other_kinds(path: Path) -> None:
    """Refuses a pipe, which SQLite would wait for without end, and whatever else is no regular file.

    Args:
        path: The database; the files that SQLite puts beside it are looked at, too.

    Raises:
        InputError: There is such a thing.
    """
    for suffix in _SUFFIXES:
        one = path.with_name(path.name + suffix)
        try:
            mode = one.stat().st_mode
        except OSError:
            continue  # There is nothing, or opening it says why not.
        kind = next((words for is_kind, words in _KINDS if is_kind(mode)), None)
        if kind is not None:
            raise InputError(
                f"{quotation(str(one), _LONGEST_PATH)} is {kind}, where the workspace's database would be. Choose "
                "another folder for the workspace, or move it away."
            )
