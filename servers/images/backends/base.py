"""What an image server needs from a model: a small protocol, and the data that crosses it.

Knows nothing of MCP, queues or stores. A backend turns checked orders into PNG bytes; several orders that agree in
everything but prompt, seed and source may come at once. Implementations: diffusers pipelines, hosted APIs, and `cells`
without any model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic import JsonValue

from interleavethinker.tools.errors import InterleaveError

__all__ = ["Backend", "BackendStatus", "BatchObserver", "Cancelled", "ImageRequest", "Job", "JobResult"]

JobResult = bytes | InterleaveError
"""Canonical PNG bytes, or why this one order failed while others of its batch may have succeeded."""


class Cancelled(Exception):  # noqa: N818 - a signal, not a failure
    """Raised by `Backend.run` when it stopped because `BatchObserver.cancelled` said so."""


@dataclass(frozen=True)
class ImageRequest:
    """What a client asked for, within the server's limits. None leaves a choice to the model's settings."""

    prompt: str
    seed: int
    source: str | None = None
    """sha256 of the image to edit."""
    source_size: tuple[int, int] | None = None
    """Width and height of the source in pixels."""
    width: int | None = None
    height: int | None = None
    steps: int | None = None
    guidance: float | None = None


@dataclass(frozen=True)
class Job:
    """An order with everything decided: running it twice gives the same image, as far as the model allows."""

    order: ImageRequest
    arguments: Mapping[str, JsonValue]
    """All effective call arguments except prompt, seed and source."""
    source_png: bytes | None = None
    model: str = ""
    """Who makes it, for the record."""

    @property
    def kind(self) -> tuple[object, ...]:
        """Jobs of equal kind may share one pipeline call."""
        return (self.order.source is None, self.order.source_size, repr(sorted(self.arguments.items())))


class BatchObserver(Protocol):
    """A running batch's line back to those who wait for it; may be used from any thread."""

    def step(self, done: int, total: int) -> None:
        """Tells that `done` of `total` denoising steps are over."""
        ...

    def drawn(self, job: Job, png: bytes) -> None:
        """Keeps an image, on the calling thread: for a backend with a thread of its own, which need not wake others.

        Not the event loop's thread. `run` returns the image all the same; what was not given here is kept after that.
        """
        ...

    def cancelled(self) -> bool:
        """Whether nobody waits for any image of this batch any more."""
        ...


@dataclass(frozen=True)
class BackendStatus:
    """What a backend honestly says about itself."""

    backend: str
    model: str
    loaded: bool
    device: str
    dtype: str
    problem: str | None = None
    """Why the model cannot be used; None while all is well or loading still runs."""


class Backend(Protocol):
    """One model, or one hosted API."""

    @property
    def max_batch(self) -> int:
        """How many jobs of one kind a single `run` may get."""
        ...

    @property
    def concurrency(self) -> int:
        """How many `run`s may be under way at the same time."""
        ...

    async def start(self) -> None:
        """Begins to load in the background; returns at once."""
        ...

    async def close(self) -> None:
        """Releases what `start` acquired."""
        ...

    async def fingerprint(self) -> Mapping[str, JsonValue]:
        """Returns what, besides the order, decides the pixels: backend, model identity, dtype, library version.

        Raises:
            GeneratorError: The model cannot be used.
        """
        ...

    def arguments(self, order: ImageRequest) -> dict[str, JsonValue]:
        """Returns all effective call arguments of an order, its size included. Called after `fingerprint`.

        Raises:
            InputError: The model cannot do this order.
        """
        ...

    async def run(self, jobs: Sequence[Job], monitor: BatchObserver) -> list[JobResult]:
        """Generates one image per job, in order. All jobs are of one kind, at most `max_batch`.

        Raises:
            Dropped: It stopped early because nobody waits.
            InterleaveError: The whole batch failed.
        """
        ...

    def status(self) -> BackendStatus:
        """Returns the present state, without waiting."""
        ...
