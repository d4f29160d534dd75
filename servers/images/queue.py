"""A bounded queue in front of a backend: joins equal calls, batches jobs of one kind, drops jobs that no caller waits
for.

One job serves all concurrent calls with the same digest; a full queue refuses further calls as `busy`. Knows nothing of
MCP, stores or the meaning of digests: a callback saves each image before any caller gets its answer.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from interleavethinker.servers.images.backends.base import Backend, Cancelled, Job, JobResult
from interleavethinker.tools.errors import GeneratorError, InterleaveError
from interleavethinker.tools.protocols import ProgressCallback

from .cache import Generation
from .traced_jobs import JobTrace

__all__ = ["ImageQueue", "SaveImage"]

_log = logging.getLogger(__name__)
_BATCH_WAIT_FRACTION = 0.05
"""Part of the last batch's duration that a new batch may wait for its next member."""

SaveImage = Callable[[str, Job, bytes, float], Generation]
"""Called with (digest, job, PNG bytes, seconds), on any thread, before the answer is sent. Saves the image and returns
its record."""


@dataclass(eq=False)
class _QueuedJob:
    digest: str
    job: Job
    future: asyncio.Future[tuple[Generation, bytes]]
    listeners: list[ProgressCallback] = field(default_factory=list)
    waiters: int = 0
    """How many calls wait for this job."""
    note: str = ""
    """See `BatchObserver.note`."""
    trace: JobTrace = field(default_factory=JobTrace)
    outcome: tuple[Generation, bytes] | InterleaveError | None = None
    """The saved image or the error; None while the job waits or runs."""


class _BatchObserver:
    """Implements `base.BatchObserver` for the jobs of one batch."""

    def __init__(self, batch: list[_QueuedJob], save: SaveImage) -> None:
        self._batch = batch
        self._save = save
        self._loop = asyncio.get_running_loop()
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Duration of the batch so far."""
        return time.monotonic() - self._started

    def step(self, done: int, total: int) -> None:
        # Waking the event loop takes the interpreter from the model's thread, so it is not done without listeners.
        if any(queued.listeners for queued in self._batch):
            self._loop.call_soon_threadsafe(self._report, done, total)

    def note(self, job: Job, text: str) -> None:
        self._queued(job).note = text

    def generated(self, job: Job, png: bytes) -> None:
        queued = self._queued(job)
        try:
            png = job.result(png)
            queued.outcome = self._save(queued.digest, replace(job, note=queued.note), png, self.seconds), png
        except InterleaveError as error:
            queued.outcome = error
        except Exception as error:  # noqa: BLE001 - a defect must not end the queue, which would leave its callers waiting
            _log.exception("an image could not be saved")
            queued.outcome = _defect(error)

    def _queued(self, job: Job) -> _QueuedJob:
        return next(queued for queued in self._batch if queued.job is job)

    def cancelled(self) -> bool:
        return all(queued.waiters == 0 for queued in self._batch)

    def _report(self, done: int, total: int) -> None:
        for queued in self._batch:
            for listener in queued.listeners:
                listener(done / total, f"step {done} of {total}")


class ImageQueue:
    """Runs jobs on a backend. `start` and `close` belong to one event loop.

    Args:
        backend: Generates the images.
        save: Saves a new image; if it fails, so does the call.
        max_waiting: How many jobs may wait; one more is refused as `busy`.
        batch_window: Minimum seconds to wait for a batch's next member while calls have recently been concurrent; a
            lone call never waits.
    """

    def __init__(self, backend: Backend, save: SaveImage, *, max_waiting: int = 64, batch_window: float = 0.01) -> None:
        self._backend = backend
        self._save = save
        self._max_waiting = max_waiting
        self._batch_window = batch_window
        self._jobs: dict[str, _QueuedJob] = {}
        """All waiting and running jobs by digest."""
        self._waiting: deque[_QueuedJob] = deque()
        self._job_added = asyncio.Event()
        self._selection_lock = asyncio.Lock()
        self._recent_concurrency = 1
        """How many jobs were in progress when the last batch started; above 1, waiting for more pays off."""
        self._last_seconds = 0.0
        self._workers: list[asyncio.Task[None]] = []
        self.drained = False
        """Whether no further job starts."""
        self._idle = asyncio.Event()
        self._idle.set()
        self.running = 0
        self.finished = 0
        """How many images were generated and saved."""
        self.busy_seconds = 0.0
        """How long the backend has worked, over all batches."""
        self.refused = 0
        """How many calls found the queue full."""

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        return len(self._waiting)

    def place(self, digest: str) -> int:
        """Returns the place of a digest's job among those that wait, from 1; 0 if it does not wait."""
        return next((place for place, queued in enumerate(self._waiting, 1) if queued.digest == digest), 0)

    def start(self) -> None:
        """Starts as many workers as the backend may run concurrently."""
        self._workers = [asyncio.create_task(self._work()) for _ in range(self._backend.concurrency)]

    async def drain(self, seconds: float) -> None:
        """Starts no further job, and waits for those that run. New ones may still be added, and wait.

        Args:
            seconds: The most to wait.
        """
        self.drained = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), seconds)

    async def close(self) -> None:
        """Stops the workers; callers that still wait get a retryable error (`stopping`)."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        for queued in list(self._jobs.values()):
            queued.waiters = 0
            if not queued.future.done():
                queued.future.set_exception(
                    GeneratorError("The image server is stopping. Call again.", code="stopping", retryable=True)
                )
                queued.future.exception()

    def __contains__(self, digest: object) -> bool:
        """Whether a job of this digest waits or runs."""
        return digest in self._jobs

    def submit(self, digest: str, job: Job) -> "_QueuedJob":
        """Adds a job to the queue, or joins the equal one in progress; the caller must await `result` next.

        Raises:
            GeneratorError: The queue is full (`busy`).
        """
        queued = self._jobs.get(digest)
        if queued is None:
            if len(self._waiting) >= self._max_waiting:
                self.refused += 1
                raise GeneratorError(
                    f"The image server is busy: {self._max_waiting} calls are waiting. Call again later.",
                    code="busy",
                    retryable=True,
                )
            queued = _QueuedJob(digest, job, asyncio.get_running_loop().create_future())
            self._jobs[digest] = queued
            self._waiting.append(queued)
            self._job_added.set()
        else:
            queued.trace.join()
        queued.waiters += 1
        return queued

    async def result(self, queued: "_QueuedJob", progress: ProgressCallback | None = None) -> tuple[Generation, bytes]:
        """Returns the submitted job's record and image.

        When the last caller of a job is cancelled, the job leaves the queue, or stops if it is the only one running.

        Raises:
            InterleaveError: The backend failed, or the image could not be saved.
        """
        if progress is not None:
            queued.listeners.append(progress)
        try:
            return await asyncio.shield(queued.future)
        finally:
            queued.waiters -= 1
            if progress is not None:
                queued.listeners.remove(progress)
            if queued.waiters == 0 and queued in self._waiting:
                self._waiting.remove(queued)
                self._discard(queued)

    async def _work(self) -> None:
        while True:
            async with self._selection_lock:
                batch = await self._next_batch()
            self.running += len(batch)
            self._idle.clear()
            try:
                await self._run(batch)
            finally:
                self.running -= len(batch)
                if not self.running:
                    self._idle.set()

    async def _next_batch(self) -> list[_QueuedJob]:
        while not self._waiting or self.drained:
            self._job_added.clear()
            await self._job_added.wait()
        if self._backend.max_batch > 1:
            await self._wait_for_batch()
            if not self._waiting or self.drained:
                return []
        kind = self._waiting[0].job.kind
        batch = [queued for queued in self._waiting if queued.job.kind == kind][: self._backend.max_batch]
        for queued in batch:
            self._waiting.remove(queued)
        self._recent_concurrency = len(self._jobs)
        return batch

    async def _wait_for_batch(self) -> None:
        """Waits until as many calls are waiting as were recently concurrent, while they keep arriving.

        Clients that were answered together call again together, but not at the same instant. Without this wait the
        first of them would run alone and the others after it, again and again. The wait for each further call is
        bounded by a small part of the last batch's duration, so it never costs more than that. A lone call does not
        wait.
        """
        await asyncio.sleep(0)
        if self._recent_concurrency <= 1 and len(self._waiting) <= 1:
            return
        expected = min(self._recent_concurrency, self._backend.max_batch)
        longest_wait = max(self._batch_window, _BATCH_WAIT_FRACTION * self._last_seconds)
        while len(self._waiting) < expected:
            self._job_added.clear()
            try:
                await asyncio.wait_for(self._job_added.wait(), longest_wait)
            except TimeoutError:
                return

    async def _run(self, batch: list[_QueuedJob]) -> None:
        if not batch:
            return
        observer = _BatchObserver(batch, self._save)
        results: list[JobResult]
        first, *_ = [queued.trace.begin(self._backend, queued.job, len(batch)) for queued in batch]
        try:
            with first.around():
                results = await self._backend.run([queued.job for queued in batch], observer)
            if len(results) != len(batch):
                raise RuntimeError(f"{len(results)} results for {len(batch)} jobs")  # noqa: TRY301
        except Cancelled:
            self._requeue(batch)
            return
        except InterleaveError as error:
            results = [error] * len(batch)
        except Exception as error:  # noqa: BLE001 - a backend's defect must not end the queue
            _log.exception("the backend failed")
            results = [_defect(error)] * len(batch)
        self._last_seconds = observer.seconds
        self.busy_seconds += observer.seconds
        unsaved = []
        for queued, result in zip(batch, results, strict=True):
            if queued.outcome is None and isinstance(result, bytes):
                unsaved.append(self._save_and_resolve(queued, result, observer))
                continue
            if queued.outcome is None and isinstance(result, InterleaveError):
                queued.outcome = result
            self._resolve(queued)
        await asyncio.gather(*unsaved)

    async def _save_and_resolve(self, queued: _QueuedJob, png: bytes, observer: _BatchObserver) -> None:
        await asyncio.to_thread(observer.generated, queued.job, png)
        self._resolve(queued)

    def _resolve(self, queued: _QueuedJob) -> None:
        """Delivers the outcome to all callers that wait for the job."""
        outcome = queued.outcome
        queued.trace.end(outcome if isinstance(outcome, InterleaveError) else None)
        self._jobs.pop(queued.digest, None)
        self.finished += isinstance(outcome, tuple)
        if queued.future.done():
            return
        if isinstance(outcome, tuple):
            queued.future.set_result(outcome)
        elif isinstance(outcome, InterleaveError):
            queued.future.set_exception(outcome)
            queued.future.exception()  # Marks it as retrieved: the last caller may have gone.

    def _requeue(self, batch: list[_QueuedJob]) -> None:
        """After a cancelled run: discards jobs without callers, and puts back those that were requested again."""
        for queued in reversed(batch):
            if queued.outcome is not None:
                self._resolve(queued)
                continue
            queued.trace.end(asyncio.CancelledError())
            if queued.waiters:
                self._waiting.appendleft(queued)
                self._job_added.set()
            else:
                self._discard(queued)

    def _discard(self, queued: _QueuedJob) -> None:
        self._jobs.pop(queued.digest, None)
        with contextlib.suppress(asyncio.InvalidStateError):
            queued.future.cancel()


def _defect(cause: Exception) -> GeneratorError:
    error = GeneratorError("The generator failed unexpectedly. See the server's log.")
    error.__cause__ = cause
    return error
