"""`interleavethinker evaluate micro-variants`: several first attempts, or refined prompts, at equal generator calls."""

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

__all__ = ["micro_variants"]


def micro_variants(
    n: Annotated[int, typer.Option(min=1, help="Held-out requests; those that want text only are left out.")] = 70,
    seed: Annotated[int, typer.Option(min=0, help="Seed of requests and trajectories.")] = 0,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for reports and finished requests.", file_okay=False)
    ] = Path("runs/micro-variants"),
    json_output: Json = False,
) -> None:
    """Compare variants with refined prompts at equal numbers of generator calls.

    A step may take N first attempts, of which the critic chooses, and T_max in
    a row. All pairs up to six calls per step run on the same requests of the
    micro world. Finished requests are saved in the folder: to resume a stopped
    run, run the same command again. Reports: variants.json and variants.md.

    Examples:
    interleavethinker evaluate micro-variants --n 14
    """
    from interleavethinker.evaluation.microbench.variants import run_variants, variants_markdown

    check_reports(out, "variants.json", {"cells", "steps"}, ["variants.md"])
    with progress_bars() as progress:
        report = asyncio.run(run_variants(out, n, seed, progress))
    report["run"] = run_record()
    markdown = variants_markdown(report)
    write_texts(out, {"variants.json": as_text(report), "variants.md": markdown})
    echo(json.dumps(report, indent=2) if json_output else markdown)
