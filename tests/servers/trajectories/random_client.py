"""A chat client that makes random calls of all tools, and notes what it was told in a file that survives it.

Usage: random_client.py FOLDER SEED SERVER_WORD…; ends when it or its server is killed. Each answer is one line, written
at once: `what_was_told` reads them all.
"""

import asyncio
import base64
import contextlib
import json
import os
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from interleavethinker.tools.testing.generator import fake_image
from interleavethinker.tools.types import GenerationRequest

from .programs import STEPS, STORY

__all__ = ["FILE", "MODEL_TOOLS", "PAGE_TOOLS", "Told", "connected", "main", "what_was_told"]

MODEL_TOOLS = (
    *("illustrate", "follow", "show_storyboard", "approve_plan", "judge_image", "branch"),
    *("pause", "resume", "cancel", "get_document", "list_trajectories"),
)
PAGE_TOOLS = ("storyboard_state", "storyboard_image", "put_image", "steer_storyboard")
_OFTEN = (
    "illustrate",
    "illustrate",
    "follow",
    "follow",
    "follow",
    "resume",
    "resume",
    "judge_image",
    "storyboard_state",
)
_ACTIONS = ("approve", "judge", "branch", "pause", "resume")
FILE = "told"


@dataclass
class Told:
    """What clients were told by complete answers."""

    views: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """The views of each trajectory, as structured content."""
    images: set[str] = field(default_factory=set)
    """Names of the images that were uploaded."""
    calls: Counter[str] = field(default_factory=Counter)
    """Answered calls of each tool."""
    begun: set[str] = field(default_factory=set)
    """Trajectories that a call was about to cancel."""


def what_was_told(folder: Path) -> Told:
    """Reads the notes of all clients of a workspace."""
    told = Told()
    path = folder / FILE
    for line in path.read_text().splitlines() if path.exists() else ():
        note = json.loads(line)
        if "cancelling" in note:
            told.begun.add(note["cancelling"])
            continue
        told.calls[note["tool"]] += 1
        content = note["content"]
        if "version" in content:
            told.views.setdefault(content["trajectory"], []).append(content)
        if note["tool"] == "put_image" and "sha256" in content:
            told.images.add(content["sha256"])
    return told


@contextlib.asynccontextmanager
async def connected(words: Sequence[str], *, forms: bool = True) -> Any:
    """Connects a client that shows pages, and forms, in which it approves every plan."""
    from mcp import Client, StdioServerParameters
    from mcp.client.context import ClientRequestContext
    from mcp.client.extension import ClientExtension
    from mcp.client.stdio import stdio_client
    from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
    from mcp_types import ElicitRequestParams, ElicitResult

    class Pages(ClientExtension):
        identifier = EXTENSION_ID

        def settings(self) -> dict[str, Any]:
            return {"mimeTypes": [APP_MIME_TYPE]}

    async def approve(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:  # noqa: ARG001 - names of the protocol
        return ElicitResult(action="accept", content={"approve": True})

    parameters = StdioServerParameters(command=words[0], args=list(words[1:]))
    callback = approve if forms else None
    async with Client(stdio_client(parameters), extensions=[Pages()], elicitation_callback=callback) as client:
        yield client


class _Player:
    def __init__(self, client: Any, folder: Path, chance: random.Random) -> None:
        self._client = client
        self._chance = chance
        self._file = os.open(folder / FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        told = what_was_told(folder)
        self._known = dict.fromkeys(told.views)
        self._images = sorted(told.images | {one for views in told.views.values() for one in _images(views[-1])})

    def note(self, **values: object) -> None:
        os.write(self._file, json.dumps(values).encode() + b"\n")

    async def call(self) -> None:
        """Makes one call and notes its answer."""
        tool = self._chance.choice((*MODEL_TOOLS, *PAGE_TOOLS, *_OFTEN))
        arguments = self._arguments(tool)
        if arguments is None:
            return
        if tool == "cancel":
            self.note(cancelling=arguments["trajectory"])
        result = await self._client.call_tool(tool, arguments)
        if result.is_error:
            self.note(tool=tool, content={})  # Most calls come at a wrong time, as a random client's do.
            return
        content = result.structured_content or {}
        self.note(tool=tool, content={} if tool == "storyboard_image" else content)
        if "version" in content:
            self._known[content["trajectory"]] = None
            self._images += _images(content)

    def _arguments(self, tool: str) -> dict[str, Any] | None:
        chance = self._chance
        seed = chance.randrange(1000)
        match tool:
            case "illustrate":
                return {"request": STORY, "seed": seed, "approve_plan": chance.random() < 0.4}
            case "list_trajectories":
                return {}
            case "put_image":
                data = fake_image(GenerationRequest(prompt="mine", seed=seed))
                return {"data": base64.b64encode(data).decode()}
            case "storyboard_image":
                return {"sha256": chance.choice(self._images)} if self._images else None
        if not self._known or (tool == "cancel" and chance.random() < 0.7):
            return None
        arguments: dict[str, Any] = {"trajectory": chance.choice(list(self._known))}
        step = chance.randint(1, STEPS)
        match tool:
            case "follow" | "storyboard_state":
                arguments |= {"wait": chance.choice([0, 0.05, 0.5])}
            case "judge_image":
                arguments |= {"accept": True} if chance.random() < 0.6 else {"accept": False, "prompt": "a red ball"}
            case "branch":
                arguments |= {"step": step, "seed": seed}
            case "steer_storyboard":
                action = chance.choice(_ACTIONS)
                arguments |= {"action": action}
                if action == "judge":
                    arguments |= {"accept": chance.random() < 0.6, "prompt": "a blue ball"}
                elif action == "branch":
                    arguments |= {"step": step, "prompt": "a green ball"}
        return arguments


def _images(view: dict[str, Any]) -> list[str]:
    return [step["image"] for step in view["steps"] if step["image"]]


async def _play(folder: Path, seed: int, words: Sequence[str]) -> None:
    chance = random.Random(seed)
    async with connected(words, forms=chance.random() < 0.5) as client:
        player = _Player(client, folder, chance)
        player.note(tool="connect", content={})
        while True:
            await player.call()


def main(arguments: Sequence[str]) -> None:
    """Plays until the end, which is a violent one."""
    folder, seed, *words = arguments
    with contextlib.suppress(Exception):  # A killed server shows in several ways, all of which are expected.
        asyncio.run(_play(Path(folder), int(seed), words))
