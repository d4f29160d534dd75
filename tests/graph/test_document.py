"""The notes of a document."""

import pytest

from interleavethinker.graph import Limits
from interleavethinker.graph.document import assemble
from interleavethinker.graph.limits import StopReason, explain
from interleavethinker.tools.testing.agents import plan_of
from interleavethinker.tools.types import Attempt, Verdict

REJECTED = Verdict(success=False, refined_prompt="a!")
ATTEMPT = Attempt(
    plan_version=1, step=0, iteration=0, prompt="a", seed=1, source=None, image="0" * 64, verdict=REJECTED
)


@pytest.mark.parametrize(
    ("stop_reason", "limits", "words"),
    [
        ("max_calls", Limits(max_calls=1), "limit of 1 generator call;"),
        ("max_calls", Limits(max_calls=2), "limit of 2 generator calls;"),
        ("time_limit", Limits(time_limit=1), "limit of 1 second of work"),
        ("time_limit", Limits(time_limit=1.5), "limit of 1.5 seconds of work"),
    ],
)
def test_the_note_about_a_limit_uses_singular_and_plural_correctly(
    stop_reason: StopReason, limits: Limits, words: str
) -> None:
    assert words in explain(stop_reason, limits)


def test_best_efforts_are_noted_for_finished_steps_but_not_for_the_current_step() -> None:
    plan, attempts = plan_of("a", "b"), {"1.0.0": ATTEMPT}
    note = ("1 step shows a best effort: no attempt was accepted.",)
    assert assemble(plan, attempts, 0, None, Limits()).notes == ()
    assert assemble(plan, attempts, 1, None, Limits()).notes == note
    assert assemble(plan, attempts, 0, StopReason.MAX_CALLS, Limits(max_calls=1)).notes[1:] == note
