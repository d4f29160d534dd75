"""An image that was drafted and did not get into the record is not generated again by the same process."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from interleavethinker.graph import Limits, Workspace
from interleavethinker.graph.events import GenerationProgress
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.testing.generator import MemoryGenerator
from interleavethinker.tools.types import CriticInput, GeneratedImage, GenerationRequest, Verdict

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]
_SLOW = 0.2
"""Seconds of a generation and of the first verdict: alike, they make a draft pay off."""


class SlowGenerator(MemoryGenerator):
    """Takes a moment for each image, and tells of the third and fourth."""

    def __init__(self, store: ImageStore) -> None:
        super().__init__(store)
        self.third, self.fourth = asyncio.Event(), asyncio.Event()

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        await asyncio.sleep(_SLOW)
        image = await super().generate(call, progress)
        {3: self.third, 4: self.fourth}.get(len(self.generated), asyncio.Event()).set()
        return image


class GatedCritic:
    """Accepts everything; all verdicts but the first one wait for the gate."""

    gives_confidence = False

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self._first = True

    async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        if self._first:
            self._first = False
            await asyncio.sleep(_SLOW)
        else:
            await self.gate.wait()
        return [Verdict(success=True) for _ in cases]


async def test_a_draft_that_makes_way_for_another_trajectory_is_used_all_the_same(
    opened: Opened, tmp_path: Path
) -> None:
    critic, generator = GatedCritic(), SlowGenerator(ImageStore(tmp_path / "workspace" / "images"))
    async with opened(critic=critic, generator=generator) as workspace, asyncio.timeout(60):
        one, other = [await workspace.create("x", seed=seed, limits=Limits(look_ahead=2)) for seed in (1, 2)]
        first = asyncio.create_task(workspace.run(one))
        await generator.third.wait()  # Its last step is drafted, and the verdict on the one before is awaited.
        second = asyncio.create_task(workspace.run(other))
        await generator.fourth.wait()
        critic.gate.set()
        assert {done.status for done in await asyncio.gather(first, second)} == {"done"}
    assert len(generator.calls) == len(set(generator.calls)) == 6


async def test_a_run_that_is_cut_as_it_takes_a_drafted_image_does_not_generate_it_again(
    opened: Opened, tmp_path: Path
) -> None:
    critic, generator = GatedCritic(), SlowGenerator(ImageStore(tmp_path / "workspace" / "images"))
    async with opened(critic=critic, generator=generator) as workspace, asyncio.timeout(60):
        trajectory = await workspace.create("x", limits=Limits(look_ahead=2))

        async def read() -> None:
            async for event in workspace.stream(trajectory):
                if isinstance(event, GenerationProgress) and event.step == 2:
                    reading.cancel()

        reading = asyncio.create_task(read())
        await generator.third.wait()
        critic.gate.set()
        await asyncio.wait([reading])
        assert reading.cancelled()
        assert (await workspace.summary(trajectory)).status == "paused"
        assert (await workspace.run(trajectory)).status == "done"
    assert len(generator.calls) == len(set(generator.calls)) == 3
