"""One writer per trajectory, across processes: an advisory lock on a file, which the system frees when its holder dies.

LangGraph does not guard a thread id; two runs of one trajectory would draw everything twice. The file is never
removed, so nobody can lock a file that somebody else has just replaced.
"""

import os
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from interleavethinker.tools.errors import StoreError, TrajectoryError

if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


__all__ = ["TrajectoryLock", "is_held"]

_TRIES = 5
_BETWEEN = 0.02
"""Seconds between tries. They outlast `is_held`, which holds the lock for a moment when nobody else does."""


class TrajectoryLock:
    """Holds a trajectory while the context is open.

    Args:
        path: The lock file.
        trajectory: Its id, for the message.

    Raises:
        TrajectoryError: On entering, if another process or task works on the trajectory (code `busy`).
        StoreError: On entering, if the file cannot be made.
    """

    def __init__(self, path: Path, trajectory: str) -> None:
        self._path = path
        self._trajectory = trajectory
        self._descriptor = -1

    def __enter__(self) -> Self:
        for attempt in range(_TRIES):
            descriptor = self._open()
            try:
                _take(descriptor)
            except OSError:
                os.close(descriptor)
            else:
                self._descriptor = descriptor
                return self
            if attempt + 1 < _TRIES:
                time.sleep(_BETWEEN)
        raise TrajectoryError(
            f"Trajectory {self._trajectory} is being worked on by another process. Watch it with `show`, stop it with "
            "`pause` or `cancel`, or wait until it ends.",
            code="busy",
        )

    def _open(self) -> int:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise StoreError(f"The lock {self._path} must be writable; the system says: {error.strerror}.") from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)  # Closing frees the lock.
        self._descriptor = -1


def is_held(path: Path) -> bool:
    """Whether somebody works on the trajectory right now."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        _take(descriptor)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
