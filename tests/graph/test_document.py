"""What the document tells its reader besides the story."""

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
        ("max_calls", Limits(max_calls=1), "after 1 generator call, as"),
        ("max_calls", Limits(max_calls=2), "after 2 generator calls, as"),
        ("time_limit", Limits(time_limit=1), "after 1 second of work"),
        ("time_limit", Limits(time_limit=1.5), "after 1.5 seconds of work"),
    ],
)
def test_a_spent_limit_is_told_in_plain_words(stop_reason: StopReason, limits: Limits, words: str) -> None:
    assert words in explain(stop_reason, limits)


def test_a_best_effort_is_told_of_a_finished_step_and_not_of_the_one_under_way() -> None:
    plan, attempts = plan_of("a", "b"), {"1.0.0": ATTEMPT}
    told = ("1 step shows a best effort: no attempt was accepted.",)
    assert assemble(plan, attempts, 0, None, Limits()).notes == ()
    assert assemble(plan, attempts, 1, None, Limits()).notes == told
    assert assemble(plan, attempts, 0, StopReason.MAX_CALLS, Limits(max_calls=1)).notes[1:] == told
