"""`interleavethinker evaluate microbench`: the agent on held-out requests, with reports as JSON, Markdown and HTML."""

import asyncio
import json
import shlex
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interleavethinker.cli.options import Json
from interleavethinker.cli.progress import progress_bars
from interleavethinker.cli.terminal import echo

if TYPE_CHECKING:
    from interleavethinker.evaluation.microbench.benchmark import BenchmarkResult

__all__ = ["microbench", "source_commit"]


def microbench(
    experiments: Annotated[
        list[str] | None,
        typer.Option(
            "--experiments",
            "--experiment",
            help="Name of an experiment, such as 'full RL'; repeatable. All by default.",
        ),
    ] = None,
    n: Annotated[int, typer.Option(min=1, help="Held-out requests per experiment; families alternate.")] = 308,
    rl_n: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Requests of full SFT and the RL experiments, whose differences are small. Default: 13/4 of --n when "
            "all experiments run (1001), else --n.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of requests, trajectories and perturbations.")] = 0,
    robustness: Annotated[
        bool | None,
        typer.Option(help="Also inject errors into plans and verdicts. Default: only when all experiments run."),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for reports and finished requests.", file_okay=False)
    ] = Path("runs/microbench"),
    json_output: Json = False,
    rows: Annotated[list[str] | None, typer.Option("--rows", hidden=True, help="Old name of --experiments.")] = None,
    brittleness: Annotated[
        bool | None,
        typer.Option("--brittleness/--no-brittleness", hidden=True, help="Old name of --robustness."),
    ] = None,
) -> None:
    """Run the agent on held-out requests of the micro world and score its text and images, as in the paper's tables.

    All experiments take more than an hour on two cores; one experiment with
    --n 28 takes about a minute. Finished requests are saved in the folder: to
    resume a stopped run, run the same command again. The reports are
    microbench.json, microbench.md, microbench.html and the plots as SVG; they
    also have the share of whole documents right, and results by plan length.

    Examples:
    interleavethinker evaluate microbench --experiments "full RL" --n 28
    """
    from interleavethinker.evaluation.microbench.benchmark import BenchmarkConfig, run_microbench

    names = (*(experiments or ()), *(rows or ()))
    large_sample = n * 13 // 4 if rl_n is None and not names else rl_n
    robustness = brittleness if robustness is None else robustness
    measure_robustness = not names if robustness is None else robustness
    config = BenchmarkConfig(names, n, large_sample, seed, measure_robustness)
    with progress_bars() as progress:
        result = asyncio.run(run_microbench(config, out, progress))
    markdown = _write_reports(result, out)
    echo(json.dumps(result.report, indent=2) if json_output else markdown)


def _write_reports(result: "BenchmarkResult", out: Path) -> str:
    """Writes the three reports and the plots; returns the Markdown."""
    from interleavethinker.evaluation.microbench.report_html import html_report, svg_plots
    from interleavethinker.evaluation.microbench.report_markdown import markdown_report

    result.report["run"] = {
        "command": shlex.join(["interleavethinker", *sys.argv[1:]]),
        "commit": source_commit(),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }
    markdown = markdown_report(result.report)
    out.mkdir(parents=True, exist_ok=True)
    (out / "microbench.json").write_text(json.dumps(result.report, indent=2) + "\n", encoding="utf-8")
    (out / "microbench.md").write_text(markdown, encoding="utf-8")
    (out / "microbench.html").write_text(html_report(result), encoding="utf-8")
    for name, plot in svg_plots(result.report).items():
        (out / f"{name.replace(', ', '-').replace(' ', '-')}.svg").write_text(plot, encoding="utf-8")
    return markdown


def source_commit() -> str | None:
    """Returns the source checkout's commit; None for an installed package."""
    folder = str(files("interleavethinker.evaluation"))
    try:
        git = subprocess.run(
            ["git", "-C", folder, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:  # git is not installed
        return None
    return git.stdout.strip() or None
