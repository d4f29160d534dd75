"""An image generator without a model or a server: deterministic images, recorded calls, failures on request.

Its images have nothing to do with the prompts, but equal calls give equal images and different calls different ones.
Pass another `render` function for images with a meaning.
"""

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable

from interleavethinker.tools.errors import InterleaveError
from interleavethinker.tools.image_sizes import pixels_for
from interleavethinker.tools.images.png import encode_png, image_size
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.types import GeneratedImage, GenerationRequest

__all__ = ["MemoryGenerator", "fake_image"]

_CELLS = 4
_SIDE = 96


def fake_image(call: GenerationRequest) -> bytes:
    """Returns a PNG of colored cells, which depend on every field of the call that is set."""
    from PIL import Image

    # Calls without the newer fields keep the images of earlier versions.
    unset = {name for name in ("mask", "references", "size") if not getattr(call, name)}
    digest = hashlib.shake_256(call.model_dump_json(exclude=unset).encode()).digest(3 * _CELLS * _CELLS)
    cells = Image.frombytes("RGB", (_CELLS, _CELLS), digest)
    size = (call.width or _SIDE, call.height or _SIDE)
    if call.size is not None:
        size = pixels_for(call.size, _SIDE * _SIDE, multiple_of=1)
    return encode_png(cells.resize(size, Image.Resampling.NEAREST))


class MemoryGenerator:
    """Renders images into a store.

    Attributes:
        calls: Every call, in order, including failed and repeated ones.
        generated: The calls that were rendered. A repeated call returns the known image as `cached`.

    Args:
        store: The workspace's store; it must have the source image of an edit.
        render: Returns the PNG bytes for a call.
        model: Name of the model to report.
        max_references: How many references a call uses.
    """

    def __init__(
        self,
        store: ImageStore,
        render: Callable[[GenerationRequest], bytes] = fake_image,
        model: str = "memory/cells",
        max_references: int = 4,
    ) -> None:
        self._store = store
        self._render = render
        self._model = model
        self._max_references = max_references
        self._failures: deque[InterleaveError] = deque()
        self._known: dict[GenerationRequest, str] = {}
        self.calls: list[GenerationRequest] = []
        self.generated: list[GenerationRequest] = []

    def fail_next(self, error: InterleaveError, times: int = 1) -> None:
        """Makes the next calls raise `error`.

        Args:
            error: What to raise.
            times: How many calls raise it.
        """
        self._failures.extend([error] * times)

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        """See `ImageGenerator.generate`."""
        self.calls.append(call)
        # A real generator always suspends. Without this, code that is tested with the fake could hide race conditions.
        await asyncio.sleep(0)
        if self._failures:
            raise self._failures.popleft()
        if call.source is not None:
            await asyncio.to_thread(self._store.get, call.source)
        cached = call in self._known
        if not cached:
            self._known[call] = await asyncio.to_thread(lambda: self._store.put(self._render(call)))
            self.generated.append(call)
        if progress is not None:
            progress(1.0, "done")
        sha256 = self._known[call]
        width, height = image_size(await asyncio.to_thread(self._store.get, sha256))
        return GeneratedImage(
            sha256=sha256,
            width=width,
            height=height,
            seed=call.seed,
            model=self._model,
            seconds=0.0,
            cached=cached,
            references=min(len(call.references), self._max_references),
        )
