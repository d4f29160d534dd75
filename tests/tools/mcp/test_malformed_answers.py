"""Answers that break the protocol end the call at once, with what is wrong, over stdio and over HTTP."""

import asyncio
import base64
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from interleavethinker.tools.errors import GeneratorError, ModelError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.mcp.config import GeneratorConfig, ToolMapping, ToolTemplate
from interleavethinker.tools.mcp.generator import McpImageGenerator
from interleavethinker.tools.mcp.server_check import check_server
from interleavethinker.tools.mcp.tool_server import McpTools
from interleavethinker.tools.testing.generator import fake_image
from interleavethinker.tools.types import GenerationRequest

RAW = str(Path(__file__).parent / "raw_server.py")
TOOLS = ToolMapping(generate=ToolTemplate(name="paint", prompt="text"))
DEEP = '{"content":' + "[" * 30_000 + "]" * 30_000 + "}"
MALFORMED = [
    ('{"jsonrpc":"2.0","id":ID,"result":null}', "`result` must be an object, got null"),
    ('{"jsonrpc":"2.0","id":ID,"result":"done"}', "`result` must be an object, got a string"),
    ('{"jsonrpc":"2.0","id":ID,"result":[1, 2]}', "`result` must be an object, got a list"),
    ('{"jsonrpc":"2.0","id":ID,"result":0.5}', "`result` must be an object, got a number"),
    ('{"jsonrpc":"2.0","id":ID,"error":"broken"}', "`error` must be an object with an integer `code`"),
    ('{"jsonrpc":"2.0","id":ID}', "it has neither `result` nor `error`"),
    ('{"id":ID,"result":{"content":[]}}', '"jsonrpc": "2.0" is missing'),
    ('{"jsonrpc":"2.0","id":ID.0,"result":null}', "`result` must be an object, got null"),
    ('[{"jsonrpc":"2.0","id":ID,"result":{"content":[]}}]', "it is no single JSON-RPC message"),
    (f'{{"jsonrpc":"2.0","id":ID,"result":{DEEP}}}', "its values are nested too deeply"),
    (f'{{"jsonrpc":"2.0","result":{DEEP},"id":ID}}', "its values are nested too deeply"),
    (f'{{"result":{DEEP},"id":ID,"jsonrpc":"2.0"}}', "its values are nested too deeply"),
    (f'{{"jsonrpc":"2.0","result":{DEEP}}}', "its values are nested too deeply"),
    ('{"jsonrpc":"2.0","id":ID,"result":{"content":[', "it ends in the middle"),
    ('{"jsonrpc":"2.0","id":ID,"result":{"content":[nothing]}}', "it is no JSON"),
]
PATIENT = {"call_timeout": 300.0, "tools": TOOLS}
"""A test that waits for the time limit of a call fails by its own."""


async def error_of_call(config: GeneratorConfig, folder: Path) -> GeneratorError:
    async with McpImageGenerator(config, ImageStore(folder / "workspace")) as generator:
        with pytest.raises(GeneratorError) as raised:
            await generator.generate(GenerationRequest(prompt="a ball", seed=1))
    return raised.value


@pytest.mark.parametrize(("line", "wrong"), MALFORMED)
async def test_a_stdio_server_whose_answer_is_malformed_ends_the_call(
    tmp_path: Path, line: str, wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    config = GeneratorConfig(command=(sys.executable, RAW, "line", line), **PATIENT)
    error = await error_of_call(config, tmp_path)
    assert (error.code, error.retryable) == ("contract", False)
    assert f"The image server sent a malformed answer: {wrong}" in str(error)
    assert not [record for record in caplog.records if record.name.startswith("interleavethinker")]


@pytest.mark.parametrize(
    "line",
    [
        '{"level": "info", "message": [broken}',
        "{loading: 3}",
        f'{{"jsonrpc":"2.0","method":"notifications/message","params":{DEEP}}}',
        '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":ID,"progress":"x"}}',
    ],
)
async def test_lines_that_are_no_answer_are_passed_over(
    tmp_path: Path, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    image = base64.b64encode(fake_image(GenerationRequest(prompt="a ball", seed=1))).decode()
    content = f'[{{"type":"image","data":"{image}","mimeType":"image/png"}}]'
    answer = f'{line}\n{{"jsonrpc":"2.0","id":ID,"result":{{"content":{content}}}}}'
    store = ImageStore(tmp_path / "workspace")
    config = GeneratorConfig(command=(sys.executable, RAW, "line", answer), **PATIENT)
    async with McpImageGenerator(config, store) as generator:
        made = await generator.generate(GenerationRequest(prompt="a ball", seed=1))
    assert list(store) == [made.sha256]
    assert "Traceback" not in caplog.text


async def test_an_error_that_names_no_call_ends_the_only_one(tmp_path: Path) -> None:
    line = '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"I cannot parse this"}}'
    config = GeneratorConfig(command=(sys.executable, RAW, "line", line), **PATIENT)
    assert "refused the call (code -32700): I cannot parse this" in str(await error_of_call(config, tmp_path))


@asynccontextmanager
async def http_server(line: str, *, events: bool) -> AsyncIterator[str]:
    """Answers calls of tools with a line, in which ID stands for the number of the call."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = re.search(r"content-length: (\d+)", head)
        message = json.loads(await reader.readexactly(int(length[1]))) if length else {}
        method, body = message.get("method"), ""
        if method == "initialize":
            about = {"name": "raw", "version": "1"}
            result = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": about}
            body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result})
        elif method == "tools/call":
            body = line.replace("ID", str(message["id"]))
        elif "id" in message:
            error = {"code": -32601, "message": "no such method"}
            body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "error": error})
        kind = "text/event-stream" if events else "application/json"
        data = (f"event: message\r\ndata: {body}\r\n\r\n" if events and body else body).encode()
        status = "200 OK" if body else "202 Accepted" if head.startswith("post") else "405 Method Not Allowed"
        writer.write(f"HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: {kind}\r\n".encode())
        writer.write(f"content-length: {len(data)}\r\n\r\n".encode() + data)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1") as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"


@pytest.mark.parametrize("events", [False, True])
@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ('{"jsonrpc":"2.0","id":ID,"result":null}', "`result` must be an object"),
        ('{"jsonrpc":"2.0","id":ID}', "it is no JSON-RPC 2.0 message with a `result` or an `error`"),
        ("<html>busy</html>", "it is no JSON"),
        (f'{{"jsonrpc":"2.0","id":ID,"result":{DEEP}}}', "its values are nested too deeply"),
    ],
)
async def test_an_http_server_whose_answer_is_malformed_ends_the_call_without_a_traceback(
    tmp_path: Path, line: str, wrong: str, events: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async with http_server(line, events=events) as url:
        error = await error_of_call(GeneratorConfig(url=url, **PATIENT), tmp_path)
        with pytest.raises(ModelError) as lookup:
            await McpTools(url).call("paint", {})
    assert str(error) == f"The image server sent a malformed answer: {wrong}."
    assert str(lookup.value) == f"the server sent a malformed answer: {wrong}"
    assert not [record for record in caplog.records if record.exc_info and record.levelname != "DEBUG"]


@pytest.mark.parametrize("transport", ["stdio", "json", "events"])
async def test_an_image_beside_half_a_character_is_kept(tmp_path: Path, transport: str) -> None:
    image = base64.b64encode(fake_image(GenerationRequest(prompt="a ball", seed=1))).decode()
    content = f'[{{"type":"text","text":"a ball \\ud83d"}},{{"type":"image","data":"{image}","mimeType":"image/png"}}]'
    line = f'{{"jsonrpc":"2.0","id":ID,"result":{{"content":{content}}}}}'
    store = ImageStore(tmp_path / "workspace")
    async with AsyncExitStack() as stack:
        if transport == "stdio":
            config = GeneratorConfig(command=(sys.executable, RAW, "line", line), **PATIENT)
        else:
            url = await stack.enter_async_context(http_server(line, events=transport == "events"))
            config = GeneratorConfig(url=url, **PATIENT)
        generator = await stack.enter_async_context(McpImageGenerator(config, store))
        made = await generator.generate(GenerationRequest(prompt="a ball", seed=1))
    assert list(store) == [made.sha256]


async def test_an_answer_whose_fields_are_wrong_says_so_to_who_looks_a_fact_up() -> None:
    async with http_server('{"jsonrpc":"2.0","id":ID,"result":{"content":7}}', events=False) as url:
        with pytest.raises(ModelError, match="does not follow the protocol"):
            await McpTools(url).call("paint", {})


async def test_an_error_of_a_tool_keeps_its_own_words() -> None:
    result = '{"content":[{"type":"text","text":"no such city"}],"isError":true}'
    async with http_server(f'{{"jsonrpc":"2.0","id":ID,"result":{result}}}', events=False) as url:
        with pytest.raises(ModelError, match=r"^no such city$"):
            await McpTools(url).call("paint", {})
    with pytest.raises(ModelError, match=r"^ConnectError"):
        await McpTools(url).call("paint", {})


async def test_the_check_of_a_server_names_a_malformed_answer() -> None:
    program = (
        "import json, sys\n"
        "for line in sys.stdin:\n"
        "    message = json.loads(line)\n"
        "    about = {'protocolVersion': '2025-06-18', 'capabilities': {'tools': {}},"
        " 'serverInfo': {'name': 'raw', 'version': '1'}}\n"
        "    result = about if message['method'] == 'initialize' else None\n"
        "    if 'id' in message and message['method'] in ('initialize', 'tools/list'):\n"
        "        print(json.dumps({'jsonrpc': '2.0', 'id': message['id'], 'result': result}), flush=True)\n"
        "    elif 'id' in message:\n"
        "        error = {'code': -32601, 'message': 'no such method'}\n"
        "        print(json.dumps({'jsonrpc': '2.0', 'id': message['id'], 'error': error}), flush=True)\n"
    )
    (check,) = [one for one in await check_server([sys.executable, "-c", program]) if not one.good]
    assert "`result` must be an object, got null" in check.found
