"""Code in the README and the documentation: Python runs or fits the real signatures, commands are accepted by the real
parser, TOML and JSON are valid where they are used.
"""

import ast
import asyncio
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer import TyperException

import interleavethinker as it
from interleavethinker.tools.errors import InterleaveError, ProfileError
from interleavethinker.tools.prices import Price
from interleavethinker.training.recipe import load_training_recipe

from .blocks import PAGES, ROOT, Block, blocks_of, inline_code
from .command_lines import check_command, commands_in, known_options
from .signatures import problems_in

BLOCKS = [block for page in PAGES for block in blocks_of(page)]
RUNNABLE = sorted(
    {b.page for b in BLOCKS if b.language == "python" and b.directive != "check"},
    key=lambda page: page.relative_to(ROOT).as_posix(),
)
INCLUDED = re.compile(r'--8<-- "(?P<path>[^"]+)"')
OPTIONS_OF_OTHERS = {
    "--store",
    "--flag",
    "--allow-blocking",
    "--model_args",
    "--process_with_media",
    "--tasks",
    "--torch-backend",
}
"""Written in the documentation, but not ours."""


def of(*languages: str) -> list[Any]:
    return [pytest.param(block, id=str(block)) for block in BLOCKS if block.language in languages]


def test_every_block_is_in_a_language_that_is_checked_here() -> None:
    languages = {str(block): block.language for block in BLOCKS}
    checked = {"json", "mermaid", "python", "sh", "text", "toml"}
    assert {where: language for where, language in languages.items() if language not in checked} == {}


@pytest.mark.parametrize("block", of("python"))
def test_names_and_calls_fit_the_package(block: Block) -> None:
    if included := INCLUDED.fullmatch(block.code.strip()):
        assert (ROOT / included["path"]).is_file()
        return
    assert problems_in(block.code, {"workspace": it.Workspace}) == []


@pytest.mark.usefixtures("own_folders", "fake_micro")
@pytest.mark.parametrize("page", RUNNABLE, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_python_blocks_of_a_page_run_one_after_the_other(page: Path) -> None:
    names: dict[str, Any] = {}
    for block in blocks_of(page):
        if block.language != "python" or block.directive == "check" or INCLUDED.match(block.code):
            continue
        code = compile(block.code, str(block), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        if code.co_flags & 0x80:  # CO_COROUTINE: it awaits at the top level.
            asyncio.run(eval(code, names))  # noqa: S307 - our own documentation
        else:
            exec(code, names)  # noqa: S102 - our own documentation


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_inline_calls_fit_the_package(page: Path) -> None:
    known = {"workspace": it.Workspace, "id": None, "steps": None} | {name: getattr(it, name) for name in it.__all__}
    for code in inline_code(page):
        if re.match(r"(await )?(it|workspace)\.\w+", code):
            assert problems_in(code.replace("…", "..."), known) == [], code


@pytest.mark.usefixtures("own_folders")
@pytest.mark.parametrize("block", of("sh"))
def test_commands_are_accepted(block: Block) -> None:
    for words in commands_in(block.code):
        check_command(words)


@pytest.mark.usefixtures("own_folders")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_inline_commands_are_accepted(page: Path) -> None:
    for code in inline_code(page):
        if re.match(r"(interleavethinker|make) \w", code) and "COMMAND" not in code:
            for words in commands_in(code):
                check_command(words)


def test_every_option_named_in_prose_exists() -> None:
    named = {
        (page.name, option)
        for page in PAGES
        for code in inline_code(page)
        if code.startswith("--")
        for option in re.findall(r"^--[a-z][a-z_-]+", code)
    }
    known = known_options() | OPTIONS_OF_OTHERS
    assert {(page, option) for page, option in named if option not in known} == set()
    assert len(named) > 10


@pytest.mark.parametrize("block", of("toml"))
def test_toml_is_a_profile_a_recipe_a_price_table_or_a_clients_configuration(block: Block, tmp_path: Path) -> None:
    data = tomllib.loads(block.code)
    path = tmp_path / "block.toml"
    path.write_text(block.code, encoding="utf-8")
    if "planner" in data:
        it.load_profile(str(path))
    elif "kind" in data:
        load_training_recipe(path)
    elif all(isinstance(entry, dict) and entry.keys() <= Price.model_fields.keys() for entry in data.values()):
        assert [Price.model_validate(entry) for entry in data.values()]
    else:
        check_servers(data["mcp_servers"])


@pytest.mark.parametrize("block", of("json"))
def test_json_is_a_clients_configuration(block: Block) -> None:
    data = json.loads(block.code)
    check_servers(data.get("mcpServers") or data["servers"])


def check_servers(servers: dict[str, dict[str, Any]]) -> None:
    assert servers
    for server in servers.values():
        if "command" in server:
            check_command([server["command"], *server["args"]])
        else:
            assert server["url"].endswith("/mcp")


WRONG_CODE = [
    "it.illustrate('a ball', colour='red')",
    "it.ilustrate('a ball')",
    "from interleavethinker import Workspaces",
    "it.Limits.deadlines",
    "await workspace.pauses('x')",
    "await workspace.pause()",
    "await workspace.branch(id, BranchPoint(stepp=1))",
]


@pytest.mark.parametrize("code", WRONG_CODE)
def test_wrong_code_would_be_found(code: str) -> None:
    known = {"workspace": it.Workspace, "BranchPoint": it.BranchPoint, "id": None}
    assert problems_in(code, known) != []


WRONG_COMMANDS = [
    "interleavethinker runn x",
    "interleavethinker run --max-iterations-per-step 3 x",
    "interleavethinker run x y",
    "interleavethinker micro draw x",
    "interleavethinker image-server --call-seconds 3",
    "interleavethinker run --max-calls none x",
    "interleavethinker run --profile nano x",
    "interleavethinker evaluate nothing",
    "interleavethinker train micro-nothing",
    "interleavethinker judge",
    "interleavethinker --instal-completion",
    "claude mcp add images -- interleavethinker image-servers",
    "make nothing",
    "pip install '.[nothing]'",
    "pytest tests/nothing.py",
    "cargo build",
]


@pytest.mark.parametrize("line", WRONG_COMMANDS)
def test_wrong_commands_would_be_found(line: str) -> None:
    with pytest.raises((AssertionError, InterleaveError, TyperException)):
        check_command(*commands_in(line))


def test_a_wrong_profile_would_be_found(tmp_path: Path) -> None:
    block = next(block for block in BLOCKS if block.language == "toml" and "planner" in tomllib.loads(block.code))
    path = tmp_path / "block.toml"
    path.write_text(block.code.replace("[critic]", "[judge]"), encoding="utf-8")
    with pytest.raises(ProfileError):
        it.load_profile(str(path))
