"""MCP over HTTP, safe by default.

Listens on loopback unless configured otherwise, and on any other address only with a token. Host and Origin headers are
checked, request bodies are limited to what an image needs, and every path except the endpoint and those of
`operations` is 404.
`connections` bounds connections and bodies, `log_limits` the lines that requests put into the log, and `request_ids`
keeps the answers of requests with the same ID apart.
"""

import errno
import hmac
import ipaddress
import json
import re
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from interleavethinker.tools.errors import InputError

from .ending_signals import Drain, FirstSignal
from .operations import METRICS, READY, Operations, OperationsMiddleware

if TYPE_CHECKING:
    from types import FrameType

    from mcp.server.mcpserver import MCPServer
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["HttpOptions", "http_app", "listening_socket", "run_app", "serve_http"]

ENDPOINT = "/mcp"
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s*?#@]+", re.IGNORECASE)
_PAGE_HEADERS = (
    "authorization",
    "content-type",
    "last-event-id",
    "mcp-method",
    "mcp-name",
    "mcp-protocol-version",
    "mcp-session-id",
)
_PORT = re.compile(r":(\d+|\*)$")
_MAX_SESSIONS = 1000
"""Sessions open at the same time; idle ones end after half an hour, or as `session_room` says."""


@dataclass(frozen=True)
class HttpOptions:
    """Where to listen, and which clients to accept."""

    host: str = "127.0.0.1"
    port: int = 8765
    """0 lets the system choose; the line on stderr gives the port."""
    token: str | None = None
    """Secret that clients send as `Authorization: Bearer …`; required for any address other than loopback."""
    allowed_hosts: Sequence[str] = ()
    """Further accepted names in the Host header: `images.example.org` with any port or none, or with one port."""
    allowed_origins: Sequence[str] = ()
    """Origins whose web pages may call, for example `https://app.example.org`."""
    max_body: int = 48 * 1024 * 1024
    """Maximum bytes of one request; in base64 a 32 MiB image takes 43 MiB."""

    def __post_init__(self) -> None:
        # As it stands in an address; sockets take it without brackets.
        if self.host.startswith("[") and self.host.endswith("]"):
            object.__setattr__(self, "host", self.host[1:-1])

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
        """Rejects options that would expose the server without a sufficient token.

        Raises:
            InputError: No address, one other than loopback without a token, a token that can be guessed, or an origin
                that no browser sends.
        """
        if not self.host.strip():  # For a socket, it would mean every address of this machine.
            raise InputError("The address to listen on is empty. Give one, such as 127.0.0.1.")
        if not self.on_loopback and not self.token:
            raise InputError(
                f"Listening on {self.host} requires a token. Set INTERLEAVETHINKER_TOKEN to a secret of at least 16 "
                "characters, or listen on 127.0.0.1."
            )
        for origin in self.allowed_origins:
            if _ORIGIN.fullmatch(origin) is None:
                raise InputError(
                    f"--allow-origin {origin} is no origin. Give scheme, host and port as browsers send them, without "
                    "a path: https://app.example.org or http://localhost:3000."
                )
        if self.token is not None and len(self.token) < 16:
            raise InputError(f"The token is too short: {len(self.token)} characters, at least 16 are required.")


def http_app(server: "MCPServer", options: HttpOptions, operations: Operations | None = None) -> "ASGIApp":
    """Returns the ASGI application: the MCP endpoint behind the token and the header checks.

    Args:
        server: Answers the calls.
        options: Which clients to accept.
        operations: Adds `/ready` and `/metrics`.
    """
    from mcp.server.transport_security import TransportSecuritySettings

    from .connections import LargeBodyMiddleware
    from .request_ids import OneRequestPerId
    from .session_room import RoomForSessions

    own = ["127.0.0.1", "localhost", "[::1]"]
    if not options.on_loopback:
        own.append(_in_header(options.host))
    names = [*own, *(f"{name}:*" for name in own)]
    origins = [f"{scheme}://{name}" for scheme in ("http", "https") for name in names]
    # A name without a port is meant with any: clients send the one that they connect to unless it is the scheme's own.
    allowed = [_in_header(name) for name in options.allowed_hosts]
    names += [*allowed, *(f"{name}:*" for name in allowed if not _PORT.search(name))]
    app = server.streamable_http_app(
        streamable_http_path=ENDPOINT,
        max_request_body_size=options.max_body,
        transport_security=TransportSecuritySettings(
            allowed_hosts=names, allowed_origins=[*origins, *options.allowed_origins]
        ),
        host=options.host,
        max_sessions=_MAX_SESSIONS,
    )
    within_limit = server.session_manager.asgi_app
    within_limit.app = OneRequestPerId(RoomForSessions(within_limit.app, _MAX_SESSIONS))
    bounded: ASGIApp = LargeBodyMiddleware(app)
    if operations is not None:
        bounded = OperationsMiddleware(bounded, METRICS, operations, names)
    if options.token is not None:
        bounded = BearerTokenMiddleware(bounded, options.token)
    if operations is not None:
        bounded = OperationsMiddleware(bounded, READY, operations)
    if not options.allowed_origins:
        return bounded
    from starlette.middleware.cors import CORSMiddleware

    # Before the token's check: browsers ask for permission without it, and let pages read only permitted refusals.
    return CORSMiddleware(
        bounded,
        allow_origins=options.allowed_origins,
        allow_methods=("GET", "POST", "DELETE"),
        allow_headers=_PAGE_HEADERS,
        allow_private_network=True,  # from a public page to this machine
        expose_headers=("mcp-session-id", "www-authenticate"),
    )


async def serve_http(
    server: "MCPServer", options: HttpOptions, operations: Operations | None = None, drain: Drain | None = None
) -> None:
    """Serves until SIGINT, SIGTERM or SIGHUP; prints the address to stderr.

    Args:
        server: Answers the calls.
        options: Where to listen, and which clients to accept.
        operations: Adds `/ready` and `/metrics`.
        drain: See `run_app`.

    Raises:
        InputError: The options would expose the server without a sufficient token, or the address is in use.
    """
    options.check()
    with listening_socket(options.host, options.port) as listening:
        address = f"[{options.host}]" if ":" in options.host else options.host
        sys.stderr.write(f"listening on http://{address}:{listening.getsockname()[1]}{ENDPOINT}\n")
        sys.stderr.flush()
        await run_app(http_app(server, options, operations), listening, drain=drain)


def listening_socket(host: str, port: int) -> socket.socket:
    """Returns a listening socket; 0 as the port lets the system choose.

    Raises:
        InputError: The address is in use, or none of this machine.
    """
    family, address = (socket.AF_INET6 if ":" in host else socket.AF_INET), host
    if host == "localhost":
        family, address = _localhost()
    # asyncio disables Nagle's algorithm (40 ms per answer) only for sockets that name their protocol.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        other = "--host" if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL else "--port"
        raise InputError(f"Cannot listen on {host}:{port}: {error.strerror}. Choose another {other}.") from error
    return listening


def _in_header(name: str) -> str:
    """Returns a name as it stands in the Host header: an IPv6 address without brackets gets them."""
    try:
        return f"[{ipaddress.IPv6Address(name).compressed}]"
    except ValueError:
        return name


def _localhost() -> tuple[socket.AddressFamily, str]:
    """Returns the loopback address that the name has on this machine; some know only the one of IPv6."""
    try:
        found = socket.getaddrinfo("localhost", None, type=socket.SOCK_STREAM)
    except OSError:
        found = []
    known = [(family, str(where[0])) for family, _, _, _, where in found]
    usable = [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]
    return next((one for one in usable if one in known), usable[0])


async def run_app(
    app: "ASGIApp",
    listening: socket.socket,
    on_exit: Callable[[], None] | None = None,
    drain: Drain | None = None,
) -> None:
    """Serves an application until SIGINT, SIGTERM or SIGHUP. After the latter two it returns.

    Args:
        app: The application.
        listening: From `listening_socket`.
        on_exit: Called when the server ends, to end answers that would never end by themselves.
        drain: Called at the first signal; the server goes on until it returns, or a second signal arrives.
    """
    import rich.traceback  # noqa: F401 - the log handler would import it when there may be no descriptor left
    import uvicorn

    from .connections import BoundedProtocol, raise_file_limit
    from .ending_signals import orderly_end
    from .log_limits import few_lines
    from .plain_requests import PlainRequests

    class Server(uvicorn.Server):
        first: FirstSignal | None = None

        def handle_exit(self, sig: int, frame: "FrameType | None") -> None:
            end = partial(self._end, sig, frame)
            if drain is None:
                end()
                return
            if self.first is None:
                self.first = FirstSignal(drain, end)
            self.first.receive()

        def _end(self, sig: int, frame: "FrameType | None") -> None:
            super().handle_exit(sig, frame)
            if on_exit is not None:
                on_exit()

    raise_file_limit()
    config = uvicorn.Config(PlainRequests(app), log_level="warning", timeout_graceful_shutdown=3, http=BoundedProtocol)
    server = Server(config)
    with few_lines(), orderly_end():
        try:
            await server.serve(sockets=[listening])
        finally:
            if server.first is not None:
                await server.first.close()


class BearerTokenMiddleware:
    """ASGI middleware that refuses every request without the token before any other code sees it."""

    def __init__(self, app: "ASGIApp", token: str) -> None:
        self._app = app
        self._expected = token.encode()

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] == "http":
            given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
            scheme, _, secret = given.partition(b" ")
            if scheme.lower() != b"bearer" or not hmac.compare_digest(secret.strip(), self._expected):
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
