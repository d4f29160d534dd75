"""Watching a trajectory in a terminal: a live table where there is one, a line for each event where there is not.

Reads events, knows no workspace. Everything goes to stderr, so that stdout stays for results.
"""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from interleavethinker.graph.events import Event, GenerationProgress, ImageGenerated, Judged, Planned, StepFinished
from interleavethinker.tools.types import Attempt, Plan

__all__ = ["Watch"]

_STATUSES = {"accepted": ("accepted", "green"), "best_effort": ("best effort", "yellow"), "text_only": ("text", "cyan")}


class Watch:
    """Shows events as they come; use as a context manager.

    Args:
        console: Where to show them.
        plan: The plan, if there is one already.
        attempts: What was made of it before.
    """

    def __init__(self, console: Console, plan: Plan | None = None, attempts: tuple[Attempt, ...] = ()) -> None:
        self._console = console
        self._plan = plan
        self._tries: dict[int, list[Attempt]] = {}
        for attempt in attempts:
            self._tries.setdefault(attempt.step, []).append(attempt)
        self._marks: dict[int, str] = {}
        self._now: GenerationProgress | None = None
        self._started = time.monotonic()
        self._live = Live(console=console, get_renderable=self._table, refresh_per_second=8, transient=False)
        self._is_live = console.is_terminal

    def __enter__(self) -> Self:
        if self._is_live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_live:
            self._now = None
            self._live.refresh()
            self._live.stop()

    def see(self, event: Event) -> None:
        """Takes an event in."""
        match event:
            case Planned(plan=plan):
                self._plan = plan
            case GenerationProgress():
                if self._is_live or event.fraction == 0:
                    self._now = event
            case ImageGenerated(attempt=attempt) | Judged(attempt=attempt):
                self._now = None
                tries = self._tries.setdefault(attempt.step, [])
                tries[:] = [other for other in tries if _place(other) != _place(attempt)] + [attempt]
            case StepFinished():
                self._marks[event.step] = event.status
            case _:
                pass
        line = _line(event)
        if line is not None and not self._is_live:
            elapsed = Text(f"{time.monotonic() - self._started:7.1f} s  ", style="dim")
            self._console.print(elapsed + line, soft_wrap=True)

    def _table(self) -> Table | Spinner:
        if self._plan is None:
            return Spinner("dots", text=Text("planning …", style="dim"))
        table = Table(box=None, padding=(0, 2, 0, 0), show_header=False, expand=False)
        table.add_column(justify="right", style="dim")
        table.add_column(max_width=64)
        table.add_column()
        table.add_column(style="dim")
        for index, step in enumerate(self._plan.steps):
            words = step.prompt or step.auxiliary_text or step.instruction or ""
            table.add_row(str(index + 1), Text(words, overflow="ellipsis", no_wrap=True), *self._progress(index))
        return table

    def _progress(self, index: int) -> tuple[Text | Spinner, str]:
        tries = self._tries.get(index, [])
        seconds = sum(attempt.seconds for attempt in tries)
        took = f"{len(tries)} attempt{'' if len(tries) == 1 else 's'}, {seconds:.1f} s"
        if self._now is not None and self._now.step == index:
            again = f"attempt {self._now.iteration + 1}, " if self._now.iteration else ""
            return Spinner("dots", text=Text(f"{again}drawing {self._now.fraction:.0%}", style="blue")), ""
        if index in self._marks:
            word, style = _STATUSES[self._marks[index]]
            return Text(word, style=style), took if tries else ""
        if tries:
            return _said(tries[-1]), took
        return Text("–", style="dim"), ""


def _place(attempt: Attempt) -> tuple[int, int, int]:
    return attempt.plan_version, attempt.step, attempt.iteration


def _said(attempt: Attempt) -> Text:
    verdict = attempt.verdict
    if verdict is None:
        return Text("judging …", style="blue")
    if verdict.success is None:
        return Text("not judged", style="yellow")
    return Text("accepted", style="green") if verdict.success else Text("rejected, again", style="yellow")


def _line(event: Event) -> Text | None:
    match event:
        case Planned(plan=plan, first=first):
            what = "planned" if first == 0 else f"planned anew from step {first + 1}"
            return Text(f"{what}: {len(plan.steps)} steps")
        case GenerationProgress(fraction=0, step=step, iteration=iteration, prompt=prompt):
            return Text(f"step {step + 1}, attempt {iteration + 1}: {prompt}")
        case Judged(attempt=attempt):
            return Text("  ") + _said(attempt)
        case StepFinished(step=step, status=status):
            word, style = _STATUSES[status]
            return Text(f"step {step + 1}: ") + Text(word, style=style)
        case _:
            return None
