"""Jobs for backends, source images, and an observer that records: what the tests of several backends share."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from interleavethinker.servers.images.backends.base import Backend, ImageRequest, Job
from interleavethinker.tools.images.png import encode_png
from interleavethinker.tools.images.store import sha256_of

TOLERANCE = 2
"""Grey levels by which batched arithmetic may differ."""


class RecordingObserver:
    """Records steps and images, and can report that all clients have left after some steps."""

    def __init__(self, cancel_after: int | None = None) -> None:
        self.steps: list[tuple[int, int]] = []
        self.images: list[tuple[Job, bytes]] = []
        self.notes: list[str] = []
        self._cancel_after = cancel_after

    def step(self, done: int, total: int) -> None:
        self.steps.append((done, total))

    def note(self, job: Job, text: str) -> None:
        assert job.request.may_cut
        self.notes.append(text)

    def generated(self, job: Job, png: bytes) -> None:
        self.images.append((job, png))

    def cancelled(self) -> bool:
        return self._cancel_after is not None and len(self.steps) >= self._cancel_after


def sample_png(seed: int, width: int = 64, height: int = 64) -> bytes:
    """A PNG of smooth noise; another seed gives another image."""
    noise = np.random.default_rng(seed).integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    return encode_png(Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC))


def make_job(backend: Backend, prompt: str, seed: int, source: bytes | None = None, **options: Any) -> Job:
    """A job as the service would make it; `options` are fields of `ImageRequest`."""
    size = None if source is None else Image.open(io.BytesIO(source)).size
    sha256 = None if source is None else sha256_of(source)
    references: Sequence[bytes] = options.pop("reference_pngs", ())
    options["references"] = tuple(map(sha256_of, references))
    options["reference_sizes"] = tuple(Image.open(io.BytesIO(png)).size for png in references)
    request = ImageRequest(prompt=prompt, seed=seed, source=sha256, source_size=size, **options)
    return Job(request, backend.arguments(request), source, reference_pngs=tuple(references))


async def generate(backend: Backend, jobs: Sequence[Job]) -> list[bytes]:
    """Runs jobs as one batch, all of which must succeed."""
    results = await backend.run(jobs, RecordingObserver())
    images = [result for result in results if isinstance(result, bytes)]
    assert len(images) == len(jobs)
    return images


def pixels(png: bytes) -> np.ndarray:
    """RGB values as signed integers, of shape (height, width, 3)."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)
