"""A backend whose runs wait until the test opens a gate: order and overlap without sleeping."""

import asyncio
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from interleavethinker.servers.images.backends.base import BatchObserver, Cancelled, Job, JobResult
from interleavethinker.servers.images.backends.fake import FakeBackend
from interleavethinker.tools.errors import InterleaveError


class GatedBackend(FakeBackend):
    """A fake backend behind a gate.

    Attributes:
        batches: Prompts of every run so far, in order.
        cancelled_batches: Prompts of every run that was cancelled.
        failures: Errors to return instead of images, by prompt.
    """

    def __init__(self, *, opened: bool = False, max_batch: int = 8) -> None:
        super().__init__()
        self.max_batch = max_batch
        self.gate = asyncio.Event()
        self.began = asyncio.Event()
        self.ended = asyncio.Event()
        self.batches: list[list[str]] = []
        self.cancelled_batches: list[list[str]] = []
        self.failures: dict[str, InterleaveError | Exception] = {}
        self.identity = "gated/1"
        if opened:
            self.gate.set()

    async def fingerprint(self) -> Mapping[str, JsonValue]:
        return {"backend": "gated", "model": self.identity}

    async def run(self, jobs: Sequence[Job], observer: BatchObserver) -> list[JobResult]:
        prompts = [job.request.prompt for job in jobs]
        self.batches.append(prompts)
        self.began.set()
        while not self.gate.is_set():
            if observer.cancelled():
                self.cancelled_batches.append(prompts)
                self.ended.set()
                raise Cancelled
            await asyncio.sleep(0.001)
        images = await super().run(jobs, observer)
        results: list[JobResult] = []
        for prompt, image in zip(prompts, images, strict=True):
            failure = self.failures.get(prompt)
            if failure is not None and not isinstance(failure, InterleaveError):
                raise failure
            results.append(image if failure is None else failure)
        return results
