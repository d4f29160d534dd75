"""A workspace with an in-memory generator, a fixed planner and a critic by rule: a real database and store, no model.

With CLUSTER_TESTS=1 every test that uses `opened` also runs on PostgreSQL.
"""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from interleavethinker.graph import Components, Workspace
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import Critic, ImageGenerator, Planner
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator
from interleavethinker.tools.types import CriticInput, Plan, Verdict

from ..postgres import Server, missing, running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server; `Server.new_schema` is an empty workspace."""
    reason = missing()
    if reason is not None:
        pytest.skip(reason)
    with running() as server:
        yield server


@pytest.fixture(params=["folder", "postgres"] if os.environ.get("CLUSTER_TESTS") else None)
def opened(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., AbstractAsyncContextManager[Workspace]]:
    server: Server | None = None
    if getattr(request, "param", "folder") == "postgres":
        server = request.getfixturevalue("postgres")
        monkeypatch.setenv("INTERLEAVETHINKER_HOME", str(tmp_path / "home"))
    urls: dict[str, str] = {}

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
        if server is None:
            place: str | Path = folder
        else:
            place = urls[root] if root in urls else urls.setdefault(root, server.new_schema())
        images = None if server is None else folder / "images"
        async with Workspace.open(place, components, images=images) as workspace:
            yield workspace

    return opener
