"""Every example runs. Fakes take the models' place where the models are not the point."""

import ast
import re
import runpy
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
TESTED = {
    "batch",
    "benchmark",
    "custom_components",
    "deep_agent",  # in test_deep_agent.py
    "illustrate",
    "knowledge",
    "langchain_tool",
    "langgraph_approval",
    "langgraph_node",
    "mcp_client",
    "remote_graph",  # in tests/graph/test_langgraph_server.py
    "steer",
    "test_with_fakes",
    "variants",
}


def run(name: str) -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "examples" / f"{name}.py"), run_name="__main__")


def test_every_example_is_short_documented_and_tested_here() -> None:
    assert {path.stem for path in EXAMPLES} == TESTED
    for path in EXAMPLES:
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) < 60, path.name
        assert ast.get_docstring(ast.parse(text)), path.name


def test_every_example_is_shown_in_the_documentation() -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs").rglob("*.md"))
    assert set(re.findall(r'--8<-- "examples/(\w+)\.py"', pages)) == TESTED


def test_illustrate(own_folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = run("illustrate")["answer"].images
    assert len(images) == 2
    assert capsys.readouterr().out.count("(96, 96)") == 2
    assert (own_folders / "out" / "index.html").exists()


@pytest.mark.usefixtures("own_folders", "fake_micro")
def test_benchmark(capsys: pytest.CaptureFixture[str]) -> None:
    values = {one["name"]: one["value"] for one in run("benchmark")["report"]["figures"]}
    assert values["image"] == 100
    assert "# UEval, protocol official" in capsys.readouterr().out


@pytest.mark.usefixtures("own_folders", "fake_micro")
def test_batch(capsys: pytest.CaptureFixture[str]) -> None:
    run("batch")
    first = capsys.readouterr().out
    assert first.splitlines()[0] == "ball-1: done, 2 of 2 steps accepted"
    assert len(first.splitlines()) == 4
    assert Path("runs/example/settings.csv").read_text().count("seed=") == 2


@pytest.mark.usefixtures("own_folders", "fake_micro")
def test_steer(capsys: pytest.CaptureFixture[str]) -> None:
    run("steer")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("a big red ball on the left, at night")
    assert "paused with 1 attempt" in lines
    assert "done complete" in lines
    assert lines[-1] == "same first image: True"


@pytest.mark.usefixtures("own_folders", "fake_micro")
def test_variants(capsys: pytest.CaptureFixture[str]) -> None:
    run("variants")
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert [line.removesuffix(" kept") for line in lines[:3]] == ["attempt 1", "attempt 2", "attempt 3"]
    assert sum(line.endswith(" kept") for line in lines) == 1
    assert lines[3].startswith("chosen instead:")
    assert lines[3].endswith("of 3")


@pytest.mark.usefixtures("own_folders", "fake_micro")
def test_langgraph_node(capsys: pytest.CaptureFixture[str]) -> None:
    run("langgraph_node")
    assert "2 images" in capsys.readouterr().out


@pytest.mark.usefixtures("own_folders", "fake_micro")
def test_langgraph_approval(capsys: pytest.CaptureFixture[str]) -> None:
    run("langgraph_approval")
    planned, generated = capsys.readouterr().out.splitlines()
    assert planned == "planned: ['a big red ball on the left, in a meadow', 'make the ball blue']"
    assert generated == "generated: ['a big red ball on the left, in a meadow']"


class ScriptedModel(BaseChatModel):
    """Calls the tool `illustrate` with what the user wrote, then says what came back."""

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> Any:
        assert [tool.name for tool in tools] == ["illustrate"]
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        last = messages[-1]
        if isinstance(last, ToolMessage):
            kinds = [block["type"] for block in last.content_blocks]
            message = AIMessage(content=f"{kinds.count('image')} images, {kinds.count('text')} texts")
        else:
            assert isinstance(last, HumanMessage)
            call = {"name": "illustrate", "args": {"request": last.text}, "id": "1", "type": "tool_call"}
            message = AIMessage(content="", tool_calls=[call])
        return ChatResult(generations=[ChatGeneration(message=message)])


@pytest.mark.usefixtures("own_folders", "fake_micro")
def test_langchain_tool_returns_images_and_texts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("langchain.chat_models.init_chat_model", lambda _: ScriptedModel())
    run("langchain_tool")
    assert re.search(r"'2 images, \d+ texts'", capsys.readouterr().out)


@pytest.mark.usefixtures("own_folders")
class Curious(BaseChatModel):
    """Calls the tool once, then plans."""

    @property
    def _llm_type(self) -> str:
        return "curious"

    def bind_tools(self, tools: Any, **_: Any) -> Any:
        assert [one["function"]["name"] for one in tools] == ["find_bird"]
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        if "look up facts" not in messages[0].text:
            message = AIMessage(content='{"execution_plan": [{"prompt": "a heron"}]}')
        elif isinstance(messages[-1], ToolMessage):
            message = AIMessage(content="ENOUGH")
        else:
            call = {"name": "find_bird", "args": {"name": "heron"}, "id": "1", "type": "tool_call"}
            message = AIMessage(content="", tool_calls=[call])
        return ChatResult(generations=[ChatGeneration(message=message)])


def test_knowledge(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("langchain.chat_models.init_chat_model", lambda _: Curious())
    run("knowledge")
    assert capsys.readouterr().out == (
        "The heron sleeps on one leg. Source: https://example.org/birds\n('https://example.org/birds',)\n"
    )


def test_custom_components(capsys: pytest.CaptureFixture[str]) -> None:
    run("custom_components")
    assert capsys.readouterr().out == "['red', 'darkred', 'green', 'darkgreen', 'blue', 'darkblue']\n"


def test_mcp_client(own_folders: Path) -> None:
    # In a process of its own, as the SDK hands stderr to the server it starts, and pytest has replaced it here.
    command = [sys.executable, str(ROOT / "examples" / "mcp_client.py")]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert re.fullmatch(r"image://[0-9a-f]{64}: 96 x 96\n", output)
    assert (own_folders / "edited.png").read_bytes().startswith(b"\x89PNG")


async def test_an_integrators_test_with_fakes(tmp_path: Path) -> None:
    example = runpy.run_path(str(ROOT / "examples" / "test_with_fakes.py"))
    await example["test_every_topic_gets_its_images"](tmp_path)
