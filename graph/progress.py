"""Progress of one trajectory for Python callers: a bar in terminals and notebooks, or a function of the caller's."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from interleavethinker.tools.validation import require_type

from .events import Event, GenerationProgress, Planned, StepFinished

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["EventListener", "listen"]

EventListener = Callable[[Event], None]
"""Receives every event of a trajectory, in order; must return quickly."""


@contextlib.contextmanager
def listen(progress: bool | EventListener | None) -> Iterator[EventListener]:
    """Yields the function to call with each event.

    Args:
        progress: True for a bar on stderr, False for nothing, a function of the caller's, or None: a bar if stderr
            is a terminal or a notebook.

    Raises:
        InputError: It is none of these.
    """
    if callable(progress):
        yield progress
        return
    require_type(progress, (bool, type(None)), "progress", "True, False, None or a function of an event")
    from rich.console import Console

    console = Console(stderr=True)
    if progress is False or (progress is None and not (console.is_terminal or console.is_jupyter)):
        yield lambda _: None
        return
    with _bar(console) as see:
        yield see


@contextlib.contextmanager
def _bar(console: "Console") -> Iterator[EventListener]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("planning", total=None)

        def see(event: Event) -> None:
            match event:
                case Planned(plan=plan):
                    bar.update(task, total=len(plan.steps))
                case GenerationProgress(step=step, iteration=iteration):
                    attempt = "" if iteration == 0 else f", attempt {iteration + 1}"
                    bar.update(task, description=f"step {step + 1}{attempt}")
                case StepFinished(step=step):
                    bar.update(task, completed=step + 1)
                case _:
                    pass

        yield see
    sys.stderr.flush()
