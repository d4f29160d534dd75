"""Advisory file locks between processes. The system frees them when their holder dies.

A lock file is never removed: otherwise one process could lock a file that another has just replaced.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from .errors import InputError, StoreError

__all__ = ["lock", "only_writer"]

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int, *, shared: bool) -> None:  # noqa: ARG001 - Windows has exclusive locks only
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int, *, shared: bool) -> None:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)


def lock(descriptor: int, *, shared: bool) -> None:
    """Locks an open file until it is closed, without waiting.

    Raises:
        OSError: Another holder has it.
    """
    _lock(descriptor, shared=shared)


@contextlib.contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Makes this process the only one that writes to a folder, which is created if it is missing.

    Raises:
        InputError: Another process writes to it.
        StoreError: The folder or its lock file cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    except OSError as error:
        raise StoreError(f"Cannot write to {folder}: {error.strerror}. Name another folder.") from error
    try:
        try:
            lock(descriptor, shared=False)
        except OSError as error:
            raise InputError(
                f"Another process is writing to {folder}. Wait until it has finished, or name another folder."
            ) from error
        yield
    finally:
        os.close(descriptor)
