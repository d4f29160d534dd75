"""A limit of cost with a model whose price nobody knows is refused wherever limits are given, and calls nothing."""

from pathlib import Path
from typing import Any

import pytest

from interleavethinker import illustrate
from interleavethinker.graph import BranchPoint, Limits, Workspace, make_graph
from interleavethinker.graph.batch.batch import run_batch
from interleavethinker.graph.batch.manifest import BatchRequest, sweep
from interleavethinker.tools.errors import InputError, ProfileError

STORY = "a big red ball on the left, at night. then make the ball blue"
REFUSED = "max_cost (of request [12] )?needs the price of openai:new-model"
COSTLY = Limits(max_cost=1)
PROFILE = """
description = "Scripted agents, a fake generator, and a second planner without a price."
planner = { object = "interleavethinker.microworld.agents.scripted_planner:ScriptedPlanner" }
critic = { object = "interleavethinker.tools.testing.agents:accepting_critic" }
fallback_planner = { model = "openai:new-model" }
generator = { model = "fake" }
"""


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("INTERLEAVETHINKER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("INTERLEAVETHINKER_IMAGE_STORE", str(tmp_path / "server"))
    monkeypatch.setenv("OPENAI_API_KEY", "unused")
    path = tmp_path / "unpriced.toml"
    path.write_text(PROFILE)
    return str(path)


async def test_a_new_trajectory_a_branch_and_other_limits_are_refused(profile: str, tmp_path: Path) -> None:
    async with Workspace.open(tmp_path / "workspace") as workspace:
        with pytest.raises(InputError, match=REFUSED):
            await workspace.create(STORY, profile=profile, limits=COSTLY)
        assert await workspace.list() == []
        name = await workspace.create(STORY, profile=profile, limits=Limits(max_calls=1))
        assert len((await workspace.run(name)).attempts) == 1
        with pytest.raises(InputError, match=REFUSED):
            await workspace.branch(name, BranchPoint(step=0), COSTLY)
        with pytest.raises(InputError, match=REFUSED):
            await workspace.change_limits(name, COSTLY)
        assert (await workspace.get(name)).limits == Limits(max_calls=1)
        assert len(await workspace.list()) == 1


async def test_requests_of_a_batch_or_a_sweep_are_refused_before_the_first_one_runs(
    profile: str, tmp_path: Path
) -> None:
    plain = BatchRequest(text=STORY, profile=profile)
    costly = plain.model_copy(update={"limits": {"max_cost": 1}})
    async with Workspace.open(tmp_path / "workspace") as workspace:
        for requests in ([plain, costly], sweep([plain], {"max_cost": [1, 2]})):
            with pytest.raises(InputError, match=REFUSED):
                await run_batch(workspace, requests, tmp_path / "out")
        assert await workspace.list() == []


def test_illustrate_refuses_it(profile: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=REFUSED):
        illustrate(STORY, profile=profile, limits=COSTLY, workspace=tmp_path / "workspace")


@pytest.mark.parametrize(
    ("given", "context"), [({"limits": COSTLY}, None), ({}, {"limits": {"max_cost": 1}})], ids=["input", "context"]
)
async def test_the_graph_by_itself_refuses_it(profile: str, given: dict[str, Any], context: Any) -> None:
    asked: Any = {"request": STORY, **given}
    with pytest.raises(InputError, match=REFUSED):
        await make_graph(profile).ainvoke(asked, context=context)


async def test_a_batch_names_the_request_whose_profile_does_not_exist(profile: str, tmp_path: Path) -> None:
    asked = [BatchRequest(text=STORY, profile=profile), BatchRequest(text=STORY, profile="nowhere")]
    async with Workspace.open(tmp_path / "workspace") as workspace:
        with pytest.raises(ProfileError, match="Request 2: "):
            await run_batch(workspace, asked, tmp_path / "out")
        assert await workspace.list() == []
