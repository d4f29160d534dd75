"""The view of a running trajectory, on a terminal and in a log."""

import io

from rich.console import Console

from interleavethinker.cli.live_view import LiveView
from interleavethinker.graph.events import Event, GenerationProgress, ImageGenerated, Judged, Planned, StepFinished
from interleavethinker.tools.testing.agents import plan_of
from interleavethinker.tools.types import Attempt, Verdict

FIRST = Attempt(plan_version=1, step=0, iteration=0, prompt="a [red]", seed=1, source=None, image="a" * 64, seconds=1.5)
REJECTED = FIRST.model_copy(update={"verdict": Verdict(success=False, refined_prompt="a!")})
SECOND = FIRST.model_copy(update={"iteration": 1, "prompt": "a!", "verdict": Verdict(success=True)})
STORY: list[Event] = [
    Planned(plan=plan_of("a [red]", None, "b")),
    GenerationProgress(step=0, iteration=0, prompt="a [red]", seed=1),
    GenerationProgress(step=0, iteration=0, prompt="a [red]", seed=1, fraction=0.5),
    ImageGenerated(attempt=FIRST),
    Judged(attempt=REJECTED),
    GenerationProgress(step=0, iteration=1, prompt="a!", seed=2),
    Judged(attempt=SECOND),
    StepFinished(step=0, status="accepted", attempt=SECOND),
    StepFinished(step=1, status="text_only"),
]


def output_of(*, terminal: bool) -> tuple[str, str]:
    """Returns all output, and the last table."""
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100, color_system=None)
    with LiveView(console) as view:
        for event in STORY:
            view.show(event)
        last = Console(file=io.StringIO(), width=100, color_system=None)
        last.print(view._table())
    assert isinstance(console.file, io.StringIO)
    assert isinstance(last.file, io.StringIO)
    return console.file.getvalue(), last.file.getvalue()


def test_a_terminal_shows_each_step_with_its_attempts_and_time() -> None:
    _, table = output_of(terminal=True)
    first, second, third = (line.split() for line in table.splitlines() if line.strip())
    assert first == "1 a [red] accepted 2 attempts, 3.0 s".split()
    assert second == "2 Words 1 text".split()
    assert third == ["3", "b", "pending"]


def test_a_log_gets_one_line_per_event_and_none_for_progress() -> None:
    log, _ = output_of(terminal=False)
    lines = [line.split(" s  ", 1)[1].strip() for line in log.splitlines()]
    assert lines == [
        "planned: 3 steps",
        "step 1, attempt 1: a [red]",
        "rejected, retrying",
        "step 1, attempt 2: a!",
        "accepted",
        "step 1: accepted",
        "step 2: text",
    ]


def test_a_resumed_trajectory_shows_its_earlier_attempts() -> None:
    console = Console(file=io.StringIO(), width=100, color_system=None)
    console.print(LiveView(console, plan_of("a", "b"), (SECOND,))._table())
    assert isinstance(console.file, io.StringIO)
    assert "accepted" in console.file.getvalue().splitlines()[0]
