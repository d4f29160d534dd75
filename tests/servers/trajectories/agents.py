"""Components for tests of trajectories as a service: a generator that can be held back, and failures on request."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from interleavethinker.graph import Components, Workspace
from interleavethinker.servers.trajectories.options import ServiceOptions
from interleavethinker.servers.trajectories.service import TrajectoryService
from interleavethinker.servers.trajectories.view import View
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator, fake_image
from interleavethinker.tools.types import GeneratedImage, GenerationRequest, Plan

PLAN = plan_of("a red ball", "make it blue", "make it green")


class GatedGenerator(MemoryGenerator):
    """Waits before each image while `gate` is closed, by a test or after `close_after` images."""

    def __init__(self, store: ImageStore, render: Callable[[GenerationRequest], bytes] = fake_image) -> None:
        super().__init__(store, render)
        self.gate = asyncio.Event()
        self.gate.set()
        self.close_after = -1

    def open_gate(self) -> None:
        """Lets all further images through, although the call that would close the gate may be still to come."""
        self.close_after = -1
        self.gate.set()

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        if len(self.generated) == self.close_after:
            self.gate.clear()
        if progress is not None:
            progress(0.5, "half")
        await self.gate.wait()
        return await super().generate(call, progress)


class Studio:
    """A service with its fakes."""

    def __init__(self, service: TrajectoryService, generator: GatedGenerator, critic: RuleCritic) -> None:
        self.service = service
        self.generator = generator
        self.critic = critic

    async def until(self, trajectory: str, reached: Callable[[View], bool]) -> View:
        """Returns the first view that satisfies a condition."""
        async with asyncio.timeout(60):
            async with contextlib.aclosing(self.service.changes(trajectory)) as views:
                async for view in views:
                    if reached(view):
                        return view
        raise AssertionError("the trajectory was deleted")


@contextlib.asynccontextmanager
async def open_studio(
    folder: Path,
    plan: Plan | Exception = PLAN,
    critic: RuleCritic | None = None,
    options: ServiceOptions | None = None,
    render: Callable[[GenerationRequest], bytes] = fake_image,
) -> AsyncIterator[Studio]:
    generator = GatedGenerator(ImageStore(folder / "images"), render)
    judge = critic or RuleCritic()
    components = Components(FixedPlanner(plan), judge, generator)
    async with (
        Workspace.open(folder, components) as workspace,
        TrajectoryService(workspace, options or ServiceOptions(profiles=())) as service,
    ):
        yield Studio(service, generator, judge)
