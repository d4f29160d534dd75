"""MCP over this process's standard input and output, read and written by the event loop itself.

The MCP library's own transport passes every line through a worker thread and every answer through two of them in turn,
and each call waits for those wake-ups. Pipes and sockets need no threads. The streams know bytes and lines, nothing of
MCP; `serve_stdio` connects them to a server.
"""

import asyncio
import contextlib
import json
import os
import re
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, cast

from pydantic_core import from_json

from .ending_signals import Drain, drained_at_sigterm
from .invalid_requests import invalid_request

if TYPE_CHECKING:
    from anyio import AsyncFile
    from mcp.client._transport import TransportStreams
    from mcp.server.mcpserver import MCPServer

__all__ = ["LineReader", "TextWriter", "are_pipes", "message_streams", "serve_stdio", "standard_streams"]

_ID = re.compile(r'"id"\s{0,9}:\s{0,9}([0-9]{1,18}|"[\w-]{1,100}")')
_ID_WITHIN = 1000
"""Characters at either end of a line in which its id is looked for."""
_UNLIMITED = sys.maxsize
"""An uploaded image is one line of many megabytes; the service enforces the limits."""


async def serve_stdio(server: "MCPServer", drain: Drain | None = None, at_end: Drain | None = None) -> None:
    """Serves until the client closes its end.

    Args:
        server: Answers the calls.
        drain: See `drained_at_sigterm`.
        at_end: Called when the client has closed its end, or has died; the calls in flight are cut once it returns. Not
            called where the streams are no pipes, see `are_pipes`.
    """
    inner = server._lowlevel_server  # noqa: SLF001 - as `run_stdio_async` does, which accepts no streams
    async with message_streams(at_end) as (read, write):
        with contextlib.nullcontext() if drain is None else drained_at_sigterm(drain):
            await inner.run(read, write, inner.create_initialization_options())


@contextlib.asynccontextmanager
async def message_streams(at_end: Drain | None = None) -> "AsyncIterator[TransportStreams]":
    """Opens the client's messages on standard input, and those to it on standard output; see `serve_stdio`."""
    from mcp.server.stdio import stdio_server

    with _unread_messages_dropped():
        if not are_pipes():
            async with stdio_server() as streams:
                yield streams
            return
        async with (
            standard_streams() as (reader, writer),
            stdio_server(
                cast("AsyncFile[str]", _readable(reader, writer, at_end)), cast("AsyncFile[str]", writer)
            ) as streams,
        ):
            yield streams


@contextlib.contextmanager
def _unread_messages_dropped() -> Iterator[None]:
    """Ends in order where the client still sends as its server ends: the library fails at messages nobody reads."""
    import anyio

    try:
        yield
    except* anyio.BrokenResourceError:
        pass


def are_pipes() -> bool:
    """Whether the event loop can wait for both streams: not for files and terminals, and not on Windows."""
    if sys.platform == "win32":
        return False
    try:
        source, target, log = (os.fstat(number) for number in (0, 1, 2))
    except OSError:
        return False
    # A log on the same pipe would become non-blocking with it, and then lose lines.
    return all(stat.S_ISFIFO(each.st_mode) or stat.S_ISSOCK(each.st_mode) for each in (source, target)) and not (
        os.path.samestat(target, log)
    )


class LineReader:
    """Lines of standard input as an async iterator, until the other side closes its end."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    def __aiter__(self) -> "LineReader":
        return self

    async def __anext__(self) -> str:
        line = await self._reader.readline()
        if not line:
            raise StopAsyncIteration
        return line.decode(errors="replace")


class TextWriter:
    """Standard output."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def write(self, text: str) -> None:
        """Sends at once what the other side accepts, and buffers the rest."""
        self._writer.write(text.encode())

    async def flush(self) -> None:
        """Returns once everything has been sent, or the client has gone: the end of its input then ends the server."""
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()


@contextlib.asynccontextmanager
async def standard_streams() -> AsyncIterator[tuple[LineReader, TextWriter]]:
    """Opens both streams; until they are closed, nothing else in this process can read or write them by accident."""
    loop = asyncio.get_running_loop()
    with _redirected() as (source, target):
        reader = asyncio.StreamReader(limit=_UNLIMITED)
        reading, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(source, "rb", buffering=0)
        )
        writing, protocol = await loop.connect_write_pipe(
            lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()), os.fdopen(target, "wb", buffering=0)
        )
        writing.set_write_buffer_limits(high=0)
        writer = TextWriter(asyncio.StreamWriter(writing, protocol, None, loop))
        try:
            yield LineReader(reader), writer
        finally:
            reading.close()
            writing.close()


async def _readable(lines: LineReader, writer: TextWriter, at_end: Drain | None) -> AsyncIterator[str]:
    """Yields the lines that are JSON-RPC, and answers others: the MCP library would leave their sender waiting.

    The library cuts the calls in flight where the lines end, so these end only once `at_end` has returned.
    """
    async for line in lines:
        try:
            message = from_json(line)
        except ValueError:
            if line.strip():
                await writer.write(_parse_error(line))
            continue
        if (error := invalid_request(message)) is None:
            yield line
        else:
            await writer.write(json.dumps(error) + "\n")
    if at_end is not None:
        await at_end()


def _parse_error(line: str) -> str:
    """Returns the JSON-RPC error for an unreadable line, with the line's own id where it can be found."""
    found = _ID.search(line[:_ID_WITHIN]) or _ID.search(line[-_ID_WITHIN:])
    number = found.group(1) if found else "null"
    message = "The line is not valid JSON in valid Unicode."
    return f'{{"jsonrpc":"2.0","id":{number},"error":{{"code":-32700,"message":"{message}"}}}}\n'


@contextlib.contextmanager
def _redirected() -> Iterator[tuple[int, int]]:
    """Yields descriptors of the real streams; meanwhile 0 is empty, and what is printed to 1 goes to stderr."""
    originals = source, target = os.dup(0), os.dup(1)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    os.dup2(2, 1)
    backups = tuple(os.dup(each) for each in originals)
    try:
        yield source, target
    finally:
        for number, backup in enumerate(backups):
            os.dup2(backup, number)
            os.close(backup)
            # Other processes may hold the same pipe's end, and expect it to block as before.
            os.set_blocking(number, True)
