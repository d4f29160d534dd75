"""What all worker processes share: how they start, and that they end with the process that needs them."""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from multiprocessing import resource_tracker
from multiprocessing.context import SpawnContext, SpawnProcess

__all__ = ["follow_parent", "spawn_context"]


_SAFE_PATH = "PYTHONSAFEPATH"
_starting = threading.Lock()


@contextlib.contextmanager
def _safe_path() -> Iterator[None]:
    """Children that start here import no Python files of the current folder; later ones are left alone."""
    with _starting:
        before = os.environ.get(_SAFE_PATH)
        os.environ[_SAFE_PATH] = before or "1"
        try:
            yield
        finally:
            if before is None:
                del os.environ[_SAFE_PATH]
            else:
                os.environ[_SAFE_PATH] = before


class _WorkerProcess(SpawnProcess):
    def start(self) -> None:
        with _safe_path():
            super().start()


class _WorkerContext(SpawnContext):
    Process = _WorkerProcess


def spawn_context() -> SpawnContext:
    """Returns the context in which worker processes start; torch's threads do not survive a fork.

    Neither they nor the process that tracks their resources import Python files of the current folder.
    """
    if os.name == "posix":
        with _safe_path():
            resource_tracker.ensure_running()  # Else the first queue or lock starts it.
    return _WorkerContext()


def follow_parent() -> None:
    """Runs first in a worker process, which then leaves Ctrl-C to its parent and exits when that is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    """Exits when the parent process is gone, even if it was killed; a worker would wait forever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
