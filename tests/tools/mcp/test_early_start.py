"""Image servers that start before the generator that uses them is made, with real processes."""

import subprocess
import sys
from pathlib import Path

from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.mcp.early_start import started_early
from interleavethinker.tools.mcp.generator import McpImageGenerator
from interleavethinker.tools.types import GenerationRequest

from .test_generator import own, servers_of

BALL = GenerationRequest(prompt="a ball", seed=3)


async def pid_of(generator: McpImageGenerator, folder: Path) -> int:
    """Returns the only server's process, after it has generated an image."""
    await generator.generate(BALL)
    (server,) = servers_of(folder)
    return int(server.pid)


async def test_a_generator_uses_the_server_that_was_started_early_for_it(tmp_path: Path) -> None:
    config, store = own(tmp_path), ImageStore(tmp_path / "workspace")
    async with started_early(config):
        async with McpImageGenerator(config, store) as generator:
            first = await pid_of(generator, tmp_path)
        assert servers_of(tmp_path) == []
        # The session is taken over once: a later generator must not get one that is closed.
        async with McpImageGenerator(config, store) as generator:
            assert await pid_of(generator, tmp_path) != first
    async with McpImageGenerator(config, store) as generator:
        assert (await generator.generate(BALL)).cached
    assert servers_of(tmp_path) == []


async def test_a_server_of_another_configuration_is_not_used_and_ends_with_the_block(tmp_path: Path) -> None:
    early, other = own(tmp_path / "early"), own(tmp_path / "other")
    async with started_early(early):
        async with McpImageGenerator(other, ImageStore(tmp_path / "workspace")) as generator:
            await pid_of(generator, tmp_path / "other")
        assert len(servers_of(tmp_path / "early")) == 1
    assert servers_of(tmp_path) == []


def test_what_starts_the_server_imports_neither_the_agent_nor_mcp() -> None:
    """They take longer than everything that the command line imports before; the server would start after them."""
    code = (
        "import sys, interleavethinker.cli.run\n"
        "import interleavethinker.tools.mcp.early_start, interleavethinker.graph.profiles.checks\n"
        "from interleavethinker.graph.profiles.profile import load_profile; load_profile('micro')\n"
        "print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    heavy = {"httpx", "langchain_core", "langgraph", "mcp", "numpy", "rich.console", "torch"}
    assert "interleavethinker.tools.mcp.session" in loaded
    assert not heavy & set(loaded)
