"""Clients that give two requests one ID: each request gets an answer, and nobody gets somebody else's."""

import asyncio
import json
from typing import Any

import httpx2
import pytest
from mcp.server.mcpserver import MCPServer
from sse_starlette.sse import AppStatus

from .test_sessions import INITIALIZE, client_of


class Gated(MCPServer):
    """A server whose tool answers with its argument once the gate is open."""

    def __init__(self) -> None:
        super().__init__("gated", log_level="CRITICAL")
        self.entered, self.gate = asyncio.Semaphore(0), asyncio.Event()

        async def say(word: str) -> str:
            self.entered.release()
            await self.gate.wait()
            return word

        self.add_tool(say)


@pytest.fixture(autouse=True)
def no_server_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of an earlier server in this process would end this one's answers."""
    monkeypatch.setattr(AppStatus, "should_exit", False)


def call(number: object, word: str) -> str:
    params = {"name": "say", "arguments": {"word": word}}
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params})


async def session_of(client: httpx2.AsyncClient) -> dict[str, str]:
    opened = await client.post("/mcp", content=json.dumps(INITIALIZE))
    return {"mcp-session-id": opened.headers["mcp-session-id"], "mcp-protocol-version": "2025-06-18"}


def said(answer: httpx2.Response) -> Any:
    assert answer.status_code == 200
    data = next(line for line in answer.text.splitlines() if line.startswith("data: "))
    return json.loads(data.removeprefix("data: "))["result"]["content"][0]["text"]


@pytest.mark.parametrize("second", [7, "7"])
async def test_the_second_of_two_live_requests_with_one_id_is_refused_and_the_first_gets_its_answer(
    second: object,
) -> None:
    server = Gated()
    async with client_of(server) as client, asyncio.timeout(60):
        session, other = await session_of(client), await session_of(client)
        first = asyncio.create_task(client.post("/mcp", content=call(7, "first"), headers=session))
        await server.entered.acquire()
        refused = await client.post("/mcp", content=call(second, "second"), headers=session)
        elsewhere = asyncio.create_task(client.post("/mcp", content=call(7, "elsewhere"), headers=other))
        beside = asyncio.create_task(client.post("/mcp", content=call(8, "beside"), headers=session))
        for _ in range(2):
            await server.entered.acquire()
        server.gate.set()
        assert [said(answer) for answer in await asyncio.gather(first, elsewhere, beside)] == [
            "first",
            "elsewhere",
            "beside",
        ]
        assert said(await client.post("/mcp", content=call(7, "again"), headers=session)) == "again"
    error = refused.json()
    assert (refused.status_code, error["id"], error["error"]["code"]) == (400, None, -32600)
    assert "ID 7 is still being answered" in error["error"]["message"]


async def test_a_request_cannot_take_the_place_of_the_servers_own_stream() -> None:
    server = Gated()
    server.gate.set()
    async with client_of(server) as client, asyncio.timeout(60):
        session = await session_of(client)
        refused = await client.post("/mcp", content=call("_GET_stream", "x"), headers=session)
        assert refused.status_code == 400
        assert said(await client.post("/mcp", content=call(1, "y"), headers=session)) == "y"


async def test_a_client_that_leaves_frees_its_id() -> None:
    server = Gated()
    async with client_of(server) as client, asyncio.timeout(60):
        session = await session_of(client)
        first = asyncio.create_task(client.post("/mcp", content=call(7, "first"), headers=session))
        await server.entered.acquire()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        server.gate.set()
        assert said(await client.post("/mcp", content=call(8, "other"), headers=session)) == "other"
        assert said(await client.post("/mcp", content=call(7, "again"), headers=session)) == "again"


@pytest.mark.parametrize("body", ["{", "[]", "7", '{"id": 7}'])
async def test_what_is_no_request_is_refused(body: str) -> None:
    server = Gated()
    async with client_of(server) as client, asyncio.timeout(60):
        session = await session_of(client)
        assert (await client.post("/mcp", content=body, headers=session)).status_code == 400


@pytest.mark.parametrize("number", [None, [1], 1.5, True])
@pytest.mark.parametrize("version", ["2025-06-18", "2026-07-28"])
async def test_a_call_whose_id_is_none_is_refused_instead_of_never_answered(number: object, version: str) -> None:
    server = Gated()
    server.gate.set()
    async with client_of(server) as client, asyncio.timeout(60):
        session = await session_of(client) | {"mcp-protocol-version": version}
        refused = await client.post("/mcp", content=call(number, "x"), headers=session)
        assert refused.status_code == 400
        assert refused.json()["id"] is None
        assert refused.json()["error"]["code"] == -32600
        if version == "2025-06-18":  # With newer protocols, the library refuses it itself.
            assert refused.json()["error"]["message"] == "The ID of a request must be a string or a whole number."


async def test_a_notification_may_have_an_id_that_is_none() -> None:
    async with client_of(Gated()) as client, asyncio.timeout(60):
        session = await session_of(client)
        ready = {"jsonrpc": "2.0", "id": None, "method": "notifications/initialized"}
        assert (await client.post("/mcp", content=json.dumps(ready), headers=session)).status_code == 202
