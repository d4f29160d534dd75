"""`interleavethinker evaluate micro-drift`: long chains of edits, with and without the drift guard."""

from pathlib import Path
from typing import Annotated

import typer

from interleavethinker.cli.options import Json
from interleavethinker.cli.progress import progress_bars
from interleavethinker.cli.terminal import echo

from .reports import as_text, check_reports, write_texts
from .source import run_record

__all__ = ["micro_drift"]


def micro_drift(
    n: Annotated[int, typer.Option(min=1, help="Chains of edits.")] = 30,
    edits: Annotated[int, typer.Option(min=1, max=98, help="Edits per chain.")] = 24,
    seed: Annotated[int, typer.Option(min=0, max=2**20, help="Seed of the chains and trajectories.")] = 0,
    threshold: Annotated[float, typer.Option(min=0.01, help="Damage above which the guard acts.")] = 0.2,
    max_attempts: Annotated[int, typer.Option(min=1, max=5, help="Attempts per step.")] = 2,
    weaker: Annotated[bool, typer.Option("--weaker", help="Use the weaker generator (degraded weights).")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the report (JSON, Markdown).", file_okay=False)
    ] = None,
    json_output: Json = False,
) -> None:
    """Measure the drift guard over chains of edits in the micro world: no guard, redraw and restart.

    The image after each edit is scored against the scene that all edits so
    far ask for. The scripted critic judges, so that no chat model is loaded.

    Examples:
    interleavethinker evaluate micro-drift --n 2 --edits 6
    interleavethinker evaluate micro-drift --weaker --seed 2614 --out runs/drift
    """
    from interleavethinker.evaluation.micro.drift import DriftEvalConfig, evaluate_drift, markdown_report

    if out is not None:
        check_reports(out, "drift.json", {"marks", "guards"}, ["drift.md"])
    with progress_bars() as progress:
        report = evaluate_drift(DriftEvalConfig(n, edits, seed, threshold, max_attempts, weaker), progress)
    report["run"] = run_record()
    markdown = markdown_report(report)
    text = as_text(report)
    if out is not None:
        write_texts(out, {"drift.json": text, "drift.md": markdown})
    echo(text if json_output else markdown)
