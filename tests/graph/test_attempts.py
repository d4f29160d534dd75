"""The rules about attempts: selection, source images, prompts and seeds."""

from collections.abc import Iterator, Mapping

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interleavethinker.graph.attempts import (
    attempt_key,
    attempts_for,
    best_attempt,
    derive_seed,
    next_prompt,
    selected_attempt,
    selected_attempts,
)
from interleavethinker.graph.dependencies import source_of
from interleavethinker.graph.drift import _chain
from interleavethinker.tools.request_parsing import as_request
from interleavethinker.tools.testing.agents import plan_of
from interleavethinker.tools.types import Attempt, ImagePart, Verdict

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""The machine may be busy."""

A, B, C = "a" * 64, "b" * 64, "c" * 64


def attempt(
    iteration: int, verdict: Verdict | None = None, *, step: int = 0, version: int = 1, image: str | None = A
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
    assert source_of(plan, attempts, 3, as_request([ImagePart(sha256=C)])) == B
    assert source_of(plan, attempts, 1, as_request([ImagePart(sha256=C)])) == A
    assert source_of(plan, attempts, 0, as_request([ImagePart(sha256=C), ImagePart(sha256=A)])) == A
    assert source_of(plan, attempts, 0, as_request("x")) is None


def test_the_next_prompt_is_refined_after_a_rejection_and_repeated_after_an_unjudged_attempt() -> None:
    assert next_prompt("plan", []) == "plan"
    assert next_prompt("plan", [attempt(0, Verdict(success=False, refined_prompt="better"))]) == "better"
    assert next_prompt("plan", [attempt(0, Verdict(success=False))]) == "prompt 0"
    assert next_prompt("plan", [attempt(0, Verdict(success=None, refined_prompt="noise"))]) == "prompt 0"


def test_attempts_are_ordered_by_iteration_regardless_of_storage_order() -> None:
    attempts = {attempt_key(1, 0, i): attempt(i) for i in (10, 2, 0, 1)}
    assert [a.iteration for a in attempts_for(attempts, 1, 0)] == [0, 1, 2, 10]


@PATIENT
@given(st.integers(0, 2**31), st.integers(0, 99), st.integers(0, 99))
def test_a_seed_is_reproducible_and_in_the_range_of_every_model(s: int, i: int, t: int) -> None:
    assert derive_seed(s, i, t) == derive_seed(s, i, t)
    assert 0 <= derive_seed(s, i, t) < 2**31


def test_nearby_steps_and_iterations_get_different_seeds() -> None:
    seeds = [derive_seed(7, step, iteration) for step in range(30) for iteration in range(30)]
    assert len(set(seeds)) == len(seeds)


@PATIENT
@given(
    st.lists(
        st.tuples(
            st.integers(0, 4), st.integers(1, 3), st.integers(0, 3), st.sampled_from([None, YES, NO, UNJUDGED]),
            st.sampled_from([A, None]),
        )
    )
)  # fmt: skip
def test_the_selected_attempts_of_all_steps_are_those_of_each(
    given_attempts: list[tuple[int, int, int, Verdict | None, str | None]],
) -> None:
    attempts = {
        attempt_key(version, step, iteration): attempt(iteration, verdict, step=step, version=version).model_copy(
            update={"image": image}
        )
        for step, version, iteration, verdict, image in given_attempts
    }
    each = {step: selected_attempt(attempts, step) for step in range(5)}
    assert selected_attempts(attempts) == {step: one for step, one in each.items() if one is not None}


class Counted(Mapping[str, Attempt]):
    """Counts how many attempts are looked at."""

    def __init__(self, attempts: Mapping[str, Attempt]) -> None:
        self._attempts = attempts
        self.seen = 0

    def __getitem__(self, key: str) -> Attempt:
        self.seen += 1
        return self._attempts[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._attempts)

    def __len__(self) -> int:
        return len(self._attempts)


def test_the_chain_of_edits_of_a_long_plan_is_found_in_linear_time() -> None:
    count = 200
    plan = plan_of(*(f"step {number}" for number in range(count)))
    attempts = Counted({attempt_key(1, step, 0): attempt(0, YES, step=step) for step in range(count)})
    assert [one.step for one in _chain(plan, attempts, count - 1)] == list(range(count - 1))
    assert attempts.seen <= 2 * count
