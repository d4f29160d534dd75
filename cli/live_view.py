"""Shows a running trajectory: a live table on a terminal, one line per event everywhere else.

The view reads events and does not know the workspace. It writes to stderr, because stdout is for results.
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

__all__ = ["LiveView"]

_STATUSES = {"accepted": ("accepted", "green"), "best_effort": ("best effort", "yellow"), "text_only": ("text", "cyan")}


class LiveView:
    """Shows events as they arrive; use it as a context manager.

    Args:
        console: Console to write to.
        plan: The plan, if the trajectory already has one.
        attempts: Attempts made before this run.
    """

    def __init__(self, console: Console, plan: Plan | None = None, attempts: tuple[Attempt, ...] = ()) -> None:
        self._console = console
        self._plan = plan
        self._attempts: dict[int, list[Attempt]] = {}
        for attempt in attempts:
            self._attempts.setdefault(attempt.step, []).append(attempt)
        self._statuses: dict[int, str] = {}
        self._current: GenerationProgress | None = None
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
            self._current = None
            self._live.refresh()
            self._live.stop()

    def show(self, event: Event) -> None:
        """Updates the view with an event."""
        match event:
            case Planned(plan=plan):
                self._plan = plan
            case GenerationProgress():
                if self._is_live or event.fraction == 0:
                    self._current = event
            case ImageGenerated(attempt=attempt) | Judged(attempt=attempt):
                self._current = None
                attempts = self._attempts.setdefault(attempt.step, [])
                attempts[:] = [other for other in attempts if _key(other) != _key(attempt)] + [attempt]
            case StepFinished():
                self._statuses[event.step] = event.status
            case _:
                pass
        line = _log_line(event)
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
            text = step.prompt or step.auxiliary_text or step.instruction or ""
            table.add_row(str(index + 1), Text(text, overflow="ellipsis", no_wrap=True), *self._step_status(index))
        return table

    def _step_status(self, index: int) -> tuple[Text | Spinner, str]:
        """Returns the cells for a step's status and its effort."""
        attempts = self._attempts.get(index, [])
        seconds = sum(attempt.seconds for attempt in attempts)
        effort = f"{len(attempts)} attempt{'' if len(attempts) == 1 else 's'}, {seconds:.1f} s"
        if self._current is not None and self._current.step == index:
            attempt = f"attempt {self._current.iteration + 1}, " if self._current.iteration else ""
            return Spinner("dots", text=Text(f"{attempt}generating {self._current.fraction:.0%}", style="blue")), ""
        if index in self._statuses:
            label, style = _STATUSES[self._statuses[index]]
            return Text(label, style=style), effort if attempts else ""
        if attempts:
            return _verdict_text(attempts[-1]), effort
        return Text("pending", style="dim"), ""


def _key(attempt: Attempt) -> tuple[int, int, int]:
    return attempt.plan_version, attempt.step, attempt.iteration


def _verdict_text(attempt: Attempt) -> Text:
    verdict = attempt.verdict
    if verdict is None:
        return Text("judging …", style="blue")
    if verdict.success is None:
        return Text("not judged", style="yellow")
    return Text("accepted", style="green") if verdict.success else Text("rejected, retrying", style="yellow")


def _log_line(event: Event) -> Text | None:
    match event:
        case Planned(plan=plan, first=first):
            event_name = "planned" if first == 0 else f"replanned from step {first + 1}"
            return Text(f"{event_name}: {len(plan.steps)} step{'' if len(plan.steps) == 1 else 's'}")
        case GenerationProgress(fraction=0, step=step, iteration=iteration, prompt=prompt):
            return Text(f"step {step + 1}, attempt {iteration + 1}: {prompt}")
        case Judged(attempt=attempt):
            return Text("  ") + _verdict_text(attempt)
        case StepFinished(step=step, status=status):
            label, style = _STATUSES[status]
            return Text(f"step {step + 1}: ") + Text(label, style=style)
        case _:
            return None
