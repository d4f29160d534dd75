"""`interleavethinker evaluate microbench`: the agent on held-out requests, with reports as JSON, Markdown and HTML."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interleavethinker.cli.options import Json
from interleavethinker.cli.progress import progress_bars
from interleavethinker.cli.terminal import echo
from interleavethinker.tools.errors import InputError

from .extensions import check_extensions, measure_extensions, split_names
from .reports import as_text, check_reports, write_texts
from .source import run_record

if TYPE_CHECKING:
    from pydantic import JsonValue

    from interleavethinker.evaluation.microbench.benchmark import BenchmarkResult

__all__ = ["microbench"]

_BESIDE = ("microbench.md", "summary.md", "microbench.html")


def microbench(
    experiments: Annotated[
        list[str] | None,
        typer.Option(
            "--experiments",
            "--experiment",
            help="Name of an experiment, such as 'full RL'; repeatable. All of the paper's tables by default. Beyond "
            "the paper: consistency, variants, checklists, drift, or 'extensions' for these four.",
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
    characters: Annotated[int, typer.Option(min=1, help="Characters of the experiment consistency.")] = 60,
    chains: Annotated[int, typer.Option(min=1, help="Chains of edits of the experiment drift.")] = 30,
    edits: Annotated[int, typer.Option(min=1, max=98, help="Edits of each chain.")] = 24,
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
    microbench.json, microbench.md, microbench.html and the plots as SVG, with
    the share of whole documents right and results by plan length; summary.md
    has the main experiments, one number of requests a table.

    Extensions have a report of their own, extensions.json, .md and .html, and
    a plot each. Checklists takes --n first attempts, variants a quarter of
    --n requests.

    Examples:
    interleavethinker evaluate microbench --experiments "full RL" --n 28
    interleavethinker evaluate microbench --experiment drift --chains 4
    """
    from interleavethinker.evaluation.microbench.benchmark import BenchmarkConfig, run_microbench
    from interleavethinker.evaluation.microbench.experiments import named_experiments
    from interleavethinker.evaluation.microbench.extensions.run import ExtensionConfig

    names, extensions = split_names((*(experiments or ()), *(rows or ())))
    tables = bool(names) or not extensions
    robustness = brittleness if robustness is None else robustness
    if robustness and not tables:
        raise InputError("--robustness needs an experiment of the paper's tables; name one, or leave --experiment out.")
    large_sample = n * 13 // 4 if rl_n is None and tables and not names else rl_n
    config = BenchmarkConfig(names, n, large_sample, seed, not names if robustness is None else robustness)
    sizes = ExtensionConfig(extensions, seed, characters, max(1, n // 4), n, chains, edits)
    if tables:
        named_experiments(list(names))
        check_reports(out, "microbench.json", {"experiments", "skipped"}, _BESIDE)
    if extensions:
        check_extensions(out, extensions)
    reports: dict[str, JsonValue] = {}
    texts = []
    if tables:
        with progress_bars() as progress:
            result = asyncio.run(run_microbench(config, out, progress))
        texts.append(_write_reports(result, out))
        reports["microbench"] = result.report
    if extensions:
        reports["extensions"], text = measure_extensions(sizes, out)
        texts.append(text)
    shown = reports if len(reports) > 1 else next(iter(reports.values()))
    echo(json.dumps(shown, indent=2) if json_output else "\n".join(texts))


def _write_reports(result: "BenchmarkResult", out: Path) -> str:
    """Writes the reports and the plots; returns the Markdown."""
    from interleavethinker.evaluation.microbench.report_html import html_report, svg_plots
    from interleavethinker.evaluation.microbench.report_markdown import markdown_report
    from interleavethinker.evaluation.microbench.summary import summary_tables

    result.report["run"] = run_record()
    markdown = markdown_report(result.report)
    plots = {f"{name.replace(', ', '-').replace(' ', '-')}.svg": svg for name, svg in svg_plots(result.report).items()}
    texts = (as_text(result.report), markdown, summary_tables(result.report), html_report(result))
    write_texts(out, dict(zip(("microbench.json", *_BESIDE), texts, strict=True)) | plots)
    return markdown
