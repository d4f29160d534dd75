"""`interleavethinker data …`: makes the micro world's training data in stages, from requests to training rows.

Each command resumes where an interrupted one stopped, and prints how many rows it kept and dropped, with the reasons.
"""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from interleavethinker.cli.options import Json
from interleavethinker.cli.progress import progress_bar
from interleavethinker.cli.terminal import echo

if TYPE_CHECKING:
    from interleavethinker.training.data.summary import StageSummary

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="The data set's folder.", file_okay=False)]
Seed = Annotated[int, typer.Option(min=0, help="Seed of all random choices.")]
Checkpoint = Annotated[
    Path | None,
    typer.Option(help="Folder of the image generator; by default the shipped one.", exists=True, file_okay=False),
]


@app.callback()
def data() -> None:
    """Make training data for the planner and the critic.

    Run the stages on one folder, in this order:
    1. prompts: make requests, each with its plan.
    2. trajectories: run the agent on every request.
    3. scores: score every attempt and label it with the teacher's answer.
    4. select: choose the critic's SFT, RL and test rows.
    5. planner: write the planner's rows.

    Optional afterwards: sequences exports whole trajectories, and
    retry-analysis reports what fixes failed attempts.
    """


@app.command()
def prompts(
    folder: Folder,
    train: Annotated[int, typer.Option(min=0, help="Number of training requests.")] = 2000,
    held_out: Annotated[int, typer.Option(min=0, help="Number of requests in each held-out split.")] = 300,
    seed: Seed = 0,
    json_output: Json = False,
) -> None:
    """Make requests of every family with their plans. Held-out splits use unseen combinations or unseen templates."""
    from interleavethinker.training.data.prompts import make_prompts
    from interleavethinker.training.data.schema import DataFolder

    counts: dict[Literal["train", "combinations", "templates"], int]
    counts = {"train": train, "combinations": held_out, "templates": held_out}
    _print_summary(make_prompts(DataFolder(folder), counts, seed), json_output)


@app.command()
def trajectories(
    folder: Folder,
    workers: Annotated[int, typer.Option(min=1, help="Trajectories that run at once and share batches.")] = 16,
    seed: Seed = 0,
    checkpoint: Checkpoint = None,
    json_output: Json = False,
) -> None:
    """Run the agent's graph on every prompt, with teachers as planner and critic.

    The shipped generator and its weaker variant take turns, so that the data
    contain enough failed attempts.
    """
    from interleavethinker.training.data.micro_world import GENERATORS, micro_components, micro_generators
    from interleavethinker.training.data.schema import DataFolder
    from interleavethinker.training.data.trajectories import roll_out

    data_set = DataFolder(folder)
    with progress_bar("trajectories") as progress:
        components_for = micro_components(data_set.store, micro_generators(data_set.store, checkpoint), seed)
        work = roll_out(data_set, GENERATORS, components_for, seed=seed, workers=workers, progress=progress)
        summary = asyncio.run(work)
    _print_summary(summary, json_output)


@app.command()
def scores(folder: Folder, seed: Seed = 0, json_output: Json = False) -> None:
    """Score every attempt of every step, and write the teacher's answer for it."""
    from interleavethinker.training.data.critic import score_trajectories
    from interleavethinker.training.data.micro_world import micro_grade
    from interleavethinker.training.data.schema import DataFolder

    data_set = DataFolder(folder)
    with progress_bar("trajectories scored") as progress:
        summary = score_trajectories(data_set, micro_grade(data_set.store, seed), progress)
    _print_summary(summary, json_output)


@app.command()
def select(
    folder: Folder,
    fall: Annotated[float, typer.Option(help="Drop steps whose score falls by more than this.")] = 1.0,
    low: Annotated[float, typer.Option(help="Drop steps whose best score is below this.")] = 5.0,
    rl_share: Annotated[float, typer.Option(min=0, max=1, help="Share of steps for RL, by highest variance.")] = 1 / 3,
    filtered: Annotated[bool, typer.Option("--filter/--no-filter", help="Drop falling and low steps.")] = True,
    balanced: Annotated[
        bool, typer.Option("--balance/--no-balance", help="Keep equally many good and bad SFT rows.")
    ] = True,
    into: Annotated[Path | None, typer.Option(help="Write the rows to another folder, to compare selections.")] = None,
    json_output: Json = False,
) -> None:
    """Choose the critic's SFT, RL and test rows."""
    from interleavethinker.training.data.critic import Selection, select_rows
    from interleavethinker.training.data.schema import DataFolder

    selection = Selection(fall=fall, low=low, rl_share=rl_share, filtered=filtered, balanced=balanced)
    target = None if into is None else DataFolder(into)
    _print_summary(select_rows(DataFolder(folder), selection, target), json_output)


@app.command()
def planner(folder: Folder, seed: Seed = 0, json_output: Json = False) -> None:
    """Write the planner's rows: whole requests, and trajectories cut at a random step."""
    from interleavethinker.training.data.planner import make_planner_rows
    from interleavethinker.training.data.schema import DataFolder

    _print_summary(make_planner_rows(DataFolder(folder), seed), json_output)


@app.command()
def sequences(
    folder: Folder,
    hard: Annotated[bool, typer.Option("--hard", help="Include failed images, each with the critic's answer.")] = False,
    json_output: Json = False,
) -> None:
    """Export finished trajectories as interleaved sequences, for models that write text and images themselves."""
    from interleavethinker.training.data.planner import export_sequences
    from interleavethinker.training.data.schema import DataFolder

    _print_summary(export_sequences(DataFolder(folder), "hard" if hard else "easy"), json_output)


@app.command("retry-analysis")
def retry_analysis(
    folder: Folder,
    n: Annotated[int, typer.Option(min=1, help="Maximum number of failed first attempts to retry.")] = 200,
    seed: Seed = 0,
    checkpoint: Checkpoint = None,
    json_output: Json = False,
) -> None:
    """Retry failed first attempts and report what fixes them: a new seed, a reworded prompt, both, or neither."""
    from interleavethinker.training.data.micro_world import micro_generators
    from interleavethinker.training.data.retry_analysis import retry_failed_attempts, retry_report
    from interleavethinker.training.data.schema import DataFolder

    data_set = DataFolder(folder)
    with progress_bar("failed attempts retried") as progress:
        generators = micro_generators(data_set.store, checkpoint)
        asyncio.run(retry_failed_attempts(data_set, generators, limit=n, seed=seed, progress=progress))
    report = retry_report(list(data_set.retries))
    if json_output:
        echo(json.dumps(report, indent=2))
        return
    for key, value in report.items():
        echo(f"{key:<18} {json.dumps(value)}")


app.command("repairs", hidden=True)(retry_analysis)  # the command's name in version 0.1


def _print_summary(summary: "StageSummary", json_output: bool) -> None:
    echo(json.dumps(summary.as_json(), indent=2) if json_output else str(summary))
