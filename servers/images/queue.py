"""Orders in, finished generations out: one bounded queue in front of a backend.

Joins equal calls into one job and jobs of one kind into one batch; drops what nobody waits for any more; says "busy"
when full. Knows nothing of MCP, digests' meaning or stores: what to do with a fresh image is a callback that runs
before anybody gets the answer.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from interleavethinker.servers.images.backends.base import Backend, Cancelled, Job, JobResult
from interleavethinker.tools.errors import GeneratorError, InterleaveError
from interleavethinker.tools.protocols import ProgressCallback

from .cache import Generation

__all__ = ["ImageQueue"]

_log = logging.getLogger(__name__)
_PATIENCE = 0.05
"""Part of the last batch's duration that a new batch may wait for its next member."""

Finish = Callable[[str, Job, bytes, float], Generation]
"""Called with (digest, job, PNG bytes, seconds), on any thread, before the answer goes out; keeps the image and says as
what."""


@dataclass(eq=False)
class _Work:
    digest: str
    job: Job
    future: asyncio.Future[tuple[Generation, bytes]]
    listeners: list[ProgressCallback] = field(default_factory=list)
    waiters: int = 0
    kept: tuple[Generation, bytes] | InterleaveError | None = None
    """What became of it; None while it waits or runs."""


class _BatchMonitor:
    """See `backends.Monitor`."""

    def __init__(self, works: list[_Work], finish: Finish) -> None:
        self._works = works
        self._finish = finish
        self._loop = asyncio.get_running_loop()
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Duration of the batch so far."""
        return time.monotonic() - self._started

    def step(self, done: int, total: int) -> None:
        # The event loop takes the interpreter from the model's thread whenever it wakes: not without a reason.
        if any(work.listeners for work in self._works):
            self._loop.call_soon_threadsafe(self._tell, done, total)

    def drawn(self, job: Job, png: bytes) -> None:
        work = next(work for work in self._works if work.job is job)
        try:
            work.kept = self._finish(work.digest, job, png, self.seconds), png
        except InterleaveError as error:
            work.kept = error

    def cancelled(self) -> bool:
        return all(work.waiters == 0 for work in self._works)

    def _tell(self, done: int, total: int) -> None:
        for work in self._works:
            for listener in work.listeners:
                listener(done / total, f"step {done} of {total}")


class ImageQueue:
    """Runs jobs on a backend. `start` and `close` belong to one event loop.

    Args:
        backend: Does the work.
        finish: Keeps a fresh image; if it fails, so does the call.
        max_waiting: How many jobs may wait; one more is refused as `busy`.
        window: Seconds to wait at least for a batch's next member, if calls came concurrently lately: a lone call
            never waits.
    """

    def __init__(self, backend: Backend, finish: Finish, *, max_waiting: int = 64, window: float = 0.01) -> None:
        self._backend = backend
        self._finish = finish
        self._max_waiting = max_waiting
        self._window = window
        self._works: dict[str, _Work] = {}
        self._waiting: deque[_Work] = deque()
        self._arrived = asyncio.Event()
        self._choosing = asyncio.Lock()
        self._crowd = 1
        """How many calls were lately under way together; above 1, waiting for company pays."""
        self._last_seconds = 0.0
        self._workers: list[asyncio.Task[None]] = []
        self.running = 0
        self.finished = 0
        """How many images were generated and kept."""

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        return len(self._waiting)

    def start(self) -> None:
        """Starts as many workers as the backend may run at once."""
        self._workers = [asyncio.create_task(self._serve()) for _ in range(self._backend.concurrency)]

    async def close(self) -> None:
        """Stops; whoever still waits is told."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        for work in list(self._works.values()):
            work.waiters = 0
            if not work.future.done():
                work.future.set_exception(
                    GeneratorError("The image server is stopping; call again.", code="stopping", retryable=True)
                )
                work.future.exception()

    def __contains__(self, digest: object) -> bool:
        """Whether a job of this digest waits or runs."""
        return digest in self._works

    def submit(self, digest: str, job: Job) -> "_Work":
        """Puts a job into the queue, or joins the equal one that is under way; `result` must be awaited next.

        Raises:
            GeneratorError: The queue is full (`busy`).
        """
        work = self._works.get(digest)
        if work is None:
            if len(self._waiting) >= self._max_waiting:
                raise GeneratorError(
                    f"The image server's queue takes {self._max_waiting} calls; it is full. Call again later.",
                    code="busy",
                    retryable=True,
                )
            work = _Work(digest, job, asyncio.get_running_loop().create_future())
            self._works[digest] = work
            self._waiting.append(work)
            self._arrived.set()
        work.waiters += 1
        return work

    async def result(self, work: "_Work", progress: ProgressCallback | None = None) -> tuple[Generation, bytes]:
        """Returns the submitted job's image, and as what it was kept.

        Cancelling the last caller of a job takes it out of the queue, or stops it where it runs alone.

        Raises:
            InterleaveError: The backend failed, or the image could not be kept.
        """
        if progress is not None:
            work.listeners.append(progress)
        try:
            return await asyncio.shield(work.future)
        finally:
            work.waiters -= 1
            if progress is not None:
                work.listeners.remove(progress)
            if work.waiters == 0 and work in self._waiting:
                self._waiting.remove(work)
                self._forget(work)

    async def _serve(self) -> None:
        while True:
            async with self._choosing:
                batch = await self._choose()
            self.running += len(batch)
            try:
                await self._run(batch)
            finally:
                self.running -= len(batch)

    async def _choose(self) -> list[_Work]:
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
        if self._backend.max_batch > 1:
            await self._gather_company()
            if not self._waiting:
                return []
        first = self._waiting[0].job.kind
        batch = [work for work in self._waiting if work.job.kind == first][: self._backend.max_batch]
        for work in batch:
            self._waiting.remove(work)
        self._crowd = len(self._works)
        return batch

    async def _gather_company(self) -> None:
        """Waits for as many calls as lately came together, while they keep coming; a lone call waits for nobody.

        Clients that were answered together ask again together, but not at the same instant. Without patience the
        first of them would run alone and the others behind it, for ever. It is bounded by a small part of what the
        last batch took, so it can never cost more than that.
        """
        await asyncio.sleep(0)
        if self._crowd <= 1 and len(self._waiting) <= 1:
            return
        expected = min(self._crowd, self._backend.max_batch)
        patience = max(self._window, _PATIENCE * self._last_seconds)
        while len(self._waiting) < expected:
            self._arrived.clear()
            try:
                await asyncio.wait_for(self._arrived.wait(), patience)
            except TimeoutError:
                return

    async def _run(self, batch: list[_Work]) -> None:
        if not batch:
            return
        monitor = _BatchMonitor(batch, self._finish)
        outcomes: list[JobResult]
        try:
            outcomes = await self._backend.run([work.job for work in batch], monitor)
        except Cancelled:
            self._requeue(batch)
            return
        except InterleaveError as error:
            outcomes = [error] * len(batch)
        except Exception:  # noqa: BLE001 - a backend's defect must not end the queue
            _log.exception("the backend failed")
            failure = GeneratorError("The generator failed unexpectedly; the server's log says why.")
            outcomes = [failure] * len(batch)
        self._last_seconds = monitor.seconds
        unkept = []
        for work, outcome in zip(batch, outcomes, strict=True):
            if work.kept is None and isinstance(outcome, bytes):
                unkept.append(self._keep(work, outcome, monitor))
                continue
            if work.kept is None and isinstance(outcome, InterleaveError):
                work.kept = outcome
            self._answer(work)
        await asyncio.gather(*unkept)

    async def _keep(self, work: _Work, png: bytes, monitor: _BatchMonitor) -> None:
        await asyncio.to_thread(monitor.drawn, work.job, png)
        self._answer(work)

    def _answer(self, work: _Work) -> None:
        kept = work.kept
        self._works.pop(work.digest, None)
        self.finished += isinstance(kept, tuple)
        if work.future.done():
            return
        if isinstance(kept, tuple):
            work.future.set_result(kept)
        elif isinstance(kept, InterleaveError):
            work.future.set_exception(kept)
            work.future.exception()  # Retrieved: the last caller may have gone.

    def _requeue(self, batch: list[_Work]) -> None:
        """After a drop: forgets what nobody wants, and puts back what somebody asked for again in the meantime."""
        for work in reversed(batch):
            if work.kept is not None:
                self._answer(work)
            elif work.waiters:
                self._waiting.appendleft(work)
                self._arrived.set()
            else:
                self._forget(work)

    def _forget(self, work: _Work) -> None:
        self._works.pop(work.digest, None)
        with contextlib.suppress(asyncio.InvalidStateError):
            work.future.cancel()
