"""Plans that replace others again and again: the trajectory ends, and what is finished is delivered."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest

from interleavethinker.graph import Limits, Workspace
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, accept_only, plan_of

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]


@pytest.mark.parametrize("max_replans", [100, 2**63 - 1])
@pytest.mark.parametrize("replan_after", [1, 2])
async def test_replans_that_would_add_more_steps_than_are_allowed_end_with_the_plan_in_effect(
    opened: Opened, max_replans: int, replan_after: int
) -> None:
    planner = FixedPlanner(plan_of("a", "b", "c"))
    limits = Limits(max_attempts=1, replan_after=replan_after, max_replans=max_replans, max_steps=12)
    async with opened(planner, RuleCritic(accept_only())) as ws:
        result = await ws.run(await ws.create("x", limits=limits))
    assert (result.status, result.stop_reason, result.reason) == ("done", "complete", "")
    steps = len(result.plans[-1].steps)
    assert 10 <= steps <= 12
    assert len(result.attempts) == len(result.document.images) == steps
    assert len(planner.calls) == len(result.plans) + 1, "the planner is not asked again after a plan without room"


async def test_a_first_plan_with_too_many_steps_still_fails(opened: Opened) -> None:
    async with opened(plan_of(*"abcd")) as ws:
        result = await ws.run(await ws.create("x", limits=Limits(max_steps=3)))
    assert result.status == "failed"
    assert "at most 3 steps" in result.reason
