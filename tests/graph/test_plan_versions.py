"""A person's words make a new version of the plan: critic and refinement go by them, in every way to give them."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from interleavethinker.graph import BranchPoint, Components, HumanVerdict, Limits, Trajectory, Workspace, make_graph
from interleavethinker.graph.events import ImageGenerated
from interleavethinker.graph.plan_versions import newest_edit, next_iteration, replans_before, with_words
from interleavethinker.graph.state import Override
from interleavethinker.graph.time_limit import TimeLimit
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, accept_only, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator
from interleavethinker.tools.types import CriticInput, Plan, Step, Verdict

from .test_loop import red_image

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]
STORY = Plan(
    steps=(
        Step(instruction="A ball.", prompt="a ball", auxiliary_text="There is a ball."),
        Step(instruction="Make it blue.", prompt="make it blue", auxiliary_text="A blue ball."),
        Step(instruction="Add a tree.", prompt="add a tree", auxiliary_text="A blue ball and a tree."),
    )
)


def by_the_plan(case: CriticInput) -> Verdict:
    """Accepts an image only if it was made from the words of the plan, and asks for those again otherwise."""
    return Verdict(success=case.prompt == case.original_prompt, refined_prompt=case.original_prompt)


def prompts(result: Trajectory) -> list[str]:
    return [attempt.prompt for attempt in result.attempts]


async def test_a_branch_with_a_prompt_ends_as_the_person_asked(opened: Opened) -> None:
    async with opened(STORY, by_the_plan) as ws:
        parent = await ws.run(await ws.create("x"))
        child = await ws.run(await ws.branch(parent.id, BranchPoint(step=1, prompt="make it yellow")))
    assert prompts(child) == ["a ball", "make it yellow", "add a tree"]
    assert [plan.made_by for plan in child.plans] == ["planner", "person"]
    assert child.plans[1].steps[1] == Step(instruction="Make it yellow.", prompt="make it yellow")
    assert child.plans[1].steps[0::2] == STORY.steps[0::2]
    assert {block.status for block in child.document.blocks} == {"accepted"}
    assert "blue ball." not in [block.text for block in child.document.blocks]


async def test_a_rejection_with_a_prompt_is_judged_by_the_persons_words(opened: Opened) -> None:
    critic = RuleCritic(by_the_plan)
    async with opened(STORY, critic) as ws:
        trajectory = await ws.create("x", limits=Limits(max_attempts=1))
        async for event in ws.stream(trajectory):
            if isinstance(event, ImageGenerated) and event.attempt.step == 1:
                break
        await ws.judge(trajectory, HumanVerdict(success=False, prompt="make it yellow"))
        result = await ws.run(trajectory)
    assert prompts(result) == ["a ball", "make it blue", "make it yellow", "add a tree"]
    assert [attempt.iteration for attempt in result.attempts if attempt.step == 1] == [0, 1]
    assert [attempt.plan_version for attempt in result.attempts] == [1, 1, 2, 2]
    assert critic.calls[-2][0].original_prompt == "make it yellow"
    assert {block.status for block in result.document.blocks} == {"accepted"}


async def test_a_reader_who_leaves_at_an_image_can_judge_it(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    leave = TimeLimit.__aexit__

    async def leave_later(self: TimeLimit, *error: Any) -> Any:  # The node goes on after it has announced the image.
        await asyncio.sleep(0.05)
        return await leave(self, *error)

    monkeypatch.setattr(TimeLimit, "__aexit__", leave_later)
    async with opened(STORY, by_the_plan) as ws:
        trajectory = await ws.create("x")
        async for event in ws.stream(trajectory):
            if isinstance(event, ImageGenerated):
                break
        await ws.judge(trajectory, HumanVerdict(success=True, prompt=None))
        assert [attempt.step for attempt in (await ws.get(trajectory)).attempts] == [0]


async def test_the_critics_rewording_starts_from_the_persons_words(opened: Opened) -> None:
    def reword(case: CriticInput) -> Verdict:
        return Verdict(success=case.prompt == "yellow!", refined_prompt=f"{case.original_prompt}!")

    async with opened(plan_of("blue"), reword) as ws:
        parent = await ws.run(await ws.create("x", limits=Limits(max_attempts=2)))
        child = await ws.run(await ws.branch(parent.id, BranchPoint(step=0, iteration=1, prompt="yellow")))
    assert prompts(child) == ["blue", "yellow", "yellow!"]
    assert [(a.plan_version, a.iteration) for a in child.attempts] == [(1, 0), (2, 1), (2, 2)]
    assert len({a.seed for a in child.attempts}) == 3
    assert child.selected(0) == child.attempts[2]


@pytest.mark.parametrize("words", [None, "my own picture"])
async def test_a_persons_image_is_kept_and_the_next_step_starts_from_it(opened: Opened, words: str | None) -> None:
    async with opened(STORY, lambda case: Verdict(success=case.prompt == "a ball", refined_prompt="again")) as ws:
        parent = await ws.run(await ws.create("x", limits=Limits(max_attempts=2, replan_after=9)))
        mine = await ws.add_image(red_image(9))
        child = await ws.run(await ws.branch(parent.id, BranchPoint(step=1, image=mine, prompt=words)))
    assert child.document.images[1] == mine
    assert [block.status for block in child.document.blocks if block.step == 1] == ["accepted"] * (
        3 if not words else 2
    )
    assert child.attempts_for(2)[0].source == mine
    assert [plan.steps[1].prompt for plan in child.plans] == ["make it blue", words][: 2 if words else 1]


async def test_a_branch_from_a_branch_keeps_the_persons_words_and_counts_on(opened: Opened) -> None:
    async with opened(STORY, by_the_plan) as ws:
        parent = await ws.run(await ws.create("x"))
        child = await ws.run(await ws.branch(parent.id, BranchPoint(step=1, iteration=1, prompt="make it yellow")))
        again = await ws.run(await ws.branch(child.id, BranchPoint(step=0)))
        more = await ws.run(await ws.branch(child.id, BranchPoint(step=1, iteration=2)))
    assert prompts(again) == ["a ball", "make it yellow", "add a tree"]
    assert prompts(more) == ["a ball", "make it blue", "make it yellow", "make it yellow", "add a tree"]
    assert [a.iteration for a in more.attempts if a.step == 1] == [0, 1, 2]


async def test_words_in_the_state_of_an_embedded_graph_make_a_plan_version_too(tmp_path: Path) -> None:
    components = Components(
        FixedPlanner(STORY), RuleCritic(by_the_plan), MemoryGenerator(ImageStore(tmp_path)), Limits(look_ahead=3)
    )
    graph = make_graph()
    graph.checkpointer = InMemorySaver()
    config: Any = {"configurable": {"thread_id": "1"}}
    await graph.ainvoke({"request": "x", "seed": 1}, config, context=components, interrupt_before=["generate"])
    words = {"override": Override(step=1, iteration=0, prompt="make it yellow")}
    await graph.aupdate_state(config, words, as_node="approve")
    await graph.ainvoke(None, config, context=components)
    state = (await graph.aget_state(config)).values
    assert [plan.version for plan in state["plans"].values()] == [1, 2]
    made = sorted(state["attempts"].values(), key=lambda attempt: (attempt.step, attempt.iteration))
    assert [attempt.prompt for attempt in made] == ["a ball", "make it yellow", "add a tree"]
    assert state["override"] is None


@pytest.mark.parametrize("node", ["approve", "critic"])
async def test_a_state_that_a_client_writes_is_checked_before_anything_goes_by_it(node: str, tmp_path: Path) -> None:
    generator = MemoryGenerator(ImageStore(tmp_path))
    components = Components(FixedPlanner(STORY), RuleCritic(), generator)
    graph = make_graph()
    graph.checkpointer = InMemorySaver()
    config: Any = {"configurable": {"thread_id": "1"}}
    await graph.ainvoke({"request": "x", "seed": 1}, config, context=components, interrupt_before=["generate"])
    for wrong in (
        {"current_step": -1}, {"current_step": "x"}, {"seconds": "x"}, {"seconds": -1.0}, {"seconds": float("nan")},
        {"replans": "x"}, {"rejected_plans": -1}, {"inherited_calls": [1]},
    ):  # fmt: skip
        with pytest.raises(InputError, match="does not fit the graph's state"):
            await graph.aupdate_state(config, wrong, as_node=node)
    await graph.aupdate_state(config, {"current_step": 99}, as_node=node)
    with pytest.raises(InputError, match="has 3 steps; it is 99"):
        await graph.ainvoke(None, config, context=components)
    await graph.aupdate_state(config, {"current_step": 0}, as_node="approve")
    done = await graph.ainvoke(None, config, context=components)
    assert done["document"].complete
    assert len(generator.generated) == 3


async def test_a_replan_after_a_persons_words_counts_as_one_replan(opened: Opened) -> None:
    planner = FixedPlanner(plan_of("a", "b"), plan_of("c"))
    async with opened(planner, accept_only("mine", "c")) as ws:
        parent = await ws.run(await ws.create("x", limits=Limits(max_attempts=1, replan_after=9)))
        limits = Limits(max_attempts=2, replan_after=1)
        child = await ws.run(await ws.branch(parent.id, BranchPoint(step=0, prompt="mine!"), limits))
    assert [plan.made_by for plan in child.plans] == ["planner", "person", "planner"]
    assert child.plans[2].steps[0].prompt == "mine!"
    assert replans_before({plan.version: plan for plan in child.plans}, 2) == 0
    assert replans_before({plan.version: plan for plan in child.plans}, 3) == 1


def test_the_same_words_make_no_version_and_texts_of_another_kind_stay() -> None:
    plan = plan_of("a photo of folded paper")
    assert with_words(plan, 0, "a photo of folded paper") is plan
    edited = with_words(plan, 0, "a drawing")
    assert (edited.steps[0].instruction, edited.steps[0].auxiliary_text) == (
        "Step about a photo of folded paper",
        "Words 0",
    )


def test_versions_are_followed_only_through_those_that_people_made() -> None:
    first = plan_of("a")
    mine = with_words(first, 0, "b")
    replanned = plan_of("c").model_copy(update={"version": 3})
    plans = {1: first, 2: mine, 3: replanned}
    assert newest_edit(plans, 1) is mine
    assert newest_edit(plans, 3) is replanned
    assert next_iteration(plans, [], 2, 0) == 0
