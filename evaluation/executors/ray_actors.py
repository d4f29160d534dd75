"""Workers as actors of a Ray cluster: the one that `RAY_ADDRESS` names, or one on this machine that ends with the run.

Each node needs this package in the same version and the run's folder at the same path. Calls of an actor run in its
event loop. A dead actor is replaced by the scheduler on whatever node has room.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from typing import Any, Generic, Self, TypeVar, cast

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.tracing.spans import Carrier, carrier, span
from interleavethinker.tools.tracing.startup import start_tracing, stop_tracing

from .base import Call, ExecutorConfig, Worker, WorkerDiedError, sendable

__all__ = ["RayCluster"]

In = TypeVar("In")
Out = TypeVar("Out")

_STORE_BYTES = 100 * 2**20
"""Ray's object store of a cluster on this machine; results are rows, and images stay in the folder."""


class RayCluster:
    """A connection to a cluster, as a context manager."""

    def __init__(self, config: ExecutorConfig) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ImportError as error:
            msg = "The executor ray needs Ray. Install the extra: pip install -c constraints.txt '.[ray]'"
            raise InputError(msg, code="missing_extra") from error
        self._ray = ray
        self._config = config
        self._connected = False

    async def __aenter__(self) -> Self:
        if not self._ray.is_initialized():
            await asyncio.to_thread(self._connect)
            self._connected = True
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._connected:
            await asyncio.to_thread(self._ray.shutdown)

    @property
    def room(self) -> int:
        """How many workers fit on the cluster at once."""
        found: dict[str, float] = self._ray.cluster_resources()
        cores = int(found.get("CPU", 1))
        return max(1, min(cores, int(found.get("GPU", 0) / self._config.gpus)) if self._config.gpus else cores)

    async def start(self, worker: Worker[In, Out], at_once: int) -> _Actor[In, Out]:
        """Starts an actor and opens the worker in it; waits for room on the cluster.

        Raises:
            WorkerDiedError: The actor died before that.
            InterleaveError: The worker cannot be opened.
        """
        options = {"num_cpus": 1, "num_gpus": self._config.gpus, "max_concurrency": at_once + 2}
        remote_class = await asyncio.to_thread(self._ray.remote, **options)
        handle = await asyncio.to_thread(remote_class(_Served).remote, worker)
        actor: _Actor[In, Out] = _Actor(self._ray, handle)
        try:
            await actor.wait("open")
        except BaseException:
            await actor.close()
            raise
        return actor

    def _connect(self) -> None:
        address = os.environ.get("RAY_ADDRESS")
        _require_reachable(address or "")
        try:
            if address:
                self._ray.init(address=address, log_to_driver=False)
                return
            cores = max(self._config.processes, os.cpu_count() or 1)
            self._ray.init(
                address="local",
                num_cpus=cores,
                include_dashboard=False,
                log_to_driver=False,
                object_store_memory=_STORE_BYTES,
            )
            found = self._ray.cluster_resources().get("GPU", 0)
            if found < self._config.gpus:
                self._ray.shutdown()
                raise InputError(
                    f"Each worker needs {self._config.gpus:g} GPUs, and this machine has {found:g}. Choose fewer with "
                    "--gpus, or name a cluster with RAY_ADDRESS."
                )
        except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
            if isinstance(error, InputError):
                raise
            where = f"the Ray cluster {address}" if address else "a Ray cluster on this machine"
            raise InputError(f"Cannot connect to {where}: {error}") from error


def _require_reachable(address: str) -> None:
    """Checks that something listens at `host:port`; Ray itself would try for minutes.

    Raises:
        InputError: Nothing does.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return  # `auto`
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=30).close()
    except OSError as error:
        raise InputError(
            f"Cannot connect to the Ray cluster {address}: {error.strerror or error}. Check RAY_ADDRESS, or unset it "
            "to use a cluster on this machine."
        ) from error


class _Actor(Generic[In, Out]):
    """A running actor."""

    def __init__(self, ray: Any, handle: Any) -> None:
        self._ray = ray
        self._handle = handle

    async def call(self, item: In) -> Out:
        return cast("Out", await self.wait("call", item, carrier()))

    async def close(self) -> None:
        with contextlib.suppress(WorkerDiedError, TimeoutError):
            await asyncio.wait_for(self.wait("close"), 30)
        await asyncio.to_thread(self._ray.kill, self._handle)

    async def wait(self, method: str, *arguments: object) -> Any:
        try:
            ok, value = await getattr(self._handle, method).remote(*arguments)
        except self._ray.exceptions.RayActorError as error:
            raise WorkerDiedError from error
        if not ok:
            raise value
        return value


class _Served(Generic[In, Out]):
    """The actor's class; errors are returned, because Ray would wrap them in classes of its own."""

    def __init__(self, worker: Worker[In, Out]) -> None:
        self._worker = worker
        self._end = asyncio.Event()
        self._opened: asyncio.Future[Call[In, Out]] | None = None
        self._holding: asyncio.Task[None] | None = None

    async def open(self) -> tuple[bool, object]:
        await asyncio.to_thread(start_tracing, "interleavethinker-worker-process")
        self._opened = asyncio.get_running_loop().create_future()
        # Sessions end in the task that opened them, and each call of an actor is a task of its own.
        self._holding = asyncio.create_task(self._hold(self._opened))
        try:
            await self._opened
        except Exception as error:  # noqa: BLE001 - the driver raises it
            return False, sendable(error)
        return True, None

    async def call(self, item: In, caller: Carrier) -> tuple[bool, object]:
        try:
            call = await self._opened if self._opened else None
            with span("work on item", parent=caller):
                return True, await call(item) if call else None
        except Exception as error:  # noqa: BLE001 - the driver raises it
            return False, sendable(error)

    async def close(self) -> tuple[bool, object]:
        self._end.set()
        if self._holding is not None:
            await self._holding
        await asyncio.to_thread(stop_tracing)
        return True, None

    async def _hold(self, opened: asyncio.Future[Call[In, Out]]) -> None:
        try:
            async with self._worker.open() as call:
                opened.set_result(call)
                await self._end.wait()
        except Exception as error:
            if opened.done():
                raise
            opened.set_exception(error)
