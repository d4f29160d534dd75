"""The protocol maintainers' programs against our server, and our client against a third-party server.

`make protocol-tools` installs them (Node 22 among them); without that, these tests are skipped.

Of the conformance suite's server scenarios only the generic ones apply. All others call tools, prompts or resources of
the suite's own fixture server by name (`tools-call-*`, `resources-read-*`, `resources-templates-read`,
`json-schema-2020-12`, `completion-complete`, `prompts-get-*`, `elicitation-*`, `server-sse-polling`), or test features
that this server does not offer (`prompts-list`, `logging-set-level`, `resources-subscribe`, `resources-unsubscribe`).
"""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from interleavethinker.tools.images.store import ImageStore, sha256_of
from interleavethinker.tools.mcp.config import GeneratorConfig, ToolMapping, ToolTemplate
from interleavethinker.tools.mcp.generator import McpImageGenerator
from interleavethinker.tools.types import GenerationRequest

from ..processes import PROGRAM, http_server

MODULES = Path(__file__).parents[2] / "protocol" / "node_modules"
NODE = MODULES / "node" / "bin" / "node"
GENERIC = (
    "server-initialize",
    "ping",
    "tools-list",
    "resources-list",
    "server-sse-multiple-streams",
    "dns-rebinding-protection",
)

pytestmark = pytest.mark.skipif(not NODE.exists(), reason="needs `make protocol-tools` (npm)")


def binary(package: str) -> tuple[str, ...]:
    """A command line for a package's program, run by the Node that was installed beside it."""
    folder = MODULES / "@modelcontextprotocol" / package
    (program,) = json.loads((folder / "package.json").read_text())["bin"].values()
    return (str(NODE), str(folder / program))


async def run(*command: str, folder: Path | None = None) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"PATH": f"{NODE.parent}{os.pathsep}{os.environ['PATH']}"},
    )
    output, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()


async def test_the_generic_conformance_scenarios_pass(tmp_path: Path) -> None:
    async with http_server(tmp_path) as url:
        suite = (*binary("conformance"), "server", "--url", url, "--scenario")
        results = await asyncio.gather(*(run(*suite, scenario) for scenario in GENERIC))
        for scenario, (code, output, errors) in zip(GENERIC, results, strict=True):
            assert code == 0, f"{scenario}: {output}{errors}"
            assert "0 failed, 0 warnings" in output, f"{scenario}: {output}"
            assert "Passed: 0/0" not in output, f"{scenario} checked nothing"


async def inspect(config: Path, *words: str) -> Any:
    launcher = MODULES / "@modelcontextprotocol" / "inspector" / "clients" / "launcher" / "build" / "index.js"
    call = ("--cli", "--config", str(config), "--server", "images", *words)
    code, output, errors = await run(str(NODE), str(launcher), *call)
    assert code == 0, errors
    return json.loads(output)


async def test_the_inspector_lists_and_calls_our_tools(tmp_path: Path) -> None:
    command, *options = (*PROGRAM, "image-server", "--model", "fake", "--store", str(tmp_path))
    config = tmp_path / "servers.json"
    config.write_text(json.dumps({"mcpServers": {"images": {"command": command, "args": options}}}))
    listed = await inspect(config, "--method", "tools/list", "--strict")
    assert {tool["name"] for tool in listed["tools"]} == {"edit_image", "generate_image", "put_image", "server_status"}
    arguments = ("--tool-name", "generate_image", "--tool-arg", "prompt=a ball", "seed=5")
    result = await inspect(config, "--method", "tools/call", *arguments)
    assert result["structuredContent"]["seed"] == 5
    assert [block["type"] for block in result["content"]] == ["text", "image"]


async def test_a_third_party_server_is_used_as_a_generator(tmp_path: Path) -> None:
    template = ToolTemplate(name="get-tiny-image", prompt=None)
    config = GeneratorConfig(command=(*binary("server-everything"), "stdio"), tools=ToolMapping(generate=template))
    store = ImageStore(tmp_path)
    async with McpImageGenerator(config, store) as generator:
        image = await generator.generate(GenerationRequest(prompt="anything", seed=1))
    assert sha256_of(store.get(image.sha256)) == image.sha256
    assert image.width > 0
