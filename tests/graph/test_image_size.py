"""The size of images: of a request, of a step, through failures, branches and damage."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from interleavethinker.graph import BranchPoint, Components, Workspace, make_graph
from interleavethinker.graph.context import GraphContext
from interleavethinker.graph.events import ImageGenerated
from interleavethinker.tools.errors import GeneratorError, InputError
from interleavethinker.tools.images.png import image_size
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic
from interleavethinker.tools.testing.generator import MemoryGenerator
from interleavethinker.tools.types import Plan, Step

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]
PLAN = Plan(steps=(Step(prompt="draw a"), Step(prompt="make it b", size="32x64"), Step(prompt="make it c")))


async def test_a_step_has_its_own_size_and_the_others_have_that_of_the_request(opened: Opened) -> None:
    async with opened(PLAN) as workspace:
        trajectory = await workspace.create("x", image_size="2:1")
        done = await workspace.run(trajectory)
        sizes = [image_size(workspace.store.get(sha256)) for sha256 in done.document.images]
        assert (sizes[1], sizes[0], sizes[0][0]) == ((32, 64), sizes[2], 2 * sizes[0][1])
        assert [attempt.size for attempt in done.attempts] == ["2:1", "32x64", "2:1"]
        assert done.image_size == "2:1"


async def test_without_a_size_nothing_is_asked_for(opened: Opened, tmp_path: Path) -> None:
    generator = MemoryGenerator(ImageStore(tmp_path / "workspace" / "images"))
    async with opened(generator=generator) as workspace:
        done = await workspace.run(await workspace.create("x"))
        assert {call.size for call in generator.calls} == {None} == {done.image_size}


async def test_a_size_survives_a_failure_and_a_lost_image(opened: Opened, tmp_path: Path) -> None:
    generator = MemoryGenerator(ImageStore(tmp_path / "workspace" / "images"))
    async with opened(generator=generator) as workspace:
        trajectory = await workspace.create("x", image_size="64x32")
        generator.fail_next(GeneratorError("down"))
        assert (await workspace.run(trajectory)).status == "failed"
    async with opened(generator=generator) as workspace:
        generator.fail_next(GeneratorError("down"), 0)
        half = await workspace.create("x", image_size="64x32")
        async for event in workspace.stream(half):
            if isinstance(event, ImageGenerated):
                break
        (kept,) = (await workspace.get(half)).attempts
        assert kept.image is not None
        workspace.store.path(kept.image).unlink()
        generator._known.clear()
        assert (await workspace.run(half)).status == "done"
        assert image_size(workspace.store.get(kept.image)) == (64, 32)
        assert (await workspace.run(trajectory)).document.complete
        assert {call.size for call in generator.calls} == {"64x32"}


async def test_a_branch_keeps_the_size_or_takes_another(opened: Opened) -> None:
    async with opened() as workspace:
        parent = await workspace.create("x", image_size="64x32")
        await workspace.run(parent)
        same = await workspace.run(await workspace.branch(parent, BranchPoint(step=1)))
        other = await workspace.run(await workspace.branch(parent, BranchPoint(step=1, image_size="1:1")))
        assert [attempt.size for attempt in same.attempts] == ["64x32"] * 3
        assert [attempt.size for attempt in other.attempts] == ["64x32", "1:1", "1:1"]
        with pytest.raises(InputError, match="16:9"):
            await workspace.branch(parent, BranchPoint(step=1, image_size="wide"))
        with pytest.raises(InputError, match="16:9"):
            await workspace.create("x", image_size="wide")


async def test_the_graph_takes_the_size_from_its_input_or_its_context(tmp_path: Path) -> None:
    generator = MemoryGenerator(ImageStore(tmp_path))
    graph = make_graph(components=Components(FixedPlanner(PLAN), RuleCritic(), generator, image_size="48x48"))
    await graph.ainvoke({"request": "x", "image_size": "64x32"}, context=GraphContext(image_size="1:1"))
    await graph.ainvoke({"request": "x"}, context=GraphContext(image_size="1:1"))
    await graph.ainvoke({"request": "x"})
    assert [call.size for call in generator.calls] == [
        *("64x32", "32x64", "64x32"),
        *("1:1", "32x64", "1:1"),
        *("48x48", "32x64", "48x48"),
    ]
