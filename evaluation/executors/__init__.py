"""Runs many independent items on one worker class: in this process, in several processes, or on a Ray cluster.

The driver hands out items and is the only one that saves results; workers know neither each other nor where they run.
"""

from .base import EXECUTORS, Call, ExecutorConfig, Lost, Worker
from .run import run_items

__all__ = ["EXECUTORS", "Call", "ExecutorConfig", "Lost", "Worker", "run_items"]
