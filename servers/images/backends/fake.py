"""A backend without a model: coloured cells that depend on every part of the order.

For trying a client out, for protocol checks and for crash tests, where a real model would only cost time.
"""

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from interleavethinker.tools.images.png import encode_png, open_rgb

from .base import BackendStatus, BatchObserver, Cancelled, ImageRequest, Job, JobResult

__all__ = ["FakeBackend"]

_CELLS = 4
_SIDE = 96


class FakeBackend:
    """Paints at once, or step by step.

    Args:
        step_seconds: How long one of the order's steps takes; 0 still lets other tasks run.
    """

    max_batch = 8
    concurrency = 1

    def __init__(self, step_seconds: float = 0.0) -> None:
        self._step_seconds = step_seconds

    async def start(self) -> None:
        """Nothing to load."""

    async def close(self) -> None:
        """Nothing to release."""

    async def fingerprint(self) -> Mapping[str, JsonValue]:
        """See `Backend.fingerprint`."""
        return {"backend": "cells", "model": "cells/1"}

    def arguments(self, order: ImageRequest) -> dict[str, JsonValue]:
        """See `Backend.arguments`. An edit keeps its source's size."""
        width, height = order.source_size or (_SIDE, _SIDE)
        return {"width": order.width or width, "height": order.height or height, "steps": order.steps or 4}

    async def run(self, jobs: Sequence[Job], monitor: BatchObserver) -> list[JobResult]:
        """See `Backend.run`."""
        steps = int(str(jobs[0].arguments["steps"]))
        for done in range(1, steps + 1):
            await asyncio.sleep(self._step_seconds)
            if monitor.cancelled():
                raise Cancelled
            monitor.step(done, steps)
        return [_paint(job) for job in jobs]

    def status(self) -> BackendStatus:
        """See `Backend.status`."""
        return BackendStatus(backend="cells", model="cells/1", loaded=True, device="none", dtype="uint8")


def _paint(job: Job) -> bytes:
    """Cells from a hash; an edit blends them into its source, so that chains of edits are visible."""
    from PIL import Image

    order = job.order
    text = json.dumps([order.prompt, order.seed, order.source, dict(job.arguments)], sort_keys=True)
    digest = hashlib.shake_256(text.encode()).digest(3 * _CELLS * _CELLS)
    size = (int(str(job.arguments["width"])), int(str(job.arguments["height"])))
    cells = Image.frombytes("RGB", (_CELLS, _CELLS), digest).resize(size, Image.Resampling.NEAREST)
    if job.source_png is not None:
        cells = Image.blend(open_rgb(job.source_png).resize(size), cells, 0.5)
    return encode_png(cells)
