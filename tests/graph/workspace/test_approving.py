"""Approving a plan, or replacing it, also from a second workspace, as another process would."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from interleavethinker.graph import Limits, Workspace
from interleavethinker.graph.events import ApprovalNeeded
from interleavethinker.graph.workspace.commands import CommandQueue
from interleavethinker.tools.errors import InputError, TrajectoryError
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, accept_only, plan_of
from interleavethinker.tools.types import Step

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]


async def test_a_plan_that_is_approved_unchanged_is_carried_out(opened: Opened) -> None:
    planner = FixedPlanner(plan_of("a"))
    async with opened(planner) as ws, opened() as other_workspace:
        trajectory = await ws.create("x", approve_plan=True)
        assert isinstance([event async for event in ws.stream(trajectory)][-1], ApprovalNeeded)
        assert (await other_workspace.summary(trajectory)).status == "waiting"
        # Resuming without an approval changes nothing.
        assert isinstance([event async for event in ws.stream(trajectory)][-1], ApprovalNeeded)
        await other_workspace.approve(trajectory)
        result = await ws.run(trajectory)
    assert (result.stop_reason, len(result.plans), len(planner.calls)) == ("complete", 1, 1)


async def test_a_plan_edited_at_approval_becomes_the_next_version(opened: Opened) -> None:
    async with opened(plan_of("a", "b")) as ws:
        trajectory = await ws.create("x", approve_plan=True)
        await ws.run(trajectory)
        await ws.approve(trajectory, [Step(prompt="mine", instruction="By hand")])
        result = await ws.run(trajectory)
    assert [len(plan.steps) for plan in result.plans] == [2, 1]
    assert [a.prompt for a in result.attempts] == ["mine"]


async def test_an_edited_plan_that_cannot_be_used_is_refused_and_the_trajectory_keeps_waiting(opened: Opened) -> None:
    async with opened(plan_of("a")) as ws:
        trajectory = await ws.create("x", approve_plan=True, limits=Limits(max_steps=3))
        await ws.run(trajectory)
        with pytest.raises(InputError, match="at least one step"):
            await ws.approve(trajectory, [])
        with pytest.raises(InputError, match=r"at most 3 steps .*; this one has 4"):
            await ws.approve(trajectory, [Step(prompt="a")] * 4)
        assert (await ws.run(trajectory)).summary.status == "waiting"
        await ws.approve(trajectory)
        assert (await ws.run(trajectory)).stop_reason == "complete"


@pytest.mark.parametrize("prompts", [["a"], ["c"], ["a", "x", "c"], ["x", "b", "c"]])
async def test_a_new_plan_for_the_rest_keeps_the_finished_steps(opened: Opened, prompts: list[str]) -> None:
    planner, critic = FixedPlanner(plan_of("a", "b", "c"), plan_of("a", "b", "d")), RuleCritic(accept_only("mine"))
    async with opened(planner, critic) as ws:
        trajectory = await ws.create("x", approve_plan=True, limits=Limits(max_attempts=1))
        await ws.run(trajectory)
        await ws.approve(trajectory)
        waiting = await ws.run(trajectory)
        assert (waiting.status, waiting.current_step, len(waiting.attempts)) == ("waiting", 2, 2)
        with pytest.raises(InputError, match="Steps 1 to 2 are finished"):
            await ws.approve(trajectory, plan_of(*prompts).steps)
        told = waiting.plans[-1].steps[0].model_copy(update={"instruction": "As it was."})
        await ws.approve(trajectory, [told, waiting.plans[-1].steps[1], Step(prompt="mine")])
        done = await ws.run(trajectory)
    assert (done.stop_reason, [one.prompt for one in done.attempts]) == ("complete", ["a", "b", "mine"])
    assert len(done.document.images) == 3


async def test_an_edited_plan_that_another_approval_overtakes_is_refused(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened() as ws:
        trajectory = await ws.create("x", approve_plan=True)
        await ws.run(trajectory)
        enqueue = CommandQueue.enqueue

        async def overtaken(queue: CommandQueue, *given: Any, **more: Any) -> bool:
            monkeypatch.undo()
            await ws.approve(trajectory)
            await ws.run(trajectory)
            return await enqueue(queue, *given, **more)

        monkeypatch.setattr(CommandQueue, "enqueue", overtaken)
        with pytest.raises(TrajectoryError, match="answered meanwhile; this answer is not used"):
            await ws.approve(trajectory, [Step(prompt="mine")])
        assert (await ws.get(trajectory)).status == "done"


async def test_only_a_waiting_trajectory_can_be_approved(opened: Opened) -> None:
    async with opened() as ws:
        trajectory = await ws.create("x")
        with pytest.raises(TrajectoryError, match="does not wait"):
            await ws.approve(trajectory)
