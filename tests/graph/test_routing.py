"""The decision after each round of attempts, as a pure function of a state."""

from typing import Any

from interleavethinker.graph import Limits
from interleavethinker.graph.attempts import attempt_key
from interleavethinker.graph.routing import decide, next_node
from interleavethinker.tools.testing.agents import plan_of
from interleavethinker.tools.types import Attempt, Verdict

YES = Verdict(success=True)
A, B, C, D = ("a" * 64, "b" * 64, "c" * 64, "d" * 64)


def no(confidence: float | None = None) -> Verdict:
    return Verdict(success=False, confidence=confidence)


def attempt(step: int, iteration: int, source: str | None, image: str, verdict: Verdict | None) -> Attempt:
    return Attempt(
        plan_version=1,
        step=step,
        iteration=iteration,
        prompt="p",
        seed=0,
        source=source,
        image=image,
        verdict=verdict,
    )


def state(*attempts: Attempt, current_step: int = 0, limits: Limits | None = None, **values: Any) -> dict[str, Any]:
    return {
        "request": "x",
        "plans": {1: plan_of("first", "second", "third")},
        "attempts": {attempt_key(1, one.step, one.iteration): one for one in attempts},
        "current_step": current_step,
        "limits": limits or Limits(max_attempts=2, look_ahead=3, replan_after=9),
        **values,
    }


def test_accepted_drafts_finish_their_steps_and_a_rejected_one_is_retried() -> None:
    decision = decide(state(attempt(0, 0, None, A, YES), attempt(1, 0, A, B, YES), attempt(2, 0, B, C, no())))
    assert (decision.current_step, decision.stop_reason, decision.outdated) == (2, None, frozenset())
    assert len(decision.events) == 2


def test_a_rejected_attempt_makes_all_drafts_after_it_outdated() -> None:
    decision = decide(state(attempt(0, 0, None, A, no()), attempt(1, 0, A, B, YES), attempt(2, 0, B, C, YES)))
    assert (decision.current_step, decision.outdated, decision.events) == (0, frozenset({"1.1.0", "1.2.0"}), ())


def test_accepted_attempts_of_all_steps_complete_the_trajectory() -> None:
    attempts = attempt(0, 0, None, A, YES), attempt(1, 0, A, B, YES), attempt(2, 0, B, C, YES)
    decision = decide(state(*attempts))
    assert (decision.current_step, decision.stop_reason) == (3, "complete")


def test_a_draft_is_kept_if_its_source_image_was_selected_and_outdated_otherwise() -> None:
    first, draft = attempt(0, 0, None, A, no(0.4)), attempt(1, 0, B, C, no())
    kept = decide(state(first, attempt(0, 1, None, B, YES), draft))
    assert (kept.current_step, kept.outdated) == (1, frozenset())
    outdated = decide(state(first, attempt(0, 1, None, B, no(0.1)), draft))
    assert (outdated.current_step, outdated.outdated) == (1, frozenset({"1.1.0"}))


def test_outdated_attempts_count_against_max_calls_and_inherited_ones_do_not() -> None:
    limits = Limits(max_attempts=9, max_calls=2, look_ahead=3)
    rejected, draft = attempt(0, 0, None, A, no()), attempt(1, 0, A, B, YES)
    assert decide(state(rejected, limits=limits)).stop_reason is None
    outdated = draft.model_copy(update={"outdated": True})
    assert decide(state(rejected, outdated, limits=limits)).stop_reason == "max_calls"
    second = attempt(0, 1, None, D, no())
    assert decide(state(rejected, second, limits=limits)).stop_reason == "max_calls"
    assert decide(state(rejected, second, limits=limits, inherited_calls=1)).stop_reason is None


def test_no_step_is_decided_by_an_outdated_attempt() -> None:
    accepted = attempt(1, 0, A, B, YES).model_copy(update={"outdated": True})
    decision = decide(state(attempt(0, 0, None, A, YES), accepted))
    assert (decision.current_step, decision.outdated) == (1, frozenset())


def test_time_limit_and_recursion_limit_stop_the_trajectory() -> None:
    rejected = attempt(0, 0, None, A, no())
    assert decide(state(rejected, limits=Limits(time_limit=5), seconds=5.0)).stop_reason == "time_limit"
    assert decide(state(rejected, remaining_steps=5)).stop_reason == "host_limit"
    assert decide(state(rejected, remaining_steps=6)).stop_reason is None


def test_the_next_node_is_plan_after_too_many_failed_steps() -> None:
    limits = Limits(max_attempts=1, replan_after=1)
    rejected = attempt(0, 0, None, A, no())
    assert next_node(state(rejected, current_step=1, limits=limits)) == "plan"
    assert next_node(state(rejected, current_step=1, limits=limits, replans=1)) == "generate"
    assert next_node(state(rejected, current_step=1, limits=limits, stop_reason="max_calls")) == "end"
