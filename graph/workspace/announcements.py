"""Live workers of a workspace in a folder, and where each of them listens.

A worker writes a small file and keeps it locked while it lives. The system frees the lock when the worker dies, so the
file of a dead one is recognized, and removed by whoever looks next. The worker listens on a Unix socket in a folder of
its own, which only its user can look into: nobody else can send it work, and a long path of the workspace does not
matter. On Windows, and where no socket can be made, workers are not announced and only look into the workspace.

The module imports nothing heavy: `run` looks here before anything else.
"""

import contextlib
import json
import logging
import os
import platform
import secrets
import socket
import stat
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from interleavethinker.tools.file_lock import lock
from interleavethinker.tools.folders import create_private

__all__ = ["Announcement", "announced", "live_workers", "package_version", "private_socket"]

_log = logging.getLogger(__name__)
_FOLDER = "workers"
_PREFIX = "interleavethinker-"
_SOCKET = "worker"
_MAX_FILE = 2**16


@dataclass(frozen=True)
class Announcement:
    """What a worker says about itself."""

    pid: int
    version: str
    """Of the package."""
    host: str
    folder: str
    """Its current folder, in which it finds the relative names in a profile."""
    socket: str
    """Path of the socket on which it listens."""


def package_version() -> str:
    """Returns the version of this package."""
    return version("interleavethinker")


@contextlib.contextmanager
def private_socket() -> Iterator[socket.socket | None]:
    """Makes a Unix socket to which only this user can connect; None where there can be none."""
    if sys.platform == "win32" or not hasattr(socket, "AF_UNIX"):
        yield None
        return
    with contextlib.ExitStack() as ending:
        try:
            folder = ending.enter_context(tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True))
            listening = ending.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            listening.bind(str(Path(folder) / _SOCKET))
        except OSError as error:  # The path of the folder for temporary files is too long, or the disk is full.
            _log.warning("`run` cannot reach this worker, which looks into the workspace itself: %s", error)
            yield None
            return
        yield listening


@contextlib.contextmanager
def announced(workspace: Path, socket_path: str) -> Iterator[None]:
    """Announces this process as a worker of a workspace while the context is open, and removes what dead ones left.

    Args:
        workspace: Its folder.
        socket_path: Where the worker listens.
    """
    own = Announcement(os.getpid(), package_version(), platform.node(), str(Path.cwd()), socket_path)
    folder = workspace / _FOLDER
    path = folder / f"{own.pid}-{secrets.token_hex(4)}.json"
    descriptor = -1
    try:
        create_private(folder)
        live_workers(workspace)
        # Under another name until it is locked: a file without a lock counts as a dead worker's.
        new = path.with_suffix(".new")
        descriptor = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        lock(descriptor, shared=False)
        os.write(descriptor, json.dumps(asdict(own)).encode())
        new.rename(path)
    except OSError as error:
        _log.warning("`run` cannot find this worker, which looks into the workspace itself: %s", error)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
        if descriptor >= 0:
            os.close(descriptor)


def live_workers(workspace: Path) -> list[Announcement]:
    """Returns the workers of a workspace on this machine, the newest first, and removes what dead ones left behind."""
    found = [one for path in (workspace / _FOLDER).glob("*.json") if (one := _read(path)) is not None]
    return [one for _, one in sorted(found, key=lambda each: -each[0]) if one.host == platform.node()]


def _read(path: Path) -> tuple[float, Announcement] | None:
    """Returns when a live worker announced itself, and as what; None if it has died, or the file is none of ours.

    Another user may write into a shared workspace: whoever trusted that file would send them requests and keys.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return None
    try:
        if hasattr(os, "geteuid") and os.fstat(descriptor).st_uid != os.geteuid():
            return None
        one = _parsed(os.read(descriptor, _MAX_FILE))
        if _is_locked(descriptor):
            return None if one is None else (os.fstat(descriptor).st_mtime, one)
        _remove(path, one)
    except OSError:
        pass
    finally:
        os.close(descriptor)
    return None


def _is_locked(descriptor: int) -> bool:
    try:
        lock(descriptor, shared=True)  # Shared, so that two that look at once do not see each other as a worker.
    except OSError:
        return True
    return False


def _parsed(data: bytes) -> Announcement | None:
    try:
        one = Announcement(**json.loads(data))
    except (TypeError, ValueError):
        return None
    return one if all(isinstance(value, int | str) for value in asdict(one).values()) else None


def _remove(path: Path, dead: Announcement | None) -> None:
    """Removes what a killed worker left behind: its announcement, and its socket if that is one of this user's."""
    path.unlink(missing_ok=True)
    if dead is None or dead.host != platform.node():
        return
    left = Path(dead.socket)
    if left.name == _SOCKET and left.parent.name.startswith(_PREFIX) and stat.S_ISSOCK(left.lstat().st_mode):
        left.unlink()
        left.parent.rmdir()
