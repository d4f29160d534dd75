"""Progress of long commands, on stderr: bars on a terminal, plain lines everywhere else.

A command reports `(group, done, total)`, where a group is a part of its work with its own bar. In a log each group
gets a line for every tenth of its work and one at its end, so a log file stays short however long a command runs.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from .terminal import console, echo

__all__ = ["ProgressReporter", "progress_bar", "progress_bars", "spinner"]


class ProgressReporter(Protocol):
    """Takes reports about the progress of a command."""

    def __call__(self, group: str, done: int, total: int) -> None:
        """Reports that `done` of a group's `total` parts are finished."""


@contextmanager
def progress_bars() -> Iterator[ProgressReporter]:
    """Shows a bar for each group of work, in the order in which the groups first report."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    terminal = console(stderr=True)
    if not terminal.is_terminal:
        yield _plain_lines()
        return
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(TextColumn("{task.description:<28}"), *columns, console=terminal) as bars:
        loading: list[TaskID] = [bars.add_task("loading", total=None)]
        tasks: dict[str, TaskID] = {}

        def report(group: str, done: int, total: int) -> None:
            while loading:
                bars.remove_task(loading.pop())
            if group not in tasks:
                tasks[group] = bars.add_task(group, total=total)
            bars.update(tasks[group], completed=done, total=total)

        yield report


@contextmanager
def progress_bar(group: str) -> Iterator[Callable[[int, int], None]]:
    """Shows one bar, for work with a single group; the reporter takes `(done, total)`."""
    with progress_bars() as report:
        yield lambda done, total: report(group, done, total)


@contextmanager
def spinner(description: str) -> Iterator[None]:
    """Shows a spinner while work of unknown length runs; shows nothing without a terminal."""
    with console(stderr=True).status(description):
        yield


def _plain_lines() -> ProgressReporter:
    tenths: dict[str, int] = {}

    def report(group: str, done: int, total: int) -> None:
        tenth = 10 if done >= total else done * 10 // total
        if tenth > tenths.get(group, 0):
            tenths[group] = tenth
            echo(f"{group}: {done} of {total}", err=True)

    return report
