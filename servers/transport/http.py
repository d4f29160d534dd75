"""Runs an MCP server over stdio or HTTP, safely.

HTTP listens on loopback unless told otherwise, and elsewhere only with a token; host and origin headers are checked,
request bodies are limited to what an image needs, and everything but the endpoint is 404.
"""

import hmac
import ipaddress
import json
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from interleavethinker.tools.errors import InputError

from .stdio import are_pipes, standard_streams

if TYPE_CHECKING:
    from anyio import AsyncFile
    from mcp.server.mcpserver import MCPServer
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["HttpOptions", "http_app", "serve_http", "serve_stdio"]

ENDPOINT = "/mcp"


@dataclass(frozen=True)
class HttpOptions:
    """Where and for whom to listen."""

    host: str = "127.0.0.1"
    port: int = 8765
    """0 lets the system choose; the line on stderr says which."""
    token: str | None = None
    """What clients must send as `Authorization: Bearer …`; needed to listen anywhere but on loopback."""
    allowed_hosts: Sequence[str] = ()
    """Further values of the Host header (`images.example.org`, `images.example.org:8765`)."""
    allowed_origins: Sequence[str] = ()
    """Origins from which web pages may call."""
    max_body: int = 48 * 1024 * 1024
    """Bytes of one request; base64 makes a 32 MiB image 43 MiB long."""

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach the address."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def check(self) -> None:
        """Refuses options that would open the server to strangers.

        Raises:
            InputError: Listening elsewhere without a token, or a token that can be guessed.
        """
        if not self.on_loopback and not self.token:
            raise InputError(
                f"To listen on {self.host}, a token must be set: put one of at least 16 characters into "
                "INTERLEAVETHINKER_TOKEN, or listen on 127.0.0.1."
            )
        if self.token is not None and len(self.token) < 16:
            raise InputError(f"A token must have at least 16 characters; this one has {len(self.token)}.")


async def serve_stdio(server: "MCPServer") -> None:
    """Serves until the client closes its end."""
    if not are_pipes():
        await server.run_stdio_async()
        return
    from mcp.server.stdio import stdio_server

    inner = server._lowlevel_server  # noqa: SLF001 - as `run_stdio_async` does, which takes no streams
    async with (
        standard_streams() as (lines, answers),
        stdio_server(cast("AsyncFile[str]", lines), cast("AsyncFile[str]", answers)) as (read, write),
    ):
        await inner.run(read, write, inner.create_initialization_options())


def http_app(server: "MCPServer", options: HttpOptions) -> "ASGIApp":
    """Returns the ASGI application: the MCP endpoint behind the token and the header checks."""
    from mcp.server.transport_security import TransportSecuritySettings

    own = ["127.0.0.1", "localhost", "[::1]"]
    if not options.on_loopback:
        own.append(options.host)
    names = [*own, *(f"{name}:*" for name in own), *options.allowed_hosts]
    origins = [
        f"{scheme}://{name}" for scheme in ("http", "https") for name in names if name not in options.allowed_hosts
    ]
    app = server.streamable_http_app(
        streamable_http_path=ENDPOINT,
        max_request_body_size=options.max_body,
        transport_security=TransportSecuritySettings(
            allowed_hosts=names, allowed_origins=[*origins, *options.allowed_origins]
        ),
        host=options.host,
    )
    return app if options.token is None else BearerTokenMiddleware(app, options.token)


async def serve_http(server: "MCPServer", options: HttpOptions) -> None:
    """Serves until SIGINT or SIGTERM; says on stderr where.

    Raises:
        InputError: The options would open the server to strangers.
    """
    options.check()
    import uvicorn

    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    # The protocol is named because asyncio turns Nagle's algorithm off only where it is: 40 ms an answer.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((options.host, options.port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise InputError(
            f"The server must be able to listen on {options.host}:{options.port}; the system said {error.strerror}. "
            "Choose another --port."
        ) from error
    config = uvicorn.Config(http_app(server, options), log_level="warning", timeout_graceful_shutdown=3)
    with listening:
        address = f"[{options.host}]" if ":" in options.host else options.host
        sys.stderr.write(f"listening on http://{address}:{listening.getsockname()[1]}{ENDPOINT}\n")
        sys.stderr.flush()
        await uvicorn.Server(config).serve(sockets=[listening])


class BearerTokenMiddleware:
    """Refuses every request without the token, before anything else looks at it."""

    def __init__(self, app: "ASGIApp", token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] == "http":
            given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
            if not hmac.compare_digest(given, self._expected):
                await _refuse(send)
                return
        await self._app(scope, receive, send)


async def _refuse(send: "Send") -> None:
    body = json.dumps({"error": "invalid_token"}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"www-authenticate", b'Bearer error="invalid_token"'),
    ]
    await send({"type": "http.response.start", "status": 401, "headers": headers})
    await send({"type": "http.response.body", "body": body})
