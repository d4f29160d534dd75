"""Requests as odd clients send them, over real sockets: an answer each, and nothing in the log."""

import asyncio
import json
import logging
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from interleavethinker.servers.transport.http import listening_socket, run_app

from ..processes import free_port
from .served import fake_images, running


async def answer(port: int, data: bytes, *, leave: bool = False) -> bytes:
    """Sends bytes and returns what comes back until the headers end; or leaves at once."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    await writer.drain()
    try:
        return b"" if leave else await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
    finally:
        writer.close()


def request(port: int, method: str, path: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def initialize(port: int) -> bytes:
    about = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "odd", "version": "1"}}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": about}).encode()
    kinds = ("Accept: application/json, text/event-stream", "Content-Type: application/json")
    return request(port, "POST", "/mcp", *kinds, f"Content-Length: {len(body)}", body=body)


async def test_a_client_that_asks_for_lost_events_gets_a_new_stream(tmp_path: Path) -> None:
    port = free_port()
    async with fake_images(tmp_path, port):
        head = (await answer(port, initialize(port))).decode().lower()
        session = next(line for line in head.split("\r\n") if line.startswith("mcp-session-id: "))
        words = ("Accept: text/event-stream", "Mcp-Protocol-Version: 2025-06-18", session, "Last-Event-ID: 7")
        resumed = (await answer(port, request(port, "GET", "/mcp", *words))).decode().lower()
    assert resumed.startswith("http/1.1 200 ok")
    assert "content-type: text/event-stream" in resumed


@pytest.mark.parametrize(
    "framing", [("Content-Length: 500",), ("Transfer-Encoding: chunked",), ("Content-Length: 5000000",)]
)
async def test_a_client_that_leaves_in_the_middle_of_its_request_leaves_no_traceback(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, framing: tuple[str, ...]
) -> None:
    async def read(asked: Request) -> Response:
        entered.set()
        try:
            return Response(await asked.body())
        finally:
            left.set()

    entered, left = asyncio.Event(), asyncio.Event()
    port = free_port()
    kinds = ("Accept: application/json, text/event-stream", "Content-Type: application/json")
    with listening_socket("127.0.0.1", port) as listening, caplog.at_level(logging.WARNING):
        async with running(run_app(Starlette(routes=[Route("/", read, methods=["POST"])]), listening), port):
            await answer(port, request(port, "POST", "/", *framing, body=b"5\r\n{"), leave=True)
            async with asyncio.timeout(60):
                await entered.wait()
                await left.wait()
    async with fake_images(tmp_path, port):
        await answer(port, request(port, "POST", "/mcp", *kinds, *framing, body=b"5\r\n{"), leave=True)
        assert b"200 OK" in await answer(port, initialize(port))
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_a_body_with_two_lengths_is_refused_and_the_connection_closed(tmp_path: Path) -> None:
    port = free_port()
    async with fake_images(tmp_path, port):
        lengths = ("Transfer-Encoding: chunked", "Content-Length: 5")
        for both in (lengths, lengths[::-1]):
            refused = await answer(port, request(port, "POST", "/mcp", *both, body=b"0\r\n\r\n"))
            assert refused.startswith(b"HTTP/1.1 400 ")
            assert b"connection: close" in refused.lower()


async def test_hosts_and_origins_that_do_not_parse_are_refused_before_anybody_reads_their_beginning(
    tmp_path: Path,
) -> None:
    port = free_port()
    cases = {
        421: [
            "localhost:80.evil",
            "localhost:80:90",
            "localhost:99999",
            "localhost:0",
            "localhost:",
            "me@localhost:80",
        ],
        403: ["http://localhost:80.evil", "http://localhost:80@evil", "null"],
        400: ["localhost:80", "[::1]:80", "http://localhost:3000"],
    }
    async with fake_images(tmp_path, port):
        for status, values in cases.items():
            for value in values:
                origin = "//" in value or value == "null"
                host = f"127.0.0.1:{port}" if origin else value
                lines = ["POST /mcp HTTP/1.1", f"Host: {host}", *([f"Origin: {value}"] if origin else [])]
                lines += ["Accept: application/json, text/event-stream", "Content-Type: application/json"]
                sent = "\r\n".join([*lines, "Content-Length: 2"]).encode() + b"\r\n\r\n{}"
                answered = (await answer(port, sent)).split(b" ")[1]
                assert int(answered) == status, f"{value}; 400: it passed the checks, but is no valid request"
