"""One writer per trajectory, across processes: an advisory file lock, which the system frees when its holder dies.

LangGraph does not guard a thread id; two runs of one trajectory would generate everything twice. The file is removed
only with its trajectory, under the lock: whoever then holds a lock on the removed file finds that there is no
trajectory.
"""

import asyncio
import contextlib
import errno
import os
import stat
import sys
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Self

from interleavethinker.tools.errors import StoreError, TrajectoryError
from interleavethinker.tools.file_lock import lock
from interleavethinker.tools.folders import create_private

__all__ = ["FileLocks", "TrajectoryLock", "busy"]

_TRIES = 25
_SECONDS_BETWEEN_TRIES = 0.02
"""Retries last longer than `FileLocks.held`, which itself holds a free lock for a moment, on a busy machine too."""
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_NOT_LOCKABLE = {errno.ELOOP, errno.ENOTDIR, errno.ENXIO}
"""Nobody can hold a lock there: a link to itself, a file in the folder's place, a socket."""


class TrajectoryLock:
    """Holds a trajectory while the async context is open. Waiting for the lock does not block the event loop.

    Args:
        path: The lock file.
        trajectory: Its id, for the message.
        tries: How often to try.
        like: File whose permissions the lock file gets; None: it is only its owner's.

    Raises:
        TrajectoryError: On entering, if another process or task uses the trajectory (code `busy`).
        StoreError: On entering, if the file cannot be created.
    """

    def __init__(self, path: Path, trajectory: str, tries: int = _TRIES, like: Path | None = None) -> None:
        self._path = path
        self._like = like
        self._tries = tries
        self._trajectory = trajectory
        self._descriptor = -1

    async def __aenter__(self) -> Self:
        for attempt in range(self._tries):
            if attempt:
                await asyncio.sleep(_SECONDS_BETWEEN_TRIES)
            taking = asyncio.get_running_loop().run_in_executor(None, self._take)
            try:
                descriptor = await asyncio.shield(taking)
            except asyncio.CancelledError:  # The thread may still take the lock, which would then never be freed.
                taking.add_done_callback(_release_result)
                raise
            if descriptor is not None:
                self._descriptor = descriptor
                return self
        raise busy(self._trajectory)

    def _take(self) -> int | None:
        """Returns a locked descriptor, or None if another one holds the lock. Runs in a thread."""
        try:
            create_private(self._path.parent)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | _NO_LINK, 0o600)
            if self._like is not None and sys.platform != "win32":
                _share(self._path.parent, descriptor, self._like)
        except PermissionError as error:
            raise StoreError(
                f"This user may only read the trajectory {self._trajectory}: {self._path} cannot be written. "
                "Work as the owner of the workspace, or in a copy of it."
            ) from error
        except OSError as error:
            raise StoreError(f"Cannot create the lock file {self._path}: {error.strerror}.") from error
        try:
            lock(descriptor, shared=False)
        except OSError:
            os.close(descriptor)
            return None
        return descriptor

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Closing frees the lock. It takes microseconds, and on the loop no cancellation can come between.
        os.close(self._descriptor)
        self._descriptor = -1


class FileLocks:
    """The locks of a workspace in a folder; see `Locks`.

    Args:
        folder: Where the lock files lie.
        like: Whoever may read or write this file, the database, may do so with the lock files.
    """

    def __init__(self, folder: Path, like: Path | None = None) -> None:
        self._folder = folder
        self._like = like

    def hold(self, trajectory: str, *, patient: bool = True) -> TrajectoryLock:
        """See `Locks.hold`."""
        return TrajectoryLock(self._path(trajectory), trajectory, _TRIES if patient else 1, self._like)

    async def held(self, trajectories: Collection[str]) -> set[str]:
        """See `Locks.held`."""
        return await asyncio.to_thread(lambda: {one for one in trajectories if _is_held(self._path(one))})

    async def forget(self, trajectory: str) -> None:
        """See `Locks.forget`. Whoever waits for the lock finds no entry once it has it, and ids do not recur."""
        with contextlib.suppress(OSError):
            await asyncio.to_thread(self._path(trajectory).unlink)

    def _path(self, trajectory: str) -> Path:
        return self._folder / f"{trajectory}.lock"


def busy(trajectory: str) -> TrajectoryError:
    """Returns the error of a lock that is taken."""
    return TrajectoryError(
        f"Trajectory {trajectory} is in use, by another process or elsewhere in this one. Watch it with `show`, stop "
        "it with `pause` or `cancel`, or wait until it ends.",
        code="busy",
    )


def _is_held(path: Path) -> bool:
    """Returns whether a process uses the trajectory at this moment. Blocks for as long as opening a file takes."""
    try:
        descriptor = os.open(path, os.O_RDWR if sys.platform == "win32" else os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        return False
    except PermissionError:  # Another user's who lets nobody in; the recorded status is all that can be known.
        return True
    except OSError as error:
        if error.errno in _NOT_LOCKABLE:
            return False
        raise
    try:
        lock(descriptor, shared=True)  # Shared, so that two callers at once do not see each other as a holder.
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _share(folder: Path, descriptor: int, like: Path) -> None:
    """Lets whoever may use the database use a lock too, as far as this user may say so.

    Otherwise another user of a shared folder could not tell whether a trajectory still runs, nor resume it.
    """
    try:
        wanted = like.stat().st_mode & 0o666
    except OSError:
        return
    folder_wanted = wanted | (wanted & 0o444) >> 2
    with contextlib.suppress(OSError):  # Another user's: its owner says who may.
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        if wanted & ~mode:
            os.fchmod(descriptor, mode | wanted)
    with contextlib.suppress(OSError):
        mode = stat.S_IMODE(folder.stat().st_mode)
        if folder_wanted & ~mode:
            folder.chmod(mode | folder_wanted)


def _release_result(taking: "asyncio.Future[int | None]") -> None:
    if not taking.cancelled() and taking.exception() is None and (descriptor := taking.result()) is not None:
        os.close(descriptor)
