"""A trajectory names its models and the package version, and each attempt the image model and server that made it."""

import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version
from pathlib import Path

from interleavethinker.graph import BranchPoint, Workspace
from interleavethinker.graph.workspace.provenance import Provenance
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.mcp.config import GeneratorConfig
from interleavethinker.tools.mcp.generator import McpImageGenerator
from interleavethinker.tools.types import GenerationRequest

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]
PROFILE = """
description = "x"
planner = { model = "openai:one" }
critic = { model = "qwen3-vl:two", options = { adapter = "three" } }
generator = { url = "https://user:secret@example.org/mcp?key=secret" }
"""


async def test_the_models_of_the_profile_are_recorded_when_a_trajectory_is_created(tmp_path: Path) -> None:
    profile = tmp_path / "mine.toml"
    profile.write_text(PROFILE)
    async with Workspace.open(tmp_path / "ws") as ws:
        name = await ws.create("x", profile=str(profile))
        profile.write_text(PROFILE.replace("openai:one", "openai:other"))
        recorded = (await ws.get(name)).provenance
    assert recorded == Provenance(
        planner="openai:one",
        critic="qwen3-vl:two, adapter three",
        generator="example.org/mcp",
        package=version("interleavethinker"),
    )


async def test_components_are_named_by_their_classes_and_attempts_by_the_reported_model(opened: Opened) -> None:
    async with opened() as ws:
        parent = await ws.run(await ws.create("x"))
        child = await ws.run(await ws.branch(parent.id, BranchPoint(step=1)))
    assert parent.provenance == child.provenance
    assert parent.provenance.planner == "interleavethinker.tools.testing.agents:FixedPlanner"
    assert {attempt.model for attempt in (*parent.attempts, *child.attempts)} == {"memory/cells"}


async def test_an_image_server_is_named_with_its_version(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "interleavethinker", "image-server", "--model", "fake")
    config = GeneratorConfig(command=(*command, "--store", str(tmp_path / "server")))
    async with McpImageGenerator(config, ImageStore(tmp_path / "images")) as generator:
        image = await generator.generate(GenerationRequest(prompt="a ball", seed=1))
    assert image.server == f"interleavethinker-images {version('interleavethinker')}"


async def test_pinned_models_are_recorded_with_their_commit(tmp_path: Path) -> None:
    profile = tmp_path / "mine.toml"
    other = f"someone/pipeline@{'a' * 40}"
    profile.write_text(
        'description = "x"\nplanner = { model = "qwen3-vl:Qwen/Qwen3-VL-2B-Instruct" }\n'
        f'critic = {{ model = "qwen3-vl:{other}" }}\ngenerator = {{ model = "klein" }}\n'
    )
    async with Workspace.open(tmp_path / "ws") as ws:
        recorded = (await ws.get(await ws.create("x", profile=str(profile)))).provenance
    assert recorded.planner == "qwen3-vl:Qwen/Qwen3-VL-2B-Instruct@89644892e4d85e24eaac8bacfd4f463576704203"
    assert recorded.critic == f"qwen3-vl:{other}"
    assert recorded.generator == "black-forest-labs/FLUX.2-klein-4B@e7b7dc27f91deacad38e78976d1f2b499d76a294"
