"""`interleavethinker evaluate micro-pairs`: what a training stage gains, averaged over training runs."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from interleavethinker.cli.options import Json
from interleavethinker.cli.progress import progress_bars
from interleavethinker.cli.terminal import echo

from .reports import as_text, check_reports, write_texts
from .source import run_record

__all__ = ["micro_pairs"]


def micro_pairs(
    pairs: Annotated[
        list[str],
        typer.Argument(help="Critics before and after a stage, BEFORE=AFTER: shipped ones, or folders with weights."),
    ],
    n: Annotated[int, typer.Option(min=1, help="Held-out requests.")] = 308,
    seed: Annotated[int, typer.Option(min=0, help="Seed of requests and trajectories.")] = 0,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for reports and finished requests.", file_okay=False)
    ] = Path("runs/micro-pairs"),
    words: Annotated[
        Path | None,
        typer.Option(help="Table of words for the option --words of the image server.", exists=True),
    ] = None,
    json_output: Json = False,
) -> None:
    """Compare critics in pairs, one pair per training run, on MicroBench's requests.

    The mean gain has an interval over training runs and requests. Finished
    requests are saved in the folder: to resume a stopped run, run the same
    command again. Reports: pairs.json and pairs.md.

    Examples:
    interleavethinker evaluate micro-pairs sft=grpo sft=grpo_seed1 --n 28
    """
    from interleavethinker.evaluation.microbench.training_pairs import check_pairs, pairs_markdown, run_pairs

    named = [tuple(pair.split("=")) for pair in pairs]
    two = [(pair[0], pair[1]) for pair in named if len(pair) == 2 and all(pair)]
    if len(two) < len(named):
        raise typer.BadParameter("A pair is BEFORE=AFTER, such as sft=grpo.", param_hint="PAIRS")
    check_pairs(two)
    check_reports(out, "pairs.json", {"pairs", "mean"}, ["pairs.md"])
    with progress_bars() as progress:
        report = asyncio.run(run_pairs(out, two, n, seed, progress, words=words))
    report["run"] = run_record()
    markdown = pairs_markdown(report)
    write_texts(out, {"pairs.json": as_text(report), "pairs.md": markdown})
    echo(json.dumps(report, indent=2) if json_output else markdown)
