"""Workers in processes of this machine, each with an event loop of its own.

A process ends when the driver does, even if the driver is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import pickle
import sys
import threading
from multiprocessing.connection import Connection
from typing import Any, Generic, TypeVar

from interleavethinker.evaluation.spawned_processes import follow_parent, spawn_context
from interleavethinker.tools.tracing.spans import Carrier, carrier, span
from interleavethinker.tools.tracing.startup import start_tracing, stop_tracing

from .base import Call, RemoteError, Worker, WorkerDiedError, sendable

__all__ = ["start_process"]

In = TypeVar("In")
Out = TypeVar("Out")

_OPENED = -1
"""The number under which a process reports that its worker is open, or why it is not."""
_CLOSE_SECONDS = 30.0


class _Process(Generic[In, Out]):
    """A running worker process."""

    def __init__(self, worker: Worker[In, Out]) -> None:
        self._loop = asyncio.get_running_loop()
        self._numbers = itertools.count()
        self._waiting: dict[int, asyncio.Future[Any]] = {_OPENED: self._loop.create_future()}
        self._dead = False
        self._worker = worker
        self._sending = threading.Lock()

    async def open(self) -> None:
        await asyncio.to_thread(self._start)
        await self._waiting[_OPENED]

    async def call(self, item: In) -> Out:
        number = next(self._numbers)
        future = self._waiting[number] = self._loop.create_future()
        try:
            if self._dead:
                raise WorkerDiedError
            await asyncio.to_thread(self._send, (number, item, carrier()))
            result: Out = await future
        finally:
            self._waiting.pop(number, None)
        return result

    async def close(self) -> None:
        await asyncio.shield(asyncio.to_thread(self._stop))

    def _start(self) -> None:
        context = spawn_context()
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_main, args=(theirs, self._worker))
        self._process.start()
        theirs.close()
        threading.Thread(target=self._receive, daemon=True).start()

    def _send(self, message: object) -> None:
        try:
            with self._sending:
                self._pipe.send(message)
        except OSError as error:
            raise WorkerDiedError from error

    def _receive(self) -> None:
        with contextlib.suppress(EOFError, OSError, RuntimeError):  # RuntimeError: the driver's loop is closed
            while True:
                number, ok, value = self._pipe.recv()
                self._loop.call_soon_threadsafe(self._settle, number, ok, value)
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._die)

    def _settle(self, number: int, ok: bool, value: Any) -> None:
        future = self._waiting.get(number)
        if future is None or future.done():
            return
        if ok:
            future.set_result(value)
        else:
            future.set_exception(value)

    def _die(self) -> None:
        self._dead = True
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(WorkerDiedError())

    def _stop(self) -> None:
        with contextlib.suppress(WorkerDiedError):
            self._send(None)
        self._process.join(_CLOSE_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._pipe.close()


async def start_process(worker: Worker[In, Out]) -> _Process[In, Out]:
    """Starts a process and opens the worker in it.

    Raises:
        WorkerDiedError: The process ended before that.
        InterleaveError: The worker cannot be opened.
    """
    process = _Process(worker)
    try:
        await process.open()
    except BaseException:
        await process.close()
        raise
    return process


def _main(pipe: Connection, worker: Worker[Any, Any]) -> None:
    """Runs in the new process."""
    follow_parent()
    start_tracing("interleavethinker-worker-process")
    with contextlib.suppress(EOFError, OSError):
        asyncio.run(_serve(pipe, worker))
    stop_tracing()  # Handlers at exit are not called in such a process.


async def _serve(pipe: Connection, worker: Worker[Any, Any]) -> None:
    def send(number: int, ok: bool, value: object) -> None:
        try:
            pipe.send((number, ok, value))
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            pipe.send((number, False, RemoteError(f"A worker's result cannot be sent: {error}")))

    async def answer(number: int, item: object, call: Call[Any, Any], caller: Carrier) -> None:
        try:
            with span("work on item", parent=caller):
                result = await call(item)
        except Exception as error:  # noqa: BLE001 - whatever a call raises is the driver's to handle
            send(number, False, sendable(error))
        else:
            send(number, True, result)

    async with contextlib.AsyncExitStack() as exits:
        try:
            call = await exits.enter_async_context(worker.open())
        except Exception as error:  # noqa: BLE001
            send(_OPENED, False, sendable(error))
            return
        _leave_cores_to_others()
        send(_OPENED, True, None)
        running: set[asyncio.Task[None]] = set()
        while (message := await asyncio.to_thread(pipe.recv)) is not None:
            number, item, caller = message
            task = asyncio.create_task(answer(number, item, call, caller))
            running.add(task)
            task.add_done_callback(running.discard)
        for task in running:  # The driver gave them up.
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _leave_cores_to_others() -> None:
    """One torch thread for each process, if the worker uses torch: as many as cores would fight for them."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)
