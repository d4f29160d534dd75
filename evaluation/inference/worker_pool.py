"""Worker processes for small models, with one torch thread each: faster than running many models in threads."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor

from interleavethinker.evaluation.spawned_processes import follow_parent, spawn_context
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
    return ProcessPoolExecutor(workers or os.cpu_count(), mp_context=spawn_context(), initializer=_initialize_worker)


def _initialize_worker() -> None:
    """Runs first in every worker."""
    follow_parent()
    import torch
    from transformers.utils import logging

    torch.set_num_threads(1)
    logging.disable_progress_bar()
