"""A stdio image server that logs what it generates: `finished SEED` at its start, `begin SEED` per generation.

Usage: counting_server.py STORE LOG. As a module, `main` can log the images' names instead of the seeds.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from interleavethinker.servers.images.backends.base import BatchObserver, Job, JobResult
from interleavethinker.servers.images.backends.fake import FakeBackend
from interleavethinker.servers.images.cache import Generation
from interleavethinker.servers.images.main import serve_images
from interleavethinker.tools.images.store import sha256_of


class CountingBackend(FakeBackend):
    """A fake backend; every generation is logged before it begins, in one write, so that a kill never tears a line."""

    def __init__(self, log: Path) -> None:
        super().__init__(step_seconds=0.002)
        self._file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def log_line(self, event: str, seed: int | str) -> None:
        os.write(self._file, f"{event} {seed}\n".encode())

    async def run(self, jobs: Sequence[Job], observer: BatchObserver) -> list[JobResult]:
        for job in jobs:
            self.log_line("begin", job.request.seed)
        return await super().run(jobs, observer)


class NamingBackend(CountingBackend):
    """Logs an image's name once it is generated, before it is stored: branches generate with the seeds of others."""

    async def run(self, jobs: Sequence[Job], observer: BatchObserver) -> list[JobResult]:
        images = await FakeBackend.run(self, jobs, observer)
        for image in images:
            assert isinstance(image, bytes)
            self.log_line("begin", sha256_of(image))
        return images


def main(arguments: Sequence[str], *, names: bool = False) -> None:
    store, log = map(Path, arguments)
    backend = NamingBackend(log) if names else CountingBackend(log)
    for path in store.glob("calls/*/*.json"):
        record = Generation.model_validate_json(path.read_bytes())
        backend.log_line("finished", record.sha256 if names else record.seed)
    asyncio.run(serve_images(backend, store))


if __name__ == "__main__":
    main(sys.argv[1:])
