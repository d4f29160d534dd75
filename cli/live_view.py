"""Shows a running trajectory: the plan, each attempt with the words that changed, each verdict with its reason.

A terminal also gets a spinner with the calls made and the time left; a log gets the same lines, without it. The view
reads events and does not know the workspace. It writes to stderr, because stdout is for results.
"""

import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from interleavethinker.graph.events import (
    DocumentChecked,
    Event,
    GenerationFailed,
    GenerationProgress,
    ImageGenerated,
    Judged,
    ModelWaiting,
    PlanChecked,
    Planned,
    Spent,
    StepFinished,
)
from interleavethinker.graph.export.word_diff import word_diff
from interleavethinker.tools.plain_text import one_line
from interleavethinker.tools.prices import dollar_amount
from interleavethinker.tools.types import Attempt, CheckReport, Plan

from .terminal import minutes_of

if TYPE_CHECKING:
    from interleavethinker.graph import Trajectory

__all__ = ["LiveView", "plan_lines"]

_LONGEST_VERDICT = 200
"""Columns of a verdict with its reason in a log, whose lines have no width."""
_CHANGED = "bold underline"


class LiveView:
    """Shows events as they arrive; use it as a context manager.

    Args:
        terminal: Console to write to.
        before: The trajectory as it is now.
        clock: Returns seconds.
    """

    def __init__(self, terminal: Console, before: "Trajectory", clock: Callable[[], float] = time.monotonic) -> None:
        self._terminal = terminal
        self._clock = clock
        self._started = clock()
        self._limits = before.limits
        self._plan = before.plan
        self._step = self._first_step = before.current_step
        self._dollars = before.spending.dollars
        self._prompts: dict[int, str] = {}
        self._attempts: set[tuple[int, int, int]] = set()
        for attempt in before.attempts:
            self._note(attempt)
        self._inherited = before.inherited_calls
        self._phase = "loading the models" if self._plan else "loading the models and planning"
        self._working_since: float | None = None
        self._is_live = terminal.is_terminal and terminal.file.isatty() and not terminal.is_dumb_terminal
        self._spinner = Spinner("dots" if terminal.encoding.startswith("utf") else "line")
        self._live = Live(console=terminal, get_renderable=self._status, refresh_per_second=8, transient=True)

    def __enter__(self) -> Self:
        if self._is_live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_live:
            self._live.stop()

    def show(self, event: Event) -> None:
        """Prints what an event reports, and updates the spinner."""
        match event:
            case Planned(plan=plan, first=first):
                self._replace_plan(plan, first)
                self._phase = "starting the image generator"
                self._print(_plan_title(plan, first))
                for line in plan_lines(plan, first):
                    self._print(line)
            case GenerationProgress():
                if event.fraction == 0:
                    self._start(event)
                self._phase = f"{self._place(event.step, event.iteration)}: generating {event.fraction:.0%}"
            case ImageGenerated(attempt=attempt):
                self._note(attempt)
                self._phase = f"{self._place(attempt.step, attempt.iteration)}: judging"
            case Judged(attempt=attempt):
                self._note(attempt)
                self._print(self._verdict(attempt))
            case PlanChecked(plan=plan):
                self._print_faults("The plan is rejected" if plan.rejected else "The plan has a fault", plan.report)
            case DocumentChecked(report=report):
                self._print_faults("The document has a fault", report)
            case ModelWaiting() | GenerationFailed():
                self._warn(event)
            case Spent(dollars=dollars):
                self._dollars = dollars
            case StepFinished():
                self._finish(event)
            case _:
                pass

    def _replace_plan(self, plan: Plan, first: int) -> None:
        begun = {step for step in self._prompts if step < first}
        if self._plan is not None and plan.made_by == "person":  # Attempts of later steps are of the new version, too.
            old = self._plan.version
            begun |= {step for version, step, _ in self._attempts if version == old and step > first}
            self._attempts = {
                (plan.version if version == old and step > first else version, step, iteration)
                for version, step, iteration in self._attempts
            }
        self._prompts = {step: prompt for step, prompt in self._prompts.items() if step in begun}
        self._plan, self._step = plan, first

    def _start(self, event: GenerationProgress) -> None:
        self._working_since = self._clock() if self._working_since is None else self._working_since
        line = Text(f"step {event.step + 1}, attempt {event.iteration + 1}: ")
        # A person may have replaced the plan by a longer one since this view began.
        planned = self._plan.steps[event.step : event.step + 1] if self._plan else ()
        before = self._prompts.get(event.step, next((step.prompt for step in planned), None) or event.prompt)
        self._print(line + self._with_changes(before, event.prompt))
        self._prompts[event.step] = event.prompt

    def _warn(self, event: ModelWaiting | GenerationFailed) -> None:
        if isinstance(event, ModelWaiting):
            self._phase = line = f"waiting {event.seconds:.0f} s for the model: {event.reason}"
        else:
            line = f"step {event.step + 1}, attempt {event.iteration + 1}: not generated: {one_line(event.reason)}"
        self._print(Text(line, style="yellow"))

    def _print_faults(self, finding: str, report: CheckReport | None) -> None:
        for fault in report.faults if report is not None else ():
            self._print(Text(f"{finding}: {one_line(fault)}", style="yellow"))

    def _finish(self, event: StepFinished) -> None:
        self._step = max(self._step, event.step + 1)
        self._phase = "continuing"
        results = {
            "accepted": "accepted",
            "best_effort": "no attempt accepted, best one kept",
            "not_judged": "not judged, image kept",
            "refused": "no image, the image service refused the content",
            "text_only": "text only",
        }
        line = Text(f"step {event.step + 1}: {results.get(event.status, event.status)}")
        if not self._is_live:
            line.append(f"; {self._effort()}")
        elif event.status == "accepted":  # The verdict said so already.
            return
        self._print(line)

    def _with_changes(self, before: str, now: str) -> Text:
        """Returns the prompt of an attempt; words that differ from the previous prompt are marked."""
        before, now = one_line(before), one_line(now)
        if before in ("", now):
            return Text(now)
        text = Text()
        for passage in word_diff(before, now):
            if passage.kind == "same":  # Leaving out a removed passage leaves the space on both of its sides.
                after_space = not text.plain or text.plain.endswith(" ")
                text.append(passage.text.lstrip() if after_space else passage.text)
            elif passage.kind == "added" and self._terminal.color_system is None:
                text.append(f"*{passage.text}*")
            elif passage.kind == "added":
                text.append(passage.text, style=_CHANGED)
        return text

    def _verdict(self, attempt: Attempt) -> Text:
        verdict = attempt.verdict
        success = None if verdict is None else verdict.success
        word, style = {None: ("not judged", "yellow"), True: ("accepted", "green"), False: ("rejected", "red")}[success]
        by = " by you" if verdict is not None and verdict.by_hand else ""
        line = Text.assemble("  ", (word, style), f"{by}, {attempt.seconds:.1f} s")
        reason = one_line(verdict.reasoning) if verdict is not None else ""
        if reason:
            line.append(f": {reason}", style="dim")
        line.truncate(self._terminal.width if self._is_live else _LONGEST_VERDICT, overflow="ellipsis")
        return line

    def _print(self, line: Text) -> None:
        if self._is_live:
            self._terminal.print(line)
        else:
            elapsed = Text(f"{self._clock() - self._started:7.1f} s  ", style="dim")
            self._terminal.print(elapsed + line, soft_wrap=True)

    def _status(self) -> Group:
        phase = Text(self._phase)
        phase.truncate(max(1, self._terminal.width - 3), overflow="ellipsis")
        self._spinner.update(text=phase)
        effort = Text(f"  {self._effort()}", style="dim", no_wrap=True, overflow="ellipsis")
        return Group(self._spinner, effort)

    def _effort(self) -> str:
        """Returns the calls, the time used, and the time left if there is something to estimate it from."""
        calls, most = self._calls()
        parts = [] if most is None else [f"{calls} of at most {most} generator {'call' if most == 1 else 'calls'}"]
        parts += [dollar_amount(self._dollars)] if self._dollars else []
        parts.append(minutes_of(self._clock() - self._started))
        finished = self._step - self._first_step
        left = len(self._plan.steps) - self._step if self._plan else 0
        if self._working_since is not None and finished > 0 and left > 0:
            parts.append(f"about {minutes_of((self._clock() - self._working_since) / finished * left)} left")
        return ", ".join(parts)

    def _calls(self) -> tuple[int, int | None]:
        """Returns the calls made, and how many the limits allow in all under this plan; None before there is a plan."""
        calls = len(self._attempts) - self._inherited
        if self._plan is None:
            return calls, self._limits.max_calls
        version, most = self._plan.version, calls
        for index, step in enumerate(self._plan.steps):
            if index >= self._step and step.prompt is not None:
                used = sum(attempt[:2] == (version, index) for attempt in self._attempts)
                most += max(0, self._limits.most_attempts - used)
        return calls, most if self._limits.max_calls is None else max(calls, min(most, self._limits.max_calls))

    def _place(self, step: int, iteration: int) -> str:
        steps = f" of {len(self._plan.steps)}" if self._plan else ""
        return f"step {step + 1}{steps}, attempt {iteration + 1}"

    def _note(self, attempt: Attempt) -> None:
        # An outdated one is a call, but uses up none of its step's attempts.
        version = -attempt.plan_version if attempt.outdated else attempt.plan_version
        self._attempts.add((version, attempt.step, attempt.iteration))
        if self._plan is None or attempt.plan_version == self._plan.version:
            self._prompts[attempt.step] = attempt.prompt


def _plan_title(plan: Plan, first: int) -> Text:
    by = " by the fallback planner" if plan.made_by == "fallback_planner" else ""
    return Text(f"Plan{by}:" if first == 0 else f"New plan{by} from step {first + 1}:", style="bold")


def plan_lines(plan: Plan, first: int = 0) -> list[Text]:
    """Returns one line for each step of a plan, from the given step on."""
    lines = []
    for index, step in enumerate(plan.steps[first:], start=first):
        text = one_line(step.prompt or step.auxiliary_text or step.instruction or "")
        start = "" if step.starts_from is None else f" (starts from {step.starts_from})"
        start += f" (looks at {', '.join(step.references)})" if step.references else ""
        lines.append(
            Text.assemble(f"  {index + 1}. ", text if step.prompt else (f"(text) {text}", "dim"), (start, "dim"))
        )
    return lines
