"""The image server from a client's side: real processes over stdio and HTTP, with the official client."""

import asyncio
import base64
import contextlib
import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import httpx2
import pytest
from mcp import Client, MCPError
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult

from interleavethinker.servers.images.backends.openai import OpenAiBackend
from interleavethinker.servers.images.cache import GenerationStore
from interleavethinker.servers.images.server import build_server
from interleavethinker.servers.images.service import ImageService, ServiceLimits
from interleavethinker.servers.transport.http import HttpOptions
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.store import sha256_of
from interleavethinker.tools.mcp.results import error_of

from ..processes import PROGRAM, http_server
from .backends.backend_jobs import sample_png

TOKEN = "a-secret-of-sufficient-length"  # noqa: S105


def stdio(store: Path, *options: str) -> StdioServerParameters:
    arguments = ["image-server", "--store", str(store), *(options or ("--model", "fake"))]
    return StdioServerParameters(command=PROGRAM[0], args=[*PROGRAM[1:], *arguments], env={"PYTHONUNBUFFERED": "1"})


PATIENT = ("--loading-wait", "600")
"""For a model that loads slowly on a busy machine."""
BOTH = pytest.mark.parametrize("transport", ["stdio", "http"])


@contextlib.asynccontextmanager
async def connected(transport: str, store: Path) -> AsyncIterator[Client]:
    if transport == "stdio":
        async with Client(stdio(store)) as client:
            yield client
    else:
        async with http_server(store) as url, Client(url) as client:
            yield client


def error_code(result: CallToolResult) -> str:
    assert result.is_error
    assert result.structured_content is None
    (block,) = result.content
    assert block.type == "text"
    code = error_of(result).code
    assert block.text.startswith(f"{code}: ")
    return code


async def call_tool(client: Client, tool: str = "generate_image", **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return dict(result.structured_content)


@BOTH
async def test_the_tools_have_complete_input_and_output_schemas(transport: str, tmp_path: Path) -> None:
    async with connected(transport, tmp_path) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert sorted(tools) == ["edit_image", "generate_image", "put_image", "server_status"]
        generate = tools["generate_image"]
        assert generate.input_schema["required"] == ["prompt"]
        arguments = {"prompt", "seed", "width", "height", "size", "steps", "guidance", "references"}
        assert set(generate.input_schema["properties"]) == arguments
        assert all("description" in field for field in generate.input_schema["properties"].values())
        assert generate.output_schema is not None
        names = {"uri", "sha256", "bytes", "width", "height", "seed", "model", "seconds", "cached"}
        assert set(generate.output_schema["required"]) == names
        assert tools["edit_image"].input_schema["required"] == ["prompt", "image"]
        choices = {name: field.get("anyOf", [field])[0] for name, field in generate.input_schema["properties"].items()}
        assert {name: (each.get("minimum"), each.get("maximum")) for name, each in choices.items()} == {
            "prompt": (None, None),
            "seed": (0, 2**53 - 1),
            "width": (16, 4096),
            "height": (16, 4096),
            "size": (None, None),
            "steps": (1, 200),
            "guidance": (0, 100),
            "references": (None, None),
        }
        assert set(tools["edit_image"].input_schema["properties"]) == arguments | {"image", "mask"}
        for tool in tools.values():
            assert tool.description is not None
            assert "Returns" in tool.description
            assert tool.annotations is not None
            assert tool.annotations.open_world_hint is False


@BOTH
async def test_the_server_introduces_itself_and_announces_nothing_that_it_lacks(transport: str, tmp_path: Path) -> None:
    async with connected(transport, tmp_path) as client:
        info = client.server_info
        assert info is not None
        assert info.description
        assert info.icons is not None
        assert base64.b64decode(info.icons[0].src.removeprefix("data:image/svg+xml;base64,")).startswith(b"<svg")
        assert client.instructions is not None
        assert "put_image" in client.instructions
        assert client.server_capabilities is not None
        assert client.server_capabilities.resources is not None
        assert client.server_capabilities.prompts is None


async def test_a_hosted_model_says_that_a_call_leaves_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    service = ImageService(OpenAiBackend("gpt-image-1"), GenerationStore(tmp_path), ServiceLimits())
    async with Client(build_server(service)) as client:
        hints = {tool.name: tool.annotations for tool in (await client.list_tools()).tools}
    open_world = {name: hint.open_world_hint for name, hint in hints.items() if hint is not None}
    assert open_world == {"generate_image": True, "edit_image": True, "put_image": False, "server_status": False}


@BOTH
async def test_a_result_has_structured_content_a_preview_and_no_link_that_clients_would_fetch(
    transport: str, tmp_path: Path
) -> None:
    async with connected(transport, tmp_path) as client:
        result = await client.call_tool("generate_image", {"prompt": "a ball", "seed": 5})
        assert result.structured_content is not None
        answer = result.structured_content
        assert (answer["seed"], answer["cached"], answer["width"], answer["height"]) == (5, False, 96, 96)
        text, image = result.content
        assert text.type == "text"
        assert image.type == "image"
        assert text.text == f"{answer['uri']} (96 x 96, seed 5), for the prompt: a ball"
        assert answer["uri"] == f"image://{answer['sha256']}"
        png = base64.b64decode(image.data)
        assert (sha256_of(png), len(png)) == (answer["sha256"], answer["bytes"])
        resource = (await client.read_resource(answer["uri"])).contents[0]
        assert base64.b64decode(getattr(resource, "blob")) == png  # noqa: B009
        assert resource.mime_type == "image/png"


@BOTH
async def test_a_large_image_has_a_small_preview_and_can_be_read_in_parts(transport: str, tmp_path: Path) -> None:
    async with connected(transport, tmp_path) as client:
        noise = sample_png(1, 1024, 1024)
        kept = await call_tool(client, "put_image", image="data:image/png;base64," + base64.b64encode(noise).decode())
        result = await client.call_tool("edit_image", {"prompt": "noise", "image": kept["uri"], "seed": 1})
        (image,) = [block for block in result.content if block.type == "image"]
        assert result.structured_content is not None
        uri, size = result.structured_content["uri"], result.structured_content["bytes"]
        assert len(image.data) * 3 / 4 <= 100_000
        assert size > 100_000
        parts = []
        for begin in range(0, size, 300_000):
            part = (await client.read_resource(f"{uri}/{begin}/{begin + 300_000}")).contents[0]
            parts.append(base64.b64decode(getattr(part, "blob")))  # noqa: B009
        assert f"image://{sha256_of(b''.join(parts))}" == uri


@BOTH
async def test_generated_and_uploaded_images_can_be_edited(transport: str, tmp_path: Path) -> None:
    async with connected(transport, tmp_path) as client:
        made = await call_tool(client, prompt="a ball", seed=1)
        edited = await call_tool(client, "edit_image", prompt="redder", image=made["uri"], seed=1)
        assert edited["sha256"] != made["sha256"]
        png = sample_png(3)
        uri = "data:image/png;base64," + base64.b64encode(png).decode()
        put = await call_tool(client, "put_image", image=uri)
        assert put == {"uri": f"image://{sha256_of(png)}", "sha256": sha256_of(png), "width": 64, "height": 64}
        by_name = await call_tool(client, "edit_image", prompt="redder", image=put["uri"], seed=1)
        assert (await call_tool(client, "edit_image", prompt="redder", image=uri, seed=1)) == by_name | {"cached": True}


async def test_errors_are_results_with_a_code_and_without_paths(tmp_path: Path) -> None:
    async with Client(stdio(tmp_path)) as client:
        for prompt, image, code in [
            ("x", f"image://{'0' * 64}", "unknown_image"),
            ("x", "/etc/passwd", "invalid_image"),
            ("x", "https://example.org/x.png", "invalid_image"),
            ("", f"image://{'0' * 64}", "invalid_prompt"),
        ]:
            result = await client.call_tool("edit_image", {"prompt": prompt, "image": image})
            assert error_code(result) == code, image
            assert str(tmp_path) not in json.dumps(result.model_dump(mode="json"))
        with pytest.raises(MCPError) as caught:
            await client.read_resource(f"image://{'0' * 64}")
        assert str(tmp_path) not in str(caught.value)


async def test_a_stored_call_is_answered_before_the_model_is_loaded_and_the_status_says_so(
    klein_folder: Path, tmp_path: Path
) -> None:
    options = ("--model", str(klein_folder), "--device", "cpu", *PATIENT)
    async with Client(stdio(tmp_path, *options)) as client:
        before = await call_tool(client, "server_status")
        assert (before["loaded"], before["loading"], before["problem"]) == (False, False, None)
        assert before["dtype"] == "float32"
        first = await call_tool(client, prompt="a ball", seed=1)
        after = await call_tool(client, "server_status")
        assert (after["loaded"], after["device"], after["generated"]) == (True, "cpu", 1)
        assert first["model"].partition("@")[0] == after["model"] == klein_folder.name
    async with Client(stdio(tmp_path, *options)) as client:
        assert await call_tool(client, prompt="a ball", seed=1) == first | {"cached": True}
        assert (await call_tool(client, "server_status"))["loaded"] is False


async def test_progress_arrives_and_cancelling_a_call_frees_the_server(klein_folder: Path, tmp_path: Path) -> None:
    received: list[float] = []
    started = asyncio.Event()

    async def receive(progress: float, total: float | None, message: str | None) -> None:
        assert (total, message is None) == (1.0, False)
        received.append(progress)
        started.set()

    async with Client(stdio(tmp_path, "--model", str(klein_folder), "--device", "cpu", *PATIENT)) as client:
        await client.call_tool("generate_image", {"prompt": "x", "seed": 1, "steps": 20}, progress_callback=receive)
        assert received
        assert received == sorted(received)
        started.clear()
        arguments = {"prompt": "endless", "seed": 1, "steps": 200, "width": 512, "height": 512}
        call = asyncio.create_task(client.call_tool("generate_image", arguments, progress_callback=receive))
        await started.wait()
        call.cancel()
        await asyncio.wait({call})
        await call_tool(client, prompt="next", seed=1)
        status = await call_tool(client, "server_status")
        assert (status["running"], status["waiting"], status["generated"]) == (0, 0, 2)


async def test_http_without_the_token_is_refused_and_with_it_served(tmp_path: Path) -> None:
    async with http_server(tmp_path, INTERLEAVETHINKER_TOKEN=TOKEN) as url:
        async with httpx2.AsyncClient(timeout=120) as plain:
            for headers in ({}, {"Authorization": "Bearer wrong-but-long-enough"}, {"Authorization": f"Basic {TOKEN}"}):
                response = await plain.post(url, headers=headers, json={})
                assert response.status_code == 401
                assert "Bearer" in response.headers["www-authenticate"]
        for scheme in ("Bearer", "bearer", "BEARER"):
            known = httpx2.AsyncClient(headers={"Authorization": f"{scheme} {TOKEN}"}, timeout=120)
            async with known, Client(streamable_http_client(url, http_client=known)) as client:
                assert (await call_tool(client, prompt="a ball", seed=1))["seed"] == 1


async def test_unknown_hosts_and_origins_are_refused(tmp_path: Path) -> None:
    options = ("--model", "fake", "--allow-host", "images.example", "--allow-origin", "https://app.example")
    async with http_server(tmp_path, *options) as url, httpx2.AsyncClient(timeout=120) as plain:
        for name, value, status in [
            ("Host", "evil.example", 421),
            ("Host", "evil.example:80", 421),
            ("Host", "images.example", 400),
            ("Host", "images.example:8765", 400),
            ("Host", "images.example.evil:80", 421),
            ("Host", "localhost:80.evil", 421),
            ("Origin", "http://localhost:80.evil", 403),
            ("Origin", "https://evil.example", 403),
            ("Origin", "https://app.example", 400),
        ]:
            accept = {"Accept": "application/json, text/event-stream", name: value}
            response = await plain.post(url, headers=accept, json={"jsonrpc": "2.0"})
            assert response.status_code == status, f"{value}; 400: it passed the check, but is no valid request"


async def test_a_page_of_an_allowed_origin_may_call_even_where_a_token_is_needed(tmp_path: Path) -> None:
    page = {"Origin": "https://app.example"}
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,mcp-protocol-version,mcp-session-id",
        "Access-Control-Request-Private-Network": "true",
    }
    options = ("--model", "fake", "--allow-origin", "https://app.example")
    async with (
        http_server(tmp_path, *options, INTERLEAVETHINKER_TOKEN=TOKEN) as url,
        httpx2.AsyncClient(timeout=120) as plain,
    ):
        allowed = await plain.options(url, headers=page | asked)
        assert allowed.status_code == 200
        assert allowed.headers["access-control-allow-origin"] == page["Origin"]
        assert allowed.headers["access-control-allow-private-network"] == "true"
        for method in ("DELETE", "GET"):
            assert (
                await plain.options(url, headers=page | asked | {"Access-Control-Request-Method": method})
            ).is_success
        other = await plain.options(url, headers=asked | {"Origin": "https://evil.example"})
        assert other.status_code == 400
        assert "access-control-allow-origin" not in other.headers
        refused = await plain.post(url, headers=page, json={})
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, page["Origin"])
        known = httpx2.AsyncClient(headers=page | {"Authorization": f"Bearer {TOKEN}"}, timeout=120)
        async with known, Client(streamable_http_client(url, http_client=known)) as client:
            assert (await call_tool(client, prompt="a ball", seed=1))["seed"] == 1


@pytest.mark.parametrize("origin", ["*", "null", "app.example", "https://app.example/", "https://app.example/page", ""])
def test_what_no_browser_sends_as_an_origin_is_refused_at_the_start(origin: str) -> None:
    with pytest.raises(InputError, match="is no origin"):
        HttpOptions(allowed_origins=(origin,)).check()


async def test_a_body_as_large_as_an_image_is_accepted_and_a_larger_one_is_not(tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image

    from interleavethinker.tools.images.png import encode_png

    noise = np.random.default_rng(0).integers(0, 256, (1400, 1400, 3), dtype=np.uint8)
    png = encode_png(Image.fromarray(noise))
    assert len(png) > 5_000_000
    async with http_server(tmp_path) as url:
        async with Client(url) as client:
            uri = "data:image/png;base64," + base64.b64encode(png).decode()
            assert (await call_tool(client, "put_image", image=uri))["sha256"] == sha256_of(png)
        async with httpx2.AsyncClient(timeout=120) as plain:
            response = await plain.post(url, content=bytes(49 * 2**20))
            assert response.status_code == 413


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])  # noqa: S104
def test_listening_on_another_address_needs_a_token(host: str) -> None:
    with pytest.raises(InputError):
        HttpOptions(host=host).check()
    with pytest.raises(InputError):
        HttpOptions(host=host, token="short").check()  # noqa: S106
    HttpOptions(host=host, token=TOKEN).check()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_listening_on_loopback_needs_no_token(host: str) -> None:
    HttpOptions(host=host).check()


def test_the_command_refuses_to_listen_on_another_address_without_a_token(tmp_path: Path) -> None:
    command = [*PROGRAM, "image-server", "--model", "fake", "--transport", "http", "--host", "0.0.0.0"]  # noqa: S104
    done = subprocess.run([*command, "--store", str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "INTERLEAVETHINKER_TOKEN" in done.stderr


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_old_and_new_protocols_are_served(tmp_path: Path, mode: Literal["legacy", "auto"]) -> None:
    async with Client(stdio(tmp_path), mode=mode) as client:
        assert client.protocol_version == {"legacy": "2025-11-25", "auto": "2026-07-28"}[mode]
        assert (await call_tool(client, prompt="a ball", seed=1))["cached"] is False


def test_a_server_whose_client_leaves_while_the_model_loads_ends(klein_folder: Path, tmp_path: Path) -> None:
    command = [*PROGRAM, "image-server", "--model", str(klein_folder), "--preload", "--store", str(tmp_path)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=180, check=False)
    assert done.returncode == 0


async def test_a_users_own_image_is_listed_and_edited_by_path(tmp_path: Path) -> None:
    pictures = tmp_path / "Pictures"
    pictures.mkdir()
    (pictures / "cat.png").write_bytes(sample_png(3))
    (tmp_path / "secret.png").write_bytes(sample_png(4))
    (pictures / "notes.png").write_text("not an image")
    async with Client(stdio(tmp_path / "store", "--model", "fake", "--images", str(pictures))) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert "list_images" in str(tools["edit_image"].input_schema["properties"]["image"])
        assert client.instructions is not None
        assert "list_images" in client.instructions
        assert (await call_tool(client, "list_images", contains="cat"))["paths"] == ["cat.png"]
        by_path = await call_tool(client, "edit_image", prompt="redder", image="cat.png", seed=1)
        put = await call_tool(client, "put_image", image="data:image/png;base64," + _base64(sample_png(3)))
        by_uri = await call_tool(client, "edit_image", prompt="redder", image=put["uri"], seed=1)
        assert by_uri == by_path | {"cached": True}
        for path in ("../secret.png", str(tmp_path / "secret.png"), "notes.png", "https://example.org/cat.png"):
            refused = await client.call_tool("edit_image", {"prompt": "x", "image": path})
            assert error_code(refused) == "invalid_image"
    async with Client(stdio(tmp_path / "store")) as client:
        assert "list_images" not in {tool.name for tool in (await client.list_tools()).tools}
        refused = await client.call_tool("edit_image", {"prompt": "x", "image": str(pictures / "cat.png")})
        assert "--images" in str(refused.content)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


async def test_a_client_that_only_starts_commands_shares_a_server_over_http(tmp_path: Path) -> None:
    async with http_server(tmp_path / "store", INTERLEAVETHINKER_TOKEN=TOKEN) as url:
        command = StdioServerParameters(
            command=PROGRAM[0],
            args=[*PROGRAM[1:], "image-server", "--connect", url],
            env={"INTERLEAVETHINKER_TOKEN": TOKEN},
        )
        async with Client(command) as first, Client(command) as second:
            made = await call_tool(first, prompt="a ball", seed=1)
            assert await call_tool(second, prompt="a ball", seed=1) == made | {"cached": True}
            assert (await call_tool(second, "server_status"))["generated"] == 1
