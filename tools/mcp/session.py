"""One MCP session that outlives its server: a single task owns it and connects a new client whenever one is lost.

Knows how to connect and reconnect; knows nothing of images or of calls. An MCP client cannot be entered twice and must
be exited by the task that entered it, hence the owner task. Clients may be used from any task of the same event loop.
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
"""Seconds before the n-th consecutive attempt to connect; the last value repeats."""


class McpSession:
    """Keeps one MCP client connected, on demand.

    Args:
        connect: Creates a client that was never entered, and pushes what must be closed after it onto the given stack.
        connect_timeout: Most seconds for starting a server and completing the handshake.
        max_attempts: How often to try to connect before waiting callers get an error.
    """

    def __init__(
        self,
        connect: Callable[[contextlib.AsyncExitStack], Awaitable["Client"]],
        *,
        connect_timeout: float = 60.0,
        max_attempts: int = 4,
    ) -> None:
        self._connect = connect
        self._connect_timeout = connect_timeout
        self._max_attempts = max_attempts
        self._owner: asyncio.Task[None] | None = None
        self._needed = asyncio.Event()
        self._lost = asyncio.Event()
        self._closing = False
        self._ready: asyncio.Future[Client] | None = None
        self._connected = False
        self._connecting: asyncio.Timeout | None = None
        self.connections = 0
        """Number of clients connected so far."""

    async def open(self) -> None:
        """Starts the owner task, which connects in the background."""
        if self._owner is None:
            self._closing = False
            self._renew()
            self._needed.set()
            self._owner = asyncio.create_task(self._own(), name="mcp-session")

    async def close(self) -> None:
        """Ends the session, and its server if that is a child process. Safe to call twice."""
        owner, self._owner = self._owner, None
        if owner is None:
            return
        self._closing = True
        self._needed.set()
        self._lost.set()
        if self._connecting is not None:
            self._connecting.reschedule(asyncio.get_running_loop().time())
        await owner

    async def client(self) -> "Client":
        """Returns the connected client, after connecting if necessary.

        Raises:
            GeneratorError: The session is not open (`closed`), or could not connect (`unreachable`).
        """
        if self._owner is None or self._closing or self._ready is None:
            raise GeneratorError("The generator is not open. Use `async with`, or call open() first.", code="closed")
        self._needed.set()
        return await asyncio.shield(self._ready)

    def mark_lost(self, client: "Client") -> None:
        """Reports that this client lost its server; the next call gets a new one. Ignored for an earlier client."""
        ready = self._ready
        if ready is not None and ready.done() and ready.exception() is None and ready.result() is client:
            self._renew()
            self._lost.set()

    def _renew_if_used(self) -> None:
        if self._ready is not None and self._ready.done():
            self._renew()

    def _renew(self) -> None:
        self._ready = asyncio.get_running_loop().create_future()

    async def _own(self) -> None:
        failures = 0
        while await self._until_needed(_BACKOFF[min(failures, len(_BACKOFF) - 1)]):
            try:
                await self._hold()
                failures = 0
            except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 - any failure to connect is retried
                # A transport that breaks raises an exception group. A cancellation of this task is not caught here.
                if self._connected:
                    self._renew_if_used()
                    failures = 0
                    continue
                failures += 1
                _log.debug("connecting to the generator failed", exc_info=error)
                if failures >= self._max_attempts or _is_permanent(error):
                    self._fail_waiting(error)
                    failures = 0
        self._raise_in_callers(GeneratorError("The generator was closed.", code="closed"))

    async def _until_needed(self, pause: float) -> bool:
        """Waits until a caller needs a client, then `pause` seconds. Returns False if the session closes instead."""
        await self._needed.wait()
        if not self._closing:
            self._lost.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._lost.wait(), timeout=pause)
        return not self._closing

    async def _hold(self) -> None:
        """Connects, provides the client to callers, and keeps it until one of them reports it lost."""
        self._connected = False
        async with contextlib.AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(self._connect_timeout) as self._connecting:
                    client = await stack.enter_async_context(await self._connect(stack))
            finally:
                self._connecting = None
            self._connected = True
            self.connections += 1
            # From here on only a new call reconnects, so that a server that dies at once is not restarted forever.
            self._needed.clear()
            if self._ready is not None and not self._ready.done():
                self._ready.set_result(client)
            await self._lost.wait()
            self._renew_if_used()

    def _fail_waiting(self, error: BaseException) -> None:
        """Raises the error in all waiting callers; only the next call tries again."""
        self._needed.clear()
        cause = _innermost(error)
        if isinstance(cause, InterleaveError):
            self._raise_in_callers(cause)
        else:
            reason = "no answer in time" if isinstance(cause, TimeoutError) else type(cause).__name__
            detail = f"{reason}: {str(cause)[:200]}" if str(cause) else reason
            self._raise_in_callers(
                GeneratorError(
                    f"Could not start or reach the image server ({detail}). Check its command or URL, and its log.",
                    code="unreachable",
                    retryable=True,
                )
            )
        self._renew()

    def _raise_in_callers(self, error: InterleaveError) -> None:
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(error)
            self._ready.exception()  # Marks it as retrieved: having no waiting caller is not an error.


def _is_permanent(error: BaseException) -> bool:
    """Whether trying again cannot help: no such program, no token, or a refused one."""
    cause = _innermost(error)
    if isinstance(cause, GeneratorError):
        return not cause.retryable
    return isinstance(cause, InterleaveError | FileNotFoundError | PermissionError)


def _innermost(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
