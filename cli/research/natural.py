"""`interleavethinker evaluate micro-natural`: the agent on requests as people type them."""

import json
from pathlib import Path
from typing import Annotated

import typer

from interleavethinker.cli.options import Json
from interleavethinker.cli.progress import progress_bars
from interleavethinker.cli.terminal import echo

from .reports import as_text, check_reports, write_texts
from .source import run_record

__all__ = ["micro_natural"]


def micro_natural(
    split: Annotated[
        str, typer.Option(help="Requests: dev, which may be read and tuned on, or sealed, to confirm a result.")
    ] = "dev",
    profile: Annotated[str, typer.Option(help="Shipped profile, or path of a TOML file.")] = "micro",
    n: Annotated[
        int | None, typer.Option(min=1, help="Requests, spread over the kinds. Default: all of the split.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**20, help="Seed of all trajectories.")] = 0,
    at_once: Annotated[int, typer.Option(min=1, help="Requests that run concurrently.")] = 4,
    plans_only: Annotated[
        bool,
        typer.Option("--plans-only", help="Measure the planner alone: an oracle carries its prompts out. Much faster."),
    ] = False,
    details: Annotated[
        bool | None,
        typer.Option(help="Report single requests, and write the contact sheet. Default: only for dev."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for the report (JSON, Markdown, contact sheet).", file_okay=False),
    ] = None,
    json_output: Json = False,
) -> None:
    """Measure the agent on requests as people type them, with requirements that a program checks.

    An answer is right, wrong but noted, silently wrong, or a refusal, rightly
    or wrongly. The contact sheet shows all images with what was required.

    Examples:
    interleavethinker evaluate micro-natural --plans-only
    interleavethinker evaluate micro-natural --n 12 --out runs/natural
    """
    from interleavethinker.evaluation.micro.natural.cases import SPLITS
    from interleavethinker.evaluation.micro.natural.report import NaturalEvalConfig, evaluate_natural, markdown_report
    from interleavethinker.tools.errors import InputError

    named = next((known for known in SPLITS if known == split), None)
    if named is None:
        raise InputError(f"--split must be {' or '.join(SPLITS)}; got {split!r}.")
    with_details = named == "dev" if details is None else details
    if out is not None:
        check_reports(out, "micro-natural.json", {"split", "kinds"}, ["micro-natural.md", "micro-natural.html"])
    config = NaturalEvalConfig(named, profile, n, seed, at_once, plans_only, with_details)
    with progress_bars() as progress:
        report, sheet = evaluate_natural(config, progress)
    report["run"] = run_record()
    markdown = markdown_report(report)
    if out is not None:
        files = {"json": as_text(report), "md": markdown, "html": sheet}
        write_texts(out, {f"micro-natural.{ending}": text for ending, text in files.items() if text is not None})
    echo(json.dumps(report, indent=2) if json_output else markdown)
