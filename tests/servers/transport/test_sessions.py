"""Sessions of one server are bounded: a client that opens too many is refused, and goes on when others have closed."""

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
