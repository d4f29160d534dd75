"""Requests that need no token cannot flood the log."""

import asyncio
import logging
import os
import re
from pathlib import Path

import pytest

from interleavethinker.servers.transport.log_limits import FewLines

from ..processes import PROGRAM


def record(words: str, level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord("uvicorn.error", level, "file", 1, words, (), None)


def test_a_few_warnings_pass_in_each_period_on_one_short_line_each_and_errors_always() -> None:
    now = 0.0
    few = FewLines(most=2, seconds=60, clock=lambda: now)
    first, second, third = [record(f"Invalid \x1b[31mHost {'x' * 5000}\nforged line") for _ in range(3)]
    assert [few.filter(one) for one in (first, second, third)] == [True, True, False]
    assert len(first.getMessage()) < 400
    assert first.getMessage().isprintable()
    assert second.getMessage().endswith("(More warnings are left out for 60 s.)")
    assert few.filter(record("a defect", logging.ERROR))
    now = 61.0
    assert few.filter(record("again"))


def place_in(log: Path) -> tuple[str, int] | None:
    found = re.search(r"listening on http://([\d.]+):(\d+)", log.read_text())
    return None if found is None else (found[1], int(found[2]))


async def listening(log: Path) -> tuple[str, int]:
    """Waits until a server's log says where it listens."""
    async with asyncio.timeout(120):
        while (place := place_in(log)) is None:  # noqa: ASYNC110 - there is no event for another process's lines
            await asyncio.sleep(0.05)
    return place


@pytest.mark.parametrize("token", ["a-secret-of-sufficient-length", ""])
async def test_malformed_requests_and_wrong_hosts_leave_a_few_lines(tmp_path: Path, token: str) -> None:
    log = tmp_path / "log"
    words = ("image-server", "--model", "fake", "--transport", "http", "--port", "0", "--store", str(tmp_path / "s"))
    with log.open("wb") as file:
        server = await asyncio.create_subprocess_exec(
            *PROGRAM, *words, env=os.environ | {"INTERLEAVETHINKER_TOKEN": token}, stderr=file
        )
    try:
        host, port = await listening(log)
        for number in range(90):
            reader, writer = await asyncio.open_connection(host, port)
            named = f"evil{number}.example.org" if number % 2 else host
            head = f"GET /mcp HTTP/1.1\r\nHost: {named}\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
            writer.write(head.encode() if number % 3 else b"no HTTP at all\r\n\r\n")
            assert await asyncio.wait_for(reader.read(10), 60), "it is answered"
            writer.close()
    finally:
        server.kill()
        await server.wait()
    written = log.read_text()
    assert "Invalid HTTP request received." in written
    assert "More warnings are left out" in written
    assert len(written.splitlines()) < 60
    assert token or "evil1.example.org" in written
