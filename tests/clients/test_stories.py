"""A whole answer of the trajectory server through real clients; see `test_clients`."""

import json
from pathlib import Path
from typing import Any

import pytest

from ..servers.trajectories.programs import server_words, write_profile
from .test_clients import MODULES, NODE, images_in, output_of, pytestmark, run

__all__ = ["pytestmark"]

TOOLS = [
    *("illustrate", "follow", "show_storyboard", "approve_plan", "judge_image", "branch"),
    *("pause", "resume", "cancel", "get_document", "list_trajectories"),
]


def check(story: dict[str, Any]) -> None:
    """Whatever the client, the chat model reads the same."""
    assert story["tools"] == TOOLS, "the tools of the storyboard's page stay hidden"
    first, *steps, last = story["last"].splitlines()
    assert first.endswith("done, 2 of 2 steps finished.")
    assert [line.split(" image://")[0] for line in steps] == [
        '1. [done] "A big red ball on the left, in a meadow."',
        '2. [done] "Make the ball blue."',
    ]
    assert last.startswith("Next: call get_document")
    assert "complete" in story["document"]
    assert story["blocks"].count("image") == 2
    assert story["error"].startswith("unknown_trajectory: ")


@pytest.mark.parametrize(
    ("client", "python"), [("session", "mcp1"), ("adapters", "mcp1"), ("langchain", "mcp2"), ("fastmcp", "mcp2")]
)
async def test_python_clients_get_a_whole_answer(client: str, python: str, tmp_path: Path) -> None:
    write_profile(tmp_path)
    check(await run(python, "story", client, *server_words(tmp_path)))


@pytest.mark.parametrize("version", ["1", "2"])
async def test_the_typescript_sdk_gets_a_whole_answer(version: str, tmp_path: Path) -> None:
    write_profile(tmp_path)
    check(json.loads(await output_of(NODE, "story.mjs", MODULES, version, *server_words(tmp_path))))


async def test_an_agent_of_pydantic_ai_starts_an_answer(tmp_path: Path) -> None:
    write_profile(tmp_path)
    call = ("illustrate", json.dumps({"request": "Draw a big red ball on the left.", "approve_plan": True}))
    result = await run("mcp2", "pydantic_agent", *call, *server_words(tmp_path))
    assert result["answer"] == "Here it is."
    (shown,) = (message for message in result["requests"][-1]["messages"] if message["role"] == "tool")
    assert '"waiting_for":"approval"' in str(shown["content"]).replace(" ", ""), "this client passes structure on"
    assert images_in(result["requests"][-1]) == [], "the plan waits: nothing was generated"
