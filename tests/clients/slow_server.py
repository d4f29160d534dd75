"""An image server whose model takes some seconds to load: `slow_server.py STORE SECONDS`."""

import asyncio
import sys
from pathlib import Path

from interleavethinker.servers.images.backends.base import BackendStatus
from interleavethinker.servers.images.backends.fake import FakeBackend
from interleavethinker.servers.images.main import serve_images


class SlowBackend(FakeBackend):
    """A fake model that is loaded late."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds
        self._loaded = False

    async def load(self) -> None:
        await asyncio.sleep(self._seconds)
        self._loaded = True

    def status(self) -> BackendStatus:
        return BackendStatus(backend="slow", model="slow/1", loaded=self._loaded, device="none", dtype="uint8")


if __name__ == "__main__":
    asyncio.run(serve_images(SlowBackend(float(sys.argv[2])), Path(sys.argv[1])))
