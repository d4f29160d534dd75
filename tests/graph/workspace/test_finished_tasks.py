"""Results whose process ended before the checkpoint that would hold them; then somebody changes the trajectory."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from interleavethinker.graph import Limits, Workspace
from interleavethinker.graph.workspace.human_review import HumanVerdict
from interleavethinker.tools.errors import StoreError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]


class Parts:
    """Components that are called once for each result."""

    def __init__(self, folder: Path) -> None:
        self.planner = FixedPlanner(plan_of("draw a", "make it b"))
        self.critic = RuleCritic()
        self.generator = MemoryGenerator(ImageStore(folder / "workspace" / "images"))

    @property
    def calls(self) -> tuple[int, int, int]:
        return len(self.planner.calls), len(self.generator.calls), len(self.critic.calls)


async def end_before_checkpoint(workspace: Workspace, name: str, step: int) -> None:
    """Runs a trajectory until a step's results are stored and its checkpoint is not."""
    saver: Any = workspace._checkpoints._saver
    write = saver.aput

    async def fail(config: Any, checkpoint: Any, metadata: Any, versions: Any) -> Any:
        if metadata["step"] == step:
            raise StoreError("the process ends here")
        return await write(config, checkpoint, metadata, versions)

    saver.aput = fail
    try:
        assert (await workspace.run(name)).reason == "the process ends here"
    finally:
        saver.aput = write


@pytest.mark.parametrize("step", range(1, 8))
async def test_other_limits_keep_every_result(opened: Opened, tmp_path: Path, step: int) -> None:
    parts = Parts(tmp_path)
    async with opened(parts.planner, parts.critic, parts.generator) as workspace:
        quiet = await workspace.run(await workspace.create("x", seed=1))
        once = parts.calls
        name = await workspace.create("x", seed=1)
        await end_before_checkpoint(workspace, name, step)
        await workspace.change_limits(name, Limits(max_calls=7))
        done = await workspace.run(name)
    assert (done.status, done.stop_reason, done.limits.max_calls) == ("done", "complete", 7)
    assert done.document == quiet.document
    assert parts.calls == tuple(2 * number for number in once), "nothing was called twice"


@pytest.mark.parametrize("after", ["generate", "critic"])
async def test_a_verdict_by_hand_keeps_every_result(opened: Opened, tmp_path: Path, after: str) -> None:
    parts = Parts(tmp_path)
    async with opened(parts.planner, parts.critic, parts.generator) as workspace:
        name = await workspace.create("x", seed=1)
        for step in range(1, 9):
            await end_before_checkpoint(workspace, name, step)
            if parts.calls == ((1, 1, 0) if after == "generate" else (1, 1, 1)):
                break
        await workspace.judge(name, HumanVerdict(success=False, prompt="draw z"))
        done = await workspace.run(name)
    assert done.stop_reason == "complete"
    assert [attempt.prompt for attempt in done.attempts] == ["draw a", "draw z", "make it b"]
    assert parts.calls[:2] == (1, 3)
