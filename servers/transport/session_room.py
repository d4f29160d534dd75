"""Room for a new session where the most are open: the one that nobody has used for longest is ended.

Many clients leave without ending their session, which the MCP library then keeps for half an hour. A thousand of them
would keep everybody else out. A session with a request in progress, or with an open stream of news, is never ended, and
none that was used within the last minute. A client whose session was ended gets 404 and opens another one, as the
protocol says.
"""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["RoomForSessions"]

_SESSION = b"mcp-session-id"
_LEAST_IDLE = 60.0
"""Seconds."""
_GONE = 404


@dataclass
class _Use:
    running: int = 0
    """Requests in progress, an open stream included."""
    last: float = 0.0


class RoomForSessions:
    """ASGI middleware around the library's handler of the endpoint.

    Args:
        app: The handler.
        most: Sessions that it keeps open.
    """

    def __init__(self, app: "ASGIApp", most: int) -> None:
        self._app = app
        self._most = most
        self._uses: dict[bytes, _Use] = {}

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        session = dict(scope["headers"]).get(_SESSION)
        if session is None:
            await self._make_room(scope)
        use = self._uses.get(session, _Use()) if session is not None else _Use()
        status, opened = 0, None

        async def watch(message: "Message") -> None:
            nonlocal status, opened
            if message["type"] == "http.response.start":
                status = message["status"]
                opened = dict(message.get("headers", ())).get(_SESSION)
                if session is None and opened is not None and status < 400:
                    self._uses[opened] = use
            await send(message)

        use.running += 1
        try:
            await self._app(scope, receive, watch)
        finally:
            use.running -= 1
            use.last = time.monotonic()
            if session is not None and (status == _GONE or scope["method"] == "DELETE"):
                self._uses.pop(session, None)

    async def _make_room(self, scope: "Scope") -> None:
        while len(self._uses) >= self._most:
            session, use = min(self._uses.items(), key=lambda each: (each[1].running > 0, each[1].last))
            if use.running or time.monotonic() - use.last < _LEAST_IDLE:
                return
            del self._uses[session]
            await self._end(session, scope)

    async def _end(self, session: bytes, scope: "Scope") -> None:
        kept = [each for each in scope["headers"] if each[0] in {b"host", b"origin", b"authorization"}]
        ending = {**scope, "method": "DELETE", "headers": [*kept, (_SESSION, session)]}

        async def nothing() -> "Message":
            return {"type": "http.request", "body": b"", "more_body": False}

        async def ignore(_: "Message") -> None:
            return

        await self._app(ending, nothing, ignore)
