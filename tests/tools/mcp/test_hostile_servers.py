"""Other people's servers: wrong tools, no images, addresses, bombs. Each is an error, and nothing is kept."""

import asyncio
import codecs
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
from interleavethinker.tools.mcp import bounded_lines
from interleavethinker.tools.mcp.bounded_lines import ENCODING, MAX_LINE
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


async def test_an_error_of_a_server_is_shortened_cleaned_and_repeated_a_few_times(tmp_path: Path) -> None:
    error = await error_for(mapped(), tmp_path, "rambling")
    assert "first line blah" in str(error)
    assert len(str(error)) < 400
    calls = tmp_path / "calls"
    config = GeneratorConfig(command=HOSTILE, variables={"HOSTILE_CALLS": str(calls)})
    error = await error_for(config, tmp_path, "broken")
    assert isinstance(error, GeneratorError)
    assert calls.read_text().count("called") == 3
    assert "(Tried 3 times, the most for one image.)" in str(error)
    assert (error.code, error.retryable, error.exhausted) == ("generator", True, True)
    assert len(str(error)) < 1100
    assert str(error).isprintable()


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
    started = time.process_time()
    error = await error_for(mapped(), tmp_path, text)
    assert error.code == "no_image"
    assert expected in str(error)
    assert time.process_time() - started < 60


async def test_lines_among_the_messages_are_reported_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    chatter = "import runpy, sys; [print('INFO \x1b[31mstep', n, flush=True) for n in range(100)]; "
    program = f"{chatter}runpy.run_path(sys.argv[1], run_name='__main__')"
    config = mapped().model_copy(update={"command": (sys.executable, "-c", program, HOSTILE[1])})
    error = await error_for(config, tmp_path, "your ticket is 17")
    assert "ticket is 17" in str(error), "the messages are still read"
    (reported,) = (record for record in caplog.records if record.name.startswith("interleavethinker"))
    assert "where only messages belong: INFO step 0 (" in reported.getMessage()
    assert reported.exc_info is None


RAW = str(Path(__file__).parent / "raw_server.py")


def raw(mode: str) -> GeneratorConfig:
    """A server that writes its own messages; the patience of 120 s is there to be undercut by far."""
    return mapped().model_copy(update={"command": (sys.executable, RAW, mode), "call_timeout": 120.0})


@pytest.mark.parametrize("mode", ["endless start", "endless answer"])
async def test_a_line_without_an_end_is_refused_in_bounded_memory(tmp_path: Path, mode: str) -> None:
    error = await error_for(raw(mode), tmp_path, "a ball")
    assert isinstance(error, GeneratorError)
    assert (error.code, error.retryable) == ("contract", False)
    assert f"a line of more than {MAX_LINE} bytes" in str(error)


async def test_a_server_that_never_stops_printing_cannot_delay_the_timeout(tmp_path: Path) -> None:
    config = raw("chatter").model_copy(update={"call_timeout": 1.0})
    error = await error_for(config, tmp_path, "a ball")
    assert error.code == "deadline"


async def test_a_pattern_in_a_servers_own_schema_is_never_run(tmp_path: Path) -> None:
    error = await error_for(raw("pattern"), tmp_path, "a ball")
    assert "says: 'no image'" in str(error)


async def test_a_linked_image_that_the_server_does_not_give_out_is_named(tmp_path: Path) -> None:
    error = await error_for(raw("link"), tmp_path, "a ball")
    assert error.code == "no_image"
    assert "links the image file:///etc/passwd" in str(error)
    assert "no such method" in str(error), "the server's own words"


@pytest.mark.parametrize("cut", [1, 3, 7, 64])
def test_lines_arrive_whole_however_they_are_cut(cut: int) -> None:
    sent = "α\n{}\r\n\n€uro\nrest".encode()
    decoder = codecs.getincrementaldecoder(ENCODING)()
    got = [decoder.decode(sent[start : start + cut]) for start in range(0, len(sent), cut)]
    assert all(text.endswith("\n") for text in got if text)
    assert "".join(got) + decoder.decode(b"", final=True) == sent.decode()


def test_a_long_line_is_left_out_and_the_next_one_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_lines, "MAX_LINE", 10)
    reports: list[int] = []
    bounded_lines.watch_lines(lambda: reports.append(1))
    decoder = codecs.getincrementaldecoder(ENCODING)()
    got = [decoder.decode(part) for part in (b"a\nb", b"c" * 20, b"d" * 20, b"e\nf\xff\ng")]
    bounded_lines.watch_lines(None)
    assert "".join(got) == "a\nf\ufffd\n"
    assert reports == [1]


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


@asynccontextmanager
async def redirecting(status: int, place: str) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that sends every request to `place`, and the requests that it got."""
    got: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(f"HTTP/1.1 {status} Moved\r\nlocation: {place}\r\ncontent-length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1")
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", got


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_another_host_gets_neither_the_token_nor_the_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setenv("MY_TOKEN", "a-secret-of-sufficient-length")
    async with redirecting(404, "/") as (thief, stolen), redirecting(status, f"{thief}/mcp?x=1") as (named, asked):
        config = GeneratorConfig(url=f"{named}/mcp", token_variable="MY_TOKEN")  # noqa: S106 - a name
        error = await error_for(config, tmp_path, "a ball")
    assert stolen == []
    assert len(asked) == 1, "it is not asked again"
    assert f"The server {named} redirects the request to {thief}" in str(error)


async def test_a_redirect_within_a_server_is_no_error_of_its_own() -> None:
    async with redirecting(307, "/elsewhere") as (named, _), bounded_client(named) as client:
        assert (await client.get(named)).status_code == 307


async def test_a_server_on_this_machine_is_reached_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with http_answer(b"content-length: 2", [b"ok"]) as url, bounded_client(url) as client:
        assert (await client.get(url)).text == "ok"


async def test_a_bomb_from_an_mcp_server_ends_the_call_in_time(tmp_path: Path) -> None:
    bomb = gzip.compress(json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"x": " " * 50_000_000}}).encode())
    head = b"content-type: application/json\r\ncontent-encoding: gzip"
    async with http_answer(head, [bomb]) as url:
        config = GeneratorConfig(url=url + "mcp", connect_timeout=60, max_resends=0, call_timeout=60)
        error = await error_for(config, tmp_path, "a ball")
    assert isinstance(error, GeneratorError)
