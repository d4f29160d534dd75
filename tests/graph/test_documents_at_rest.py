"""The document of a trajectory that somebody paused or cancelled, or that failed, shows every finished image."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from interleavethinker.graph import Workspace
from interleavethinker.graph.batch.manifest import BatchRequest
from interleavethinker.graph.batch.results import result_of
from interleavethinker.graph.events import ImageGenerated
from interleavethinker.graph.export.export import export
from interleavethinker.graph.export.outcome import step_state
from interleavethinker.servers.trajectories.view import view_of
from interleavethinker.tools.errors import ModelError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.testing.agents import RuleCritic, accept_only
from interleavethinker.tools.testing.generator import MemoryGenerator
from interleavethinker.tools.types import CriticInput, GeneratedImage, GenerationRequest, Plan, Step, Verdict

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]
STEPS = (
    Step(instruction="First", prompt="a"),
    Step(prompt="b", starts_from="nothing"),
    Step(instruction="Third", auxiliary_text="Meanwhile."),
    Step(prompt="c", starts_from="nothing"),
    Step(prompt="d", starts_from="step 1"),
    Step(instruction="End", auxiliary_text="The end."),
)


class StuckCritic(RuleCritic):
    """Rejects the first image. At its second attempt it fails, or never answers."""

    def __init__(self, *, fails: bool) -> None:
        super().__init__(accept_only("b", "c"))
        self.fails, self.asked = fails, asyncio.Event()

    async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        if any(case.prompt == "a!" for case in cases):
            self.asked.set()
            if self.fails:
                raise ModelError("The critic has gone.")
            await asyncio.Event().wait()
        return await super().judge(cases)


@pytest.mark.parametrize("how", ["cancelled", "paused", "failed"])
async def test_finished_images_after_the_current_step_are_shown(opened: Opened, tmp_path: Path, how: str) -> None:
    critic = StuckCritic(fails=how == "failed")
    async with opened(Plan(steps=STEPS), critic) as workspace:
        name = await workspace.create("x")
        running = asyncio.create_task(workspace.run(name))
        await critic.asked.wait()
        if how == "cancelled":
            shown = (await workspace.get(name)).document.blocks
            assert {block.step for block in shown} == {0}, "while it runs, the later ones may become outdated"
            await workspace.cancel(name)
        elif how == "paused":
            running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        stopped = await workspace.get(name)
        page = export(stopped, workspace.store, tmp_path / "out").read_text()
    assert stopped.status == how
    images = {block.step: block.status for block in stopped.document.blocks if block.kind == "image"}
    assert list(images) == [0, 1, 3]
    assert (images[1], images[3]) == ("accepted", "accepted")
    assert "Meanwhile." in stopped.document.text
    assert "The end." not in stopped.document.text
    assert all(image[:16] in page for image in stopped.document.images)
    text = (tmp_path / "out" / "document.md").read_text()
    assert all(f"images/{sha256[:16]}.png" in text for sha256 in stopped.document.images)
    statuses = [step.status for step in view_of(stopped, []).steps]
    assert statuses == ["current", "accepted", "text_only", "accepted", "pending", "pending"]
    words = [step_state(stopped, index).word for index in (1, 2, 3, 5)]
    assert words == ["accepted", "text only", "accepted", "not reached" if how == "cancelled" else "pending"]
    assert result_of(BatchRequest(text="x"), stopped).accepted_steps == 2


class StuckGenerator(MemoryGenerator):
    """Never finishes the first image."""

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        if call.prompt == "a":
            await asyncio.Event().wait()
        return await super().generate(call, progress)


async def test_a_gap_before_images_is_named(opened: Opened, tmp_path: Path) -> None:
    generator = StuckGenerator(ImageStore(tmp_path / "workspace" / "images"))
    async with opened(Plan(steps=STEPS), generator=generator) as workspace:
        name = await workspace.create("x")
        made = 0
        async with contextlib.aclosing(workspace.stream(name)) as events:
            async for event in events:
                made += isinstance(event, ImageGenerated)
                if made == 2:
                    assert await workspace.cancel(name)
                    made = 0
        cancelled = await workspace.get(name)
    assert [(block.step, block.status) for block in cancelled.document.blocks if block.kind == "image"] == [
        (1, "not_judged"),
        (3, "not_judged"),
    ]
    assert [step_state(cancelled, index).word for index in (0, 1, 4)] == [
        "not generated",
        "not judged",
        "not generated",
    ]
    assert [step.status for step in view_of(cancelled, []).steps[1:4]] == ["not_judged", "text_only", "not_judged"]
    assert cancelled.document.notes == ("Steps 1 and 5 were not generated so far.",)
