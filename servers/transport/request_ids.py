"""Requests that the MCP library would never answer: those with an ID in use, and those without a usable one.

The MCP library keeps the stream of an answer under the ID of its request, in each session, and replaces it by that of a
second request with the same ID: both answers then go to the second one, and the first one waits forever. So the second
one is refused while the first one is being answered. What `invalid_requests` finds is refused in any case.
"""

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING

from pydantic_core import from_json

from .invalid_requests import INVALID_REQUEST, invalid_request

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["OneRequestPerId"]

_PATIENCE_SECONDS = 0.25
"""A client that has read an answer may send its next request before the server has cleaned up after the last one."""
_OWN_STREAM = "_GET_stream"
"""The library's key for the stream that a GET opens, which stands beside those of the requests."""
_LONGEST_QUOTE = 40
_ACCEPTED = 202


class OneRequestPerId:
    """ASGI middleware behind the library's own limit of the body, which passes the whole body on in one message."""

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app
        self._live: dict[tuple[bytes, str], asyncio.Event] = {}

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """See ASGI."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        message = await receive()
        unread = [message]

        async def replay() -> "Message":
            return unread.pop() if unread else await receive()

        request = _read(message)
        if request is not None and (error := invalid_request(request)) is not None:
            await self._app(scope, replay, _instead_of_acceptance(error, send))
            return
        session, number = _session_of(scope), _id_of(request)
        if session is None or number is None:
            await self._app(scope, replay, send)
            return
        key = session, number
        if (before := self._live.get(key)) is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    await before.wait()
        if key in self._live or number == _OWN_STREAM:
            await _refuse(_in_use(number), send)
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

    headers = dict(scope["headers"])
    version = headers.get(b"mcp-protocol-version")
    if version is not None and version.decode("latin-1") not in HANDSHAKE_PROTOCOL_VERSIONS:
        return None  # Newer protocols have no sessions.
    session: bytes | None = headers.get(b"mcp-session-id")
    return session


def _read(message: "Message") -> object:
    """Returns what a message holds; None for what is no JSON, which the library refuses, or has left."""
    if message["type"] != "http.request" or message.get("more_body"):
        return None
    try:
        return from_json(message.get("body", b""))
    except ValueError:
        return None


def _id_of(request: object) -> str | None:
    """Returns the ID of a request, as the library compares it; None for anything else."""
    if not isinstance(request, dict) or not isinstance(request.get("method"), str):
        return None
    number = request.get("id")
    return None if number is None or isinstance(number, dict | list) else str(number)


def _in_use(number: str) -> dict[str, object]:
    words = (
        f"A request with the ID {number[:_LONGEST_QUOTE]} is still being answered in this session. Give every request "
        "an ID of its own."
    )
    # Without an ID: the one in the request belongs to the answer that the first request gets.
    return {"jsonrpc": "2.0", "id": None, "error": {"code": INVALID_REQUEST, "message": words}}


def _instead_of_acceptance(error: dict[str, object], send: "Send") -> "Send":
    """Returns what sends an error where the library would accept a message without an answer (202).

    The library still refuses a message first that has another fault, such as a host that is not allowed.
    """
    accepted = False

    async def answer(message: "Message") -> None:
        nonlocal accepted
        if message["type"] == "http.response.start" and message["status"] == _ACCEPTED:
            accepted = True
            await _refuse(error, send)
        elif not accepted:
            await send(message)

    return answer


async def _refuse(error: dict[str, object], send: "Send") -> None:
    body = json.dumps(error).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body", "body": body})
