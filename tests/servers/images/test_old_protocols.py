"""Clients of old protocol versions get only content that their version knows."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

COMMAND = (sys.executable, "-P", "-m", "interleavethinker", "image-server", "--model", "fake")


@contextlib.asynccontextmanager
async def server(store: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        "--store",
        str(store),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=2**22,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def asked(process: asyncio.subprocess.Process, number: int, method: str, **parameters: object) -> Any:
    assert process.stdin is not None
    assert process.stdout is not None
    line = {"jsonrpc": "2.0", "id": number, "method": method, "params": parameters}
    process.stdin.write(json.dumps(line).encode() + b"\n")
    while True:
        answer = json.loads(await asyncio.wait_for(process.stdout.readline(), 180))
        if answer.get("id") == number:
            return answer


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18"])
async def test_results_hold_only_kinds_of_content_that_every_protocol_version_knows(
    version: str, tmp_path: Path
) -> None:
    async with server(tmp_path) as process:
        client = {"name": "old", "version": "1"}
        started = await asked(process, 1, "initialize", protocolVersion=version, capabilities={}, clientInfo=client)
        assert started["result"]["protocolVersion"] == version
        assert process.stdin is not None
        process.stdin.write(b'{"jsonrpc": "2.0", "method": "notifications/initialized"}\n')
        arguments = {"prompt": "a ball", "seed": 1}
        result = (await asked(process, 2, "tools/call", name="generate_image", arguments=arguments))["result"]
        assert [block["type"] for block in result["content"]] == ["text", "image"]
        assert "image://" in result["content"][0]["text"]
        resource = await asked(process, 3, "resources/read", uri=result["content"][0]["text"].split()[0])
        assert resource["result"]["contents"][0]["blob"]
        # C44: the client quits in the middle of a call.
        call = {"name": "generate_image", "arguments": {"prompt": "a bell"}}
        line = {"jsonrpc": "2.0", "id": 4, "method": "tools/call", "params": call}
        process.stdin.write(json.dumps(line).encode() + b"\n")
        process.stdin.close()
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout._transport.close()  # type: ignore[attr-defined]
        errors = await asyncio.wait_for(process.stderr.read(), 180)
        assert await process.wait() == 0
        assert b"Traceback" not in errors
