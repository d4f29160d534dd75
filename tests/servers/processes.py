"""Real server processes for tests."""

import asyncio
import contextlib
import os
import random
import re
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

PROGRAM = (sys.executable, "-m", "interleavethinker.cli")
_PORTS = range(10_000, 32_000)
"""Below those that Linux gives to connections and to servers without a port of their own."""


def free_port() -> int:
    """A port that nobody has now, and that another process is unlikely to get before its server starts."""
    for port in random.SystemRandom().sample(_PORTS, 100):
        with socket.socket() as tried, contextlib.suppress(OSError):
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("a hundred random ports are taken")


@contextlib.contextmanager
def refusing_port() -> Iterator[int]:
    """A port that refuses connections and that nobody else can get meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield int(bound.getsockname()[1])


@contextlib.asynccontextmanager
async def http_server(store: Path, *options: str, port: int = 0, **variables: str) -> AsyncIterator[str]:
    """An image server on a free port; yields its URL."""
    process = await asyncio.create_subprocess_exec(
        *PROGRAM,
        *("image-server", "--transport", "http", "--port", str(port), "--store", str(store)),
        *(options or ("--model", "fake")),
        env=os.environ | variables,
        stderr=asyncio.subprocess.PIPE,
        limit=2**20,
    )
    try:
        assert process.stderr is not None
        async with asyncio.timeout(180):
            while True:
                line = (await process.stderr.readline()).decode()
                assert line, "the server ended before it listened"
                found = re.search(r"listening on (http://\S+)", line)
                if found is not None:
                    break
        yield found.group(1)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
