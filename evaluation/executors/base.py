"""The terms of executors: a worker, how many of them run and where, and what becomes of an item that kills them."""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, TypeVar

from interleavethinker.tools.errors import InputError, InterleaveError

__all__ = [
    "EXECUTORS",
    "Call",
    "ExecutorConfig",
    "ExecutorName",
    "Lost",
    "Remote",
    "RemoteError",
    "Worker",
    "WorkerDiedError",
    "sendable",
]

In = TypeVar("In")
Out = TypeVar("Out")
In_contra = TypeVar("In_contra", contravariant=True)
Out_co = TypeVar("Out_co", covariant=True)

ExecutorName: TypeAlias = Literal["local", "processes", "ray"]
EXECUTORS: tuple[ExecutorName, ...] = ("local", "processes", "ray")

Call: TypeAlias = Callable[[In], Awaitable[Out]]
"""Works on one item. Calls of one worker run concurrently in one event loop."""


class Worker(Protocol[In_contra, Out_co]):
    """What a worker is made of: small, picklable, the same wherever it runs.

    Its call returns failures of single items as results. An exception stops the whole stage.
    """

    def open(self) -> AbstractAsyncContextManager[Callable[[In_contra], Awaitable[Out_co]]]:
        """Loads models and opens sessions, once in every worker."""


class Remote(Protocol[In_contra, Out_co]):
    """A worker that runs somewhere."""

    async def call(self, item: In_contra) -> Out_co:
        """Works on an item.

        Raises:
            WorkerDiedError: The worker's process ended.
        """

    async def close(self) -> None:
        """Ends the worker, whatever its state."""


class WorkerDiedError(Exception):
    """The process of a worker ended by itself or was killed."""


class RemoteError(Exception):
    """An unexpected error in another process; the message is its traceback there."""


def sendable(error: Exception) -> Exception:
    """Returns an error that another process can raise: this project's own ones as they are."""
    return error if isinstance(error, InterleaveError) else RemoteError("".join(traceback.format_exception(error)))


@dataclass(frozen=True)
class Lost:
    """Takes the place of the result of an item on which worker after worker died."""

    deaths: int


@dataclass(frozen=True)
class ExecutorConfig:
    """Where items are worked on.

    Raises:
        InputError: An option does not fit the executor.
    """

    name: ExecutorName = "local"
    processes: int = 0
    """Worker processes or Ray actors; 0: one for each core of this machine, or as many as the cluster has room for."""
    at_once: int = 16
    """Items in progress at once, in all workers together."""
    gpus: float = 0.0
    """GPUs that Ray reserves for each actor; `CUDA_VISIBLE_DEVICES` of the actor names them."""

    def __post_init__(self) -> None:
        if self.name not in EXECUTORS:
            raise InputError(f"Unknown executor {self.name!r}; choose from: {', '.join(EXECUTORS)}.")
        if self.name == "local" and self.processes > 1:
            raise InputError("The executor local works in this process. Choose --executor processes or ray.")
        if self.gpus and self.name != "ray":
            raise InputError("Only Ray assigns GPUs to workers. Choose --executor ray.")

    def at_once_per_worker(self, workers: int) -> int:
        """Returns how many items each of so many workers has in progress."""
        return max(1, -(-self.at_once // workers))
