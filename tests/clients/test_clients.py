"""The image server as real clients see it: agent frameworks and the official TypeScript SDKs, each in its own process.

`make client-tests` installs them into environments of their own; without that, these tests are skipped. Each program in
`programs` prints one JSON object. No model provider is called: `programs/provider.py` stands in for them on this
machine, and records what they would have received.
"""

import asyncio
import base64
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from interleavethinker.tools.images.store import sha256_of

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MODULES = HERE.parent / "protocol" / "node_modules"
NODE = MODULES / "node" / "bin" / "node"
FOLDER = "Scripts" if sys.platform == "win32" else "bin"
PYTHONS = {name: ROOT / ".client-venvs" / name / FOLDER / "python" for name in ("mcp1", "mcp2")}
SECONDS = 300
"""For one program on a busy machine; alone they take a few."""

pytestmark = pytest.mark.skipif(
    not all(path.exists() for path in (NODE, *PYTHONS.values())),
    reason="needs `make client-tests` (npm and a Python package index)",
)


def fake_server(store: Path) -> tuple[str, ...]:
    return (sys.executable, "-m", "interleavethinker.cli", "image-server", "--model", "fake", "--store", str(store))


async def output_of(*command: object, folder: Path = HERE / "programs") -> str:
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        cwd=folder,
        env=os.environ | {"PATH": f"{NODE.parent}{os.pathsep}{os.environ['PATH']}"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(SECONDS):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, errors.decode()
    return output.decode()


async def run(python: str, program: str, *arguments: object) -> Any:
    return json.loads(await output_of(PYTHONS[python], f"{program}.py", *arguments))


def strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


def images_in(request: object) -> list[bytes]:
    """The PNG images among a request's strings, in any of the providers' forms."""
    found = []
    for text in strings(request):
        data = text.removeprefix("data:image/png;base64,").translate(str.maketrans("-_", "+/"))
        if data.startswith("iVBORw0KGgo"):
            found.append(base64.b64decode(data))
    return found


@pytest.mark.parametrize(("adapter", "python"), [("adapters", "mcp1"), ("langchain", "mcp2")])
async def test_a_langchain_agent_shows_the_image_to_every_providers_model(
    adapter: str, python: str, tmp_path: Path
) -> None:
    results = await run(python, "langchain_agents", adapter, *fake_server(tmp_path))
    for provider in ("openai", "anthropic", "google"):
        asked, shown = results[provider]["requests"]
        assert results[provider]["answer"] == "Here it is."
        assert "generate_image" in str(asked)
        (image,) = images_in(shown)
        assert f"image://{sha256_of(image)} " in str(shown), "the text names the image"
        addresses = [text for text in strings(shown) if text.startswith("image://") and " " not in text]
        assert addresses == [], f"{provider} cannot fetch them"
    assert "unknown_image: This server has no undamaged image" in results["error"]


async def test_an_agent_of_the_openai_sdk_survives_a_model_that_loads_longer_than_its_timeout(tmp_path: Path) -> None:
    result = await run("mcp2", "openai_agent", sys.executable, HERE / "slow_server.py", tmp_path, 8)
    assert result["answer"] == "Here it is."
    assert len(result["requests"]) >= 4, "the model was told to call again"
    assert "loading: The model slow/1 is loading" in str(result["requests"][1])
    assert "Timed out" not in str(result["requests"])
    assert "image://" in str(result["requests"][-1])


async def test_an_agent_of_pydantic_ai_gets_an_image(tmp_path: Path) -> None:
    call = ("generate_image", json.dumps({"prompt": "a red ball", "seed": 5}))
    result = await run("mcp2", "pydantic_agent", *call, *fake_server(tmp_path))
    assert result["answer"] == "Here it is."
    assert len(images_in(result["requests"][-1])) == 1


async def test_fastmcp_reads_results_resources_and_errors(tmp_path: Path) -> None:
    result = await run("mcp2", "fastmcp_calls", *fake_server(tmp_path))
    assert result["seed"] == 2**53 - 1
    assert 0 < result["bytes"] <= result["read"] <= result["bytes"] + 2
    assert result["blocks"] == ["text", "image"]
    unknown, misspelt = result["errors"]
    assert unknown.startswith("unknown_image: ")
    assert "Did you mean 'width'?" in misspelt


@pytest.mark.parametrize("version", ["1", "2"])
async def test_the_typescript_sdk_gets_results_and_undisguised_errors(version: str, tmp_path: Path) -> None:
    command = (NODE, "typescript.mjs", MODULES, version, *fake_server(tmp_path))
    results = json.loads(await output_of(*command))
    assert results["prompts"] is None
    assert results["made"]["structuredContent"]["seed"] == 2**53 - 1, "the largest number that JavaScript has"
    assert [block["type"] for block in results["made"]["content"]] == ["text", "image"]
    assert results["status"]["structuredContent"]["loaded"] is True
    for name, code in (("unknown", "unknown_image"), ("misspelt", "invalid_input"), ("mistyped", "invalid_input")):
        result = results[name]
        assert result["isError"] is True, result
        assert result["content"][0]["text"].startswith(f"{code}: ")
        assert result["_meta"]["interleavethinker/error"]["code"] == code


async def test_the_inspector_finds_nothing_to_criticise_and_shows_errors_as_they_are(tmp_path: Path) -> None:
    inspector = MODULES / "@modelcontextprotocol" / "inspector" / "clients" / "launcher" / "build" / "index.js"
    config = tmp_path / "servers.json"
    command, *arguments = fake_server(tmp_path / "store")
    config.write_text(json.dumps({"mcpServers": {"images": {"command": command, "args": arguments}}}))
    base = (NODE, inspector, "--cli", "--config", config, "--server", "images", "--method")
    listed = json.loads(await output_of(*base, "tools/list", "--strict"))
    assert len(listed["tools"]) == 4
    call = (*base, "tools/call", "--tool-name", "edit_image", "--tool-arg", "prompt=x", f"image=image://{'0' * 64}")
    shown = await outcome_of(*call)
    assert "unknown_image: This server has no undamaged image" in shown
    assert "required property" not in shown


async def outcome_of(*command: object) -> str:
    """What a program printed, whatever its exit status: the Inspector's tells of a tool's error."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(SECONDS):
        output, _ = await process.communicate()
    return output.decode()
