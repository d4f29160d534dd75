"""A prompt of which the model reads only the beginning is an error or a note, by the client's choice.

With a diffusers pipeline whose tokenizer has a window of 24 tokens.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from interleavethinker.graph import Components, Trajectory, Workspace
from interleavethinker.graph.events import ImageGenerated, ImageRefused
from interleavethinker.graph.export.export import export
from interleavethinker.graph.profiles.profile import load_profile
from interleavethinker.servers.images.backends.diffusers import DiffusersBackend, DiffusersOptions
from interleavethinker.servers.images.cache import GenerationStore
from interleavethinker.servers.images.service import ImageService, ServiceLimits
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.mcp.config import GeneratorConfig
from interleavethinker.tools.mcp.generator import McpImageGenerator
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, plan_of

LONG = "a ball " * 40
NOTE = "this model reads only the first 24"


@pytest.fixture
async def service(klein_folder: Path, tmp_path: Path) -> AsyncIterator[ImageService]:
    backend = DiffusersBackend(str(klein_folder), DiffusersOptions(device="cpu"))
    async with ImageService(backend, GenerationStore(tmp_path), ServiceLimits()) as service:
        yield service


async def test_equal_calls_with_both_choices_get_what_each_asked_for_in_any_order(service: ImageService) -> None:
    async def call(seed: int, *, may_cut: bool) -> str:
        try:
            served = await service.generate(LONG, seed=seed, may_cut=may_cut)
        except InputError as error:
            return error.code
        return "noted" if NOTE in served.generation.note else "silent"

    # Side by side, where one joins the other's job, and then from the store.
    for choices in ([False, True], [True, False], [True, False]):
        seed = 1 + (choices == [True, False])
        results = await asyncio.gather(*(call(seed, may_cut=each) for each in choices))
        assert results == [("noted" if each else "prompt_too_long") for each in choices]
    assert service.status()["generated"] == 2
    assert (await service.generate("a ball", seed=1, may_cut=True)).generation.note == ""


def components(root: Path, model: Path, choice: str) -> tuple[Components, McpImageGenerator]:
    config = GeneratorConfig.model_validate(
        {
            "model": str(model),
            "arguments": ("--device", "cpu", "--loading-wait", "600"),
            "server_store": root / "server",
            "long_prompts": choice,
        }
    )
    generator = McpImageGenerator(config, ImageStore(root / "images"))
    planner = FixedPlanner(plan_of(LONG, "a cat"))
    return Components(planner=planner, critic=RuleCritic(), generator=generator), generator


async def answered(root: Path, model: Path, choice: str) -> Trajectory:
    """Runs one trajectory up to its first image, and to its end in another process' place."""
    parts, generator = components(root, model, choice)
    async with generator, Workspace.open(root, parts) as workspace:
        name = await workspace.create("x")
        async with contextlib.aclosing(workspace.stream(name)) as events:
            async for event in events:
                if isinstance(event, ImageGenerated | ImageRefused):
                    break
    parts, generator = components(root, model, choice)
    async with generator, Workspace.open(root, parts) as workspace:
        await workspace.run(name)
        trajectory = await workspace.get(name)
        export(trajectory, workspace.store, root / "out")
        return trajectory


async def test_a_profile_that_wants_a_note_gets_an_image_and_the_note_in_every_record(
    klein_folder: Path, tmp_path: Path
) -> None:
    trajectory = await answered(tmp_path, klein_folder, "note")
    first, second = trajectory.attempts
    assert (first.image is not None, NOTE in first.note, second.note) == (True, True, "")
    (note,) = [note for note in trajectory.document.notes if NOTE in note]
    assert note.startswith("Step 1: The prompt has about ")
    for file in ("index.html", "document.md", "trajectory.json"):
        assert NOTE in (tmp_path / "out" / file).read_text(), file


async def test_without_that_choice_there_is_no_image_of_half_a_prompt(klein_folder: Path, tmp_path: Path) -> None:
    trajectory = await answered(tmp_path, klein_folder, "refuse")
    assert trajectory.attempts[0].image is None
    assert NOTE in trajectory.attempts[0].refusal


def test_the_choice_is_one_field_of_a_profile(tmp_path: Path) -> None:
    assert load_profile("klein").generator.long_prompts == "refuse"
    text = 'description = "d"\ngenerator = { model = "fake", long_prompts = "note" }\n'
    text += 'planner = { object = "a:b" }\ncritic = { object = "a:b" }\n'
    (tmp_path / "noting.toml").write_text(text)
    assert load_profile(str(tmp_path / "noting.toml")).generator.long_prompts == "note"
