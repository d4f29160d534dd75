"""A stdio image server of colored cells. While the file HELD is there, it makes one image, and the next one waits.

Usage: held_server.py STORE HELD
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from interleavethinker.servers.images.backends.base import BatchObserver, Cancelled, Job, JobResult
from interleavethinker.servers.images.backends.fake import FakeBackend
from interleavethinker.servers.images.main import serve_images


class HeldBackend(FakeBackend):
    """A fake backend that reports a first step and then waits."""

    def __init__(self, held: Path) -> None:
        super().__init__()
        self._held = held
        self._first = True

    async def run(self, jobs: Sequence[Job], observer: BatchObserver) -> list[JobResult]:
        waits, self._first = not self._first, False
        while waits and self._held.exists():
            observer.step(1, 100)
            await asyncio.sleep(0.02)
            if observer.cancelled():
                raise Cancelled
        return await super().run(jobs, observer)


if __name__ == "__main__":
    store, held = map(Path, sys.argv[1:])
    asyncio.run(serve_images(HeldBackend(held), store))
