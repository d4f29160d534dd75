"""Streams that their reader leaves without ending them, and those that another task reads as the workspace closes."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from interleavethinker.graph import HumanVerdict, Limits, Workspace
from interleavethinker.graph.events import (
    ApprovalNeeded,
    Event,
    Finished,
    ImageGenerated,
    Planned,
    ReviewNeeded,
    StepFinished,
)
from interleavethinker.tools.errors import StoreError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.testing.agents import accept_only, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator
from interleavethinker.tools.types import GeneratedImage, GenerationRequest

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]


@pytest.mark.parametrize("kind", [Planned, ImageGenerated, StepFinished])
@pytest.mark.parametrize("held", [True, False], ids=["held by a variable", "dropped"])
async def test_closing_the_workspace_pauses_what_was_left(
    opened: Opened, tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: type[Event], held: bool
) -> None:
    generator = MemoryGenerator(ImageStore(tmp_path / "workspace" / "images"))
    caplog.set_level(logging.WARNING)
    async with opened(generator=generator) as workspace:
        trajectory = await workspace.create("x")
        events = workspace.stream(trajectory)
        async for event in events:
            if isinstance(event, kind):
                break
        if not held:
            del events
    async with opened(generator=generator) as workspace:
        assert (await workspace.summary(trajectory)).status == "paused"
        assert (await workspace.run(trajectory)).stop_reason == "complete"
    assert len(generator.calls) == len(set(generator.calls)) == 3
    assert not caplog.records


class Slow(MemoryGenerator):
    """Takes a moment for each image."""

    def __init__(self, store: ImageStore) -> None:
        super().__init__(store)
        self.begun = asyncio.Event()

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        self.begun.set()
        await asyncio.sleep(0.3)
        return await super().generate(call, progress)


@pytest.mark.parametrize("runs", [1, 3])
async def test_closing_the_workspace_pauses_what_another_task_runs_and_repeats_no_call(
    opened: Opened, tmp_path: Path, runs: int
) -> None:
    generator = Slow(ImageStore(tmp_path / "workspace" / "images"))
    async with opened(generator=generator) as workspace:
        trajectories = [await workspace.create("x", seed=number) for number in range(runs)]
        tasks = [asyncio.create_task(workspace.run(each)) for each in trajectories]
        await generator.begun.wait()
    assert [task.result().status for task in tasks] == ["paused"] * runs
    async with opened(generator=generator) as workspace:
        assert {one.status for one in await workspace.list()} == {"paused"}
        for each in trajectories:
            assert (await workspace.run(each)).stop_reason == "complete"
    assert len(generator.calls) == len(set(generator.calls)) == 3 * runs


async def test_nothing_is_begun_in_a_workspace_that_is_being_closed(opened: Opened, tmp_path: Path) -> None:
    generator = Slow(ImageStore(tmp_path / "workspace" / "images"))

    async def run_all(workspace: Workspace, trajectories: list[str]) -> None:
        for each in trajectories:
            async for _ in workspace.stream(each):
                pass

    async with opened(generator=generator) as workspace:
        trajectories = [await workspace.create("x") for _ in range(2)]
        task = asyncio.create_task(run_all(workspace, trajectories))
        await generator.begun.wait()
    with pytest.raises(StoreError, match="being closed"):
        await task
    assert len(generator.calls) == 1


class Hanging(MemoryGenerator):
    """Never answers."""

    def __init__(self, store: ImageStore) -> None:
        super().__init__(store)
        self.begun = asyncio.Event()

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        self.begun.set()
        await asyncio.Event().wait()
        return await super().generate(call, progress)


async def test_an_error_leaves_the_workspace_although_a_call_in_another_task_hangs(
    opened: Opened, tmp_path: Path
) -> None:
    generator = Hanging(ImageStore(tmp_path / "workspace" / "images"))
    tasks = []

    async def use() -> None:
        async with opened(generator=generator) as workspace:
            tasks.append(asyncio.create_task(workspace.run(await workspace.create("x"))))
            await generator.begun.wait()
            raise KeyError

    async with asyncio.timeout(60):
        with pytest.raises(KeyError):
            await use()
    tasks[0].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_reader_may_act_in_the_loop_where_the_last_event_arrives(opened: Opened) -> None:
    async with opened(plan_of("a"), accept_only("mine")) as workspace:
        trajectory = await workspace.create("x", approve_plan=True)
        seen: list[str] = []
        while seen[-1:] != ["Finished"]:
            async for event in workspace.stream(trajectory, review=True):
                if isinstance(event, ApprovalNeeded | ReviewNeeded | Finished):
                    seen.append(type(event).__name__)
                match event:
                    case ApprovalNeeded():
                        await workspace.approve(trajectory)
                    case ReviewNeeded(attempt=attempt) if attempt.iteration == 0:
                        assert not await workspace.judge(trajectory, HumanVerdict(success=False, prompt="mine"))
                    case ReviewNeeded():
                        await workspace.change_limits(trajectory, Limits(max_calls=9))
                    case Finished():
                        made = [one.prompt for one in (await workspace.get(trajectory)).attempts]
                        await workspace.delete(trajectory)
    assert seen == ["ApprovalNeeded", "ReviewNeeded", "ReviewNeeded", "Finished"]
    assert made == ["a", "mine"]
