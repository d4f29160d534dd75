"""Sessions of one server are bounded: a client that opens too many waits until others have closed or left theirs."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import httpx2
import pytest
from mcp.server.mcpserver import MCPServer
from sse_starlette.sse import AppStatus

from interleavethinker.servers.transport.http import HttpOptions, http_app

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}},
}


@contextlib.asynccontextmanager
async def client_of(server: MCPServer) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the server's application, in this process."""
    app = http_app(server, HttpOptions(port=8765))
    headers = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
    async with (
        server.session_manager.run(),
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), base_url="http://127.0.0.1:8765", headers=headers
        ) as client,
    ):
        yield client


@pytest.fixture(autouse=True)
def no_server_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of an earlier server in this process would end this one's answers."""
    monkeypatch.setattr(AppStatus, "should_exit", False)


async def test_the_number_of_open_sessions_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interleavethinker.servers.transport.http._MAX_SESSIONS", 3)
    async with client_of(MCPServer("bounded", log_level="CRITICAL")) as client:
        opened = [await client.post("/mcp", content=json.dumps(INITIALIZE)) for _ in range(4)]
        assert [answer.status_code for answer in opened[:3]] == [200] * 3
        assert opened[3].status_code == 503
        assert "session" in opened[3].text.lower()
        names = [answer.headers["mcp-session-id"] for answer in opened[:3]]
        assert len(set(names)) == 3
        closed = await client.delete("/mcp", headers={"mcp-session-id": names[0]})
        assert closed.status_code == 200
        again = await client.post("/mcp", content=json.dumps(INITIALIZE))
        assert again.status_code == 200


async def test_a_new_session_takes_the_place_of_the_one_that_was_unused_for_longest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("interleavethinker.servers.transport.http._MAX_SESSIONS", 3)
    monkeypatch.setattr("interleavethinker.servers.transport.session_room._LEAST_IDLE", 0.0)
    server, begun, go_on = MCPServer("bounded", log_level="CRITICAL"), asyncio.Event(), asyncio.Event()

    @server.tool()
    async def slow() -> str:
        begun.set()
        await go_on.wait()
        return "done"

    def call(method: str, **params: object) -> str:
        return json.dumps({"jsonrpc": "2.0", "id": 2, "method": method, "params": params})

    async with client_of(server) as client:

        async def opened() -> dict[str, str]:
            answer = await client.post("/mcp", content=json.dumps(INITIALIZE))
            assert answer.status_code == 200
            return {"mcp-session-id": answer.headers["mcp-session-id"]}

        working, left, used = await opened(), await opened(), await opened()
        in_progress = asyncio.create_task(
            client.post("/mcp", content=call("tools/call", name="slow", arguments={}), headers=working)
        )
        await begun.wait()
        await client.post("/mcp", content=call("ping"), headers=used)
        fresh = await opened()
        answers = [await client.post("/mcp", content=call("ping"), headers=each) for each in (left, used, fresh)]
        assert [answer.status_code for answer in answers] == [404, 200, 200]
        go_on.set()
        assert "done" in (await in_progress).text
