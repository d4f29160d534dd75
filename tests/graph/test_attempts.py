"""The rules about attempts: selection, source images, prompts and seeds."""

from hypothesis import given
from hypothesis import strategies as st

from interleavethinker.graph.attempts import (
    attempt_key,
    attempts_for,
    best_attempt,
    derive_seed,
    next_prompt,
    selected_attempt,
)
from interleavethinker.graph.dependencies import source_of
from interleavethinker.tools.testing.agents import plan_of
from interleavethinker.tools.types import Attempt, Verdict

A, B, C = "a" * 64, "b" * 64, "c" * 64


def attempt(
    iteration: int, verdict: Verdict | None = None, *, step: int = 0, version: int = 1, image: str = A
) -> Attempt:
    return Attempt(
        plan_version=version,
        step=step,
        iteration=iteration,
        prompt=f"prompt {iteration}",
        seed=iteration,
        source=None,
        image=image,
        verdict=verdict,
    )


YES, NO, UNJUDGED = Verdict(success=True), Verdict(success=False), Verdict(success=None)


def test_an_accepted_attempt_beats_a_later_unjudged_one_which_beats_a_rejected_one() -> None:
    assert best_attempt([attempt(0, YES), attempt(1, UNJUDGED), attempt(2, NO)]) == attempt(0, YES)
    assert best_attempt([attempt(0, UNJUDGED), attempt(1, NO)]) == attempt(0, UNJUDGED)
    assert best_attempt([attempt(0), attempt(1, NO)]) == attempt(0)


def test_among_rejected_attempts_the_higher_confidence_wins_and_then_the_later_one() -> None:
    confident = Verdict(success=False, confidence=0.4)
    assert best_attempt([attempt(0, confident), attempt(1, Verdict(success=False, confidence=0.1))]) == attempt(
        0, confident
    )
    assert best_attempt([attempt(0, NO), attempt(1, NO)]) == attempt(1, NO)


def test_there_is_no_best_attempt_without_attempts() -> None:
    assert best_attempt([]) is None


def test_the_selected_attempt_of_a_step_belongs_to_the_newest_plan_with_attempts_of_it() -> None:
    attempts = {"1": attempt(0, YES, version=1), "2": attempt(0, NO, version=2)}
    assert selected_attempt(attempts, 0) == attempts["2"]


def test_a_step_starts_from_the_nearest_selected_image_or_else_the_last_request_image() -> None:
    plan = plan_of("a", "b", "c", "d")
    attempts = {"1": attempt(0, YES, step=0, image=A), "2": attempt(0, YES, step=1, image=B)}
    assert source_of(plan, attempts, 3, [C]) == B
    assert source_of(plan, attempts, 1, [C]) == A
    assert source_of(plan, attempts, 0, [C, A]) == A
    assert source_of(plan, attempts, 0, []) is None


def test_the_next_prompt_is_refined_after_a_rejection_and_repeated_after_an_unjudged_attempt() -> None:
    assert next_prompt("plan", []) == "plan"
    assert next_prompt("plan", [attempt(0, Verdict(success=False, refined_prompt="better"))]) == "better"
    assert next_prompt("plan", [attempt(0, Verdict(success=False))]) == "prompt 0"
    assert next_prompt("plan", [attempt(0, Verdict(success=None, refined_prompt="noise"))]) == "prompt 0"


def test_attempts_are_ordered_by_iteration_regardless_of_storage_order() -> None:
    attempts = {attempt_key(1, 0, i): attempt(i) for i in (10, 2, 0, 1)}
    assert [a.iteration for a in attempts_for(attempts, 1, 0)] == [0, 1, 2, 10]


@given(st.integers(0, 2**31), st.integers(0, 99), st.integers(0, 99))
def test_a_seed_is_reproducible_and_in_the_range_of_every_model(s: int, i: int, t: int) -> None:
    assert derive_seed(s, i, t) == derive_seed(s, i, t)
    assert 0 <= derive_seed(s, i, t) < 2**31


def test_nearby_steps_and_iterations_get_different_seeds() -> None:
    seeds = [derive_seed(7, step, iteration) for step in range(30) for iteration in range(30)]
    assert len(set(seeds)) == len(seeds)
