"""Runs an image model in this process behind the `ImageGenerator` protocol; concurrent calls share a batch.

It is used to make data on one machine, without a server. Batches run in a thread, one at a time, so that they do not
block the event loop. An image made in a batch may differ from the same image made alone by the model's numerical
tolerance.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from PIL import Image

from interleavethinker.tools.errors import GeneratorError, InterleaveError
from interleavethinker.tools.images.png import encode_png, open_rgb
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.types import GeneratedImage, GenerationRequest

__all__ = ["ImageModel", "LocalGenerator"]

_WINDOW_SECONDS = 0.005
"""How long the first call of a batch waits for others to join it."""


class ImageModel(Protocol):
    """An image model that works on batches, such as `MicroGenerator`."""

    def generate(self, texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        """Generates one image per text."""

    def edit(self, images: Sequence[Image.Image], texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        """Edits each image by the instruction at the same position."""


@dataclass(frozen=True)
class _Waiting:
    call: GenerationRequest
    future: asyncio.Future[GeneratedImage]


class LocalGenerator:
    """An `ImageGenerator` that runs `image_model` in batches and puts its images into `store`.

    Attributes:
        batches: Sizes of the batches run so far.

    Args:
        image_model: The model that generates and edits.
        store: Image store of the data set; source images must be in it.
        model: Model name to report in results.
        batch: Maximum batch size.
    """

    def __init__(self, image_model: ImageModel, store: ImageStore, model: str, batch: int = 16) -> None:
        self._image_model = image_model
        self._store = store
        self._model = model
        self._batch = batch
        self._waiting: list[_Waiting] = []
        self._worker: asyncio.Task[None] | None = None
        self.batches: list[int] = []

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        """See `ImageGenerator.generate`."""
        waiting = _Waiting(call, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        made = await waiting.future
        if progress is not None:
            progress(1.0, "done")
        return made

    async def _work(self) -> None:
        await asyncio.sleep(_WINDOW_SECONDS)
        while self._waiting:
            # A pipeline call either generates or edits, so a batch must not mix the two.
            kind = self._waiting[0].call.source is None
            batch = [one for one in self._waiting if (one.call.source is None) == kind][: self._batch]
            self._waiting = [one for one in self._waiting if one not in batch]
            try:
                made = await asyncio.to_thread(self._make, [one.call for one in batch])
            except InterleaveError as error:
                _fail(batch, error)
                continue
            except Exception as error:  # noqa: BLE001 - a pipeline may raise anything; the error belongs to this batch's callers
                _fail(batch, GeneratorError(f"The generator failed: {type(error).__name__}: {error}"))
                continue
            self.batches.append(len(batch))
            for one, result in zip(batch, made, strict=True):
                if not one.future.done():
                    one.future.set_result(result)

    def _make(self, calls: Sequence[GenerationRequest]) -> list[GeneratedImage]:
        started = time.perf_counter()
        texts, seeds = [call.prompt for call in calls], [call.seed for call in calls]
        sources = [open_rgb(self._store.get(call.source)) for call in calls if call.source is not None]
        images = self._image_model.edit(sources, texts, seeds) if sources else self._image_model.generate(texts, seeds)
        seconds = (time.perf_counter() - started) / len(calls)
        return [
            GeneratedImage(
                sha256=self._store.put(encode_png(image)),
                width=image.width,
                height=image.height,
                seed=call.seed,
                model=self._model,
                seconds=seconds,
                cached=False,
            )
            for call, image in zip(calls, images, strict=True)
        ]


def _fail(batch: Sequence[_Waiting], error: InterleaveError) -> None:
    for one in batch:
        if not one.future.done():
            one.future.set_exception(error)
