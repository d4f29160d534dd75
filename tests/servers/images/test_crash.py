"""Fifty calls while the server is repeatedly killed: all are answered, nothing finished is generated twice.

`INTERLEAVETHINKER_CRASH_ROUNDS=100 pytest tests/servers/images/test_crash.py` runs more rounds, seeded by number.
"""

import asyncio
import contextlib
import os
import random
import sys
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.mcp.config import GeneratorConfig
from interleavethinker.tools.mcp.generator import McpImageGenerator
from interleavethinker.tools.testing.generator import fake_image
from interleavethinker.tools.types import GeneratedImage, GenerationRequest

SERVER = str(Path(__file__).parent / "counting_server.py")
ROUNDS = int(os.environ.get("INTERLEAVETHINKER_CRASH_ROUNDS", "1"))
CALLS = 50


def lines(log: Path) -> list[list[str]]:
    return [line.split() for line in log.read_text().splitlines()] if log.exists() else []


def begun(log: Path) -> int:
    return sum(word == "begin" for word, _ in lines(log))


def kill_server() -> int:
    """Kills the server of this test, and no other child of the process; returns how many were killed."""
    killed = 0
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):  # It has ended by itself.
            if SERVER in child.cmdline():
                child.kill()
                killed += 1
    return killed


async def kill_at_random(log: Path, dice: random.Random, unanswered: list[asyncio.Task[GeneratedImage]]) -> int:
    """Kills the server some generations after each start, at varying moments; returns the number of kills."""
    kills = 0
    while True:
        # Usually during a generation, sometimes while the server is still starting.
        count = begun if dice.random() < 0.9 else lambda log: len(lines(log))
        target = count(log) + dice.randint(1, 12)
        while count(log) < target:
            if all(task.done() for task in unanswered):
                return kills
            await asyncio.sleep(0.001)
        await asyncio.sleep(dice.uniform(0, 0.015))
        kills += kill_server()


@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_every_call_is_answered_and_no_finished_generation_is_repeated(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    log = tmp_path / "log"
    servers, workspace = ImageStore(tmp_path / "server"), ImageStore(tmp_path / "workspace")
    sources = [workspace.put(fake_image(GenerationRequest(prompt="a source", seed=index))) for index in range(3)]
    # The last ten calls repeat earlier ones; about a third are edits of images that the server does not know at first.
    calls = [
        GenerationRequest(
            prompt="an image", seed=index % (CALLS - 10), source=None if index % 40 % 3 else sources[index % 40 % 2]
        )
        for index in range(CALLS)
    ]
    config = GeneratorConfig(
        command=(sys.executable, SERVER, str(servers.root), str(log)), max_resends=1000, call_timeout=500
    )
    async with McpImageGenerator(config, workspace) as generator:
        tasks = [asyncio.create_task(generator.generate(call)) for call in calls]
        killing = asyncio.create_task(kill_at_random(log, dice, tasks))
        answers = await asyncio.gather(*tasks)
        kills = await killing
        kill_server()
        again = [await generator.generate(call) for call in calls]
    assert kills > 0
    assert all(answer.cached for answer in again), "a finished generation was lost"
    assert [one.sha256 for one in again] == [one.sha256 for one in answers]

    finished: set[str] = set()
    for word, number in lines(log):
        if word == "finished":
            finished.add(number)
        else:
            assert number not in finished, f"seed {seed}: call {number} was generated again although it had finished"
    assert finished, "some generations must finish before a kill, or this test proves nothing"

    for store in (servers, workspace):
        for name in store:
            store.get(name)  # Raises if any file is torn.
    print(f"round {seed}: {kills} kills, {begun(log)} generations")  # noqa: T201
