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
from interleavethinker.tools.plain_text import quotation
from interleavethinker.tools.secrets import redact
from interleavethinker.tools.tracing.spans import untraced

from .bounded_lines import MAX_LINE, watch_lines
from .http_answers import stated_refusal, watch_refusals

if TYPE_CHECKING:
    from mcp import Client

__all__ = ["McpSession"]

_T = TypeVar("_T")
_log = logging.getLogger(__name__)
_BACKOFF = (0.0, 0.05, 0.2, 0.5, 1.0, 2.0)
"""Seconds before the n-th consecutive attempt to connect; the last value repeats."""
_LONGEST_QUOTE = 300
"""Characters of a server's words in a message."""
_MOST_TIMEOUTS = 2
"""Attempts in a row that may end without an answer; each of them takes as long as `connect_timeout` allows."""


class McpSession:
    """Keeps one MCP client connected, on demand.

    Args:
        connect: Creates a client that was never entered, and pushes what must be closed after it onto the given stack.
        connect_timeout: Most seconds for starting a server and completing the handshake.
        max_attempts: How often to try to connect before waiting callers get an error; a server that starts and never
            answers is tried twice at most.
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
        self._fault: GeneratorError | None = None
        """What the present server did that ends the connection for good."""
        self._held: Client | None = None
        """The connected client."""
        self._faulty: tuple[Client, GeneratorError] | None = None
        self.connections = 0
        """Number of clients connected so far."""

    async def open(self) -> None:
        """Starts the owner task, which connects in the background."""
        if self._owner is None:
            self._closing = False
            self._renew()
            self._needed.set()
            # It outlives the run that opens it, to whose trace later connections do not belong.
            self._owner = asyncio.create_task(self._own(), name="mcp-session", context=untraced())

    async def close(self) -> None:
        """Ends the session, and its server if that is a child process. Safe to call twice."""
        owner, self._owner = self._owner, None
        if owner is None or (owner.done() and (owner.cancelled() or owner.exception())):
            return  # The callers know why it has ended.
        self._closing = True
        self._needed.set()
        self._lost.set()
        self._stop_connecting()
        await owner

    async def client(self) -> "Client":
        """Returns the connected client, after connecting if necessary.

        Raises:
            GeneratorError: The session is not open (`closed`), or could not connect (`unreachable`).
        """
        if self._owner is None or self._closing or self._ready is None:
            raise GeneratorError("The generator is not open. Use `async with`, or call open() first.", code="closed")
        if self._owner.done():
            raise _ended(self._owner)
        self._needed.set()
        return await asyncio.shield(self._ready)

    def mark_lost(self, client: "Client") -> None:
        """Reports that this client lost its server; the next call gets a new one. Ignored for an earlier client."""
        ready = self._ready
        if ready is not None and ready.done() and ready.exception() is None and ready.result() is client:
            self._renew()
            self._lost.set()

    def fault_of(self, client: "Client") -> GeneratorError | None:
        """Returns why this client was disconnected, if its server would do the same again."""
        return self._faulty[1] if self._faulty is not None and self._faulty[0] is client else None

    def _watch(self) -> None:
        self._fault = None
        watch_lines(self._end_for_long_line)
        watch_refusals(self._end_for)

    def _end_for_long_line(self) -> None:
        self._end_for(
            GeneratorError(
                f"The image server sent a line of more than {MAX_LINE} bytes, the most accepted for one message.",
                code="contract",
            )
        )

    def _end_for(self, fault: GeneratorError) -> None:
        self._fault = fault
        if self._held is not None:
            self._faulty = (self._held, fault)
        self._lost.set()
        self._stop_connecting()

    def _stop_connecting(self) -> None:
        if self._connecting is not None and not self._connecting.expired():
            self._connecting.reschedule(asyncio.get_running_loop().time())

    def _renew_if_used(self) -> None:
        if self._ready is not None and self._ready.done():
            self._renew()

    def _renew(self) -> None:
        self._ready = asyncio.get_running_loop().create_future()

    async def _own(self) -> None:
        """Serves the callers until the session closes. However it ends, nobody is left waiting."""
        try:
            await self._keep_connected()
        except BaseException as error:
            self._raise_in_callers(_ended(error))
            raise
        self._raise_in_callers(GeneratorError("The generator was closed.", code="closed"))

    async def _keep_connected(self) -> None:
        failures = timeouts = 0
        while await self._until_needed(_BACKOFF[min(failures, len(_BACKOFF) - 1)]):
            try:
                await self._hold()
                failures = timeouts = 0
            except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 - any failure to connect is retried
                # A transport that breaks raises an exception group. A cancellation of this task is not caught here.
                if self._connected:
                    self._renew_if_used()
                    failures = timeouts = 0
                    continue
                failures += 1
                timeouts = timeouts + 1 if isinstance(_innermost(error), TimeoutError) else 0
                _log.debug("connecting to the generator failed", exc_info=error)
                refusal = stated_refusal(_innermost(error))
                if refusal is not None and refusal.is_busy:
                    self._fail_waiting(refusal.error())
                    failures = timeouts = 0
                elif failures >= self._max_attempts or timeouts >= _MOST_TIMEOUTS or _is_permanent(error):
                    self._fail_waiting(error)
                    failures = timeouts = 0

    async def _until_needed(self, pause: float) -> bool:
        """Waits until a caller needs a client, then `pause` seconds. Returns False if the session closes instead."""
        if not self._closing:  # Whoever closes it wakes this task up only once.
            await self._needed.wait()
        if not self._closing:
            self._lost.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._lost.wait(), timeout=pause)
        return not self._closing

    async def _hold(self) -> None:
        """Connects, provides the client to callers, and keeps it until one of them reports it lost."""
        self._connected = False
        self._watch()
        async with contextlib.AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(self._connect_timeout) as self._connecting:
                    client = await stack.enter_async_context(await self._connect(stack))
            except TimeoutError as error:
                if self._fault is None:
                    raise
                raise self._fault from error
            finally:
                self._connecting = None
            self._connected = True
            self.connections += 1
            # From here on only a new call reconnects, so that a server that dies at once is not restarted forever.
            self._needed.clear()
            if self._ready is not None and not self._ready.done():
                self._ready.set_result(client)
            self._held = client
            await self._lost.wait()
            self._held = None
            self._renew_if_used()

    def _fail_waiting(self, error: BaseException) -> None:
        """Raises the error in all waiting callers; only the next call tries again."""
        self._needed.clear()
        cause = _innermost(error)
        if isinstance(cause, InterleaveError):
            self._raise_in_callers(cause)
        else:
            late = f"no answer within {self._connect_timeout:g} s"
            reason = late if isinstance(cause, TimeoutError) else type(cause).__name__
            detail = f"{reason}: {quotation(redact(str(cause)), 200)}" if str(cause) else reason
            detail = detail if stated_refusal(cause) is None else quotation(str(cause), _LONGEST_QUOTE)
            self._raise_in_callers(
                GeneratorError(
                    f"Could not start or reach the image server ({detail}). Check its command or URL, and its log.",
                    code="unreachable",
                    retryable=True,
                    exhausted=True,
                )
            )
        self._renew()

    def _raise_in_callers(self, error: InterleaveError) -> None:
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(error)
            self._ready.exception()  # Marks it as retrieved: having no waiting caller is not an error.


def _ended(cause: "BaseException | asyncio.Task[None]") -> GeneratorError:
    """Returns the error for callers of a session whose owner task has ended, by an exception or as this task shows."""
    if isinstance(cause, asyncio.Task):
        error = None if cause.cancelled() else cause.exception()
    else:
        error = None if isinstance(cause, asyncio.CancelledError) else cause
    reason = "it was cancelled" if error is None else f"{type(error).__name__}: {quotation(redact(str(error)), 200)}"
    return GeneratorError(
        f"The task that holds the connection to the image server has ended ({reason}). Open the generator again.",
        code="closed",
    )


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
