"""A test of your own code, with fakes for planner, critic and generator: no model, no server, runs in milliseconds."""

from pathlib import Path

import interleavethinker as it
from interleavethinker.testing import FixedPlanner, MemoryGenerator, RuleCritic, accept_only, plan_of


async def illustrate_all(workspace: it.Workspace, topics: list[str]) -> dict[str, int]:
    """Your code: one trajectory per topic; returns the number of images of each."""
    counts = {}
    for topic in topics:
        done = await workspace.run(await workspace.create(topic))
        counts[topic] = len(done.document.images)
    return counts


async def test_every_topic_gets_its_images(tmp_path: Path) -> None:
    planner = FixedPlanner(plan_of("a ball", "a tree"))
    critic = RuleCritic(accept_only("a ball!", "a tree"))  # the first attempt at the ball is rejected
    generator = MemoryGenerator(it.ImageStore(tmp_path / "images"))
    async with it.Workspace.open(tmp_path, it.Components(planner, critic, generator)) as workspace:
        assert await illustrate_all(workspace, ["one", "two"]) == {"one": 2, "two": 2}
    assert [call.prompt for call in generator.calls[:3]] == ["a ball", "a ball!", "a tree"]
