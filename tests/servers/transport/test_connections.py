"""A real HTTP server under idle and half-open connections: it lives, and honest clients are answered meanwhile."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from interleavethinker.servers.transport.connections import (
    MAX_CONNECTIONS,
    BoundedProtocol,
    LargeBodyMiddleware,
    raise_file_limit,
)

from ..processes import http_server

TOKEN = "a-secret-of-sufficient-length"  # noqa: S105


async def test_idle_connections_without_a_token_neither_end_the_server_nor_keep_others_out(tmp_path: Path) -> None:
    raise_file_limit()
    async with http_server(tmp_path, INTERLEAVETHINKER_TOKEN=TOKEN) as url:
        parts = urlsplit(url)
        writers = []
        for index in range(2 * MAX_CONNECTIONS + 50):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            writer.write(b"POST /mcp HTTP/1.1\r\nHost: loc")
            writers.append((reader, writer))
            if index % 300 == 299:
                async with httpx2.AsyncClient(trust_env=False, timeout=120) as client:
                    assert (await client.get(url, timeout=120)).status_code == 401
        first, _ = writers[0]
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(first.readexactly(1), 120)
        async with httpx2.AsyncClient(
            trust_env=False, headers={"Authorization": f"bearer {TOKEN}"}, timeout=120
        ) as client:
            assert (await client.get(url, timeout=120)).status_code in {400, 406}, "the token's scheme in lower case"
        for _, writer in writers:
            writer.close()


@contextlib.asynccontextmanager
async def listening(app: Any) -> AsyncIterator[tuple[str, int]]:
    """Serves an ASGI application with the bounded protocol; yields host and port."""
    import uvicorn

    config = uvicorn.Config(app, log_level="critical", http=BoundedProtocol, lifespan="off")
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    listener = await asyncio.get_running_loop().create_server(
        lambda: BoundedProtocol(config=config, server_state=server.server_state, app_state={}), "127.0.0.1"
    )
    async with listener:
        yield listener.sockets[0].getsockname()


async def test_half_a_request_is_closed_after_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interleavethinker.servers.transport.connections.REQUEST_SECONDS", 0.2)

    async def app(scope: object, receive: object, send: object) -> None:  # noqa: ARG001 - uvicorn's signature
        raise AssertionError("never called")

    async with listening(app) as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"GET / HT")
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), 60)
        writer.close()


async def test_a_body_that_does_not_arrive_is_closed_and_one_that_the_server_does_not_read_yet_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("interleavethinker.servers.transport.connections.REQUEST_SECONDS", 0.2)
    reading = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/later":
            await reading.wait()
        more = True
        while more:
            message = await receive()
            more = message.get("more_body", False)
        if message["type"] == "http.request":
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body"})

    body = 4_000_000
    async with listening(app) as address:
        patient, later = await asyncio.open_connection(*address)
        later.write(b"POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % body + b"x" * body)
        for _ in range(3):  # Each ends after its deadline.
            reader, writer = await asyncio.open_connection(*address)
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\nx")
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await asyncio.wait_for(reader.readexactly(1), 60)
            writer.close()
        reading.set()
        answer = await asyncio.wait_for(patient.readline(), 60)
        later.close()
    assert answer.startswith(b"HTTP/1.1 204")


async def test_large_bodies_are_received_a_few_at_a_time() -> None:
    inside, most = 0, 0
    go_on = asyncio.Event()

    async def app(*_: object) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await go_on.wait()
        inside -= 1

    middleware = LargeBodyMiddleware(app)
    large = {"type": "http", "headers": [(b"content-length", b"45000000")]}
    small = {"type": "http", "headers": [(b"content-length", b"100")]}
    calls = [asyncio.create_task(middleware(scope, None, None)) for scope in [large] * 10 + [small]]  # type: ignore[arg-type]
    await asyncio.sleep(0.05)
    assert most == 5, "four large ones, and the small one beside them"
    go_on.set()
    await asyncio.gather(*calls)
