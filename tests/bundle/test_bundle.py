"""The MCPB bundle and `server.json`: valid by the official program, at this project's version, with words that work.

`make protocol-tools` installs the official program; without it, what needs it is skipped.
"""

import asyncio
import importlib.util
import json
import re
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Annotated, Any, Literal
from unittest import mock

import pytest
import typer
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from interleavethinker.cli.app import build_app
from interleavethinker.tools.mcp.server_check import check_server

ROOT = Path(__file__).parents[2]
MANIFEST = json.loads((ROOT / "bundle" / "manifest.json").read_text(encoding="utf-8"))
SERVER = json.loads((ROOT / "server.json").read_text(encoding="utf-8"))


def loaded(name: str) -> Any:
    """A module of the folder `bundle`, which is no package."""
    spec = importlib.util.spec_from_file_location(f"bundle_{name}", ROOT / "bundle" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


build, bundled = loaded("build"), loaded("main")
NODE: Path = build.MODULES / "node" / "bin" / "node"
needs_mcpb = pytest.mark.skipif(not NODE.exists(), reason="needs `make protocol-tools` (npm)")
CONFIGURED = """
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
const [, , library, folder, config] = process.argv;
const { getMcpConfigForManifest } = await import(pathToFileURL(library));
const manifest = JSON.parse(readFileSync(`${folder}/manifest.json`));
const found = await getMcpConfigForManifest({
  manifest, extensionPath: folder, systemDirs: {}, userConfig: JSON.parse(config), pathSeparator: "/",
});
console.log(JSON.stringify(found));
"""


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Value(Strict):
    description: str = ""
    default: str | None = None
    value: str | None = None
    choices: list[str] = []
    format: Literal["string", "number", "boolean", "filepath"] = "string"
    is_secret: bool = Field(False, alias="isSecret")
    is_repeated: bool = Field(False, alias="isRepeated")


class Positional(Value):
    type: Literal["positional"]
    value: str


class Named(Value):
    type: Literal["named"]
    name: Annotated[str, Field(pattern="^--")]


class Variable(Value):
    name: Annotated[str, Field(pattern="^[A-Z_]+$")]


class Package(Strict):
    registry_type: Literal["pypi"] = Field(alias="registryType")
    identifier: str
    version: str
    runtime_hint: Literal["uvx"] = Field(alias="runtimeHint")
    runtime_arguments: list[Named] = Field(alias="runtimeArguments")
    transport: dict[Literal["type"], Literal["stdio"]]
    package_arguments: list[Annotated[Positional | Named, Field(discriminator="type")]] = Field(
        alias="packageArguments"
    )
    variables: list[Variable] = Field(alias="environmentVariables")


class Server(Strict):
    """What the registry's schema of 2025-12-11 allows, as far as our file uses it."""

    schema_: Literal["https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"] = Field(
        alias="$schema"
    )
    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+$", max_length=200)]
    title: Annotated[str, Field(max_length=100)]
    description: Annotated[str, Field(max_length=100)]
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    packages: list[Package]


def parses(words: list[str]) -> None:
    """Fails unless the real program accepts a command line."""
    command = typer.main.get_command(build_app(words)).commands[words[0]]  # type: ignore[attr-defined]
    command.make_context(words[0], words[1:])


def test_every_version_is_the_projects() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (package,) = SERVER["packages"]
    versions = [SERVER["version"], package["version"], MANIFEST["version"]]
    assert versions == [project["version"]] * 3
    assert package["runtimeArguments"][0]["value"] == f"interleavethinker[local]=={project['version']}"
    assert package["identifier"] == project["name"]
    assert f"<!-- mcp-name: {SERVER['name']} -->" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_registrys_file_keeps_its_rules_and_its_command_line_is_ours() -> None:
    (package,) = TypeAdapter(Server).validate_python(SERVER).packages
    words: list[str] = []
    for argument in package.package_arguments:
        if isinstance(argument, Positional):
            words.append(argument.value)
        else:
            words += [argument.name, argument.default or str(ROOT)]
    parses(words)
    assert words[:3] == ["trajectory-server", "--profile", "micro"]


def test_empty_settings_of_the_dialog_are_left_out() -> None:
    assert bundled.server_words(["--profile", "api", "--folders", "", "/a b"]) == [
        *("trajectory-server", "--profile", "api", "--images", "/a b")
    ]
    assert bundled.server_words([], "false") == ["trajectory-server", "--profile", "micro"]
    assert bundled.server_words(["--profile", "${user_config.profile}"], "true")[2:] == ["micro", "--require-person"]


@needs_mcpb
async def test_the_bundle_is_valid_and_starts_with_the_clients_settings(tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "interleavethinker-0.1.0-py3-none-any.whl").write_bytes(b"the wheel")
    build.fill(folder)
    await asyncio.to_thread(build.mcpb, "validate", str(folder / "manifest.json"))
    await asyncio.to_thread(build.mcpb, "pack", str(folder), str(tmp_path / "one.mcpb"))
    with zipfile.ZipFile(tmp_path / "one.mcpb") as packed:
        names = set(packed.namelist())
    assert names >= {"manifest.json", "server/main.py", "pyproject.toml", "icon.png", "LICENSE"}
    project = tomllib.loads((folder / "pyproject.toml").read_text())
    assert (folder / project["tool"]["uv"]["sources"]["interleavethinker"]["path"]).exists()

    settings = await configured(folder, {"images": [str(tmp_path)], "require_person": True})
    assert settings["command"] == "uv"
    assert settings["env"] == {"OPENAI_API_KEY": "", "REQUIRE_PERSON": "true"}
    script = settings["args"].index("server/main.py")
    assert settings["args"][:script] == ["run", "--directory", str(folder)]
    words = settings["args"][script + 1 :]
    assert words == ["--profile", "micro", "--folders", str(tmp_path)]
    with mock.patch("interleavethinker.tools.mcp.server_check._SECONDS", 300.0):  # A busy machine starts it slowly.
        found = await check_server((sys.executable, str(folder / "server" / "main.py"), *words))
    checks = {check.name: check for check in found}
    assert all(check.good for check in checks.values()), checks
    assert checks["profiles"].found == "micro"
    tools = re.findall(r"\w+", checks["tools"].found)[1:12]
    assert tools == [tool["name"] for tool in MANIFEST["tools"]]


@needs_mcpb
async def test_an_invalid_manifest_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST | {"server": {"type": "uv"}}))
    with pytest.raises(SystemExit, match="mcpb validate failed"):
        await asyncio.to_thread(build.mcpb, "validate", str(tmp_path / "manifest.json"))


async def configured(folder: Path, values: dict[str, Any]) -> dict[str, Any]:
    """What the official library makes of the manifest for a person's settings."""
    script = folder.parent / "configured.mjs"
    script.write_text(CONFIGURED)
    library = build.MODULES / "@anthropic-ai" / "mcpb" / "dist" / "node.js"
    process = await asyncio.create_subprocess_exec(
        *map(str, (NODE, script, library, folder, json.dumps(values))), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    found: dict[str, Any] = json.loads(output)
    return found
