"""`interleavethinker evaluate microbench`: the whole loop, row by row, with its report as JSON, Markdown and a page."""

import asyncio
import json
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from interleavethinker.evaluation.microbench.benchmark import Outcome, Progress

__all__ = ["microbench"]


def microbench(
    rows: Annotated[
        list[str] | None, typer.Option(help="A row's name, such as 'full RL'; repeat it. All rows by default.")
    ] = None,
    n: Annotated[int, typer.Option(min=1, help="Held-out requests of each row; families take turns.")] = 308,
    rl_n: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Requests of full SFT and the RL rows, whose differences are small: 13/4 of --n if all rows "
            "are run (1001), else as many by default.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of requests, trajectories, errors.")] = 0,
    brittleness: Annotated[
        bool | None, typer.Option(help="Also spoil plans and verdicts at known rates; by default if all rows are run.")
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder of reports and finished requests.", file_okay=False)
    ] = Path("runs/microbench"),
    json_output: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Run the agent on held-out requests of the micro world and score text and pictures, as the paper's tables have it.

    All rows take more than an hour on two cores; one row with --n 28 about a minute. Finished requests are kept in the
    folder: after a kill, run the same command again. microbench.json, microbench.md, microbench.html and the plots as
    SVG are written there.
    """
    from interleavethinker.evaluation.microbench.benchmark import Order, microbench

    finer = n * 13 // 4 if rl_n is None and not rows else rl_n
    order = Order(tuple(rows or ()), n, finer, seed, not rows if brittleness is None else brittleness)
    with _progress() as progress:
        outcome = asyncio.run(microbench(order, out, progress))
    text = _write(outcome, out)
    typer.echo(json.dumps(outcome.report, indent=2) if json_output else text)


def _write(outcome: "Outcome", out: Path) -> str:
    """Writes the three reports and the plots; returns the Markdown."""
    from interleavethinker.evaluation.microbench.report_html import page, plots
    from interleavethinker.evaluation.microbench.report_markdown import table

    outcome.report["run"] = {
        "command": shlex.join(["interleavethinker", *sys.argv[1:]]),
        "commit": _commit(),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }
    text = table(outcome.report)
    out.mkdir(parents=True, exist_ok=True)
    (out / "microbench.json").write_text(json.dumps(outcome.report, indent=2) + "\n", encoding="utf-8")
    (out / "microbench.md").write_text(text, encoding="utf-8")
    (out / "microbench.html").write_text(page(outcome), encoding="utf-8")
    for name, plot in plots(outcome.report).items():
        (out / f"{name.replace(', ', '-').replace(' ', '-')}.svg").write_text(plot, encoding="utf-8")
    return text


def _commit() -> str | None:
    """The checkout's commit, if this is one."""
    folder = str(files("interleavethinker.evaluation"))
    told = subprocess.run(
        ["git", "-C", folder, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return told.stdout.strip() or None


@contextmanager
def _progress() -> "Iterator[Progress]":
    """A bar for each row on a terminal, else a line for each finished row; on stderr."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as shown:
        known: dict[str, Any] = {}

        def tell(name: str, done: int, total: int) -> None:
            if name not in known:
                known[name] = shown.add_task(name, total=total)
            shown.update(known[name], completed=done, total=total)
            if done == total and not console.is_terminal:
                sys.stderr.write(f"{name}: {done} of {total}\n")

        yield tell
