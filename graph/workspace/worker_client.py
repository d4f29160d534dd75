"""The other end of a worker's socket: gives a live worker a request, and follows its run. See `worker_server`.

The module imports nothing heavy, so that a program can hand its request over before it imports the agent.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any, Protocol

from interleavethinker.tools.errors import InputError, InterleaveError

from .announcements import Announcement, live_workers

__all__ = ["LostWorkerError", "WorkerConnection", "free_worker", "wake_workers"]

_MAX_LINE = 2**24


class LostWorkerError(InterleaveError):
    """The worker has died, or cannot run this trajectory: somebody else has to."""

    code = "worker"


class _Json(Protocol):
    def model_dump(self, *, mode: str) -> dict[str, Any]: ...


class WorkerConnection:
    """A place in a worker that is kept for one trajectory.

    Attributes:
        worker: Its announcement.

    Args:
        worker: Its announcement.
        reader: Of the connection.
        writer: Of the connection.
    """

    def __init__(self, worker: Announcement, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.worker = worker
        self._reader = reader
        self._writer = writer
        self._runs = self._paused = False

    async def create(self, new: _Json) -> str:
        """Creates a trajectory, which the worker runs from now on, and returns its ID.

        Args:
            new: A `NewTrajectory`.

        Raises:
            InputError: The request is refused.
            LostWorkerError: The worker has died, or cannot use the profile. It may have created the trajectory, which
                the `key` of `new` finds.
        """
        await self._send({"create": new.model_dump(mode="json")})
        self._runs = True
        message = await self._message()
        if "trajectory" not in message:
            self._runs = False
            raise _error(message)
        return str(message["trajectory"])

    async def events(self) -> AsyncGenerator[dict[str, Any]]:
        """Yields the events of the run as JSON, up to the last one.

        Raises:
            LostWorkerError: The worker has died, or could not run the trajectory.
        """
        while "event" in (message := await self._message()):
            yield message["event"]
        self._runs = False
        if "end" not in message:
            raise LostWorkerError(str(_error(message)))

    async def pause(self) -> None:
        """Has the worker pause the run after its call in flight; the events say what became of it."""
        with contextlib.suppress(LostWorkerError):
            if self._runs and not self._paused:
                self._paused = True
                await self._send({"pause": True})

    async def close(self) -> None:
        """Ends the connection. A trajectory that still runs is paused, as if its reader had left it in this process."""
        await self.pause()
        self._writer.close()

    async def wait_for_place(self) -> None:
        """Returns once the worker keeps a place free for this connection.

        Raises:
            LostWorkerError: It does not take any more work.
        """
        if "place" not in await self._message():
            raise LostWorkerError("The worker takes no more work.")

    async def _send(self, message: dict[str, Any]) -> None:
        try:
            self._writer.write(json.dumps(message).encode() + b"\n")
            await self._writer.drain()
        except OSError as error:
            raise LostWorkerError("The worker has died.") from error

    async def _message(self) -> dict[str, Any]:
        try:
            line = await self._reader.readline()
            message = json.loads(line) if line.endswith(b"\n") else None
        except (OSError, ValueError) as error:
            raise LostWorkerError("The worker has died.") from error
        if not isinstance(message, dict):
            raise LostWorkerError("The worker has died.")
        return message


async def free_worker(workers: Sequence[Announcement], seconds: float) -> WorkerConnection | None:
    """Returns a connection to the first of some workers that has a place; None if none has one within some seconds."""
    waiting = [asyncio.create_task(_with_place(one)) for one in workers]
    free: WorkerConnection | None = None
    try:
        async with asyncio.timeout(seconds):
            for done in asyncio.as_completed(waiting):
                free = await done
                if free is not None:
                    return free
    except TimeoutError:
        pass
    finally:
        for task in waiting:
            task.cancel()
        for result in await asyncio.gather(*waiting, return_exceptions=True):
            if isinstance(result, WorkerConnection) and result is not free:
                await result.close()
    return None


async def wake_workers(workspace: Path) -> None:
    """Has the live workers of a workspace look into it now."""
    for worker in await asyncio.to_thread(live_workers, workspace):
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_unix_connection(worker.socket)
            writer.close()


async def _with_place(worker: Announcement) -> WorkerConnection | None:
    try:
        reader, writer = await asyncio.open_unix_connection(worker.socket, limit=_MAX_LINE)
    except OSError:
        return None
    connection = WorkerConnection(worker, reader, writer)
    try:
        await connection.wait_for_place()
    except LostWorkerError:
        await connection.close()
        return None
    except BaseException:
        await connection.close()
        raise
    return connection


def _error(message: dict[str, Any]) -> InterleaveError:
    """Returns the error in a message, as it would have been raised here."""
    data = message.get("error") or {}
    code, text = str(data.get("code", "worker")), str(data.get("message", "The worker has died."))
    if message.get("refused"):
        return InputError(text, code=code, suggestion=data.get("suggestion"))
    return LostWorkerError(text, code=code)
