"""Servers inside the test's own process: the real functions behind the programs, ended by a real signal."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Coroutine, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from sse_starlette.sse import AppStatus

from interleavethinker.servers.images.backends.fake import FakeBackend
from interleavethinker.servers.images.cache import GenerationStore
from interleavethinker.servers.images.server import build_server
from interleavethinker.servers.images.service import ImageService, ServiceLimits
from interleavethinker.servers.transport.http import HttpOptions, serve_http

for name in (
    *("httpcore2", "mcp.client.streamable_http", "mcp.server.transport_security", "rich.traceback", "uvicorn"),
    *("interleavethinker.servers.transport.connections", "mcp.shared.inbound"),
):
    import_module(name)  # A program loads these while it serves nobody yet.


@contextlib.contextmanager
def harmless_signal() -> Iterator[None]:
    """SIGTERM ends the server that handles it, and not the process that it is raised in again afterwards."""
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.asynccontextmanager
async def running(server: Coroutine[Any, Any, None], port: int) -> AsyncIterator[None]:
    """Runs a server until the block ends; an error of the server is raised here."""
    AppStatus.should_exit = False  # The end of an earlier server in this process would end this one's answers.
    with harmless_signal():
        task = asyncio.create_task(server)
        try:
            async with asyncio.timeout(60):
                while not task.done():
                    try:
                        _, writer = await asyncio.open_connection("127.0.0.1", port)
                    except OSError:
                        await asyncio.sleep(0.01)
                    else:
                        writer.close()
                        await writer.wait_closed()
                        break
            # The first turn of the server's own loop, after which it handles signals.
            await asyncio.sleep(0.05)
            if task.done():
                await task
            yield
        finally:
            if not task.done():
                os.kill(os.getpid(), signal.SIGTERM)
                async with asyncio.timeout(60):
                    await task


@contextlib.asynccontextmanager
async def fake_images(store: Path, port: int, token: str | None = None) -> AsyncIterator[str]:
    """An image server without a model; yields its URL."""
    service = ImageService(FakeBackend(), GenerationStore(store), ServiceLimits())
    server = build_server(service, remote_clients=True)
    async with service, running(serve_http(server, HttpOptions(port=port, token=token)), port):
        yield f"http://127.0.0.1:{port}/mcp"
