"""A workspace with an in-memory generator, a fixed planner and a critic by rule: real SQLite, real store, no model."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from interleavethinker.graph import Components, Workspace
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import Critic, ImageGenerator, Planner
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator
from interleavethinker.tools.types import CriticInput, Plan, Verdict


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., AbstractAsyncContextManager[Workspace]]:
    @asynccontextmanager
    async def opener(
        planner: Planner | Plan | None = None,
        critic: Critic | Callable[[CriticInput], Verdict] | None = None,
        generator: ImageGenerator | None = None,
        root: str = "workspace",
    ) -> AsyncIterator[Workspace]:
        folder = tmp_path / root
        if planner is None:
            planner = plan_of("draw a", "make it b", "make it c")
        components = Components(
            planner=FixedPlanner(planner) if isinstance(planner, Plan) else planner,
            critic=RuleCritic(critic) if critic is None or callable(critic) else critic,
            generator=generator or MemoryGenerator(ImageStore(folder / "images")),
        )
        async with Workspace.open(folder, components) as workspace:
            yield workspace

    return opener
