"""`doctor` looks at every object, variable and server that a profile names, and starts and makes none of them."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from interleavethinker.graph.profiles.checks import check_profile
from interleavethinker.graph.profiles.named_objects import object_of
from interleavethinker.graph.profiles.opening import open_components
from interleavethinker.graph.profiles.profile import Profile, load_profile
from interleavethinker.tools.check_result import CheckResult
from interleavethinker.tools.errors import ProfileError
from interleavethinker.tools.images.store import ImageStore
from tests.servers.processes import http_server

PROFILE = """
description = "d"
{fields}
[planner]
object = "interleavethinker.microworld.agents.scripted_planner:ScriptedPlanner"
[critic]
object = "interleavethinker.tools.testing.agents:accepting_critic"
[generator]
{generator}
{tables}
"""
Found = Callable[..., dict[str, CheckResult]]
TOKEN = "t" * 40
CELLS = 'model = "cells"'
KNOWLEDGE = '[knowledge]\nmodel = "openai:gpt"\n'


def written(folder: Path, *, fields: str = "", generator: str = CELLS, tables: str = "") -> str:
    path = folder / "mine.toml"
    path.write_text(PROFILE.format(fields=fields, generator=generator, tables=tables))
    return str(path)


@pytest.fixture
def found(tmp_path: Path) -> Found:
    """Writes a profile and returns what `doctor` says about it, by name."""

    def check(**parts: str) -> dict[str, CheckResult]:
        return {one.name: one for one in check_profile(load_profile(written(tmp_path, **parts)))}

    return check


BAD = [
    ("plan_check", "nowhere:Check", "No module named 'nowhere'"),
    ("plan_check", "os:nothing", "has no attribute 'nothing'"),
    ("plan_check", "os:system", "cannot be the plan check of the profile: "),
    ("plan_check", "os:sep", "cannot be called"),
    ("plan_check", "interleavethinker.tools.images.store:ImageStore", "argument"),
    ("document_check", ":", "Empty module name"),
    ("document_check", "interleavethinker.microworld.agents.wish_reader:MicroWishReader", "no method check_document"),
    ("wish_reader", "interleavethinker.microworld.agents.request_check:RequestCheck", "no method outside"),
    ("reference_words", "platform:system", "cannot be the reference words"),
    ("request_check", "platform:system", "cannot be the request check"),
]


@pytest.mark.parametrize(("field", "target", "problem"), BAD)
async def test_an_object_that_cannot_be_used_in_its_place_is_named_before_and_when_a_profile_is_opened(
    field: str, target: str, problem: str, found: Found, tmp_path: Path
) -> None:
    named = f'{field} = "{target}"'
    result = found(fields=named)[field.replace("_", " ")]
    assert not result.good
    assert problem in result.found
    with pytest.raises(ProfileError) as error:
        async with open_components(load_profile(written(tmp_path, fields=named)), ImageStore(tmp_path / "images")):
            pass
    assert str(error.value) == result.found


def test_a_module_that_fails_while_it_is_imported_is_named(
    found: Found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_module.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    result = found(fields='plan_check = "broken_module:Check"')["plan check"]
    assert not result.good
    assert "'broken_module:Check', named in the profile: ZeroDivisionError: division by zero" in result.found


def test_roles_are_objects_of_their_kind(tmp_path: Path) -> None:
    path = Path(written(tmp_path))
    path.write_text(path.read_text().replace("testing.agents:accepting_critic", "testing.agents:FixedPlanner"))
    critic = next(one for one in check_profile(load_profile(str(path))) if one.name == "critic")
    assert not critic.good
    assert "FixedPlanner cannot be the critic of the profile" in critic.found


async def test_options_may_have_any_name_but_that_of_the_image_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "options_module.py").write_text(
        "class Check:\n"
        "    def __init__(self, *, store, name='', target='', found='', given=''):\n"
        "        self.options = [name, target, found, given]\n"
        "    async def plan(self, request, context): ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    path = Path(written(tmp_path))

    def with_options(options: str) -> Profile:
        text = PROFILE.format(fields="", generator=CELLS, tables="")
        planner = "interleavethinker.microworld.agents.scripted_planner:ScriptedPlanner"
        path.write_text(text.replace(f'"{planner}"', f'"options_module:Check"\noptions = {{ {options} }}'))
        return load_profile(str(path))

    profile = with_options('name = "n", target = "t", found = "f", given = "g"')
    assert next(one for one in check_profile(profile) if one.name == "planner").good
    named = object_of(profile, "planner")
    assert named is not None
    assert vars(named.made(ImageStore(tmp_path / "images")))["options"] == ["n", "t", "f", "g"]
    profile = with_options("store = 1")
    planner = next(one for one in check_profile(profile) if one.name == "planner")
    assert not planner.good
    assert "cannot be the planner of the profile with an option `store`" in planner.found
    with pytest.raises(ProfileError, match="with an option `store`"):
        async with open_components(profile, ImageStore(tmp_path / "images")):
            pass


def test_the_shipped_objects_fit() -> None:
    named = {"plan check", "document check", "wish reader", "reference words", "request check"}
    checks = {one.name: one for one in check_profile(load_profile("micro"))}
    assert named <= checks.keys()
    assert all(checks[name].good for name in named)


def test_lookups_are_checked_with_their_tools_model_and_server(found: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "LOOKUP_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    tables = KNOWLEDGE + 'tools = ["os:system"]\nmcp = "http://127.0.0.1:9/mcp"\n'
    checks = found(tables=tables)
    assert "is not a LangChain tool" in checks["knowledge tools"].found
    assert "nothing listens at http://127.0.0.1:9/mcp" in checks["knowledge server"].found
    assert "needs" in checks["knowledge model"].found
    names = ("knowledge tools", "knowledge server", "knowledge model")
    assert not any(checks[name].good for name in names)
    token = found(tables=tables + 'token_variable = "LOOKUP_TOKEN"')["knowledge server"]
    assert not token.good
    assert "needs the environment variable LOOKUP_TOKEN, which is not set" in token.found


def test_a_command_that_is_not_there_and_variables_that_are_not_set_are_named(
    found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PAINT_KEY", raising=False)
    checks = found(generator='command = ["no-such-program", "--serve"]\nenvironment = ["PAINT_KEY"]')
    assert not checks["generator"].good
    assert "the program 'no-such-program' of the command was not found" in checks["generator"].found
    assert (checks["generator environment"].good, checks["generator environment"].warning) == (True, True)
    assert "PAINT_KEY" in checks["generator environment"].found
    there = found(generator=f'command = ["{sys.executable}", "-c", "print(1)"]')["generator"]
    assert there.good
    assert "not started" in there.found


async def test_an_image_server_is_asked_whether_it_answers_with_its_token_and_has_the_tools(
    found: Found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PAINT_TOKEN", raising=False)
    async with http_server(tmp_path / "store", "--model", "cells", INTERLEAVETHINKER_TOKEN=TOKEN) as url:

        async def ask(text: str) -> CheckResult:
            return (await asyncio.to_thread(found, generator=f'url = "{url}"\ntoken_variable = "PAINT_TOKEN"\n{text}'))[
                "generator"
            ]

        unset = await ask("")
        monkeypatch.setenv("PAINT_TOKEN", "wrong")
        wrong = await ask("")
        monkeypatch.setenv("PAINT_TOKEN", TOKEN)
        right = await ask("")
        other = await ask('tools = { generate = { name = "paint" } }')
        lookup = (await asyncio.to_thread(found, tables=f'{KNOWLEDGE}mcp = "{url}"\ntoken_variable = "PAINT_TOKEN"'))[
            "knowledge server"
        ]
    assert [one.good for one in (unset, wrong, right, other, lookup)] == [False, False, True, False, False]
    assert "needs the environment variable PAINT_TOKEN, which is not set" in unset.found
    assert "HTTP 401" in wrong.found
    assert "answers; its tools: edit_image, generate_image" in right.found
    assert "has no tool paint" in other.found
    assert "is an image server, not one to look facts up with" in lookup.found
