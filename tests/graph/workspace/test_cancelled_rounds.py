"""Whatever ends a round in which several images are generated side by side, those that are finished are kept."""

import asyncio
from pathlib import Path

import pytest

from interleavethinker import BranchPoint, Components, ImageGenerated, ImageStore, Limits, Plan, Step, Workspace
from interleavethinker.testing import FixedPlanner, MemoryGenerator, RuleCritic, plan_of
from interleavethinker.tools.calls_in_flight import call_waiting
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.types import GeneratedImage, GenerationRequest


class FirstIsFast(MemoryGenerator):
    """Generates the first image at once; the others of its round wait for an overloaded service, and never end."""

    begun = 0

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        self.begun += 1
        if self.begun in {2, 3}:
            with call_waiting():
                await asyncio.Event().wait()
        return await super().generate(call, progress)


INDEPENDENT = Plan(steps=(Step(prompt="a"), *(Step(prompt=each, starts_from="nothing") for each in "bc")))


ROUNDS = pytest.mark.parametrize(("plan", "variants"), [(plan_of("a", "b"), 3), (INDEPENDENT, 1)])


@ROUNDS
async def test_finished_images_of_a_round_are_kept(tmp_path: Path, plan: Plan, variants: int) -> None:
    components = Components(FixedPlanner(plan, plan), RuleCritic(), FirstIsFast(ImageStore(tmp_path / "images")))
    async with Workspace.open(tmp_path, components) as workspace:
        trajectory = await workspace.create("request", limits=Limits(variants=variants))
        announced = []
        async for event in workspace.stream(trajectory):
            if isinstance(event, ImageGenerated):
                announced.append(event.attempt)
                await workspace.cancel(trajectory)
        found = await workspace.get(trajectory)
        assert (found.status, len(announced)) == ("cancelled", 1)
        assert list(found.attempts) == announced
        branch = await workspace.branch(trajectory, BranchPoint(step=0, prompt="another one"))
        ended = await workspace.run(branch)
    assert ended.status == "done"


@ROUNDS
async def test_a_pause_while_the_others_only_wait_keeps_them_too_and_repeats_none(
    tmp_path: Path, plan: Plan, variants: int
) -> None:
    generator = FirstIsFast(ImageStore(tmp_path / "images"))
    async with Workspace.open(tmp_path, Components(FixedPlanner(plan), RuleCritic(), generator)) as workspace:
        trajectory = await workspace.create("request", limits=Limits(variants=variants))
        announced = []
        async with asyncio.timeout(60):
            async for event in workspace.stream(trajectory):
                if isinstance(event, ImageGenerated):
                    announced.append(event.attempt)
                    await workspace.pause(trajectory)
        found = await workspace.get(trajectory)
        assert (found.status, len(announced)) == ("paused", 1)
        assert list(found.attempts) == announced
        ended = await workspace.run(trajectory)
    assert (ended.status, ended.stop_reason) == ("done", "complete")
    assert len(generator.calls) == len(generator.generated) == len(ended.attempts)


@ROUNDS
@pytest.mark.parametrize("leaves", ["loop", "task"])
async def test_an_image_that_a_reader_saw_before_it_left_is_kept(
    tmp_path: Path, plan: Plan, variants: int, leaves: str
) -> None:
    generator = FirstIsFast(ImageStore(tmp_path / "images"))
    announced, shown = [], asyncio.Event()

    async def read(workspace: Workspace, trajectory: str) -> None:
        async for event in workspace.stream(trajectory):
            if isinstance(event, ImageGenerated):
                announced.append(event.attempt)
                shown.set()
                if leaves == "loop":
                    return

    async with asyncio.timeout(60):
        async with Workspace.open(tmp_path, Components(FixedPlanner(plan), RuleCritic(), generator)) as workspace:
            trajectory = await workspace.create("request", limits=Limits(variants=variants))
            reader = asyncio.create_task(read(workspace, trajectory))
            await shown.wait()
            if leaves == "task":
                reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
        async with Workspace.open(tmp_path, Components(FixedPlanner(plan), RuleCritic(), generator)) as workspace:
            found = await workspace.get(trajectory)
            assert (found.status, list(found.attempts)) == ("paused", announced)
            ended = await workspace.run(trajectory)
    assert ended.stop_reason == "complete"
    assert len(generator.calls) == len(generator.generated) == len(ended.attempts)


class SecondFails(MemoryGenerator):
    """Fails once, with an error that no generator should raise."""

    begun = 0

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        self.begun += 1
        if self.begun == 2:
            raise RuntimeError("a defect of this generator")
        return await super().generate(call, progress)


@ROUNDS
async def test_a_defect_in_one_call_keeps_the_images_of_the_others(tmp_path: Path, plan: Plan, variants: int) -> None:
    generator = SecondFails(ImageStore(tmp_path / "images"))
    async with Workspace.open(tmp_path, Components(FixedPlanner(plan), RuleCritic(), generator)) as workspace:
        trajectory = await workspace.create("request", limits=Limits(variants=variants))
        with pytest.raises(RuntimeError, match="a defect of this generator"):
            await workspace.run(trajectory)
        failed = await workspace.get(trajectory)
        assert (failed.status, len(failed.attempts)) == ("failed", 2)
        ended = await workspace.run(trajectory)
    assert (ended.status, ended.stop_reason) == ("done", "complete")
    assert len(generator.calls) == len(generator.generated) == len(ended.attempts)
