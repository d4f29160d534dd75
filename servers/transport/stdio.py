"""This process's standard input and output as an MCP wire that the event loop itself reads and writes.

The library's own transport hands every line to a worker thread and every answer to two of them, one after the other,
and whoever called waits for each of those wake-ups. Pipes and sockets need none. Knows bytes and lines, nothing of MCP.
"""

import asyncio
import contextlib
import os
import stat
import sys
from collections.abc import AsyncIterator, Iterator

__all__ = ["AnswerStream", "LineStream", "are_pipes", "standard_streams"]

_UNLIMITED = sys.maxsize
"""An uploaded image is one line of many megabytes; the service has the limits."""


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


class LineStream:
    """Lines of standard input, as `async for` gives them, until the other side closes its end."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    def __aiter__(self) -> "LineStream":
        return self

    async def __anext__(self) -> str:
        line = await self._reader.readline()
        if not line:
            raise StopAsyncIteration
        return line.decode(errors="replace")


class AnswerStream:
    """Standard output."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def write(self, text: str) -> None:
        """Takes text; what the other side can take at once leaves at once."""
        self._writer.write(text.encode())

    async def flush(self) -> None:
        """Returns when everything has left."""
        await self._writer.drain()


@contextlib.asynccontextmanager
async def standard_streams() -> AsyncIterator[tuple[LineStream, AnswerStream]]:
    """Opens both streams; until they are closed, nothing else in this process can read or write them by accident."""
    loop = asyncio.get_running_loop()
    with _taken_away() as (source, target):
        reader = asyncio.StreamReader(limit=_UNLIMITED)
        reading, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(source, "rb", buffering=0)
        )
        writing, protocol = await loop.connect_write_pipe(
            lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()), os.fdopen(target, "wb", buffering=0)
        )
        writing.set_write_buffer_limits(high=0)
        try:
            yield LineStream(reader), AnswerStream(asyncio.StreamWriter(writing, protocol, None, loop))
        finally:
            reading.close()
            writing.close()


@contextlib.contextmanager
def _taken_away() -> Iterator[tuple[int, int]]:
    """Yields descriptors of the wire; meanwhile 0 reads nothing and what is printed goes where errors go."""
    kept = source, target = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    back = tuple(os.dup(each) for each in kept)
    try:
        yield source, target
    finally:
        for number, each in enumerate(back):
            os.dup2(each, number)
            os.close(each)
            # Others may hold the same pipe's end, and expect it as it was.
            os.set_blocking(number, True)
