"""Worker processes for small models, with one torch thread each: faster than running many models in threads."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor

from interleavethinker.tools.local_extra import require_local

__all__ = ["new_process_pool"]


def new_process_pool(workers: int | None = None) -> ProcessPoolExecutor:
    """Returns a pool whose processes exit when this one does, even if it is killed.

    Args:
        workers: The number of processes; one per core by default.

    Raises:
        ProfileError: The libraries of local models are not installed.
    """
    require_local("Worker processes", ("torch", "transformers"))
    os.environ.setdefault("PYTHONSAFEPATH", "1")  # Otherwise children import Python files of the current folder.
    context = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
    return ProcessPoolExecutor(workers or os.cpu_count(), mp_context=context, initializer=_initialize_worker)


def _initialize_worker() -> None:
    """Runs first in every worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent shuts the workers down
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    import torch
    from transformers.utils import logging

    torch.set_num_threads(1)
    logging.disable_progress_bar()


def _exit_with_parent() -> None:
    """Exits when the parent process is gone, even if it was killed; a pool's worker would wait forever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
