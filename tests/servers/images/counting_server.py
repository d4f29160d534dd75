"""A stdio image server that logs what it generates: `finished SEED` at its start, `begin SEED` per generation.

Usage: counting_server.py STORE LOG
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


class CountingBackend(FakeBackend):
    """A fake backend; every generation is logged before it begins, in one write, so that a kill never tears a line."""

    def __init__(self, log: Path) -> None:
        super().__init__(step_seconds=0.002)
        self._file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def log_line(self, event: str, seed: int) -> None:
        os.write(self._file, f"{event} {seed}\n".encode())

    async def run(self, jobs: Sequence[Job], observer: BatchObserver) -> list[JobResult]:
        for job in jobs:
            self.log_line("begin", job.request.seed)
        return await super().run(jobs, observer)


def main() -> None:
    store, log = map(Path, sys.argv[1:])
    backend = CountingBackend(log)
    for record in store.glob("calls/*/*.json"):
        backend.log_line("finished", Generation.model_validate_json(record.read_bytes()).seed)
    asyncio.run(serve_images(backend, store))


if __name__ == "__main__":
    main()
