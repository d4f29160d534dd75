"""Tool servers of strangers, for lookups: lists without an end, and schemas that would take for ever."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from interleavethinker.tools.mcp.tool_server import McpTools

SCHEMA = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}


def answer(method: str, params: dict[str, object], asked: list[str]) -> dict[str, object] | None:
    asked.append(method)
    if method == "initialize":
        about = {"name": "raw", "version": "1"}
        return {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": about}
    if method == "tools/list":
        number = int(str(params.get("cursor", 0)))
        tool = {"name": f"tool_{number}", "inputSchema": {"type": "object"}, "outputSchema": SCHEMA}
        return {"tools": [tool], "nextCursor": str(number + 1)}
    if method == "tools/call":
        return {"content": [{"type": "text", "text": "a fact"}], "structuredContent": {"a": "a" * 40 + "!"}}
    return None


@asynccontextmanager
async def raw_server(asked: list[str]) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = re.search(r"content-length: (\d+)", head)
        message = json.loads(await reader.readexactly(int(length[1]))) if length else {}
        found = answer(message["method"], message.get("params") or {}, asked) if "id" in message else None
        kind = {"result": found} if found is not None else {"error": {"code": -32601, "message": "no such method"}}
        body = json.dumps({"jsonrpc": "2.0", "id": message.get("id"), **kind}).encode() if "id" in message else b""
        status = b"200 OK" if body else b"202 Accepted" if head.startswith("post") else b"405 Method Not Allowed"
        writer.write(b"HTTP/1.1 " + status + b"\r\nconnection: close\r\ncontent-type: application/json\r\n")
        writer.write(f"content-length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1") as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"


async def test_a_list_of_tools_on_several_pages_is_read_and_an_endless_one_ends() -> None:
    asked: list[str] = []
    async with raw_server(asked) as url:
        described = await McpTools(url).descriptions()
    assert [one["function"]["name"] for one in described] == [f"tool_{number}" for number in range(20)]
    assert asked.count("tools/list") == 20


async def test_a_pattern_in_a_tool_servers_schema_is_never_run() -> None:
    asked: list[str] = []
    async with raw_server(asked) as url:
        assert await McpTools(url).call("tool_0", {}) == "a fact"
    assert asked.count("tools/call") == 1
