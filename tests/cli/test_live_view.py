"""The view of a running trajectory, on a terminal and in a log."""

import contextlib
import io
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from interleavethinker.cli._console import CleanConsole
from interleavethinker.cli.live_view import LiveView
from interleavethinker.graph import Components, Workspace
from interleavethinker.graph.events import (
    DocumentChecked,
    Event,
    GenerationProgress,
    ImageGenerated,
    Judged,
    PlanChecked,
    Planned,
    StepFinished,
)
from interleavethinker.graph.limits import Limits
from interleavethinker.graph.workspace.catalog import TrajectorySummary
from interleavethinker.graph.workspace.human_review import HumanVerdict
from interleavethinker.graph.workspace.snapshot import Trajectory, snapshot_of
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, accept_only, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator
from interleavethinker.tools.types import Attempt, CheckReport, Plan, Step, TextPart, Verdict

FIRST = Attempt(
    plan_version=1, step=0, iteration=0, prompt="a small [red] kitten", seed=1, source=None, image="a" * 64, seconds=1.5
)
REJECTED = FIRST.model_copy(
    update={"verdict": Verdict(success=False, refined_prompt="a small [red] cat", reasoning="No\ncat  is there.")}
)
SECOND = FIRST.model_copy(update={"iteration": 1, "prompt": "a small [red] cat", "verdict": Verdict(success=True)})
STORY: list[Event] = [
    Planned(plan=plan_of("a small [red] kitten", None, "b")),
    GenerationProgress(step=0, iteration=0, prompt="a small [red] kitten", seed=1),
    GenerationProgress(step=0, iteration=0, prompt="a small [red] kitten", seed=1, fraction=0.5),
    ImageGenerated(attempt=FIRST),
    Judged(attempt=REJECTED),
    GenerationProgress(step=0, iteration=1, prompt="a small [red] cat", seed=2),
    Judged(attempt=SECOND),
    StepFinished(step=0, status="accepted", attempt=SECOND),
    StepFinished(step=1, status="text_only"),
]


class Screen(io.StringIO):
    """Output that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def before(**state: Any) -> Trajectory:
    now = datetime.now(UTC)
    summary = TrajectorySummary(id="x", title="x", profile="micro", status="ready", created=now, updated=now)
    summary = summary.model_copy(update=state.pop("summary", {}))
    return snapshot_of(summary, {"request": [TextPart(text="x")], "limits": Limits(max_attempts=4)} | state)


def console(file: io.StringIO, *, width: int = 100) -> CleanConsole:
    terminal = isinstance(file, Screen)
    return CleanConsole(file=file, force_terminal=terminal, width=width, color_system="standard" if terminal else None)


def status_of(view: LiveView) -> list[str]:
    file = io.StringIO()
    CleanConsole(file=file, width=100, color_system=None).print(view._status())
    return file.getvalue().splitlines()


def test_a_log_gets_the_plan_each_attempt_with_its_changes_and_each_reason_on_lines_of_their_own() -> None:
    log = io.StringIO()
    with LiveView(console(log), before(), clock=lambda: 0.0) as view:
        for event in STORY:
            view.show(event)
    lines = log.getvalue().splitlines()
    assert all(line.startswith("    0.0 s  ") for line in lines)
    assert [line.removeprefix("    0.0 s  ") for line in lines] == [
        "Plan:",
        "  1. a small [red] kitten",
        "  2. (text) Words 1",
        "  3. b",
        "step 1, attempt 1: a small [red] kitten",
        "  rejected, 1.5 s: No cat is there.",
        "step 1, attempt 2: a small [red] *cat*",
        "  accepted, 1.5 s",
        "step 1: accepted; 2 of at most 6 generator calls, 0:00, about 0:00 left",
        "step 2: text only; 2 of at most 6 generator calls, 0:00, about 0:00 left",
    ]


def test_a_terminal_marks_changed_words_and_shows_a_spinner_with_calls_and_the_time_left() -> None:
    screen, seconds = Screen(), 0.0
    view = LiveView(console(screen), before(), clock=lambda: seconds)
    with view:
        assert "loading the models and planning" in status_of(view)[0]
        for event in STORY[:3]:
            view.show(event)
        assert status_of(view)[0].endswith("step 1 of 3, attempt 1: generating 50%")
        assert status_of(view)[1] == "  0 of at most 8 generator calls, 0:00"
        view.show(STORY[3])
        assert status_of(view)[0].endswith("step 1 of 3, attempt 1: judging")
        seconds = 70.0
        for event in STORY[4:]:
            view.show(event)
        assert status_of(view)[1] == "  2 of at most 6 generator calls, 1:10, about 0:35 left"
    output = screen.getvalue()
    assert "\x1b[1;4mcat\x1b[0m" in output
    assert "\x1b[?25l" in output, "the spinner hides the cursor"
    assert output.rstrip().endswith("\x1b[2K"), "and is gone at the end"


@pytest.mark.parametrize("width", [30, 60])
def test_a_narrow_terminal_keeps_the_spinner_and_the_verdict_on_one_line_each(width: int) -> None:
    screen = Screen()
    with LiveView(console(screen, width=width), before(), clock=lambda: 0.0) as view:
        view.show(STORY[0])
        view.show(Judged(attempt=REJECTED.model_copy(update={"verdict": Verdict(success=False, reasoning="no " * 99)})))
        file = io.StringIO()
        CleanConsole(file=file, width=width).print(view._status())
    assert len(file.getvalue().splitlines()) == 2
    lines = re.split(r"[\r\n]", re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]", "", screen.getvalue()))
    assert max(map(len, lines)) <= width
    assert sum("no no" in line for line in lines) == 1


def test_without_colors_a_terminal_still_marks_the_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Screen()
    with LiveView(console(screen), before(), clock=lambda: 0.0) as view:
        for event in STORY:
            view.show(event)
    assert "\x1b[1;4mcat" in screen.getvalue()
    assert "\x1b[31m" not in screen.getvalue()


def test_a_replan_a_verdict_by_hand_and_a_kept_attempt_are_named() -> None:
    log = io.StringIO()
    by_hand = FIRST.model_copy(update={"verdict": Verdict(success=True, by_hand=True)})
    with LiveView(console(log), before(), clock=lambda: 0.0) as view:
        view.show(STORY[0])
        view.show(Judged(attempt=by_hand))
        view.show(StepFinished(step=0, status="best_effort", attempt=FIRST))
        view.show(Planned(plan=plan_of("a", "c", "d").model_copy(update={"version": 2}), first=1))
    text = log.getvalue()
    assert "accepted by you" in text
    assert "step 1: no attempt accepted, best one kept" in text
    assert text.split("New plan from step 2:")[1].count("\n") == 3


def test_a_branch_counts_only_its_own_calls_and_a_resumed_run_compares_with_its_last_prompt() -> None:
    attempts = {"1.0.0": REJECTED, "1.0.1": SECOND}
    state: dict[str, Any] = {"plans": {1: plan_of("a small [red] kitten", "b")}, "attempts": attempts}
    log = io.StringIO()
    branched = before(**state, current_step=1, inherited_calls=2)
    view = LiveView(console(log), branched, clock=lambda: 0.0)
    assert status_of(view)[1] == "  0 of at most 4 generator calls, 0:00"
    view = LiveView(console(log), before(**state, limits=Limits(max_calls=3)), clock=lambda: 0.0)
    assert status_of(view)[1] == "  2 of at most 3 generator calls, 0:00"
    view.show(GenerationProgress(step=0, iteration=2, prompt="a large [red] cat", seed=2))
    assert "attempt 3: a *large* [red] cat" in log.getvalue()


def test_a_log_names_the_faults_of_plans_and_of_the_document_and_who_planned() -> None:
    report = CheckReport(checked=True, faults=("There is\nno cat.",))
    wrong = plan_of("a dog").model_copy(update={"report": report, "rejected": True})
    second = plan_of("a cat").model_copy(update={"version": 2, "made_by": "fallback_planner"})
    log = io.StringIO()
    with LiveView(console(log), before(), clock=lambda: 0.0) as view:
        view.show(Planned(plan=wrong))
        view.show(PlanChecked(plan=wrong))
        view.show(Planned(plan=second))
        view.show(PlanChecked(plan=second.model_copy(update={"report": CheckReport(checked=True)})))
        view.show(DocumentChecked(report=report))
    lines = [line.partition(" s  ")[2] for line in log.getvalue().splitlines()]
    assert lines == [
        "Plan:",
        "  1. a dog",
        "The plan is rejected: There is no cat.",
        "Plan by the fallback planner:",
        "  1. a cat",
        "The document has a fault: There is no cat.",
    ]


async def test_attempts_that_a_persons_words_move_to_a_new_plan_version_still_count(tmp_path: Path) -> None:
    plan = Plan(steps=(Step(prompt="a"), *(Step(prompt=each, starts_from="nothing") for each in "bc")))
    store = ImageStore(tmp_path / "images")
    parts = Components(FixedPlanner(plan), RuleCritic(accept_only("mine")), MemoryGenerator(store))
    async with Workspace.open(tmp_path, parts) as workspace:
        name, judged = await workspace.create("x", limits=Limits(max_attempts=3)), 0
        async with contextlib.aclosing(workspace.stream(name)) as events:
            async for event in events:
                judged += isinstance(event, Judged)
                if judged == 3:
                    break
        await workspace.judge(name, HumanVerdict(success=False, prompt="mine", step=0))
        log, words = io.StringIO(), dict[str, str]()
        view = LiveView(console(log), await workspace.get(name), clock=lambda: 0.0)
        async for event in workspace.stream(name):
            view.show(event)
            if isinstance(event, ImageGenerated):
                words.setdefault(event.attempt.prompt, view._effort())
        done = await workspace.get(name)
    # Three first attempts, three with the person's words, and two more of each other step.
    assert words["mine"] == "4 of at most 10 generator calls, 0:00"
    assert view._calls() == (len(done.attempts), len(done.attempts))
    assert LiveView(console(log), done)._calls() == view._calls()
    assert "step 2, attempt 2: b*!*" in log.getvalue(), "compared with its own first attempt"
