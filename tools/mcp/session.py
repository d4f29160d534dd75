"""One MCP session that outlives its server: a single task owns it, and makes a new client whenever the old one is dead.

Knows how to connect, to notice death and to send a call again; knows nothing of images. An MCP client cannot be
entered twice and must be left by the task that entered it, hence the owner task; calls may come from any task of the
same event loop.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from interleavethinker.tools.errors import GeneratorError, InterleaveError

if TYPE_CHECKING:
    from mcp import Client

__all__ = ["McpSession"]

_T = TypeVar("_T")
_log = logging.getLogger(__name__)
_BACKOFF = (0.0, 0.05, 0.2, 0.5, 1.0, 2.0)
"""Seconds before the n-th attempt to connect in a row; the last one repeats."""


class McpSession:
    """Keeps one MCP client connected, on demand.

    Args:
        connect: Makes a client that was never entered, together with what has to be closed after it.
        connect_seconds: How long starting a server and shaking hands may take.
        attempts: How often connecting is tried before waiting calls are told that it failed.
    """

    def __init__(
        self,
        connect: Callable[[contextlib.AsyncExitStack], Awaitable["Client"]],
        *,
        connect_seconds: float = 60.0,
        attempts: int = 4,
    ) -> None:
        self._connect = connect
        self._connect_seconds = connect_seconds
        self._attempts = attempts
        self._owner: asyncio.Task[None] | None = None
        self._wanted = asyncio.Event()
        self._dead = asyncio.Event()
        self._closing = False
        self._ready: asyncio.Future[Client] | None = None
        self._connected = False
        self._connecting: asyncio.Timeout | None = None
        self.connections = 0
        """How many clients were connected so far."""

    async def open(self) -> None:
        """Starts the owner task; the first connection is made in the background."""
        if self._owner is None:
            self._closing = False
            self._renew()
            self._wanted.set()
            self._owner = asyncio.create_task(self._own(), name="mcp-session")

    async def close(self) -> None:
        """Ends the session and its server process, if it is a child. Safe to call twice."""
        owner, self._owner = self._owner, None
        if owner is None:
            return
        self._closing = True
        self._wanted.set()
        self._dead.set()
        if self._connecting is not None:
            self._connecting.reschedule(asyncio.get_running_loop().time())
        await owner

    async def client(self) -> "Client":
        """Returns the connected client, connecting first where needed.

        Raises:
            GeneratorError: Not open (`closed`), or no connection after several attempts (`unreachable`).
        """
        if self._owner is None or self._closing or self._ready is None:
            raise GeneratorError("The generator's session must be open; it is closed.", code="closed")
        self._wanted.set()
        return await asyncio.shield(self._ready)

    def mark_dead(self, client: "Client") -> None:
        """Says that this client's server is gone; the next call gets a new one. Ignored for a client of the past."""
        ready = self._ready
        if ready is not None and ready.done() and ready.exception() is None and ready.result() is client:
            self._renew()
            self._dead.set()

    def _renew_if_used(self) -> None:
        if self._ready is not None and self._ready.done():
            self._renew()

    def _renew(self) -> None:
        self._ready = asyncio.get_running_loop().create_future()

    async def _own(self) -> None:
        failures = 0
        while await self._until_wanted(_BACKOFF[min(failures, len(_BACKOFF) - 1)]):
            try:
                await self._hold()
                failures = 0
            except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001
                # A transport's death arrives as an exception group; a cancellation of this task does not land here.
                if self._connected:
                    self._renew_if_used()
                    failures = 0
                    continue
                failures += 1
                _log.debug("connecting to the generator failed", exc_info=error)
                if failures >= self._attempts or _is_hopeless(error):
                    self._give_up(error)
                    failures = 0
        self._refuse(GeneratorError("The generator's session was closed.", code="closed"))

    async def _until_wanted(self, pause: float) -> bool:
        """Waits for somebody who needs a client, then `pause` seconds; False when the session closes instead."""
        await self._wanted.wait()
        if not self._closing:
            self._dead.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._dead.wait(), timeout=pause)
        return not self._closing

    async def _hold(self) -> None:
        """Connects, hands the client out, and keeps it until somebody finds it dead."""
        self._connected = False
        async with contextlib.AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(self._connect_seconds) as self._connecting:
                    client = await stack.enter_async_context(await self._connect(stack))
            finally:
                self._connecting = None
            self._connected = True
            self.connections += 1
            # From here on only a new call wakes a dead session, so a server that dies at once is not started forever.
            self._wanted.clear()
            if self._ready is not None and not self._ready.done():
                self._ready.set_result(client)
            await self._dead.wait()
            self._renew_if_used()

    def _give_up(self, error: BaseException) -> None:
        """Tells everybody who waits, then waits for the next call before trying again."""
        self._wanted.clear()
        cause = _innermost(error)
        if isinstance(cause, InterleaveError):
            self._refuse(cause)
        else:
            reason = "it did not answer in time" if isinstance(cause, TimeoutError) else type(cause).__name__
            self._refuse(
                GeneratorError(
                    f"The image server must start and answer; it did not ({reason}: {str(cause)[:200]}). Check its "
                    "command or URL, and its log.",
                    code="unreachable",
                    retryable=True,
                )
            )
        self._renew()

    def _refuse(self, error: InterleaveError) -> None:
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(error)
            self._ready.exception()  # Retrieved: nobody may be waiting, and that is no defect.


def _is_hopeless(error: BaseException) -> bool:
    """Whether connecting again cannot help: no such program, no token, a refused token."""
    cause = _innermost(error)
    if isinstance(cause, GeneratorError):
        return not cause.retryable
    return isinstance(cause, InterleaveError | FileNotFoundError | PermissionError)


def _innermost(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
