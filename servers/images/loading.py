"""When a backend's model is in memory: loaded at the first call, unloaded after some idle minutes.

A call waits only briefly for a model that is still loading, and is then told to come again: many clients give a call
up after seconds. Knows nothing of images or digests.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import JsonValue

from interleavethinker.servers.images.backends.base import Backend
from interleavethinker.tools.errors import GeneratorError, InterleaveError
from interleavethinker.tools.tracing.spans import span

__all__ = ["LoadingOptions", "ModelKeeper"]

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoadingOptions:
    """When the model enters and leaves memory."""

    preload: bool = False
    """Whether to load at the start instead of the first call."""
    wait: float = 3.0
    """Most seconds that one call waits for loading; the shortest limit of a usual client is 5 s for the whole call."""
    unload_after: float | None = None
    """Idle seconds after which the model leaves memory; None keeps it."""


class ModelKeeper:
    """Loads and unloads one backend's model. Belongs to one event loop.

    Args:
        backend: The model.
        options: When it is loaded and unloaded.
    """

    def __init__(self, backend: Backend, options: LoadingOptions) -> None:
        self._backend = backend
        self._options = options
        self._loading: asyncio.Task[None] | None = None
        self._identifying: asyncio.Task[Mapping[str, JsonValue]] | None = None
        self._loading_since = 0.0
        self._users = 0
        self._timer: asyncio.TimerHandle | None = None
        self._unloading: asyncio.Task[None] | None = None

    @property
    def loading(self) -> bool:
        """Whether the model is being loaded now."""
        return self._loading is not None or self._identifying is not None

    def load(self) -> "asyncio.Task[None]":
        """Begins to load in the background, unless that has begun; the task ends when the model can run."""
        if self._loading is None:
            self._note_start()
            self._loading = asyncio.create_task(self._load(), name="load-model")
            self._loading.add_done_callback(self._note_end)
        return self._loading

    def deadline(self) -> float:
        """Returns until when a call that begins now may wait, in the event loop's time."""
        return asyncio.get_running_loop().time() + self._options.wait

    async def fingerprint(self, deadline: float) -> Mapping[str, JsonValue]:
        """Returns the backend's fingerprint; for some models it is known only once they are hashed or loaded.

        Raises:
            GeneratorError: It is unknown at the deadline (`loading`), or the model cannot be used.
        """
        if self._identifying is None:
            if not self.loading:
                self._note_start()
            self._identifying = asyncio.create_task(self._fingerprint(), name="identify-model")
            self._identifying.add_done_callback(self._note_identified)
        return await self._before(deadline, self._identifying)

    async def ready(self, deadline: float) -> None:
        """Returns once the model can run.

        Raises:
            GeneratorError: It is still loading at the deadline (`loading`), or it cannot be loaded.
        """
        if not self._backend.status().loaded:
            await self._before(deadline, self.load())

    @contextlib.asynccontextmanager
    async def in_use(self) -> AsyncIterator[None]:
        """Keeps the model in memory; the idle time starts anew when the last user leaves."""
        self._users += 1
        self._stop_timer()
        try:
            yield
        finally:
            self._users -= 1
            self._start_timer()

    async def close(self) -> None:
        """Stops waiting; a load that cannot be interrupted ends by itself."""
        self._stop_timer()
        self._options = LoadingOptions()
        pending: tuple[asyncio.Task[Any] | None, ...] = (self._loading, self._identifying, self._unloading)
        tasks = [task for task in pending if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _before(self, deadline: float, task: "asyncio.Task[_T]") -> _T:
        """Waits for a task, which goes on if it takes longer."""
        with contextlib.nullcontext() if task.done() else span("wait for model"):
            await asyncio.wait({task}, timeout=max(0.0, deadline - asyncio.get_running_loop().time()))
        if not task.done():
            taken = time.monotonic() - self._loading_since
            raise GeneratorError(
                f"The model {self._backend.status().model} is loading, for {taken:.0f} s so far; nothing was generated "
                "yet. Call again with the same arguments. server_status tells when the model is loaded.",
                code="loading",
                retryable=True,
            )
        return task.result()

    async def _fingerprint(self) -> Mapping[str, JsonValue]:
        return await self._backend.fingerprint()

    async def _load(self) -> None:
        if self._unloading is not None:
            await asyncio.wait({self._unloading})
        await self._backend.load()

    def _note_start(self) -> None:
        self._loading_since = time.monotonic()

    def _note_identified(self, identifying: "asyncio.Task[Mapping[str, JsonValue]]") -> None:
        self._identifying = None
        if not identifying.cancelled():
            identifying.exception()  # Marks it as retrieved: the caller may have given up.

    def _note_end(self, loading: "asyncio.Task[None]") -> None:
        self._loading = None
        self._start_timer()
        if not loading.cancelled() and (error := loading.exception()) is not None:
            _log.warning("the model could not be loaded: %s", error if isinstance(error, InterleaveError) else "defect")

    def _start_timer(self) -> None:
        self._stop_timer()
        after = self._options.unload_after
        if after is not None and self._users == 0 and self._backend.status().loaded:
            self._timer = asyncio.get_running_loop().call_later(after, self._unload)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _unload(self) -> None:
        self._timer = None
        if self._unloading is None and self._loading is None:
            self._unloading = asyncio.create_task(self._backend.unload(), name="unload-model")
            self._unloading.add_done_callback(self._note_unloaded)

    def _note_unloaded(self, unloading: "asyncio.Task[None]") -> None:
        self._unloading = None
        if not unloading.cancelled() and (error := unloading.exception()) is not None:
            _log.error("unloading the model failed", exc_info=error)
