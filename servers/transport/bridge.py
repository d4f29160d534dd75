"""Connects a chat client that starts programs to a server that already runs: messages from stdio to HTTP and back.

Several clients then share one process, its models and its queue. Messages pass through unread, apart from what HTTP
repeats in headers, so every capability of client and server works. When the server has been restarted, the bridge
introduces its client again and repeats what the new server refused; a call that was lost gets an error that says so.
"""

import asyncio
import contextlib
import logging
import sys
from typing import TYPE_CHECKING, Any

from interleavethinker.tools.bounded_http import is_http_address
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.mcp.malformed_answers import answers_checked

from .stdio import message_streams

if TYPE_CHECKING:
    from mcp.client._transport import TransportStreams
    from mcp_types import JSONRPCError, JSONRPCMessage, JSONRPCRequest

__all__ = ["bridge"]

_log = logging.getLogger(__name__)
_SERVER_LOST = -32000
_CONNECT_SECONDS = 10.0
_RESTARTED = ("Session terminated", "Session not found", "Not Found")
"""What the HTTP transport says where a restarted server no longer knows the session."""
_OWN_ID = "interleavethinker-bridge"


async def bridge(url: str, token: str | None = None, streams: "TransportStreams | None" = None) -> None:
    """Passes messages on until the client closes its end.

    Args:
        url: Endpoint of the server, such as `http://127.0.0.1:8766/mcp`.
        token: Sent as `Authorization: Bearer …`.
        streams: The client's messages; None: standard input and output.

    Raises:
        InputError: The URL is none.
    """
    if not is_http_address(url):
        raise InputError(f"--connect needs the URL of a running server, such as http://127.0.0.1:8766/mcp; got {url}.")
    if streams is not None:
        await _Bridge(url, token, streams).run()
        return
    async with message_streams() as opened:
        await _Bridge(url, token, opened).run()


class _Connection:
    """One session with the server, in a task of its own."""

    def __init__(self, bridge_: "_Bridge") -> None:
        self._bridge = bridge_
        self._opened: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.pending: dict[str | int, JSONRPCRequest] = {}
        """The client's calls without an answer yet."""
        self.introduced = asyncio.Event()
        self.ended = False
        self.task = asyncio.create_task(self._run())

    async def send(self, message: "JSONRPCMessage") -> None:
        """Sends a message; where the connection has just ended, its calls get an error."""
        from mcp.shared.message import ClientMessageMetadata, SessionMessage
        from mcp_types import JSONRPCRequest

        if isinstance(message, JSONRPCRequest) and message.id != _OWN_ID:
            self.pending[message.id] = message
        try:
            to_server = await self._opened
            await to_server.send(
                SessionMessage(message, ClientMessageMetadata(headers=self._bridge.headers_of(message)))
            )
        except Exception as error:  # noqa: BLE001 - the library closes its streams in several ways
            await self._answer_lost(error)

    async def _run(self) -> None:
        import httpx2
        from mcp.client.streamable_http import streamable_http_client

        problem: BaseException | None = None
        try:
            # A call may take as long as an image model needs; only connecting is bounded.
            timeout = httpx2.Timeout(_CONNECT_SECONDS, read=None, pool=None)
            async with (
                httpx2.AsyncClient(headers=self._bridge.headers, timeout=timeout) as client,
                answers_checked(
                    streamable_http_client(self._bridge.url, http_client=client, max_sse_event_size=None)
                ) as (read, write),
            ):
                self._opened.set_result(write)
                async for item in read:
                    if isinstance(item, Exception):
                        _log.info("%s", item)
                    else:
                        await self._bridge.receive(item.message, self)
        except Exception as error:  # noqa: BLE001 - whatever ends a connection is reported to the waiting calls
            problem = error
        self.ended = True
        self.introduced.set()
        if not self._opened.done():
            self._opened.set_exception(ConnectionError("not connected"))
        await self._answer_lost(problem)

    async def _answer_lost(self, problem: BaseException | None) -> None:
        """Tells the client which calls will never be answered."""
        from mcp_types import ErrorData, JSONRPCError

        self.ended = True
        lost, self.pending = list(self.pending), {}
        while isinstance(problem, BaseExceptionGroup):
            problem = problem.exceptions[0]
        cause = f" ({problem})" if problem is not None and str(problem) else ""
        text = f"The server at {self._bridge.url} cannot be reached{cause}. Start it, then call again."
        if lost:
            sys.stderr.write(text + "\n")
        for number in lost:
            error = JSONRPCError(jsonrpc="2.0", id=number, error=ErrorData(code=_SERVER_LOST, message=text))
            await self._bridge.to_client(error)


class _Bridge:
    def __init__(self, url: str, token: str | None, streams: "TransportStreams") -> None:
        self.url = url
        self.headers = {} if token is None else {"authorization": f"Bearer {token}"}
        self._from_client, self._to_client = streams
        self._repeated: set[str | int] = set()
        self._introduction: JSONRPCRequest | None = None
        self._version: str | None = None
        self._connection: _Connection | None = None
        self._opening = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        from mcp_types import JSONRPCRequest

        try:
            async for item in self._from_client:
                if isinstance(item, Exception):
                    continue
                message = item.message
                if isinstance(message, JSONRPCRequest) and message.method == "initialize":
                    self._introduction, self._connection = message, None
                await (await self._connected(introduce=getattr(message, "method", "") != "initialize")).send(message)
        finally:
            for task in tuple(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._to_client.aclose()  # until then standard output stays open, and the program runs on

    async def _connected(self, *, introduce: bool) -> _Connection:
        """Returns a connection that is open, on which the client is known."""
        from mcp_types import JSONRPCNotification

        async with self._opening:
            connection = self._connection
            if connection is not None and not connection.ended:
                return connection
            connection = self._connection = _Connection(self)
            self._keep(connection.task)
            introduction = self._introduction
            if introduce and introduction is not None:
                await connection.send(introduction.model_copy(update={"id": _OWN_ID}))
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(connection.introduced.wait(), _CONNECT_SECONDS)
                await connection.send(JSONRPCNotification(jsonrpc="2.0", method="notifications/initialized"))
            return connection

    async def receive(self, message: "JSONRPCMessage", connection: _Connection) -> None:
        """Passes a message of the server on, or repeats the call that it refuses because it has been restarted."""
        from mcp_types import JSONRPCError, JSONRPCResponse

        if isinstance(message, JSONRPCResponse | JSONRPCError):
            if message.id == _OWN_ID:
                connection.introduced.set()
                return
            asked = None if message.id is None else connection.pending.pop(message.id, None)
            if asked is not None and isinstance(message, JSONRPCError) and self._is_new_server(message, asked):
                self._repeated.add(asked.id)
                if self._connection is connection:
                    self._connection = None  # It stays open for its other calls.
                self._keep(asyncio.create_task(self._repeat(asked)))
                return
            if asked is not None:
                self._repeated.discard(asked.id)
                if asked.method == "initialize" and isinstance(message, JSONRPCResponse):
                    version = message.result.get("protocolVersion")
                    self._version = version if isinstance(version, str) else None
        await self.to_client(message)

    async def to_client(self, message: "JSONRPCMessage") -> None:
        """Sends a message to the client, unless it has left."""
        from anyio import BrokenResourceError, ClosedResourceError
        from mcp.shared.message import SessionMessage

        with contextlib.suppress(BrokenResourceError, ClosedResourceError):
            await self._to_client.send(SessionMessage(message))

    def _is_new_server(self, error: "JSONRPCError", asked: "JSONRPCRequest") -> bool:
        known = self._introduction is not None and asked.method != "initialize"
        return known and asked.id not in self._repeated and error.error.message in _RESTARTED

    async def _repeat(self, asked: "JSONRPCRequest") -> None:
        await (await self._connected(introduce=True)).send(asked)

    def _keep(self, task: "asyncio.Task[None]") -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def headers_of(self, message: "JSONRPCMessage") -> dict[str, str]:
        """Returns what HTTP repeats of a message in headers."""
        from mcp.shared.inbound import (
            MCP_METHOD_HEADER,
            MCP_NAME_HEADER,
            MCP_PROTOCOL_VERSION_HEADER,
            NAME_BEARING_METHODS,
            encode_header_value,
        )
        from mcp_types import PROTOCOL_VERSION_META_KEY

        method, params = getattr(message, "method", None), getattr(message, "params", None) or {}
        if method == "initialize":
            return {}
        headers = {} if method is None else {MCP_METHOD_HEADER: method}
        stated = (params.get("_meta") or {}).get(PROTOCOL_VERSION_META_KEY)
        version = stated if isinstance(stated, str) else self._version
        if version is not None:
            headers[MCP_PROTOCOL_VERSION_HEADER] = version
        name = params.get(NAME_BEARING_METHODS.get(method or "", ""))
        if isinstance(name, str):
            headers[MCP_NAME_HEADER] = encode_header_value(name)
        return headers
