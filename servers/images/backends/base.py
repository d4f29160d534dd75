"""The image server's interface to a model: the `Backend` protocol and its data types.

Knows nothing of MCP, queues or stores. A backend turns checked jobs into PNG bytes; several jobs that agree in
everything but prompt, seed and source may arrive in one batch. Implementations: diffusers pipelines, hosted APIs, and a
fake one without a model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic import JsonValue

from interleavethinker.tools.errors import InputError, InterleaveError
from interleavethinker.tools.image_regions import merged

__all__ = [
    "Backend",
    "BackendStatus",
    "BatchObserver",
    "Cancelled",
    "ImageRequest",
    "Job",
    "JobResult",
    "unsupported_size",
]

JobResult = bytes | InterleaveError
"""Canonical PNG bytes, or why this one job failed; other jobs of its batch may have succeeded."""


class Cancelled(Exception):  # noqa: N818 - a signal, not a failure
    """Raised by `Backend.run` when it stopped because `BatchObserver.cancelled` returned true."""


@dataclass(frozen=True)
class ImageRequest:
    """A client's request, already within the server's limits. None leaves a choice to the model's settings."""

    prompt: str
    seed: int
    source: str | None = None
    """sha256 of the image to edit; None generates from text alone."""
    source_size: tuple[int, int] | None = None
    """Width and height of the source in pixels."""
    references: tuple[str, ...] = ()
    """sha256 of further images to look at, at most `Backend.max_references`."""
    reference_sizes: tuple[tuple[int, int], ...] = ()
    """Width and height of each of them in pixels."""
    mask: str | None = None
    """sha256 of an image of the source's size: only where it is white may the result differ."""
    width: int | None = None
    height: int | None = None
    size: str | None = None
    """Exactly this size (`1024x576`) or an aspect ratio (`16:9`); takes the place of width and height."""
    steps: int | None = None
    guidance: float | None = None
    may_cut: bool = False
    """Whether a prompt of which the model reads only the beginning gives an image with a note, instead of an error."""

    @property
    def has_images(self) -> bool:
        """Whether the model gets any image besides the prompt."""
        return self.source is not None or bool(self.references)


@dataclass(frozen=True)
class Job:
    """A request with every argument decided: running it twice gives the same image, as far as the model allows."""

    request: ImageRequest
    arguments: Mapping[str, JsonValue]
    """All effective call arguments except prompt, seed and source."""
    source_png: bytes | None = None
    model: str = ""
    """Name of the model that generates the image, for the stored record."""
    reference_pngs: tuple[bytes, ...] = ()
    mask_png: bytes | None = None
    note: str = ""
    """What the record says about the image besides; see `BatchObserver.note`."""

    def result(self, png: bytes) -> bytes:
        """Returns the image to store: the model's, or the source with the masked region of the model's."""
        if self.mask_png is None or self.source_png is None:
            return png
        return merged(self.source_png, png, self.mask_png)

    @property
    def kind(self) -> tuple[object, ...]:
        """Batching key: jobs of equal kind may share one pipeline call."""
        request = self.request
        images = (request.source is None, request.source_size, len(request.references), request.mask is not None)
        return (*images, repr(sorted(self.arguments.items())))


def unsupported_size(size: str, allowed: Sequence[str]) -> InputError:
    """Returns the error about a size that a model cannot generate.

    Args:
        size: What was asked for.
        allowed: Sizes or aspect ratios that it can generate.
    """
    return InputError(
        f"This model cannot generate images of the size {size}. Ask for {' or '.join(allowed[-1:])}."
        if len(allowed) == 1
        else f"This model cannot generate images of the size {size}. Ask for one of: {', '.join(allowed)}.",
        code="unsupported",
    )


class BatchObserver(Protocol):
    """Receives a running batch's progress and finished images; may be called from any thread."""

    def step(self, done: int, total: int) -> None:
        """Reports that `done` of `total` denoising steps are finished."""
        ...

    def note(self, job: Job, text: str) -> None:
        """Adds a sentence to the record of a job's image, before it is generated."""
        ...

    def generated(self, job: Job, png: bytes) -> None:
        """Stores a finished image, on the calling thread.

        For a backend that runs on its own thread: storing here does not wake the event loop. Must not be called on the
        event loop's thread. `run` returns the image all the same; the queue stores what was not reported here.
        """
        ...

    def cancelled(self) -> bool:
        """Whether no client waits for any image of this batch any more."""
        ...


@dataclass(frozen=True)
class BackendStatus:
    """A backend's current state."""

    backend: str
    model: str
    loaded: bool
    device: str
    dtype: str
    problem: str | None = None
    """Why the model could not be loaded the last time; None while that is not known to fail."""


class Backend(Protocol):
    """One model, or one hosted API."""

    @property
    def max_batch(self) -> int:
        """How many jobs of one kind a single `run` accepts."""
        ...

    @property
    def max_references(self) -> int:
        """How many images a call can look at besides the source; a service leaves out further ones."""
        ...

    @property
    def inpaints(self) -> bool:
        """Whether the model is given masks. For another one, the service puts its result into the masked region."""
        ...

    @property
    def concurrency(self) -> int:
        """How many calls of `run` may be in progress at the same time."""
        ...

    @property
    def remote(self) -> bool:
        """Whether a call sends prompts and images to a service outside this machine."""
        ...

    async def start(self) -> None:
        """Opens what the backend needs before it loads the model; returns at once."""
        ...

    async def load(self) -> None:
        """Loads the model unless it is loaded, and returns when it can run. Concurrent calls share one load.

        Raises:
            GeneratorError: The model cannot be loaded; the next call tries again.
        """
        ...

    async def unload(self) -> None:
        """Releases the model's memory, after the running batch; the next `load` or `run` loads it again."""
        ...

    async def close(self) -> None:
        """Releases everything."""
        ...

    async def fingerprint(self) -> Mapping[str, JsonValue]:
        """Returns what decides the pixels besides the request: backend, model identity, dtype, library version.

        It is hashed into every stored generation's digest, so its keys and values must stay as they are.

        Raises:
            GeneratorError: The model cannot be used.
        """
        ...

    def arguments(self, request: ImageRequest) -> dict[str, JsonValue]:
        """Returns all effective call arguments of a request, its size included. Called after `fingerprint`.

        Raises:
            InputError: The model cannot serve this request.
        """
        ...

    async def run(self, jobs: Sequence[Job], observer: BatchObserver) -> list[JobResult]:
        """Generates one image per job, in order. All jobs are of one kind, at most `max_batch`.

        Raises:
            Cancelled: It stopped early because no client waits any more.
            InterleaveError: The whole batch failed.
        """
        ...

    def status(self) -> BackendStatus:
        """Returns the current state, without waiting."""
        ...
