"""Two requests with one ID: the second one is refused while the first one is being answered.

The MCP library keeps the stream of an answer under the ID of its request, in each session, and replaces it by that of a
second request with the same ID: both answers then go to the second one, and the first one waits forever.
"""

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING

from pydantic_core import from_json

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["OneRequestPerId"]

_PATIENCE_SECONDS = 0.25
"""A client that has read an answer may send its next request before the server has cleaned up after the last one."""
_OWN_STREAM = "_GET_stream"
"""The library's key for the stream that a GET opens, which stands beside those of the requests."""
_INVALID_REQUEST = -32600
_LONGEST_QUOTE = 40


class OneRequestPerId:
    """ASGI middleware behind the library's own limit of the body, which passes the whole body on in one message."""

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app
        self._live: dict[tuple[bytes, str], asyncio.Event] = {}

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """See ASGI."""
        session = _session_of(scope)
        if session is None:
            await self._app(scope, receive, send)
            return
        message = await receive()
        number, unread = _id_of(message), [message]

        async def replay() -> "Message":
            return unread.pop() if unread else await receive()

        if number is None:
            await self._app(scope, replay, send)
            return
        key = session, number
        if (before := self._live.get(key)) is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    await before.wait()
        if key in self._live or number == _OWN_STREAM:
            await _refuse(number, send)
            return
        ended = self._live[key] = asyncio.Event()
        try:
            await self._app(scope, replay, send)
        finally:
            del self._live[key]
            ended.set()


def _session_of(scope: "Scope") -> bytes | None:
    """Returns the session whose requests share their IDs; None if the request is in none."""
    from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

    if scope["type"] != "http" or scope["method"] != "POST":
        return None
    headers = dict(scope["headers"])
    version = headers.get(b"mcp-protocol-version")
    if version is not None and version.decode("latin-1") not in HANDSHAKE_PROTOCOL_VERSIONS:
        return None  # Newer protocols have no sessions.
    session: bytes | None = headers.get(b"mcp-session-id")
    return session


def _id_of(message: "Message") -> str | None:
    """Returns the ID of a request, as the library compares it; None for anything else, also for what is no JSON."""
    if message["type"] != "http.request" or message.get("more_body"):
        return None
    try:
        request = from_json(message.get("body", b""))
    except ValueError:
        return None
    if not isinstance(request, dict) or not isinstance(request.get("method"), str):
        return None
    number = request.get("id")
    return None if number is None or isinstance(number, dict | list) else str(number)


async def _refuse(number: str, send: "Send") -> None:
    words = (
        f"A request with the ID {number[:_LONGEST_QUOTE]} is still being answered in this session. Give every request "
        "an ID of its own."
    )
    # Without an ID: the one in the request belongs to the answer that the first request gets.
    error = {"jsonrpc": "2.0", "id": None, "error": {"code": _INVALID_REQUEST, "message": words}}
    body = json.dumps(error).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body", "body": body})
