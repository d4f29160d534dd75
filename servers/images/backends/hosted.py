"""What backends of hosted image APIs share: one request a job, failures told job by job, no model in this process.

A backend of an API says how its calls are addressed (`arguments`) and made (`draw_one`).
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from interleavethinker.tools.errors import InterleaveError

from .base import BackendStatus, BatchObserver, Cancelled, ImageRequest, Job, JobResult
from .http_api import HostedApi

__all__ = ["HostedBackend"]


class HostedBackend(ABC):
    """See `Backend`.

    Args:
        name: Of the backend.
        model: Name as the API knows it.
        base_url: Where the API is.
        api: The connection to it.
    """

    max_batch = 1
    concurrency = 8

    def __init__(self, name: str, model: str, base_url: str, api: HostedApi) -> None:
        self._name = name
        self._model = model
        self._base_url = base_url
        self._api = api

    async def start(self) -> None:
        """See `Backend.start`."""
        await self._api.open()

    async def close(self) -> None:
        """See `Backend.close`."""
        await self._api.close()

    async def fingerprint(self) -> Mapping[str, JsonValue]:
        """See `Backend.fingerprint`."""
        return {"backend": self._name, "model": self._model, "host": self._base_url}

    @abstractmethod
    def arguments(self, order: ImageRequest) -> dict[str, JsonValue]:
        """See `Backend.arguments`."""

    async def run(self, jobs: Sequence[Job], monitor: BatchObserver) -> list[JobResult]:
        """See `Backend.run`."""
        if monitor.cancelled():
            raise Cancelled
        outcomes: list[JobResult] = []
        for job in jobs:
            try:
                outcomes.append(await self.draw_one(job))
            except InterleaveError as error:
                outcomes.append(error)
        return outcomes

    @abstractmethod
    async def draw_one(self, job: Job) -> bytes:
        """Asks the API for one image; returns its canonical PNG bytes."""

    def status(self) -> BackendStatus:
        """See `Backend.status`."""
        return BackendStatus(backend=self._name, model=self._model, loaded=True, device="hosted", dtype="hosted")
