"""Processes that models work in, a torch thread each: many small models at once are faster so than in threads."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor

__all__ = ["new_pool"]


def new_pool(workers: int | None = None) -> ProcessPoolExecutor:
    """A pool whose processes end with this one, however it ends.

    Args:
        workers: How many; one for each core by default.
    """
    context = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
    return ProcessPoolExecutor(workers or os.cpu_count(), mp_context=context, initializer=_begin)


def _begin() -> None:
    """What a process does first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal interrupts all at once; who began this one ends it
    threading.Thread(target=_end_with_parent, daemon=True).start()
    import torch
    from transformers.utils import logging

    torch.set_num_threads(1)
    logging.disable_progress_bar()


def _end_with_parent() -> None:
    """Ends this process when the one that began it is gone, killed perhaps; a pool alone would wait forever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
