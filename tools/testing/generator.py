"""An image generator without a model or a server: deterministic pictures, counted calls, failures on demand.

Implements the `ImageGenerator` port for tests and for trying the graph out. Pictures have nothing to do with prompts,
but equal calls give equal pictures and different calls different ones. A caller may bring its own painter.
"""

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable

from interleavethinker.tools.errors import InterleaveError
from interleavethinker.tools.images.png import encode_png, image_size
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.types import GeneratedImage, GenerationRequest

__all__ = ["MemoryGenerator", "paint"]

_CELLS = 4
_SIDE = 96


def paint(call: GenerationRequest) -> bytes:
    """Returns a PNG of coloured cells that depends on every field of the call."""
    from PIL import Image

    digest = hashlib.shake_256(call.model_dump_json().encode()).digest(3 * _CELLS * _CELLS)
    cells = Image.frombytes("RGB", (_CELLS, _CELLS), digest)
    size = (call.width or _SIDE, call.height or _SIDE)
    return encode_png(cells.resize(size, Image.Resampling.NEAREST))


class MemoryGenerator:
    """Draws with `painter` into `store`.

    Attributes:
        calls: Every call asked for, in order, failed and repeated ones too.
        generated: The calls that were really painted; a repeated call is answered as `cached`.

    Args:
        store: The workspace's store; the source image of an edit must lie in it.
        painter: Makes PNG bytes from a call.
        model: Name to report.
    """

    def __init__(
        self, store: ImageStore, painter: Callable[[GenerationRequest], bytes] = paint, model: str = "memory/cells"
    ) -> None:
        self._store = store
        self._painter = painter
        self._model = model
        self._failures: deque[InterleaveError] = deque()
        self._known: dict[GenerationRequest, str] = {}
        self.calls: list[GenerationRequest] = []
        self.generated: list[GenerationRequest] = []

    def fail_next(self, error: InterleaveError, times: int = 1) -> None:
        """Makes the next calls raise `error` instead of painting."""
        self._failures.extend([error] * times)

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        """See `ImageGenerator.generate`."""
        self.calls.append(call)
        # A real generator always suspends; code that works only because this one does not would hide its races.
        await asyncio.sleep(0)
        if self._failures:
            raise self._failures.popleft()
        if call.source is not None:
            self._store.get(call.source)
        cached = call in self._known
        if not cached:
            self._known[call] = self._store.put(self._painter(call))
            self.generated.append(call)
        if progress is not None:
            progress(1.0, "done")
        sha256 = self._known[call]
        width, height = image_size(self._store.get(sha256))
        return GeneratedImage(
            sha256=sha256, width=width, height=height, seed=call.seed, model=self._model, seconds=0.0, cached=cached
        )
