"""`interleavethinker data …`: training data of the micro world, stage by stage, from requests to rows.

Each command goes on where a killed one stopped, and prints what it kept and what it dropped, with the reasons.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from interleavethinker.training.data.summary import StageSummary

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="The data set's folder.", file_okay=False)]
Seed = Annotated[int, typer.Option(min=0, help="Of everything that is drawn.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Checkpoint = Annotated[
    Path | None,
    typer.Option(help="Image generator's folder; the shipped one by default.", exists=True, file_okay=False),
]


@app.callback()
def data() -> None:
    """Make training data: prompts, trajectories, scores, selection, planner rows, sequences, in this order."""


@app.command()
def prompts(
    folder: Folder,
    train: Annotated[int, typer.Option(min=0, help="Requests for training.")] = 2000,
    held_out: Annotated[int, typer.Option(min=0, help="Requests of each held-out split.")] = 300,
    seed: Seed = 0,
    json_output: AsJson = False,
) -> None:
    """Draw requests of every family, each with its plan; held-out splits have unseen combinations and templates."""
    from interleavethinker.training.data.prompts import make_prompts
    from interleavethinker.training.data.schema import DataFolder

    counts: dict[Literal["train", "combinations", "templates"], int]
    counts = {"train": train, "combinations": held_out, "templates": held_out}
    _tell(make_prompts(DataFolder(folder), counts, seed), json_output)


@app.command()
def trajectories(
    folder: Folder,
    workers: Annotated[int, typer.Option(min=1, help="Trajectories under way at once; they share batches.")] = 16,
    seed: Seed = 0,
    checkpoint: Checkpoint = None,
    json_output: AsJson = False,
) -> None:
    """Run the agent's graph on every prompt, with teachers and the shipped and the weaker generator in turn."""
    from interleavethinker.training.data.micro_world import GENERATORS, micro_components, micro_generators
    from interleavethinker.training.data.schema import DataFolder
    from interleavethinker.training.data.trajectories import roll_out

    data_set = DataFolder(folder)
    with _progress("trajectories") as progress:
        ports_for = micro_components(data_set.store, micro_generators(data_set.store, checkpoint), seed)
        work = roll_out(data_set, GENERATORS, ports_for, seed=seed, workers=workers, progress=progress)
        tally = asyncio.run(work)
    _tell(tally, json_output)


@app.command()
def scores(folder: Folder, seed: Seed = 0, json_output: AsJson = False) -> None:
    """Score every iteration of every step, and write what the teacher says about it."""
    from interleavethinker.training.data.critic import score_trajectories
    from interleavethinker.training.data.micro_world import micro_grade
    from interleavethinker.training.data.schema import DataFolder

    data_set = DataFolder(folder)
    with _progress("trajectories scored") as progress:
        tally = score_trajectories(data_set, micro_grade(data_set.store, seed), progress)
    _tell(tally, json_output)


@app.command()
def select(
    folder: Folder,
    fall: Annotated[float, typer.Option(help="Drop steps whose score falls by more than this.")] = 1.0,
    low: Annotated[float, typer.Option(help="Drop steps whose best score is below this.")] = 5.0,
    rl_share: Annotated[float, typer.Option(min=0, max=1, help="Share of steps for RL: the most varying.")] = 1 / 3,
    filtered: Annotated[bool, typer.Option("--filter/--no-filter", help="Drop falling and low steps.")] = True,
    balanced: Annotated[bool, typer.Option("--balance/--no-balance", help="As many good as bad SFT rows.")] = True,
    into: Annotated[Path | None, typer.Option(help="Another folder for the rows, to compare selections.")] = None,
    json_output: AsJson = False,
) -> None:
    """Choose the critic's SFT, RL and test rows."""
    from interleavethinker.training.data.critic import Selection, select_rows
    from interleavethinker.training.data.schema import DataFolder

    selection = Selection(fall=fall, low=low, rl_share=rl_share, filtered=filtered, balanced=balanced)
    _tell(select_rows(DataFolder(folder), selection, None if into is None else DataFolder(into)), json_output)


@app.command()
def planner(folder: Folder, seed: Seed = 0, json_output: AsJson = False) -> None:
    """Write the planner's rows: whole requests, and trajectories cut at a random step."""
    from interleavethinker.training.data.planner import make_planner_rows
    from interleavethinker.training.data.schema import DataFolder

    _tell(make_planner_rows(DataFolder(folder), seed), json_output)


@app.command()
def sequences(
    folder: Folder,
    hard: Annotated[bool, typer.Option("--hard", help="Keep failed images, each with the critic's words.")] = False,
    json_output: AsJson = False,
) -> None:
    """Export finished trajectories as interleaved sequences for models that write text and images."""
    from interleavethinker.training.data.planner import export_sequences
    from interleavethinker.training.data.schema import DataFolder

    _tell(export_sequences(DataFolder(folder), "hard" if hard else "easy"), json_output)


@app.command()
def repairs(
    folder: Folder,
    n: Annotated[int, typer.Option(min=1, help="Most failed first attempts to make again.")] = 200,
    seed: Seed = 0,
    checkpoint: Checkpoint = None,
    json_output: AsJson = False,
) -> None:
    """Report what mends failed first attempts: a new seed only, other words only, both, or neither."""
    from interleavethinker.training.data.micro_world import micro_generators
    from interleavethinker.training.data.retry_analysis import repair_failures, repair_report
    from interleavethinker.training.data.schema import DataFolder

    data_set = DataFolder(folder)
    with _progress("failures made again") as progress:
        generators = micro_generators(data_set.store, checkpoint)
        asyncio.run(repair_failures(data_set, generators, limit=n, seed=seed, progress=progress))
    report = repair_report(list(data_set.repairs))
    if json_output:
        typer.echo(json.dumps(report, indent=2))
        return
    for key, value in report.items():
        typer.echo(f"{key:<18} {json.dumps(value)}")


def _tell(tally: "StageSummary", json_output: bool) -> None:
    typer.echo(json.dumps(tally.as_json(), indent=2) if json_output else str(tally))


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr; only on a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)

        def tell(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield tell
