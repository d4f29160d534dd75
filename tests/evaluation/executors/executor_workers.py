"""Workers for the executors' tests; their processes import this file by its name."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from interleavethinker.evaluation.executors import Call
from interleavethinker.tools.errors import ModelError, ProfileError


@dataclass(frozen=True)
class Diary:
    """Squares numbers, and writes into files what it does; some numbers mean something else.

    `pid-N` is a file for each worker, `did-N-…` one for each time that an item was worked on. Item -1 kills the
    worker's process always, -2 the first time only, -3 raises an error of this project, -4 another one; -5 waits for
    the file `go`, -6 for the third worker.
    """

    folder: Path
    broken: str = ""

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Call[int, int]]:
        if self.broken == "profile":
            raise ProfileError("no such model")
        if self.broken == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        (self.folder / f"pid-{os.getpid()}").touch()
        yield self.work
        (self.folder / f"closed-{os.getpid()}").touch()

    async def work(self, item: int) -> int:
        (self.folder / f"did-{item}-{os.urandom(4).hex()}").touch()
        first = len(list(self.folder.glob(f"did-{item}-*"))) == 1
        if item == -1 or (item == -2 and first):
            os.kill(os.getpid(), signal.SIGKILL)
        if item == -3:
            raise ModelError("overloaded", code="rate_limit")
        if item == -4:
            raise ValueError("a bug")
        while item == -5 and not (self.folder / "go").exists():  # noqa: ASYNC110 - other processes wait for the file
            await asyncio.sleep(0.01)
        while item == -6 and len(list(self.folder.glob("pid-*"))) < 3:  # noqa: ASYNC110 - made by other processes
            await asyncio.sleep(0.01)
        return item * item
