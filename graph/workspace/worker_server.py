"""Lets a worker answer requests of other processes at once: they create trajectories through it and hear its events.

A process connects to the worker's socket. Messages are JSON objects, one on a line:

| from | message | meaning |
| --- | --- | --- |
| worker | `{"place": true}` | a place is free, and is kept for this connection |
| client | `{"create": {…}}` | a `NewTrajectory` |
| worker | `{"trajectory": "…"}` | its ID; the worker runs it from now on |
| worker | `{"event": {…}}` | one event of the run |
| worker | `{"end": true}` | the run has ended, and its last event has been sent |
| client | `{"pause": true}` | pause it as soon as possible |
| worker | `{"error": {"code", "message", …}, "refused": …}` | it was not created, or not run to a last event |

Whoever connects also wakes the worker. A client that leaves without a word, because it was killed, changes nothing: the
worker goes on. The worker's own death ends the connection.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from interleavethinker.tools.errors import InputError, InterleaveError, StoreError
from interleavethinker.tools.folders import is_database_url
from interleavethinker.tools.request_parsing import as_request

from .announcements import announced, private_socket
from .catalog import RequestKey
from .new_trajectory import NewTrajectory
from .pausing import pause_run
from .worker import Worker
from .workspace import Workspace

__all__ = ["serve_worker"]

_T = TypeVar("_T")
_log = logging.getLogger(__name__)
_MAX_LINE = 2**24
"""Bytes of a message."""
_REQUEST_SECONDS = 10.0
"""How long a place is kept for a client that says nothing."""
_FLUSH_SECONDS = 5.0


@contextlib.asynccontextmanager
async def serve_worker(worker: Worker, workspace: Workspace) -> AsyncIterator[None]:
    """Announces a worker, and serves it to other processes of this machine and user while the context is open.

    Does nothing for a workspace in PostgreSQL, or on a system without Unix sockets.
    """
    in_folder = workspace.location is not None and not is_database_url(workspace.location)
    async with _in_thread(private_socket() if in_folder else contextlib.nullcontext()) as listening:
        if listening is None:
            yield
            return
        connections: set[asyncio.Task[None]] = set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            if task is not None:
                connections.add(task)
                task.add_done_callback(connections.discard)
            await _Connection(worker, workspace, reader, writer).serve()

        server = await asyncio.start_unix_server(connected, sock=listening, limit=_MAX_LINE)
        try:
            async with _in_thread(announced(workspace.root, listening.getsockname())):
                yield
        finally:
            server.close()
            if connections:  # The last events of what ran until now.
                await asyncio.wait(connections, timeout=_FLUSH_SECONDS)
            for task in connections:
                task.cancel()


@contextlib.asynccontextmanager
async def _in_thread(context: AbstractContextManager[_T]) -> AsyncIterator[_T]:
    """Enters and leaves a context that works with files without blocking the event loop."""
    with_it = contextlib.ExitStack()
    try:
        yield await asyncio.to_thread(with_it.enter_context, context)
    finally:
        await asyncio.to_thread(with_it.close)


class _Connection:
    def __init__(
        self, worker: Worker, workspace: Workspace, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._worker = worker
        self._workspace = workspace
        self._reader = reader
        self._writer = writer
        self._messages: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        """What the client has not been sent; one that stops reading must not stop the run. None ends it."""
        self._left = False

    async def serve(self) -> None:
        self._worker.wake()
        try:
            await self._answer()
        except (OSError, ValueError, StoreError) as error:
            # The client has gone, or sends no messages of this kind; or the workspace cannot be used at the moment.
            _log.debug("connection of a worker: %s", error)
        finally:
            self._left = True
            self._writer.close()

    async def _answer(self) -> None:
        request = asyncio.create_task(self._reader.readline())
        placing = contextlib.AsyncExitStack()
        try:
            place = asyncio.create_task(placing.enter_async_context(self._worker.place()))
            await asyncio.wait([request, place], return_when=asyncio.FIRST_COMPLETED)
            if request.done():  # The client does not wait any longer.
                place.cancel()
                await asyncio.gather(place, return_exceptions=True)
                return
            await place
            await self._send({"place": True})
            async with asyncio.timeout(_REQUEST_SECONDS):
                line = await request
            if not line:
                return
            try:
                name, running = await self._worker.give(lambda: self._create(line), self._listen)
            except InterleaveError as error:
                await self._send(_error(error))
                return
        except TimeoutError:
            return
        finally:
            request.cancel()
            await placing.aclose()
        running.add_done_callback(lambda _: self._messages.put_nowait(None))
        pausing = asyncio.create_task(self._pause_when_told(name, running))
        try:
            await self._send({"trajectory": name})
            while (message := await self._messages.get()) is not None:
                await self._send(message)
            if not running.cancelled():  # Else the worker is ending, as if it had died.
                failure = running.result()
                await self._send({"end": True} if failure is None else _error(failure))
        finally:
            if running.done():
                pausing.cancel()
            await asyncio.gather(pausing, return_exceptions=True)

    def _listen(self, event: BaseModel) -> None:
        if not self._left:
            self._messages.put_nowait({"event": event.model_dump(mode="json")})

    async def _create(self, line: bytes) -> str:
        try:
            given = NewTrajectory.model_validate(json.loads(line)["create"])
        except (ValidationError, ValueError, KeyError, TypeError) as error:
            raise InterleaveError("The worker does not understand this request.", code="worker") from error
        await self._workspace.components.require_content(given.profile, given.content)
        return await self._workspace.create(
            as_request(given.request),
            profile=given.profile,
            limits=given.limits,
            seed=given.seed,
            approve_plan=given.approve_plan,
            image_size=given.image_size,
            key=RequestKey(given.key),
            attended=True,  # Here: no other worker takes it first.
        )

    async def _pause_when_told(self, name: str, running: "asyncio.Task[Exception | None]") -> None:
        if await self._reader.readline():
            await pause_run(lambda: self._workspace.pause(name), running.done)

    async def _send(self, message: dict[str, Any]) -> None:
        self._writer.write(json.dumps(message).encode() + b"\n")
        await self._writer.drain()


def _error(error: Exception) -> dict[str, Any]:
    data = error.data if isinstance(error, InterleaveError) else {"code": type(error).__name__, "message": str(error)}
    return {"error": data, "refused": isinstance(error, InputError)}
