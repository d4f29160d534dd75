"""What this process may have no more of, by the system's limits: open files, memory, threads, a current folder."""

import errno
import os
from pathlib import Path

__all__ = ["DISK_FULL", "TOO_MANY_FILES", "can_open_files", "exhausted"]

DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Numbers of errors of a full disk, or of a user's full share of it."""
TOO_MANY_FILES = (
    "too many files are open at once. Raise the limit, which `ulimit -n` shows (256 are enough for a command)"
)
_FILES = {errno.EMFILE, errno.ENFILE}
_NO_MEMORY = "there is not enough memory. End other programs, or raise the limit, which `ulimit -v` shows"
_NO_FOLDER = "the current folder was deleted. Change into another one (`cd`)"
_NO_PROCESS = "no further process or thread may be started. Raise the limit, which `ulimit -u` shows"


def exhausted(error: BaseException) -> str | None:
    """Returns what an error says this process has no more of, and what to do; None for any other error.

    Examples:
        >>> exhausted(OSError(errno.EMFILE, "Too many open files"))
        'too many files are open at once. Raise the limit, which `ulimit -n` shows (256 are enough for a command)'
    """
    if isinstance(error, BaseExceptionGroup):
        return next((cause for one in error.exceptions if (cause := exhausted(one)) is not None), None)
    number = error.errno if isinstance(error, OSError) else None
    if number in _FILES or _says(error, errno.EMFILE):
        return TOO_MANY_FILES
    if isinstance(error, MemoryError) or number == errno.ENOMEM or _says(error, errno.ENOMEM):
        return _NO_MEMORY
    if isinstance(error, FileNotFoundError) and not _has_current_folder():
        return _NO_FOLDER
    return _NO_PROCESS if number == errno.EAGAIN or "can't start new thread" in str(error) else None


def can_open_files() -> bool:
    """Whether this process may open one more file."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno not in _FILES
    return True


def _has_current_folder() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return False
    return True


def _says(error: BaseException, number: int) -> bool:
    """Whether a library could not be loaded for this reason, which its error has only as text."""
    return isinstance(error, ImportError) and os.strerror(number) in str(error)
