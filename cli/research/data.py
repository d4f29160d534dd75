"""`interleavethinker data …`: makes training data in stages, from requests to training rows.

Each command resumes where an interrupted one stopped, and prints how many rows it kept and dropped, with the reasons.
"""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from interleavethinker.cli.options import Json, WorkspaceFolder
from interleavethinker.cli.progress import progress_bar
from interleavethinker.cli.terminal import echo

if TYPE_CHECKING:
    from interleavethinker.evaluation.executors import ExecutorConfig
    from interleavethinker.evaluation.executors.base import ExecutorName
    from interleavethinker.training.data.summary import StageSummary
    from interleavethinker.training.data.trajectories import ComponentsOpener

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="The data set's folder.", file_okay=False)]
Seed = Annotated[int, typer.Option(min=0, help="Seed of all random choices.")]
HeldOut = Annotated[int, typer.Option(min=0, help="Number of requests in each held-out split.")]
Source = Annotated[
    str | None,
    typer.Option("--from", help="Your own requests: a file of lines, a .jsonl file, or a Hugging Face data set."),
]
Author = Annotated[
    str | None,
    typer.Option(help="Chat model, provider:model, that writes vocabulary and templates for requests of any kind."),
]
Column = Annotated[str, typer.Option(help="With --from: the field that has the text.")]
Profile = Annotated[str | None, typer.Option(help="Profile whose planner and critic are the teachers.")]
Generators = Annotated[
    str, typer.Option(help="Comma-separated profiles whose image generators are used; default: the profile's own.")
]
JudgeModel = Annotated[str | None, typer.Option("--judge", help="Chat model that scores images, as provider:model.")]
Workers = Annotated[int, typer.Option(min=1, help="Trajectories in progress at once.")]
Executor = Annotated[
    str, typer.Option(help="Where the work runs: local (this process), processes, or ray (a cluster, RAY_ADDRESS).")
]
Processes = Annotated[int, typer.Option(min=0, help="Worker processes or Ray actors; 0: one for each core.")]
Gpus = Annotated[float, typer.Option(min=0, help="With ray: GPUs of each worker.")]
Checkpoint = Annotated[
    Path | None,
    typer.Option(help="Folder of the image generator; by default the shipped one.", exists=True, file_okay=False),
]


@app.callback()
def data() -> None:
    """Make training data for the planner and the critic.

    Run the stages on one folder, in this order, or `build` for all of them:
    1. prompts: make requests of the micro world, take your own (--from), or have
       a chat model write them (--write-with).
    2. trajectories: run the agent on every request.
    3. scores: score every attempt and label it with the teacher's answer.
    4. select: choose the critic's SFT, RL and test rows.
    5. planner: write the planner's rows.

    Optional: import takes sequences of CoMM as further requests;
    from-workspace takes trajectories of your workspace instead of stages 1
    and 2; sequences exports whole trajectories; export writes Parquet files
    for other programs; retry-analysis reports what fixes failed attempts.
    """


@app.command()
def build(
    folder: Folder,
    train: Annotated[int, typer.Option(min=0, help="Number of training requests.")] = 2000,
    held_out: HeldOut = 300,
    source: Source = None,
    write_with: Author = None,
    column: Column = "text",
    profile: Profile = None,
    generators: Generators = "",
    judge: JudgeModel = None,
    workers: Workers = 16,
    executor: Executor = "local",
    processes: Processes = 0,
    gpus: Gpus = 0,
    seed: Seed = 0,
    checkpoint: Checkpoint = None,
) -> None:
    """Run all stages, from requests to training rows. Run it again after an interruption: it resumes."""
    if (source or write_with) and not (profile and judge):
        raise typer.BadParameter("Your own requests need teachers and a judge.", param_hint="--profile, --judge")
    prompts(folder, train, held_out, source, write_with, column, "train", seed, False)
    trajectories(folder, profile, generators, workers, executor, processes, gpus, seed, checkpoint, False)
    scores(folder, judge, workers, executor, processes, gpus, seed, False)
    select(folder)
    planner(folder, seed, False)


@app.command()
def prompts(
    folder: Folder,
    train: Annotated[int, typer.Option(min=0, help="Number of training requests that are made.")] = 2000,
    held_out: HeldOut = 300,
    source: Source = None,
    write_with: Author = None,
    column: Column = "text",
    split: Annotated[str, typer.Option(help="With --from: split of a Hugging Face data set.")] = "train",
    seed: Seed = 0,
    json_output: Json = False,
) -> None:
    """Make requests of the micro world with their plans, take your own, or have them written.

    Held-out splits of the micro world use pairs of kind and color, or
    templates, that no training request has. Of your own requests, --held-out
    of them go to the split `test`.
    A line of your own file is a text, or in a .jsonl file
    {"text": …, "images": …, "family": …, "id": …}, where images is a list of
    paths, and all but the text are optional. With --write-with, a chat model
    writes what is missing in the folder `banks`: text files that you may edit.
    --train requests are made from them.
    """
    if source is not None and write_with is not None:
        raise typer.BadParameter("Take your own requests or have them written.", param_hint="--write-with")
    from interleavethinker.training.data.folder import DataFolder

    if source is not None:
        from interleavethinker.training.data.requests import add_requests, read_requests

        base = Path(source).parent if Path(source).is_file() else Path()
        requests = read_requests(source, column, split)
        _print_summary(add_requests(DataFolder(folder), requests, base=base, held_out=held_out), json_output)
        return
    if write_with is not None:
        from interleavethinker.training.data.writing.stage import write_requests

        summary = write_requests(DataFolder(folder), write_with, train, held_out=held_out, seed=seed)
        _print_summary(summary, json_output)
        return
    from interleavethinker.training.data.prompts import make_prompts

    counts: dict[Literal["train", "combinations", "templates"], int]
    counts = {"train": train, "combinations": held_out, "templates": held_out}
    _print_summary(make_prompts(DataFolder(folder), counts, seed), json_output)


@app.command()
def trajectories(
    folder: Folder,
    profile: Profile = None,
    generators: Generators = "",
    workers: Workers = 16,
    executor: Executor = "local",
    processes: Processes = 0,
    gpus: Gpus = 0,
    seed: Seed = 0,
    checkpoint: Checkpoint = None,
    json_output: Json = False,
) -> None:
    """Run the agent's graph on every prompt.

    By default in the micro world: teachers that know the plan are planner and
    critic, and the shipped generator and its weaker variant take turns, so that
    the data contain enough failed attempts. With --profile, that profile's
    planner and critic are the teachers, and every generator of --generators gets
    every request, with at most 15 calls each.
    """
    from interleavethinker.training.data.folder import DataFolder
    from interleavethinker.training.data.trajectories import roll_out

    named = tuple(name for name in generators.split(",") if name)
    if named and profile is None:
        raise typer.BadParameter("Name the teachers too, with --profile.", param_hint="--generators")
    components, names = _components(profile, named, checkpoint, seed)
    with progress_bar("trajectories") as progress:
        summary = asyncio.run(
            roll_out(
                DataFolder(folder),
                names,
                components,
                seed=seed,
                executor=_executor(executor, processes, workers, gpus),
                every_generator=profile is not None,
                plans_needed=profile is None,
                progress=progress,
            )
        )
    _print_summary(summary, json_output)


@app.command()
def scores(
    folder: Folder,
    judge: JudgeModel = None,
    workers: Workers = 8,
    executor: Executor = "local",
    processes: Processes = 0,
    gpus: Gpus = 0,
    seed: Seed = 0,
    json_output: Json = False,
    style: Annotated[
        str, typer.Option(help="Micro world: rewording that the teacher chooses in half of its answers, such as plain.")
    ] = "",
    into: Annotated[
        Path | None, typer.Option(help="Write scores to another folder, for another judge or style.")
    ] = None,
) -> None:
    """Score every attempt of every step, and write the teacher's answer for it.

    By default with the micro world's scorer. With --judge, a chat model scores
    semantics and quality, and the verdict that the trajectory followed is the
    label; a verdict by hand counts like the teacher's.

    Another judge or teacher's style needs a folder of its own: --into copies the
    trajectories there, with a link to the images.
    """
    from interleavethinker.training.data.folder import DataFolder
    from interleavethinker.training.data.scores import ChatJudgeScoring, Scoring, copy_trajectories, score

    scoring: Scoring
    if judge is not None and style:
        raise typer.BadParameter("A judge's labels are the trajectory's; it has no style.", param_hint="--style")
    if judge is None:
        from interleavethinker.microworld.agents.rewriting import STRATEGIES
        from interleavethinker.training.data.micro_world import MicroScoring

        if style and style not in STRATEGIES:
            raise typer.BadParameter(f"Choose one of {', '.join(STRATEGIES)}.", param_hint="--style")
        scoring = MicroScoring(seed, style)
    else:
        scoring = ChatJudgeScoring(judge)
    data = DataFolder(folder) if into is None else copy_trajectories(DataFolder(folder), DataFolder(into))
    with progress_bar("trajectories scored") as progress:
        config = _executor(executor, processes, workers, gpus)
        summary = asyncio.run(score(data, scoring, executor=config, progress=progress))
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
    from interleavethinker.training.data.folder import DataFolder

    selection = Selection(fall=fall, low=low, rl_share=rl_share, filtered=filtered, balanced=balanced)
    target = None if into is None else DataFolder(into)
    _print_summary(select_rows(DataFolder(folder), selection, target), json_output)


@app.command()
def planner(folder: Folder, seed: Seed = 0, json_output: Json = False) -> None:
    """Write the planner's rows: whole requests, and trajectories cut at a random step."""
    from interleavethinker.training.data.folder import DataFolder
    from interleavethinker.training.data.planner import make_planner_rows

    _print_summary(make_planner_rows(DataFolder(folder), seed), json_output)


@app.command()
def sequences(
    folder: Folder,
    hard: Annotated[bool, typer.Option("--hard", help="Include failed images, each with the critic's answer.")] = False,
    json_output: Json = False,
) -> None:
    """Export finished trajectories as interleaved sequences, for models that write text and images themselves."""
    from interleavethinker.training.data.folder import DataFolder
    from interleavethinker.training.data.planner import export_sequences

    _print_summary(export_sequences(DataFolder(folder), "hard" if hard else "easy"), json_output)


@app.command("from-workspace")
def from_workspace(
    folder: Folder,
    workspace: WorkspaceFolder = None,
    by_hand: Annotated[
        bool, typer.Option("--by-hand", help="Only trajectories in which a person judged an image.")
    ] = False,
    json_output: Json = False,
) -> None:
    """Take the finished trajectories of a workspace, with the verdicts that people gave by hand."""
    from interleavethinker.training.data.folder import DataFolder
    from interleavethinker.training.data.workspace_rows import add_workspace, open_existing

    async def add() -> "StageSummary":
        async with open_existing(workspace) as opened:
            return await add_workspace(DataFolder(folder), opened, only_by_hand=by_hand)

    _print_summary(asyncio.run(add()), json_output)


@app.command("import")
def import_sequences(
    folder: Folder,
    comm: Annotated[
        Path, typer.Option(help="CoMM's sequences: a .pth file, or JSON lines.", exists=True, dir_okay=False)
    ],
    images: Annotated[Path, typer.Option(help="Folder of its images.", exists=True, file_okay=False)],
    split: Annotated[str, typer.Option(help="Split of the rows.")] = "train",
    seed: Seed = 0,
    json_output: Json = False,
) -> None:
    """Take sequences of the open data set CoMM as requests for the planner.

    Each gives a request for the texts of its images, with the plan to learn, and
    one to continue it from a random step, which a profile's planner plans.
    """
    from interleavethinker.training.data.comm_sequences import import_comm, read_comm
    from interleavethinker.training.data.folder import DataFolder

    _print_summary(import_comm(DataFolder(folder), read_comm(comm), images, split=split, seed=seed), json_output)


@app.command()
def export(
    folder: Folder,
    parquet: Annotated[Path, typer.Option(help="New folder for the Parquet files.", file_okay=False)],
    rows: Annotated[str, typer.Option(help="Comma-separated kinds of rows; default: all that exist.")] = "",
    json_output: Json = False,
) -> None:
    """Write rows and their images as Parquet files with a card, for Hugging Face `datasets` and Ray Data."""
    from interleavethinker.training.data.folder import DataFolder
    from interleavethinker.training.data.parquet import KINDS, export_parquet

    kinds = tuple(name.strip() for name in rows.split(",") if name.strip()) or KINDS
    _print_summary(export_parquet(DataFolder(folder), parquet, kinds), json_output)


@app.command("retry-analysis")
def retry_analysis(
    folder: Folder,
    n: Annotated[int, typer.Option(min=1, help="Maximum number of failed first attempts to retry.")] = 200,
    seed: Seed = 0,
    checkpoint: Checkpoint = None,
    json_output: Json = False,
) -> None:
    """Retry failed first attempts and report what fixes them: a new seed, a reworded prompt, both, or neither."""
    from interleavethinker.training.data.folder import DataFolder
    from interleavethinker.training.data.micro_world import micro_generators
    from interleavethinker.training.data.retry_analysis import retry_failed_attempts, retry_report

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


def _components(
    profile: str | None, generators: Sequence[str], checkpoint: Path | None, seed: int
) -> "tuple[ComponentsOpener, tuple[str, ...]]":
    """Returns what opens teachers and generators, and the generators' names in the rows."""
    if profile is None:
        from interleavethinker.training.data.micro_world import GENERATORS, MicroComponents

        return MicroComponents(None if checkpoint is None else checkpoint.absolute(), seed), GENERATORS
    from interleavethinker.training.data.profile_rollouts import ProfileComponents, labels_of

    def for_workers(name: str) -> str:  # They may run in other folders.
        return str(Path(name).absolute()) if name.endswith(".toml") else name

    profile = for_workers(profile)
    named = labels_of([for_workers(name) for name in generators] or [profile])
    return ProfileComponents(profile, named), tuple(named)


def _executor(name: str, processes: int, workers: int, gpus: float) -> "ExecutorConfig":
    from interleavethinker.evaluation.executors import ExecutorConfig

    return ExecutorConfig(cast("ExecutorName", name), processes, workers, gpus)


def _print_summary(summary: "StageSummary", json_output: bool) -> None:
    echo(json.dumps(summary.as_json(), indent=2) if json_output else str(summary))
