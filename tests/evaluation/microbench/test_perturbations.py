"""Perturbations occur at the configured rate, and a higher rate includes the perturbations of a lower one."""

import pytest

from interleavethinker.evaluation.microbench.perturbations import PerturbedCritic, PerturbedPlanner
from interleavethinker.tools.protocols import PlanContext
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, plan_of
from interleavethinker.tools.types import CriticInput, Request, Step, TextPart, Verdict

PROMPTS = ("a big red ball on the left, at night", "make the ball blue", "add a small cat at the top")


def request(number: int) -> Request:
    return Request(parts=(TextPart(text=f"request {number}"),))


async def perturbed(rate: float, number: int, count: int = 3) -> tuple[Step, ...]:
    planner = PerturbedPlanner(FixedPlanner(plan_of(*PROMPTS[:count])), rate, seed=1)
    return (await planner.plan(request(number), PlanContext())).steps


async def test_steps_are_wrong_missing_or_swapped_at_the_rate() -> None:
    clean = plan_of(*PROMPTS).steps
    plans = [await perturbed(0.2, number) for number in range(200)]
    touched = sum(plan != clean for plan in plans) / len(plans)
    assert 0.35 < touched < 0.6  # 1 - 0.8 ** 3 = 0.49
    assert any(len(plan) == 2 for plan in plans)
    assert any(sorted(plan, key=str) == sorted(clean, key=str) and plan != clean for plan in plans)
    wrong = [step for plan in plans for step in plan if step not in clean]
    assert wrong
    assert all(step.prompt and len(step.prompt.split()) in {4, 7, 9} for step in wrong)
    assert all(plan for plan in [await perturbed(1, number, 1) for number in range(20)])


async def test_a_higher_rate_includes_the_errors_of_a_lower_one() -> None:
    clean = plan_of(*PROMPTS[:1]).steps
    few = {number for number in range(200) if await perturbed(0.1, number, 1) != clean}
    many = {number for number in range(200) if await perturbed(0.4, number, 1) != clean}
    assert few
    assert few < many
    assert [await perturbed(0.4, 5)] == [await perturbed(0.4, 5)]
    assert await perturbed(0, 5) == plan_of(*PROMPTS).steps


def case(number: int) -> CriticInput:
    return CriticInput(source=None, image=f"{number:064x}", original_prompt="a ball", prompt="a ball")


@pytest.mark.parametrize("success", [True, False])
async def test_verdicts_are_inverted_at_the_rate_with_their_confidence(success: bool) -> None:
    rule = RuleCritic(lambda _: Verdict(success=success, refined_prompt="x", confidence=0.9), gives_confidence=True)
    critic = PerturbedCritic(rule, flipped_verdicts=0.3, misleading_prompts=0, other_prompts=(["d"], ["e"]), seed=1)
    verdicts = await critic.judge([case(number) for number in range(300)])
    inverted = [verdict for verdict in verdicts if verdict.success is not success]
    assert 0.2 < len(inverted) / 300 < 0.4
    assert [verdict.confidence for verdict in inverted] == [pytest.approx(0.1)] * len(inverted)
    assert critic.gives_confidence


async def test_refined_prompts_are_replaced_by_another_requests_prompt_of_the_same_kind() -> None:
    rule = RuleCritic(lambda _: Verdict(success=False, refined_prompt="mine"))
    critic = PerturbedCritic(
        rule, flipped_verdicts=0, misleading_prompts=0.4, other_prompts=(["a prompt"], ["an edit"]), seed=1
    )
    generated = await critic.judge([case(number) for number in range(200)])
    assert {verdict.refined_prompt for verdict in generated} == {"mine", "a prompt"}
    edited = await critic.judge([case(n).model_copy(update={"source": "f" * 64}) for n in range(200)])
    assert {verdict.refined_prompt for verdict in edited} == {"mine", "an edit"}
    unjudged = RuleCritic(lambda _: Verdict(success=None))
    perturbed = PerturbedCritic(
        unjudged, flipped_verdicts=1, misleading_prompts=1, other_prompts=(["d"], ["e"]), seed=1
    )
    assert (await perturbed.judge([case(0)]))[0].success is None


async def test_the_same_verdicts_are_perturbed_as_in_version_0_1() -> None:
    rule = RuleCritic(lambda _: Verdict(success=True, refined_prompt="x"))
    critic = PerturbedCritic(rule, flipped_verdicts=0.3, misleading_prompts=0, other_prompts=(["d"], ["e"]), seed=1)
    verdicts = await critic.judge([case(number) for number in range(20)])
    assert [number for number, verdict in enumerate(verdicts) if not verdict.success] == [1, 2, 6, 7, 14, 15]
    plans = [await perturbed(0.4, number) for number in range(12)]
    changed = [number for number, plan in enumerate(plans) if plan != plan_of(*PROMPTS).steps]
    assert changed == [0, 4, 5, 7, 10, 11]
