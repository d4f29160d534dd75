"""Bounds on connections and bodies, so that clients without a token can neither exhaust the server nor outlive it.

A connection without a complete request is closed after some seconds, and at once where a newer one needs its place. So
thousands of idle connections leave honest clients unharmed. A body must arrive at some speed, and large bodies are
received a few at a time.
"""

import asyncio
import sys
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["BoundedProtocol", "LargeBodyMiddleware", "raise_file_limit"]

MAX_CONNECTIONS = 500
REQUEST_SECONDS = 15.0
"""Most time for a request's headers, from the first byte or the connection's start."""
_SLOWEST = 1024
"""Bytes per second at which a body must arrive, whenever the server reads it."""
_LARGE = 1024 * 1024
_LARGE_AT_ONCE = 4
"""Bodies of more than `_LARGE` bytes that are received and parsed at the same time."""
_FILES = 4096


class BoundedProtocol(H11Protocol):
    """uvicorn's protocol for one connection, with a deadline for requests and a bound on the number of connections."""

    _deadline: asyncio.TimerHandle | None = None
    _received = 0
    """Bytes since the deadline was set."""
    _body_of: object = None
    """The request whose body the deadline is for."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See `asyncio.Protocol.connection_made`."""
        super().connection_made(transport)
        self._start_deadline()
        if len(self.connections) > MAX_CONNECTIONS:
            others = [each for each in self.connections if isinstance(each, BoundedProtocol)]
            min(others, key=lambda each: each.idle_until).abort()

    @property
    def idle_until(self) -> float:
        """When the connection is closed unless it completes a request; infinite while it serves one."""
        if self._deadline is None:
            return float("inf")
        # Connections that send a body are closed after all idle ones.
        return self._deadline.when() + (REQUEST_SECONDS if self._receives_body() else 0.0)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol.data_received`."""
        super().data_received(data)
        self._received += len(data)
        if self._receives_body():
            if self._body_of is not self.cycle:
                self._body_of = self.cycle
                self._start_deadline()
        elif self._serves():
            self._stop_deadline()
        elif self._deadline is None and not self.transport.is_closing():
            self._start_deadline()

    def on_response_complete(self) -> None:
        """See uvicorn: the connection waits for its next request."""
        super().on_response_complete()
        if not self.transport.is_closing() and not self._serves():
            self._start_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol.connection_lost`."""
        self._stop_deadline()
        super().connection_lost(exc)

    def abort(self) -> None:
        """Closes the connection at once."""
        self._stop_deadline()
        self.connections.discard(self)
        self.transport.abort()

    def _serves(self) -> bool:
        cycle = getattr(self, "cycle", None)  # None until the first request, whatever uvicorn's annotation says.
        return cycle is not None and not cycle.response_complete

    def _receives_body(self) -> bool:
        return self._serves() and self.cycle.more_body

    def _expire(self) -> None:
        """Closes the connection, unless it sends a body fast enough or waits until the server reads on."""
        fast = self._received >= _SLOWEST * REQUEST_SECONDS
        if self._receives_body() and (fast or self.flow.read_paused):
            self._start_deadline()
        else:
            self.abort()

    def _start_deadline(self) -> None:
        self._stop_deadline()
        self._received = 0
        self._deadline = self.loop.call_later(REQUEST_SECONDS, self._expire)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class LargeBodyMiddleware:
    """ASGI middleware that lets only a few large requests be received at once; the others wait unread."""

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app
        self._places = asyncio.Semaphore(_LARGE_AT_ONCE)

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Handles one request."""
        if scope["type"] != "http" or not _is_large(scope["headers"]):
            await self._app(scope, receive, send)
            return
        await self._places.acquire()
        holds = True

        def release() -> None:
            nonlocal holds
            if holds:
                holds = False
                self._places.release()

        async def send_and_release(message: "Message") -> None:
            release()  # The body has been parsed once an answer begins.
            await send(message)

        try:
            await self._app(scope, receive, send_and_release)
        finally:
            release()


def raise_file_limit(files: int = _FILES) -> None:
    """Raises this process's limit of open files, where the system allows it; each connection needs one."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = files if hard == resource.RLIM_INFINITY else min(files, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _is_large(headers: Any) -> bool:
    fields = dict(headers)
    length = fields.get(b"content-length", b"")
    if length.isdigit():
        return int(length[:20]) > _LARGE
    return b"transfer-encoding" in fields
