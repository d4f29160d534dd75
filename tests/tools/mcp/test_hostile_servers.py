"""Other people's servers: wrong tools, no images, addresses, bombs. Each is an error, and nothing is kept."""

import asyncio
import gzip
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from interleavethinker.tools.bounded_http import bounded_client
from interleavethinker.tools.errors import GeneratorError, InterleaveError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.mcp.config import GeneratorConfig, ToolMapping, ToolTemplate
from interleavethinker.tools.mcp.generator import McpImageGenerator
from interleavethinker.tools.types import GeneratedImage, GenerationRequest

HOSTILE = (sys.executable, str(Path(__file__).parent / "hostile_server.py"))


def mapped(tool: str = "paint") -> GeneratorConfig:
    return GeneratorConfig(command=HOSTILE, tools=ToolMapping(generate=ToolTemplate(name=tool, prompt="text")))


async def error_for(config: GeneratorConfig, tmp_path: Path, prompt: str) -> InterleaveError:
    store = ImageStore(tmp_path / "workspace")
    async with McpImageGenerator(config, store) as generator:
        with pytest.raises(InterleaveError) as raised:
            await generator.generate(GenerationRequest(prompt=prompt, seed=1))
    assert list(store) == [], "nothing was stored"
    return raised.value


async def test_a_mistyped_tool_name_is_an_error_with_the_servers_words(tmp_path: Path) -> None:
    error = await error_for(mapped("pain"), tmp_path, "a ball")
    assert isinstance(error, GeneratorError)
    assert "pain" in str(error)
    assert not error.retryable


@pytest.mark.parametrize("prompt", ["html", "huge", "negative", "nothing"])
async def test_an_answer_of_the_contract_that_is_no_image_is_refused(tmp_path: Path, prompt: str) -> None:
    error = await error_for(GeneratorConfig(command=HOSTILE), tmp_path, prompt)
    assert error.code in {"contract", "no_image"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://images.example.org/1.png", "not fetched"),
        ("/var/lib/images/1.png", "not fetched"),
        ("your ticket is 17", "ticket is 17"),
        ("deep", "no image"),
        ("blanks", "no image"),
        ("html", "cannot be used"),
    ],
)
async def test_a_mapped_answer_without_an_image_is_refused_in_its_own_words(
    tmp_path: Path, text: str, expected: str
) -> None:
    started = time.monotonic()
    error = await error_for(mapped(), tmp_path, text)
    assert error.code == "no_image"
    assert expected in str(error)
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("field", [{"width": 0}, {"height": 10**30}, {"seconds": float("nan")}, {"seed": -1}])
def test_the_numbers_of_a_generated_image_are_checked(field: dict[str, float]) -> None:
    usual = {"sha256": "a" * 64, "width": 8, "height": 8, "seed": 1, "model": "m", "seconds": 0.1, "cached": False}
    with pytest.raises(ValueError, match="validation error"):
        GeneratedImage.model_validate(usual | field)


@asynccontextmanager
async def http_answer(head: bytes, chunks: list[bytes]) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n" + head + b"\r\n\r\n")
        try:
            for chunk in chunks:
                writer.write(chunk)
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1")
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


@pytest.mark.parametrize("head", [b"content-type: application/json", b"content-length: 999999999"])
async def test_a_response_longer_than_the_bound_is_refused(head: bytes) -> None:
    async with http_answer(head, [b" " * 65536] * 64) as url, bounded_client(url, max_bytes=1_000_000) as client:
        with pytest.raises(GeneratorError, match="longer than 1000000 bytes"):
            await client.get(url)


async def test_a_compressed_response_is_refused_before_it_is_inflated() -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    async with http_answer(b"content-encoding: gzip", [bomb]) as url, bounded_client(url) as client:
        with pytest.raises(GeneratorError, match="compressed"):
            await client.get(url)


async def test_a_server_on_this_machine_is_reached_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with http_answer(b"content-length: 2", [b"ok"]) as url, bounded_client(url) as client:
        assert (await client.get(url)).text == "ok"


async def test_a_bomb_from_an_mcp_server_ends_the_call_in_time(tmp_path: Path) -> None:
    bomb = gzip.compress(json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"x": " " * 50_000_000}}).encode())
    head = b"content-type: application/json\r\ncontent-encoding: gzip"
    async with http_answer(head, [bomb]) as url:
        config = GeneratorConfig(url=url + "mcp", connect_timeout=5, max_resends=0, call_timeout=20)
        error = await error_for(config, tmp_path, "a ball")
    assert isinstance(error, GeneratorError)
