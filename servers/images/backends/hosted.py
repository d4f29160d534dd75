"""The common base of the backends for hosted image APIs: one API call per job, errors per job, no model in this
process.

A subclass decides a call's arguments (`arguments`) and makes the call (`generate_one`).
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from interleavethinker.tools.errors import InterleaveError

from .base import BackendStatus, BatchObserver, Cancelled, ImageRequest, Job, JobResult
from .http_api import HostedApi

__all__ = ["HostedBackend"]


class HostedBackend(ABC):
    """Base of the hosted backends; see `Backend`.

    Args:
        name: Name of the backend.
        model: The model's name at the API.
        base_url: The API's address.
        api: The connection to it.
    """

    max_batch = 1
    concurrency = 8
    remote = True
    inpaints = False

    def __init__(self, name: str, model: str, base_url: str, api: HostedApi) -> None:
        self._name = name
        self._model = model
        self._base_url = base_url
        self._api = api

    @property
    def max_references(self) -> int:
        """See `Backend.max_references`."""
        return 0

    async def start(self) -> None:
        """See `Backend.start`."""
        await self._api.open()

    async def load(self) -> None:
        """See `Backend.load`. The service keeps its models loaded."""
        return

    async def unload(self) -> None:
        """See `Backend.unload`."""
        return

    async def close(self) -> None:
        """See `Backend.close`."""
        await self._api.close()

    async def fingerprint(self) -> Mapping[str, JsonValue]:
        """See `Backend.fingerprint`."""
        return {"backend": self._name, "model": self._model, "host": self._base_url}

    @abstractmethod
    def arguments(self, request: ImageRequest) -> dict[str, JsonValue]:
        """See `Backend.arguments`."""

    async def run(self, jobs: Sequence[Job], observer: BatchObserver) -> list[JobResult]:
        """See `Backend.run`."""
        if observer.cancelled():
            raise Cancelled
        results: list[JobResult] = []
        for job in jobs:
            try:
                results.append(await self.generate_one(job))
            except InterleaveError as error:
                results.append(error)
        return results

    @abstractmethod
    async def generate_one(self, job: Job) -> bytes:
        """Requests one image from the API and returns its canonical PNG bytes."""

    def status(self) -> BackendStatus:
        """See `Backend.status`."""
        return BackendStatus(backend=self._name, model=self._model, loaded=True, device="hosted", dtype="hosted")
