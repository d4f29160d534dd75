"""Requests that applications stumble over: clients that leave, two lengths, lost events, and hosts that are none.

Knows nothing of what the application does.
"""

import logging
import re
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["PlainRequests", "WithoutDepartures"]

_LAST_EVENT = b"last-event-id"
_TWO_LENGTHS = b"Give Content-Length or Transfer-Encoding, not both.\n"
_NO_HOST = b"This Host header is no host with a port.\n"
_NO_ORIGIN = b"This Origin header is no origin.\n"
_HOST = rb"(?:[A-Za-z0-9._~-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{1,5}))?"
_HOST_HEADER = re.compile(_HOST)
_ORIGIN_HEADER = re.compile(rb"null|[A-Za-z][A-Za-z0-9+.-]*://(?:" + _HOST + rb")?")
_LAST_PORT = 65535


class PlainRequests:
    """ASGI middleware around a whole application.

    A client that leaves while its request is read ends the request, and is no error. Two lengths of one body are
    refused, because a proxy may believe the other one (RFC 9112, section 6.1). So are `Host` and `Origin` headers that
    do not parse: whoever checks them by their beginning would accept `localhost:80.example.org`.

    The events of these servers have no numbers, so `Last-Event-ID` cannot name one and is left out: the client gets a
    new stream. The MCP library would not answer at all without an event store.
    """

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        names = {name for name, _ in scope["headers"]}
        if {b"content-length", b"transfer-encoding"} <= names:
            await _refuse(send, 400, _TWO_LENGTHS)
            return
        if not _parse(_HOST_HEADER, scope, b"host"):
            await _refuse(send, 421, _NO_HOST)
            return
        if not _parse(_ORIGIN_HEADER, scope, b"origin"):
            await _refuse(send, 403, _NO_ORIGIN)
            return
        if _LAST_EVENT in names:
            scope = {**scope, "headers": [each for each in scope["headers"] if each[0] != _LAST_EVENT]}
        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            return


class WithoutDepartures(logging.Filter):
    """Leaves out the tracebacks that the MCP library logs where a client leaves while its request is read."""

    def filter(self, record: logging.LogRecord) -> bool:
        """See `logging.Filter.filter`."""
        return not (record.exc_info and isinstance(record.exc_info[1], ClientDisconnect))


def _parse(pattern: re.Pattern[bytes], scope: "Scope", header: bytes) -> bool:
    """Returns whether a request has a header at most once, and it is what the pattern says with a possible port.

    Who needs the header checks that it is there.
    """
    values = [value for name, value in scope["headers"] if name == header]
    found = [pattern.fullmatch(value) for value in values]
    return len(found) < 2 and all(
        match is not None and int(match[1] or 1) in range(1, _LAST_PORT + 1) for match in found
    )


async def _refuse(send: "Send", status: int, body: bytes) -> None:
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
