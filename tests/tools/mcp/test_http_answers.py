"""Answers that HTTP gives to a call: its caller learns what was refused, and no finished call is repeated."""

import asyncio
import base64
import gzip
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from interleavethinker.tools.errors import GeneratorError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.mcp import transport
from interleavethinker.tools.mcp.config import GeneratorConfig, ToolMapping, ToolTemplate
from interleavethinker.tools.mcp.generator import McpImageGenerator
from interleavethinker.tools.testing.generator import fake_image
from interleavethinker.tools.types import GeneratedImage, GenerationRequest

CALL = GenerationRequest(prompt="a ball", seed=1)
IMAGE = {"type": "image", "mimeType": "image/png", "data": base64.b64encode(fake_image(CALL)).decode()}


def response(body: bytes, status: str = "200 OK", *headers: str, kind: str = "application/json") -> bytes:
    """An answer of HTTP; a content length among the headers takes the place of the true one."""
    lines = [f"HTTP/1.1 {status}", f"content-type: {kind}", "connection: close", *headers]
    if not any(line.startswith("content-length") for line in headers):
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def answered(request: dict[str, object], result: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}).encode()


class Served:
    """A server that answers calls of its one tool with the given bytes in turn, and then with an image."""

    def __init__(self, answers: Sequence[bytes], to_get: bytes) -> None:
        self.url = ""
        self.calls = 0
        self._answers = list(answers)
        self._to_get = to_get

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:")), 0)
        body = await reader.readexactly(length)
        writer.write(self._answer(json.loads(body)) if head.startswith(b"post") else self._to_get)
        await writer.drain()
        writer.close()

    def _answer(self, request: dict[str, object]) -> bytes:
        method = request["method"]
        if method == "tools/call":
            self.calls += 1
            return self._answers.pop(0) if self._answers else response(answered(request, {"content": [IMAGE]}))
        if method == "initialize":
            hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "x", "version": "1"}}
            return response(answered(request, hello), "200 OK", "mcp-session-id: s")
        return response(answered(request, {})) if "id" in request else response(b"", "202 Accepted")


@asynccontextmanager
async def serving(*answers: bytes, to_get: bytes = response(b"", "405 Method Not Allowed")) -> AsyncIterator[Served]:
    served = Served(answers, to_get)
    server = await asyncio.start_server(served.serve, "127.0.0.1")
    async with server:
        served.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"
        yield served


async def generated(served: Served, folder: Path, *, max_resends: int = 3) -> GeneratedImage:
    tools = ToolMapping(generate=ToolTemplate(name="draw"))
    config = GeneratorConfig(url=served.url, tools=tools, max_resends=max_resends)
    async with McpImageGenerator(config, ImageStore(folder)) as generator:
        return await generator.generate(CALL)


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (response(gzip.compress(b"{}"), "200 OK", "content-encoding: gzip"), "contract", "a compressed answer"),
        (response(b"{}", "200 OK", "content-length: 999999999"), "contract", "is longer than"),
        (
            response(b"", "302 Found", "location: http://elsewhere.invalid/"),
            "redirected",
            "http://elsewhere.invalid:80",
        ),
        (response(b"", "401 Unauthorized"), "unauthorized", "HTTP 401"),
        (response(b"", "413 Content Too Large"), "contract", "refused the request .HTTP 413."),
        (response(b'{"error": "no"}', "422 Unprocessable Content"), "contract", "refused the request .HTTP 422."),
    ],
)
async def test_a_refused_answer_to_a_call_is_named_and_the_call_is_not_sent_again(
    tmp_path: Path, answer: bytes, code: str, words: str
) -> None:
    async with serving(answer) as served:
        with pytest.raises(GeneratorError, match=words) as caught:
            await generated(served, tmp_path)
    assert (caught.value.code, served.calls) == (code, 1)


async def test_an_event_that_is_too_long_is_not_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "_LARGEST_EVENT", 1000)
    async with serving(response(b"data: " + b"x" * 2000, kind="text/event-stream")) as served:
        with pytest.raises(GeneratorError, match=r"cannot be read: .*1000") as caught:
            await generated(served, tmp_path)
    assert (caught.value.code, served.calls) == ("contract", 1)


async def test_a_rate_limit_is_waited_for_and_costs_no_resend(tmp_path: Path) -> None:
    limited = response(b"", "429 Too Many Requests")
    async with serving(limited, limited) as served:
        image = await generated(served, tmp_path, max_resends=0)
    assert (image.width, served.calls) == (96, 3)


async def test_a_refused_stream_of_news_leaves_the_calls_alone(tmp_path: Path) -> None:
    compressed = response(gzip.compress(b"no"), "405 Method Not Allowed", "content-encoding: gzip")
    async with serving(to_get=compressed) as served:
        await generated(served, tmp_path, max_resends=0)
    assert served.calls == 1
