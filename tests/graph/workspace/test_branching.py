"""The state of a branch as a pure function of its parent's state."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from interleavethinker.graph import BranchPoint, HumanVerdict, Limits, Workspace
from interleavethinker.graph.attempts import derive_seed
from interleavethinker.graph.events import ReviewNeeded
from interleavethinker.graph.state import Override
from interleavethinker.graph.workspace.branching import branch_state
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.testing.agents import plan_of
from interleavethinker.tools.types import Attempt, CriticInput, ImagePart, Step, TextPart, Verdict

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]
GIVEN, REPLACEMENT = "f" * 64, "e" * 64
LIMITS = Limits(max_attempts=3, max_calls=9)


def attempt(step: int, iteration: int, *, success: bool, version: int = 1) -> Attempt:
    return Attempt(
        plan_version=version,
        step=step,
        iteration=iteration,
        prompt=f"prompt {step}.{iteration}",
        seed=7,
        source=None,
        image=f"{version}{step}{iteration}".ljust(64, "0"),
        verdict=Verdict(success=success, refined_prompt=f"refined {step}.{iteration}"),
    )


def parent_state(**values: Any) -> dict[str, Any]:
    """Returns a parent that retried step 0, finished it, and has a first rejected attempt of step 1."""
    made = (attempt(0, 0, success=False), attempt(0, 1, success=True), attempt(1, 0, success=False))
    return {
        "request": [TextPart(text="x"), ImagePart(sha256=GIVEN)],
        "plans": {1: plan_of("a", "b", None, "d")},
        "attempts": {f"1.{a.step}.{a.iteration}": a for a in made},
        "current_step": 1,
        "limits": LIMITS,
        "seed": 11,
        "seconds": 12.5,
        "inherited_calls": 0,
        "extra_attempts": {"1.1.0": 5},
        **values,
    }


def test_a_branch_keeps_what_comes_before_the_attempt_and_starts_from_zero() -> None:
    values, after = branch_state(parent_state(), BranchPoint(step=1, prompt="mine"))
    assert after == "approve"
    assert list(values["attempts"]) == ["1.0.0", "1.0.1"]
    assert values["override"] == Override(step=1, iteration=0, prompt="mine")
    assert (values["current_step"], values["inherited_calls"], values["seconds"]) == (1, 2, 0.0)
    assert (values["seed"], values["limits"], values["extra_attempts"]) == (11, LIMITS, {})
    assert values["request"] == parent_state()["request"]


def test_a_branch_at_a_later_attempt_keeps_the_earlier_attempts_of_the_step() -> None:
    values, _ = branch_state(parent_state(), BranchPoint(step=1, iteration=1, seed=5))
    assert list(values["attempts"]) == ["1.0.0", "1.0.1", "1.1.0"]
    assert values["override"] == Override(step=1, iteration=1, seed=5)


def test_only_a_branch_that_replaces_nothing_gets_a_new_seed() -> None:
    seeds = {branch_state(parent_state(), BranchPoint(step=0))[0]["seed"] for _ in range(5)}
    assert len(seeds) > 1
    assert branch_state(parent_state(), BranchPoint(step=0, seed=3))[0]["seed"] == 11


def test_words_that_wait_in_the_parent_for_this_attempt_are_those_of_the_branch() -> None:
    waiting = parent_state(override=Override(step=1, iteration=1, prompt="mine"))
    values, _ = branch_state(waiting, BranchPoint(step=1, iteration=1))
    assert values["override"] == Override(step=1, iteration=1, prompt="mine")
    assert values["seed"] != 11, "nothing was replaced"
    values, _ = branch_state(waiting, BranchPoint(step=1, iteration=1, image=REPLACEMENT))
    assert values["plans"][2].steps[1].prompt == "mine"
    for point, words in (
        (BranchPoint(step=1, iteration=1, prompt="other"), "other"),
        (BranchPoint(step=1), None),
        (BranchPoint(step=0, iteration=1), None),
    ):
        assert branch_state(waiting, point)[0]["override"].prompt == words


def test_limits_can_be_replaced() -> None:
    limits = Limits(max_calls=1)
    assert branch_state(parent_state(), BranchPoint(step=0), limits)[0]["limits"] == limits


def test_a_replacement_image_becomes_an_attempt_that_its_person_accepted() -> None:
    values, after = branch_state(parent_state(), BranchPoint(step=1, iteration=1, image=REPLACEMENT))
    assert after == "generate"
    assert values["attempts"]["1.1.1"] == Attempt(
        plan_version=1,
        step=1,
        iteration=1,
        prompt="refined 1.0",
        seed=derive_seed(11, 1, 1),
        source=attempt(0, 1, success=True).image,
        image=REPLACEMENT,
        verdict=Verdict(
            success=True, refined_prompt="refined 1.0", reasoning="an image given by a person", by_hand=True
        ),
    )
    assert (values["inherited_calls"], values["override"]) == (4, None)


def test_the_first_step_of_a_branch_with_an_image_starts_from_the_requests_image() -> None:
    values, _ = branch_state(parent_state(), BranchPoint(step=0, image=REPLACEMENT, prompt="mine", seed=5))
    made = values["attempts"]["2.0.0"]
    assert (made.prompt, made.seed, made.source) == ("mine", 5, GIVEN)
    assert values["plans"][2].steps[0].prompt == "mine"


def test_a_branch_before_a_replan_returns_to_the_plan_under_which_the_step_was_generated() -> None:
    second = plan_of("a", "z").model_copy(update={"version": 2})
    state = parent_state(plans={1: plan_of("a", "b", "c"), 2: second}, replans=1)
    state["attempts"]["2.1.0"] = attempt(1, 0, success=True, version=2)
    early, _ = branch_state(state, BranchPoint(step=0))
    late, _ = branch_state(state, BranchPoint(step=1))
    assert (list(early["plans"]), early["replans"], list(early["attempts"])) == ([1], 0, [])
    assert (list(late["plans"]), late["replans"], list(late["attempts"])) == ([1, 2], 1, ["1.0.0", "1.0.1"])


@pytest.mark.parametrize(
    ("state", "point", "message"),
    [
        (parent_state(plans={}), BranchPoint(step=0), "no plan yet"),
        (parent_state(), BranchPoint(step=4), "There is no step 5; the plan has 4 steps"),
        (parent_state(), BranchPoint(step=-1), "There is no step 0"),
        (parent_state(), BranchPoint(step=3), "Step 4 has not been reached yet"),
        (parent_state(current_step=3), BranchPoint(step=2), "Step 3 is text only"),
        (parent_state(), BranchPoint(step=1, iteration=2), "There is no attempt 3 of step 2, which has 1 so far"),
        (parent_state(), BranchPoint(step=1, iteration=-1), "There is no attempt 0"),
    ],
)
def test_a_branch_from_an_attempt_that_does_not_exist_is_an_input_error(
    state: dict[str, Any], point: BranchPoint, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        branch_state(state, point)


@pytest.mark.parametrize("prompt", ["", " \n"])
def test_a_branch_with_an_empty_prompt_is_refused(prompt: str) -> None:
    with pytest.raises(InputError, match="prompt for the generator is empty"):
        branch_state(parent_state(), BranchPoint(step=0, prompt=prompt))


@pytest.mark.parametrize("step", [0, 1])
def test_a_branch_asks_about_plans_as_its_parent_does_and_first_about_one_without_attempts(step: int) -> None:
    assert branch_state(parent_state(), BranchPoint(step=step))[0]["approve_plan"] is False
    values, after = branch_state(parent_state(approve_plan=True), BranchPoint(step=step))
    assert (values["approve_plan"], after) == (True, "approve"), "attempts were made, so the plan is approved"
    unanswered = parent_state(approve_plan=True, attempts={}, current_step=0)
    values, after = branch_state(unanswered, BranchPoint(step=0, prompt="mine", seed=5))
    assert after == "check_plan"
    assert values["plans"][2].steps[0].prompt == "mine"
    assert values["override"] == Override(step=0, iteration=0, seed=5)
    with pytest.raises(InputError, match="not approved"):
        branch_state(unanswered, BranchPoint(step=0, image=REPLACEMENT))
    assert branch_state(unanswered | {"approve_plan": False}, BranchPoint(step=0))[1] == "approve"


async def test_a_branch_of_an_approved_plan_asks_about_its_next_plan(opened: Opened) -> None:
    limits = Limits(max_attempts=1, replan_after=1, max_replans=1)
    async with opened(critic=lambda case: Verdict(success=False, refined_prompt=case.prompt)) as workspace:
        parent = await workspace.create("x", limits=limits, approve_plan=True)
        assert (await workspace.run(parent)).status == "waiting"
        await workspace.approve(parent)
        assert (await workspace.run(parent)).status == "waiting", "the second plan"
        branch = await workspace.run(await workspace.branch(parent, BranchPoint(step=0)))
        assert (branch.status, len(branch.attempts)) == ("waiting", 1)


async def test_a_branch_at_the_attempt_that_a_person_has_words_for_is_judged_by_them(opened: Opened) -> None:
    judged_by: list[str] = []

    def critic(case: CriticInput) -> Verdict:
        judged_by.append(case.original_prompt)
        return Verdict(success=len(judged_by) > 1, refined_prompt=case.prompt)

    async with opened(plan_of("a"), critic=critic) as workspace:
        parent = await workspace.create("x", limits=Limits(max_calls=1))
        *_, last = [event async for event in workspace.stream(parent, review=True)]
        assert isinstance(last, ReviewNeeded)
        await workspace.judge(parent, HumanVerdict(success=False, prompt="mine"))
        assert (await workspace.run(parent)).stop_reason == "max_calls"
        branch = await workspace.run(await workspace.branch(parent, BranchPoint(step=0, iteration=1)))
        assert (branch.document.complete, judged_by) == (True, ["a", "mine"])


async def test_a_branch_has_the_steps_of_a_persons_answer_that_no_run_has_carried_out_yet(opened: Opened) -> None:
    async with opened(plan_of("a", "b")) as workspace:
        parent = await workspace.create("x", approve_plan=True)
        await workspace.run(parent)
        await workspace.approve(parent, [Step(prompt="mine")])
        branch = await workspace.run(await workspace.branch(parent, BranchPoint(step=0)))
        assert branch.status == "waiting", "it asks as its parent does"
        assert branch.plan is not None
        assert [step.prompt for step in branch.plan.steps] == ["mine"]
        assert [one.prompt for one in (await workspace.run(parent)).attempts] == ["mine"]
        await workspace.approve(branch.id)
        assert [one.prompt for one in (await workspace.run(branch.id)).attempts] == ["mine"]
