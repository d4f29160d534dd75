"""What all worker processes share: how they start, and that they end with the process that needs them."""

import multiprocessing
import os
import signal
import threading
from multiprocessing.context import SpawnContext

__all__ = ["follow_parent", "spawn_context"]


def spawn_context() -> SpawnContext:
    """Returns the context in which worker processes start; torch's threads do not survive a fork."""
    os.environ.setdefault("PYTHONSAFEPATH", "1")  # Otherwise children import Python files of the current folder.
    return multiprocessing.get_context("spawn")


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
