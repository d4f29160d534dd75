"""The progress bar that Python callers see, and the ways to choose another."""

import pytest

from interleavethinker.graph.events import Event, GenerationProgress, Planned, StepFinished
from interleavethinker.graph.progress import listen
from interleavethinker.tools.testing.agents import plan_of

EVENTS: tuple[Event, ...] = (
    Planned(plan=plan_of("a", "b")),
    GenerationProgress(step=0, iteration=0, prompt="a", seed=1),
    StepFinished(step=0, status="accepted"),
    GenerationProgress(step=1, iteration=1, prompt="b", seed=2),
)


def test_the_bar_shows_step_attempt_and_number_of_steps(capsys: pytest.CaptureFixture[str]) -> None:
    with listen(True) as see:
        for event in EVENTS:
            see(event)
    captured = capsys.readouterr()
    assert "step 2, attempt 2" in captured.err
    assert "1/2" in captured.err
    assert captured.out == ""


@pytest.mark.parametrize("progress", [False, None])
def test_nothing_is_printed_if_unwanted_or_without_a_terminal(
    progress: bool | None, capsys: pytest.CaptureFixture[str]
) -> None:
    with listen(progress) as see:
        for event in EVENTS:
            see(event)
    assert capsys.readouterr() == ("", "")


def test_a_function_of_the_callers_receives_every_event() -> None:
    received: list[Event] = []
    with listen(received.append) as see:
        for event in EVENTS:
            see(event)
    assert tuple(received) == EVENTS
