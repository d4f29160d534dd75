"""An image generator of this process behind the `ImageGenerator` port; calls made at the same time share a batch.

For data and rewards on one machine: no server, no session. Batches go through a thread, one at a time, so that the
event loop never waits. Images in a batch may differ from those made alone by the model's own tolerance.
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

__all__ = ["LocalGenerator", "PictureMaker"]

_WINDOW_SECONDS = 0.005
"""How long a first call waits for company."""


class PictureMaker(Protocol):
    """What draws; `MicroGenerator` is one."""

    def generate(self, texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        """One picture for each text."""

    def edit(self, images: Sequence[Image.Image], texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        """One picture for each instruction, from the image at the same position."""


@dataclass(frozen=True)
class _Waiting:
    call: GenerationRequest
    future: asyncio.Future[GeneratedImage]


class LocalGenerator:
    """Draws with `maker` into `store`.

    Attributes:
        batches: Sizes of the batches made so far.

    Args:
        maker: What draws.
        store: The workspace's store; sources must lie in it.
        model: Name to report.
        batch: Most calls made together.
    """

    def __init__(self, maker: PictureMaker, store: ImageStore, model: str, batch: int = 16) -> None:
        self._maker = maker
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
            # A batch is of one kind: the pipeline either draws or edits.
            kind = self._waiting[0].call.source is None
            batch = [one for one in self._waiting if (one.call.source is None) == kind][: self._batch]
            self._waiting = [one for one in self._waiting if one not in batch]
            try:
                made = await asyncio.to_thread(self._make, [one.call for one in batch])
            except InterleaveError as error:
                _fail(batch, error)
                continue
            except Exception as error:  # noqa: BLE001 - whatever a pipeline raises belongs to those who asked
                _fail(batch, GeneratorError(f"The generator failed: {type(error).__name__}: {error}"))
                continue
            self.batches.append(len(batch))
            for one, result in zip(batch, made, strict=True):
                if not one.future.done():
                    one.future.set_result(result)

    def _make(self, calls: Sequence[GenerationRequest]) -> list[GeneratedImage]:
        begun = time.perf_counter()
        texts, seeds = [call.prompt for call in calls], [call.seed for call in calls]
        sources = [open_rgb(self._store.get(call.source)) for call in calls if call.source is not None]
        pictures = self._maker.edit(sources, texts, seeds) if sources else self._maker.generate(texts, seeds)
        seconds = (time.perf_counter() - begun) / len(calls)
        return [
            GeneratedImage(
                sha256=self._store.put(encode_png(picture)),
                width=picture.width,
                height=picture.height,
                seed=call.seed,
                model=self._model,
                seconds=seconds,
                cached=False,
            )
            for call, picture in zip(calls, pictures, strict=True)
        ]


def _fail(batch: Sequence[_Waiting], error: InterleaveError) -> None:
    for one in batch:
        if not one.future.done():
            one.future.set_exception(error)
