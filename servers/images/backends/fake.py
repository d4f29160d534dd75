"""A backend without a model: colored cells that depend on every part of the request.

For trying out a client, for protocol checks and for crash tests, where a real model would only cost time.
"""

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from interleavethinker.tools.image_sizes import pixels_for
from interleavethinker.tools.images.fitting import fitted
from interleavethinker.tools.images.png import encode_png, open_rgb

from .base import BackendStatus, BatchObserver, Cancelled, ImageRequest, Job, JobResult

__all__ = ["FakeBackend"]

_CELLS = 4
"""Cells per side."""
_SIDE = 96
"""Pixels per side where the request gives no size."""
_MODEL = "cells/1"
"""Part of stored digests and records, which is why it keeps this backend's old name."""


class FakeBackend:
    """Generates images of colored cells, at once or step by step.

    Args:
        step_seconds: Duration of one step; 0 still lets other tasks run.
    """

    max_batch = 8
    concurrency = 1
    remote = False
    max_references = 4
    inpaints = False

    def __init__(self, step_seconds: float = 0.0) -> None:
        self._step_seconds = step_seconds

    async def start(self) -> None:
        """Has nothing to open."""

    async def load(self) -> None:
        """Has nothing to load."""

    async def unload(self) -> None:
        """Has nothing to release."""

    async def close(self) -> None:
        """Has nothing to release."""

    async def fingerprint(self) -> Mapping[str, JsonValue]:
        """See `Backend.fingerprint`."""
        return {"backend": "cells", "model": _MODEL}

    def arguments(self, request: ImageRequest) -> dict[str, JsonValue]:
        """See `Backend.arguments`. An edit keeps its source's size."""
        width, height = request.source_size or (_SIDE, _SIDE)
        if request.size is not None:
            width, height = pixels_for(request.size, _SIDE * _SIDE, multiple_of=1)
        return {"width": request.width or width, "height": request.height or height, "steps": request.steps or 4}

    async def run(self, jobs: Sequence[Job], observer: BatchObserver) -> list[JobResult]:
        """See `Backend.run`."""
        steps = int(str(jobs[0].arguments["steps"]))
        for done in range(1, steps + 1):
            await asyncio.sleep(self._step_seconds)
            if observer.cancelled():
                raise Cancelled
            observer.step(done, steps)
        return [_cells_image(job) for job in jobs]

    def status(self) -> BackendStatus:
        """See `Backend.status`."""
        return BackendStatus(backend="fake", model=_MODEL, loaded=True, device="none", dtype="uint8")


def _cells_image(job: Job) -> bytes:
    """Returns a PNG of cells colored by a hash of the job; an edit is blended into its source, so edits add up."""
    from PIL import Image

    request = job.request
    parts = [request.prompt, request.seed, request.source, dict(job.arguments)]
    parts += [list(request.references)] if request.references else []
    text = json.dumps(parts, sort_keys=True)
    digest = hashlib.shake_256(text.encode()).digest(3 * _CELLS * _CELLS)
    size = (int(str(job.arguments["width"])), int(str(job.arguments["height"])))
    cells = Image.frombytes("RGB", (_CELLS, _CELLS), digest).resize(size, Image.Resampling.NEAREST)
    if job.source_png is not None:
        source = open_rgb(job.source_png)
        source = source.resize(size) if request.size is None else fitted(source, size)
        cells = Image.blend(source, cells, 0.5)
    return encode_png(cells)
