"""What kinds of files may stand where SQLite would open one."""

import stat
from pathlib import Path

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.plain_text import quotation

__all__ = ["refuse_other_kinds"]

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
