"""Images in the sizes that the page asks for; the newest ones are kept, since every open page asks for the same."""

import asyncio
from collections import OrderedDict

from interleavethinker.graph.export.previews import FULL, LARGE, SMALL, preview_of
from interleavethinker.servers.trajectories.service import TrajectoryService
from interleavethinker.tools.errors import InputError

__all__ = ["PreviewCache"]

_SIZES = {"small": SMALL, "large": LARGE, "full": FULL}
_MAX_BYTES = 64 * 1024 * 1024

_Preview = tuple[bytes, str]


class PreviewCache:
    """Encoded previews. Calls for the same one at the same time share the work.

    Args:
        service: Has the images.
    """

    def __init__(self, service: TrajectoryService, max_bytes: int = _MAX_BYTES) -> None:
        self._service = service
        self._max_bytes = max_bytes
        self._bytes = 0
        self._kept: OrderedDict[tuple[str, str], _Preview] = OrderedDict()
        self._running: dict[tuple[str, str], asyncio.Task[_Preview]] = {}

    async def get(self, sha256: str, size: str) -> _Preview:
        """Returns an image and its MIME type.

        Args:
            sha256: Its name.
            size: `small`, `large` or `full`.

        Raises:
            InputError: There is no such size.
            StoreError: There is no such image, or it is damaged.
        """
        if size not in _SIZES:
            raise InputError(f"The size of an image is one of {', '.join(_SIZES)}; got {size!r}.")
        key = (sha256, size)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(self._make(key))
            task.add_done_callback(lambda done: self._ended(key, done))
        return await asyncio.shield(task)

    async def _make(self, key: tuple[str, str]) -> _Preview:
        png = await self._service.image(key[0])
        preview = await asyncio.to_thread(preview_of, png, _SIZES[key[1]])
        if len(preview[0]) * 8 <= self._max_bytes:
            self._kept[key] = preview
            self._bytes += len(preview[0])
        while self._bytes > self._max_bytes:
            _, (data, _) = self._kept.popitem(last=False)
            self._bytes -= len(data)
        return preview

    def _ended(self, key: tuple[str, str], task: "asyncio.Task[_Preview]") -> None:
        self._running.pop(key, None)
        if not task.cancelled():
            task.exception()  # Its callers may have left, and asyncio would complain.
