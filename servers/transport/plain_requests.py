"""Requests that HTTP allows and applications stumble over: clients that leave, two lengths, and lost events.

Knows nothing of what the application does.
"""

import logging
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["PlainRequests", "WithoutDepartures"]

_LAST_EVENT = b"last-event-id"
_TWO_LENGTHS = b"Give Content-Length or Transfer-Encoding, not both.\n"


class PlainRequests:
    """ASGI middleware around a whole application.

    A client that leaves while its request is read ends the request, and is no error. Two lengths of one body are
    refused, because a proxy may believe the other one (RFC 9112, section 6.1). The events of these servers have no
    numbers, so `Last-Event-ID` cannot name one and is left out: the client gets a new stream. The MCP library would
    not answer at all without an event store.
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
            await _refuse(send)
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


async def _refuse(send: "Send") -> None:
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(_TWO_LENGTHS)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body", "body": _TWO_LENGTHS})
