"""Prompts that crash the image server: they fail, and the calls that share the server with them do not."""

import asyncio
import sys
from collections import Counter
from pathlib import Path

import pytest

from interleavethinker.tools.errors import GeneratorError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.mcp.budget import ResendBudget
from interleavethinker.tools.mcp.config import GeneratorConfig
from interleavethinker.tools.mcp.generator import McpImageGenerator
from interleavethinker.tools.mcp.turns import CallTurns
from interleavethinker.tools.types import GeneratedImage, GenerationRequest

CRASHING = """
import asyncio, os
from pathlib import Path

from interleavethinker.servers.images.backends.fake import FakeBackend
from interleavethinker.servers.images.main import serve_images

folder = Path({folder!r})

class Backend(FakeBackend):
    async def run(self, jobs, observer):
        crashes = any("crash" in job.request.prompt for job in jobs)
        if crashes:
            await asyncio.sleep(0.1)
            os._exit(1)
        images = await super().run(jobs, observer)
        with (folder / "finished").open("a") as log:
            log.writelines(f"{{job.request.seed}}\\n" for job in jobs)
        return images

asyncio.run(serve_images(Backend(step_seconds=0.01), folder / "server"))
"""


def crashing(folder: Path, max_resends: int) -> GeneratorConfig:
    """A server that exits at a prompt with the word "crash"."""
    code = CRASHING.format(folder=str(folder))
    return GeneratorConfig(command=(sys.executable, "-c", code), call_timeout=200.0, max_resends=max_resends)


async def outcomes(config: GeneratorConfig, folder: Path, *prompts: str) -> list[GeneratedImage | BaseException]:
    async with McpImageGenerator(config, ImageStore(folder / "workspace")) as generator:
        calls = [generator.generate(GenerationRequest(prompt=one, seed=seed)) for seed, one in enumerate(prompts)]
        return await asyncio.gather(*calls, return_exceptions=True)


@pytest.mark.parametrize("max_resends", [1, 5])
async def test_prompts_that_crash_the_server_fail_and_the_calls_beside_them_are_answered(
    max_resends: int, tmp_path: Path
) -> None:
    prompts = ("crash 0", "a ball", "crash 1", "a cat", "a tree")
    config = crashing(tmp_path, max_resends)
    ended = await outcomes(config, tmp_path, *prompts)
    for prompt, end in zip(prompts, ended, strict=True):
        if "crash" not in prompt:
            assert isinstance(end, GeneratedImage), end
            continue
        assert isinstance(end, GeneratorError)
        assert f"crashed {max_resends + 1} times during this call" in str(end)
        assert (end.code, end.exhausted) == ("server_died", True)
    finished = Counter((tmp_path / "finished").read_text().split())
    assert finished == {"1": 1, "3": 1, "4": 1}


async def test_the_time_in_which_a_call_lets_others_go_first_does_not_count() -> None:
    turns, suspect, other = CallTurns(), ResendBudget(5), ResendBudget(5, seconds=2.0)
    turns.isolate(suspect)
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(2.0) as other.limit:
        end = other.limit.when()
        loop.call_later(2.5, turns.end, suspect)
        async with turns.turn(other):
            assert other.pause(GeneratorError("busy", retry_after=0.05), 0.0) == 0.05, "there is as much time left"
        later = other.limit.when()
    assert end is not None
    assert later is not None
    assert later - end >= 2.4, "it still has a limit"


async def test_a_call_that_is_cancelled_while_it_is_sent_alone_lets_the_others_go_on(tmp_path: Path) -> None:
    config = crashing(tmp_path, 1000)
    async with McpImageGenerator(config, ImageStore(tmp_path / "workspace")) as generator:
        endless = asyncio.create_task(generator.generate(GenerationRequest(prompt="crash", seed=0)))
        while generator._session.connections < 4:
            await asyncio.wait([endless], timeout=0.01)
        other = asyncio.create_task(generator.generate(GenerationRequest(prompt="a ball", seed=1)))
        await asyncio.sleep(0.5)
        assert not other.done(), "it would be failed by a crash that is not its own"
        endless.cancel()
        assert (await other).seed == 1
