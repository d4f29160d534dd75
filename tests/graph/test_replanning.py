"""Plans that replace others again and again: the trajectory ends, and what is finished is delivered."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest

from interleavethinker.graph import Limits, Workspace
from interleavethinker.graph.events import Judged
from interleavethinker.graph.export.storyboard import storyboard
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, accept_only, plan_of
from interleavethinker.tools.types import Plan, Step

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


async def test_what_was_generated_side_by_side_stays_in_the_record_when_the_rest_is_planned_again(
    opened: Opened,
) -> None:
    plan = Plan(steps=(Step(prompt="a"), *(Step(prompt=words, starts_from="nothing") for words in "bc")))
    planner = FixedPlanner(plan, plan_of("x", "y"))
    limits = Limits(max_attempts=1, replan_after=1)
    async with opened(planner, RuleCritic(accept_only("b", "y"))) as ws:
        trajectory = await ws.create("x", limits=limits)
        events = [event async for event in ws.stream(trajectory)]
        result = await ws.get(trajectory)
        page = storyboard(result, ws.store)
    announced = [event.attempt for event in events if isinstance(event, Judged)]
    assert sorted(one.prompt for one in announced) == ["a", "b", "c", "x", "y"]
    assert {(one.prompt, one.verdict) for one in result.attempts} == {(one.prompt, one.verdict) for one in announced}
    assert {one.prompt for one in result.attempts if one.outdated} == {"b", "c"}
    assert [block.text for block in result.document.blocks if block.kind == "image"] == ["a", "x", "y"]
    assert page.count("outdated: a new plan or another image came first") == 2


async def test_calls_for_a_plan_that_was_replaced_count_towards_the_limit(opened: Opened) -> None:
    plan = Plan(steps=(Step(prompt="a"), *(Step(prompt=words, starts_from="nothing") for words in "bc")))
    planner = FixedPlanner(plan, plan_of("x", "y"))
    limits = Limits(max_attempts=1, replan_after=1, max_calls=4)
    async with opened(planner, RuleCritic(accept_only("y"))) as ws:
        result = await ws.run(await ws.create("x", limits=limits))
    assert (result.stop_reason, len(result.attempts)) == ("max_calls", 4)
    assert [block.text for block in result.document.blocks if block.kind == "image"] == ["a", "x"]


async def test_a_first_plan_with_too_many_steps_still_fails(opened: Opened) -> None:
    async with opened(plan_of(*"abcd")) as ws:
        result = await ws.run(await ws.create("x", limits=Limits(max_steps=3)))
    assert result.status == "failed"
    assert "at most 3 steps" in result.reason
