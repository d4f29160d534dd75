"""`interleavethinker evaluate ueval|comm|wise|rise|opening`: public benchmarks, with any profile and any judge."""

import asyncio
import json
import math
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from interleavethinker.cli.completions import complete_profiles
from interleavethinker.cli.options import MAX_INTEGER, Json
from interleavethinker.cli.progress import progress_bars
from interleavethinker.cli.terminal import echo
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.structured_text import parse_json

from .reports import check_reports, write_texts
from .source import source_commit

if TYPE_CHECKING:
    from pydantic import JsonValue

    from interleavethinker.evaluation.benchmarks.estimate import CostEstimate
    from interleavethinker.evaluation.benchmarks.generation_estimate import GenerationEstimate
    from interleavethinker.evaluation.benchmarks.run import BenchmarkRun
    from interleavethinker.evaluation.executors.base import ExecutorName

__all__ = ["add_benchmarks", "write_reports"]

_REPORTS = ("report.md", "report.html", "answers.json", "scores.jsonl", "figures.svg", "published.svg")
_JUDGE = "Judge"
_AGENT = "Answers"
_HELP = {
    "ueval": "UEval: answers of text and images, judged by rubrics.",
    "comm": "CoMM: coherence of interleaved sequences.",
    "wise": "WISE: world knowledge in text-to-image.",
    "rise": "RISEBench: reasoning in image editing.",
    "opening": "OpenING: interleaved answers on seven axes.",
}


def add_benchmarks(app: typer.Typer) -> None:
    """Adds a command for each benchmark."""
    for name, line in _HELP.items():
        app.command(name, help=f"{line}\n\n{_LONG_HELP.format(name=name)}")(_command(name))


_LONG_HELP = """Answers come from a profile's agent, as trajectories in the folder of the run,
or from --answers. A stopped run resumes with the same command: nothing that
was answered or judged is repeated. --estimate shows the cost and stops.

Examples:
interleavethinker evaluate {name} --data DATA --judge openai:gpt-4o --limit 9
interleavethinker evaluate {name} --data DATA --answers outputs --estimate
interleavethinker evaluate {name} --compare runs/a --compare runs/b
"""


def _command(name: str) -> Callable[..., None]:
    def command(
        data: Annotated[
            str | None, typer.Option(help="Folder or file with the benchmark's data, or OWNER/NAME on Hugging Face.")
        ] = None,
        protocol: Annotated[
            str | None, typer.Option(help="Way of asking and averaging; an unknown name lists them.")
        ] = None,
        limit: Annotated[
            int | None, typer.Option(min=1, help="Only so many items: the first of every task, then the second, …")
        ] = None,
        out: Annotated[
            Path | None,
            typer.Option(
                "--out", "-o", help=f"Folder of the run and its reports; runs/{name} by default.", file_okay=False
            ),
        ] = None,
        estimate: Annotated[bool, typer.Option("--estimate", help="Show what the run costs, and stop.")] = False,
        compare: Annotated[
            list[Path] | None,
            typer.Option(help="Folder of a finished run; repeatable. Compares the runs and calls no model."),
        ] = None,
        judge: Annotated[str, typer.Option(help="Chat model provider:model that judges.", rich_help_panel=_JUDGE)] = "",
        judge_option: Annotated[
            list[str] | None,
            typer.Option(help="Option of that model, NAME=VALUE (JSON or text); repeatable.", rich_help_panel=_JUDGE),
        ] = None,
        judge_at_once: Annotated[
            int, typer.Option(min=1, help="Calls of the judge that run concurrently.", rich_help_panel=_JUDGE)
        ] = 16,
        prompts: Annotated[
            Path | None,
            typer.Option(help="Folder of prompt files that replace ours.", rich_help_panel=_JUDGE, file_okay=False),
        ] = None,
        price: Annotated[
            str | None,
            typer.Option(help="IN,OUT: dollars per million tokens of the judge.", rich_help_panel=_JUDGE),
        ] = None,
        profile: Annotated[
            str,
            typer.Option(
                help="Shipped profile, one of yours, or a TOML file.",
                rich_help_panel=_AGENT,
                autocompletion=complete_profiles,
            ),
        ] = "micro",
        experiment: Annotated[
            str,
            typer.Option(
                help="Row of the paper's tables: full, 'generator alone', 'planner, no critic', 'planner + reseed', "
                "'T_max = N', 'one agent', 'one agent, stepwise'; with an adapter 'full SFT', 'full RL'.",
                rich_help_panel=_AGENT,
            ),
        ] = "full",
        answers: Annotated[
            str | None,
            typer.Option(help="Folder or file of answers in the published layout.", rich_help_panel=_AGENT),
        ] = None,
        leave_out_missing: Annotated[
            bool,
            typer.Option(
                "--leave-out-missing",
                help="Leave items without an answer out of all figures, as the scripts of WISE, CoMM and OpenING do.",
                rich_help_panel=_AGENT,
            ),
        ] = False,
        image_price: Annotated[
            float | None,
            typer.Option(min=0, help="Dollars per image of the profile's generator.", rich_help_panel=_AGENT),
        ] = None,
        seed: Annotated[
            int, typer.Option(min=0, max=MAX_INTEGER, help="Seed of all trajectories.", rich_help_panel=_AGENT)
        ] = 0,
        at_once: Annotated[
            int, typer.Option(min=1, help="Trajectories that run concurrently.", rich_help_panel=_AGENT)
        ] = 4,
        executor: Annotated[
            str, typer.Option(help="Where they run: local, processes, or ray.", rich_help_panel=_AGENT)
        ] = "local",
        processes: Annotated[
            int,
            typer.Option(min=0, help="Worker processes or Ray actors; 0: one for each core.", rich_help_panel=_AGENT),
        ] = 0,
        json_output: Json = False,
    ) -> None:
        if compare:
            _compare(name, compare, out, json_output=json_output)
            return
        if data is None:
            raise InputError("Name the benchmark's data with --data: a folder, a file, or OWNER/NAME on Hugging Face.")
        from interleavethinker.evaluation.benchmarks.run import RunConfig, estimate_run, run_benchmark
        from interleavethinker.evaluation.executors import ExecutorConfig

        config = RunConfig(
            benchmark=name,
            data=data,
            out=out or Path("runs") / name,
            protocol=protocol,
            judge=judge,
            judge_options=_options(judge_option or []),
            prompts=prompts,
            profile=profile,
            experiment=experiment,
            answers=answers,
            leave_out_missing=leave_out_missing,
            limit=limit,
            seed=seed,
            at_once=at_once,
            executor=ExecutorConfig(cast("ExecutorName", executor), processes),
            image_price=image_price,
            judge_at_once=judge_at_once,
        )
        prices = None if price is None else _price(price)
        if estimate:
            _show_estimate(*estimate_run(config), prices, json_output=json_output)
            return
        if not (config.out / "run.json").is_file():  # It says whose folder this is, and is checked with the run.
            check_reports(config.out, "report.json", {"benchmark", "figures"}, _REPORTS)
        with progress_bars() as progress:
            run = asyncio.run(
                run_benchmark(
                    config,
                    announce=lambda cost: echo(_announcement(cost, prices), err=True),
                    progress=progress,
                )
            )
        report, markdown = write_reports(run)
        echo(json.dumps(report, indent=2, ensure_ascii=False) if json_output else markdown)

    return command


def _compare(benchmark: str, folders: list[Path], out: Path | None, *, json_output: bool) -> None:
    from interleavethinker.evaluation.benchmarks.comparison import compare_runs, comparison_html, comparison_markdown

    if out is not None:
        check_reports(out, "comparison.json", {"benchmark", "runs"}, ["comparison.md", "leaderboard.html"])
    comparison = compare_runs(folders, benchmark)
    markdown, as_json = comparison_markdown(comparison), json.dumps(comparison, indent=2, ensure_ascii=False)
    if out is not None:
        page = comparison_html(comparison)
        write_texts(out, {"comparison.json": as_json + "\n", "comparison.md": markdown, "leaderboard.html": page})
    echo(as_json if json_output else markdown)


def _show_estimate(
    answering: "GenerationEstimate | None",
    judging: "CostEstimate",
    prices: tuple[float, float] | None,
    *,
    json_output: bool,
) -> None:
    if json_output:
        generation = None if answering is None else answering.as_json()
        echo(json.dumps({**_priced(judging, prices).as_json(), "generation": generation}, indent=2))
        return
    for cost in (answering, judging):
        if cost is not None:
            echo(_announcement(cost, prices))


def _announcement(cost: "CostEstimate | GenerationEstimate", prices: tuple[float, float] | None) -> str:
    from interleavethinker.evaluation.benchmarks.estimate import CostEstimate

    if isinstance(cost, CostEstimate):
        return f"Judging: {_priced(cost, prices).sentence}"
    return f"Answering: {cost.sentence}"


def _priced(cost: "CostEstimate", prices: tuple[float, float] | None) -> "CostEstimate":
    return cost if prices is None else cost.at(prices)


def _price(text: str) -> tuple[float, float]:
    try:
        per_input, per_output = (float(part) for part in text.split(","))
        if not (0 <= per_input < math.inf and 0 <= per_output < math.inf):
            raise ValueError  # noqa: TRY301 - the same message
    except ValueError:
        raise InputError(f"--price must be two numbers of at least 0, such as 1.25,10; got {text!r}.") from None
    return per_input, per_output


def _options(given: list[str]) -> "dict[str, JsonValue]":
    options: dict[str, JsonValue] = {}
    for text in given:
        option, equals, value = text.partition("=")
        if not option or not equals:
            raise InputError(f"--judge-option must be NAME=VALUE; got {text!r}.")
        try:
            options[option] = parse_json(value)
        except ValueError:
            options[option] = value
    return options


def write_reports(run: "BenchmarkRun") -> tuple[dict[str, Any], str]:
    """Writes all reports; returns the JSON report and the Markdown."""
    from interleavethinker.evaluation.benchmarks.report import answer_records, as_report, markdown_report, score_lines
    from interleavethinker.evaluation.benchmarks.report_html import html_report, svg_plots
    from interleavethinker.tools.files import LineFile

    out = run.config.out
    report = as_report(run, shlex.join(["interleavethinker", *sys.argv[1:]]), source_commit())
    notes = [(one.score.id, note) for one in run.judged for note in one.score.notes]
    markdown = markdown_report(report, notes)
    texts = {"report.json": json.dumps(report, indent=2, ensure_ascii=False) + "\n", "report.md": markdown}
    texts |= {"report.html": html_report(report, run)}
    texts |= {"answers.json": json.dumps(answer_records(run), indent=1, ensure_ascii=False) + "\n"}
    texts |= {f"{plot}.svg": svg for plot, svg in svg_plots(report).items()}
    LineFile(out / "scores.jsonl").replace(score_lines(run))
    write_texts(out, texts)
    return report, markdown
