"""Answers that HTTP gives to a call: its caller learns what was refused, and no finished call is repeated."""

import asyncio
import base64
import gzip
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from interleavethinker.tools import bounded_http
from interleavethinker.tools.errors import GeneratorError, ModelError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.mcp import transport
from interleavethinker.tools.mcp.budget import ResendBudget
from interleavethinker.tools.mcp.config import GeneratorConfig, ToolMapping, ToolTemplate
from interleavethinker.tools.mcp.generator import McpImageGenerator
from interleavethinker.tools.mcp.tool_server import McpTools
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
    """A server that answers calls of its one tool with the given bytes in turn, and then with an image.

    A call for `held` is answered when the `gate` opens. Sessions that begin before a restart are unknown after it, if
    the server is told to restart at a call.
    """

    def __init__(self, answers: Sequence[bytes], to_get: bytes) -> None:
        self.url = ""
        self.calls = 0
        self.sessions = 0
        self.gate = asyncio.Event()
        self.holding = asyncio.Event()
        self.restarts_at = 0
        self.to_initialize: list[bytes] = []
        self._known: set[str] = set()
        self._answers = list(answers)
        self._to_get = to_get

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:")), 0)
        body = await reader.readexactly(length)
        if head.startswith(b"post"):
            request = json.loads(body)
            if "held" in request.get("params", {}).get("arguments", {}).values():
                self.holding.set()
                await self.gate.wait()
                writer.write(response(answered(request, {"content": [IMAGE]})))
            else:
                writer.write(self._answer(request, head.decode()))
        else:
            writer.write(self._to_get)
        await writer.drain()
        writer.close()

    def _answer(self, request: dict[str, object], head: str) -> bytes:
        method = request["method"]
        if method == "tools/call":
            self.calls += 1
            if self.calls == self.restarts_at:
                self._known.clear()
        session = head.partition("mcp-session-id: ")[2].partition("\r")[0]
        if session and session not in self._known:
            return response(b'{"error": "session not found"}', "404 Not Found")
        if method == "tools/call":
            return self._answers.pop(0) if self._answers else response(answered(request, {"content": [IMAGE]}))
        if method == "initialize":
            hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "x", "version": "1"}}
            if self.to_initialize:
                return self.to_initialize.pop(0)
            self.sessions += 1
            self._known.add(f"s{self.sessions}")
            return response(answered(request, hello), "200 OK", f"mcp-session-id: s{self.sessions}")
        return response(answered(request, {})) if "id" in request else response(b"", "202 Accepted")


@asynccontextmanager
async def serving(*answers: bytes, to_get: bytes = response(b"", "405 Method Not Allowed")) -> AsyncIterator[Served]:
    served = Served(answers, to_get)
    server = await asyncio.start_server(served.serve, "127.0.0.1")
    async with server:
        served.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"
        yield served


async def generated(served: Served, folder: Path, *, max_resends: int = 3) -> GeneratedImage:
    async with McpImageGenerator(config(served, max_resends=max_resends), ImageStore(folder)) as generator:
        return await generator.generate(CALL)


def config(served: Served, *, max_resends: int = 3) -> GeneratorConfig:
    tools = ToolMapping(generate=ToolTemplate(name="draw", prompt="text"))
    return GeneratorConfig(url=served.url, tools=tools, max_resends=max_resends)


def protocol_error(code: int, words: str, status: str = "200 OK") -> bytes:
    error = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": words}}
    return response(json.dumps(error).encode(), status)


WORDS = b"<html><title>Oh</title> no \x1b[31m such tool here " + b"x" * 1000
SAID = "Oh no such tool here x+…"
GZIPPED = response(gzip.compress(b"{}"), "200 OK", "content-encoding: gzip")
BROKEN = response(b": nothing yet\n\n", kind="text/event-stream")


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (GZIPPED, "contract", "a compressed answer"),
        (response(b"{}", "200 OK", "content-length: 999999999"), "contract", "is longer than"),
        (
            response(b"", "302 Found", "location: http://elsewhere.invalid/"),
            "redirected",
            "http://elsewhere.invalid:80",
        ),
        (
            response(b"", "302 Found", "location: file:///etc/passwd?x=secret"),
            "redirected",
            r"redirects the request to file:///etc/passwd .HTTP 302.\. The redirect was refused",
        ),
        (response(b"", "307 Moved", "location: javascript:alert"), "redirected", "to javascript:alert .HTTP 307."),
        (response(b"", "401 Unauthorized"), "unauthorized", "HTTP 401"),
        (response(WORDS, "404 Not Found", kind="text/html"), "contract", f"refused the request .HTTP 404.: {SAID}"),
        (protocol_error(-32601, "no draw", "404 Not Found"), "contract", "HTTP 404.: no draw"),
        (response(b"no", "400 Bad Request", kind="text/plain"), "contract", "refused the request .HTTP 400.: no"),
        (protocol_error(-32000, "no draw"), "contract", "code -32000.: no draw"),
        (response(b"", "501 Not Implemented"), "contract", "refused the request .HTTP 501."),
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


async def test_a_session_that_the_server_has_lost_is_opened_again(tmp_path: Path) -> None:
    async with serving() as served:
        served.restarts_at = 1
        image = await generated(served, tmp_path, max_resends=1)
    assert (image.width, served.calls, served.sessions) == (96, 2, 2)


async def test_a_server_that_knows_no_session_is_an_error_with_its_words(tmp_path: Path) -> None:
    async with serving() as served:
        served.restarts_at = 1
        with pytest.raises(GeneratorError, match=r"lost its session once .*HTTP 404.: session not found") as caught:
            await generated(served, tmp_path, max_resends=0)
    assert (caught.value.code, caught.value.exhausted) == ("server_died", True)


async def test_a_failing_server_is_asked_a_few_times_over_the_same_connection(tmp_path: Path) -> None:
    failed = response(b'{"detail": "out of \\u001b[31mpaint"}', "500 Internal Server Error")
    async with serving(failed) as served:
        assert (await generated(served, tmp_path)).width == 96
    assert (served.calls, served.sessions) == (2, 1)
    async with serving(*[failed] * 9) as served:
        with pytest.raises(GeneratorError, match=r"failed during the request .HTTP 500.: out of paint") as caught:
            await generated(served, tmp_path)
    assert "Tried 3 times" in str(caught.value)
    assert (caught.value.retryable, caught.value.exhausted) == (True, True)
    assert (served.calls, served.sessions) == (3, 1)


@pytest.mark.parametrize(
    "bad",
    [
        GZIPPED,
        BROKEN,
        response(b"{}", "200 OK", "content-length: 999999999"),
        response(b"", "302 Found", "location: file:///etc/passwd"),
        response(b"", "401 Unauthorized"),
        response(b"", "404 Not Found"),
        response(b"", "502 Bad Gateway"),
        response(b"{}", "200 OK", "content-length: 999"),
        b"HTTP/1.1 nonsense\r\n\r\n",
        b"",
        protocol_error(-32000, "no draw", "400 Bad Request"),
    ],
)
async def test_a_bad_answer_fails_its_own_call_only(tmp_path: Path, bad: bytes) -> None:
    async with serving(bad) as served:
        error = await error_beside_another_call(served, tmp_path)
        assert "crashed" not in str(error)
    assert (served.calls, served.sessions) == (1, 1)


async def test_a_long_answer_fails_its_own_call_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_http.bounded_client, "__kwdefaults__", {"max_bytes": 20_000, "refuse": None})
    endless = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{" + b" " * 50_000
    async with serving(endless) as served:
        assert "longer than 20000 bytes" in str(await error_beside_another_call(served, tmp_path))


async def error_beside_another_call(served: Served, folder: Path) -> GeneratorError:
    async with McpImageGenerator(config(served, max_resends=0), ImageStore(folder)) as generator:
        other = asyncio.create_task(generator.generate(GenerationRequest(prompt="held", seed=1)))
        await served.holding.wait()
        with pytest.raises(GeneratorError) as caught:
            await generator.generate(CALL)
        served.gate.set()
        assert (await other).width == 96
    return caught.value


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable", "529 Overloaded"])
async def test_a_server_is_left_alone_as_long_as_it_asks(tmp_path: Path, status: str) -> None:
    busy = response(b"", status, "retry-after: 0.01")
    async with serving(busy, busy) as served:
        assert (await generated(served, tmp_path, max_resends=0)).width == 96
    assert (served.calls, served.sessions) == (3, 1)
    async with serving(response(b"maintenance", status, "retry-after: 3000", kind="text/plain")) as served:
        with pytest.raises(GeneratorError, match=r"maintenance It asks to be left alone for 3000 s") as caught:
            await generated(served, tmp_path)
    assert (caught.value.code, caught.value.exhausted, served.calls) == ("busy", True, 1)


async def test_a_server_that_is_busy_when_it_is_connected_to_is_asked_again(tmp_path: Path) -> None:
    async with serving() as served:
        served.to_initialize = [response(b"", "503 Service Unavailable", "retry-after: 0")] * 6
        assert (await generated(served, tmp_path, max_resends=0)).width == 96
    async with serving() as served:
        served.to_initialize = [response(b"down", "502 Bad Gateway", kind="text/plain")] * 6
        with pytest.raises(GeneratorError, match=r"Could not start or reach .*HTTP 502: down") as caught:
            await generated(served, tmp_path)
    assert caught.value.code == "unreachable"


async def test_a_server_that_stays_busy_is_quoted_when_the_time_is_over(tmp_path: Path) -> None:
    busy = response(b"come back tomorrow", "429 Too Many Requests", kind="text/plain")
    async with serving(*[busy] * 99) as served:
        impatient = config(served).model_copy(update={"call_timeout": 2.0})
        async with McpImageGenerator(impatient, ImageStore(tmp_path)) as generator:
            with pytest.raises(GeneratorError, match=r"timed out after 2 s.*HTTP 429.: come back tomorrow") as caught:
                await generator.generate(CALL)
    assert caught.value.code == "deadline"


def test_the_pause_is_the_one_that_the_server_asks_for() -> None:
    budget = ResendBudget(3, seconds=1e6)
    assert budget.pause(GeneratorError("busy", retry_after=20), 0.1) == 20
    assert budget.pause(GeneratorError("busy"), 0.1) == 0.1
    assert budget.pause_after(GeneratorError("failed", retryable=True, retry_after=7)) == 7


async def test_a_tool_server_says_the_status_and_its_words() -> None:
    async with serving(response(b"asleep", "503 Service Unavailable", kind="text/plain")) as served:
        with pytest.raises(ModelError, match=r"tool server takes no more requests for now .HTTP 503.: asleep"):
            await McpTools(served.url).call("draw", {})
