"""A verdict by hand as a pure function of the state."""

from collections.abc import Callable
from typing import Any

import pytest

from interleavethinker.graph import HumanVerdict, Limits
from interleavethinker.graph.limits import StopReason
from interleavethinker.graph.state import Override
from interleavethinker.graph.workspace.human_review import human_verdict_update, named_attempt
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.testing.agents import plan_of
from interleavethinker.tools.types import Attempt, Verdict

REJECTED = Verdict(success=False, refined_prompt="by the critic")


def attempt(step: int, iteration: int, verdict: Verdict | None = REJECTED) -> Attempt:
    return Attempt(
        plan_version=1,
        step=step,
        iteration=iteration,
        prompt=f"prompt {step}.{iteration}",
        seed=7,
        source=None,
        image=f"{step}{iteration}".ljust(64, "0"),
        verdict=verdict,
    )


def state_with(*attempts: Attempt, current_step: int = 0, **values: Any) -> dict[str, Any]:
    by_key = {f"{a.plan_version}.{a.step}.{a.iteration}": a for a in attempts}
    return {"plans": {1: plan_of("a", "b")}, "attempts": by_key, "current_step": current_step, **values}


def test_accepting_changes_the_verdict_of_the_newest_attempt_and_nothing_else() -> None:
    state = state_with(attempt(0, 0), attempt(0, 1))
    update, judged = human_verdict_update(state, HumanVerdict(success=True, reasoning="nice"))
    assert judged == attempt(0, 1).model_copy(
        update={"verdict": Verdict(success=True, refined_prompt="prompt 0.1", reasoning="nice", by_hand=True)}
    )
    assert update == {"attempts": {"1.0.1": judged}}
    assert state == state_with(attempt(0, 0), attempt(0, 1)), "the state that was given must not change"


def test_an_earlier_attempt_can_be_accepted_by_its_number() -> None:
    update, _ = human_verdict_update(
        state_with(attempt(0, 0), attempt(0, 1)), HumanVerdict(success=True, step=0, iteration=0)
    )
    assert list(update["attempts"]) == ["1.0.0"]


def test_a_rejection_without_a_prompt_repeats_the_prompt_of_the_attempt() -> None:
    update, judged = human_verdict_update(state_with(attempt(0, 0)), HumanVerdict(success=False))
    assert (judged.verdict and judged.verdict.refined_prompt) == "prompt 0.0"
    assert set(update) == {"attempts"}


def test_a_rejection_with_a_prompt_sets_it_for_the_attempt_after_the_newest() -> None:
    state = state_with(attempt(1, 0), attempt(1, 1), current_step=1)
    update, _ = human_verdict_update(state, HumanVerdict(success=False, prompt="mine", iteration=0))
    assert update["override"] == Override(step=1, iteration=2, prompt="mine")


@pytest.mark.parametrize(("max_attempts", "extra"), [(1, {"1.0.0": 3}), (2, {"1.0.0": 3}), (3, None)])
def test_a_rejection_allows_one_more_attempt_only_if_the_step_has_used_all(
    max_attempts: int, extra: dict[str, int] | None
) -> None:
    state = state_with(attempt(0, 0), attempt(0, 1), limits=Limits(max_attempts=max_attempts))
    assert human_verdict_update(state, HumanVerdict(success=False))[0].get("extra_attempts") == extra


def test_naming_the_attempt_fills_in_step_and_iteration() -> None:
    state = state_with(attempt(0, 0), attempt(1, 0), attempt(1, 1), current_step=1)
    assert named_attempt(state, HumanVerdict(success=True)) == HumanVerdict(success=True, step=1, iteration=1)


@pytest.mark.parametrize(
    ("state", "verdict", "message"),
    [
        ({"attempts": {}}, {}, "has a plan and has not ended"),
        (state_with(attempt(0, 0), stop_reason=StopReason.COMPLETE), {}, "branch from it instead"),
        (
            state_with(attempt(0, 0), current_step=1),
            {"step": 0},
            "Only the current step, step 2, can be judged; got step 1",
        ),
        (state_with(attempt(0, 0), current_step=1), {}, "Step 2 has 0 attempts"),
        (state_with(attempt(0, 0)), {"iteration": 1}, "Step 1 has 1 attempts"),
    ],
)
def test_a_verdict_on_an_attempt_that_cannot_be_judged_is_an_input_error(
    state: dict[str, Any], verdict: dict[str, int], message: str
) -> None:
    for function in (human_verdict_update, named_attempt):
        with pytest.raises(InputError, match=message):
            function(state, HumanVerdict(success=True, **verdict))


@pytest.mark.parametrize("read", [human_verdict_update, named_attempt])
def test_a_verdict_with_an_empty_prompt_is_refused(read: Callable[..., object]) -> None:
    with pytest.raises(InputError, match="prompt for the generator is empty"):
        read(state_with(attempt(0, 0)), HumanVerdict(success=False, prompt=" "))
