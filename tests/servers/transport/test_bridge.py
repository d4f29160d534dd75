"""The bridge between a client's streams and a server over HTTP: answers, refusals, and a server that goes and returns.

Everything runs in this process; `tests/servers/trajectories/test_programs.py` has the same story with real programs.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
from mcp import Client, MCPError
from mcp.client._transport import TransportStreams
from mcp.shared.message import SessionMessage

from interleavethinker.servers.transport.bridge import bridge
from interleavethinker.tools.errors import InputError

from ..processes import free_port, refusing_port
from .served import fake_images

TOKEN = "a-secret-of-the-tests"  # noqa: S105
MODES = pytest.mark.parametrize("mode", ["legacy", "auto"])


@contextlib.asynccontextmanager
async def through_bridge(url: str, token: str | None = None) -> AsyncIterator[TransportStreams]:
    """A client's ends of the streams between it and a bridge, which ends when the client leaves."""
    to_bridge, from_client = anyio.create_memory_object_stream[SessionMessage | Exception](10)
    to_client, from_bridge = anyio.create_memory_object_stream[SessionMessage | Exception](10)
    task = asyncio.create_task(bridge(url, token, (from_client, to_client)))
    try:
        yield from_bridge, to_bridge
    finally:
        await to_bridge.aclose()
        async with asyncio.timeout(60):
            await task
        for stream in (from_client, to_client, from_bridge):
            await stream.aclose()


async def generate(client: Client, seed: int) -> dict[str, Any]:
    result = await client.call_tool("generate_image", {"prompt": "a red ball", "seed": seed})
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return dict(result.structured_content)


@MODES
async def test_tools_and_resources_work_through_the_bridge(tmp_path: Path, mode: Literal["legacy", "auto"]) -> None:
    async with fake_images(tmp_path, free_port()) as url, Client(through_bridge(url), mode=mode) as client:
        assert "generate_image" in {tool.name for tool in (await client.list_tools()).tools}
        image = await generate(client, 1)
        assert (await generate(client, 1))["cached"]
        (content,) = (await client.read_resource(image["uri"])).contents
        assert content.mime_type == "image/png"
        refused = await client.call_tool("edit_image", {"prompt": "blue", "image": "image://" + "0" * 64})
        assert refused.is_error


async def test_the_bridge_sends_the_token_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    async with fake_images(tmp_path, free_port(), TOKEN) as url:
        async with Client(through_bridge(url, TOKEN), mode="legacy") as client:
            assert (await generate(client, 2))["seed"] == 2
        for wrong in (None, "another-secret-of-tests"):
            with pytest.raises((MCPError, ExceptionGroup)):
                async with asyncio.timeout(60), Client(through_bridge(url, wrong), mode="legacy"):
                    pass


async def test_a_client_without_a_server_is_told_to_start_it(capsys: pytest.CaptureFixture[str]) -> None:
    with refusing_port() as port:
        url = f"http://127.0.0.1:{port}/mcp"
        with pytest.raises((MCPError, ExceptionGroup)) as failed:
            async with asyncio.timeout(60), Client(through_bridge(url), mode="legacy"):
                pass
    told = failed.value.exceptions[0] if isinstance(failed.value, ExceptionGroup) else failed.value
    assert f"The server at {url} cannot be reached" in str(told)
    assert "Start it, then call again." in capsys.readouterr().err


@MODES
async def test_a_client_survives_the_restart_of_its_server(tmp_path: Path, mode: Literal["legacy", "auto"]) -> None:
    port = free_port()
    async with contextlib.AsyncExitStack() as stack:
        async with fake_images(tmp_path, port) as url:
            client = await stack.enter_async_context(Client(through_bridge(url), mode=mode))
            first = await generate(client, 3)
        with pytest.raises(MCPError, match="cannot be reached"):
            await generate(client, 3)
        async with fake_images(tmp_path, port):
            again = await generate(client, 3)
            assert again["cached"]
            assert again["sha256"] == first["sha256"]


async def test_an_idle_client_is_introduced_to_a_restarted_server(tmp_path: Path) -> None:
    port = free_port()
    async with contextlib.AsyncExitStack() as stack:
        async with fake_images(tmp_path, port) as url:
            client = await stack.enter_async_context(Client(through_bridge(url), mode="legacy"))
            await generate(client, 4)
        async with fake_images(tmp_path, port):
            assert (await generate(client, 5))["seed"] == 5
            assert (await generate(client, 4))["cached"]


async def test_the_bridge_closes_its_end_once_the_client_has_left() -> None:
    to_bridge, from_client = anyio.create_memory_object_stream[SessionMessage | Exception](1)
    to_client, from_bridge = anyio.create_memory_object_stream[SessionMessage | Exception](1)
    with from_client, to_client, from_bridge:
        to_bridge.close()
        await bridge("http://127.0.0.1:9/mcp", None, (from_client, to_client))
        with pytest.raises(anyio.EndOfStream):  # a program waits for this before it ends
            from_bridge.receive_nowait()


async def test_an_address_that_is_no_url_is_refused() -> None:
    with pytest.raises(InputError, match=r"needs the URL of a running server.*got nonsense"):
        await bridge("nonsense")
