"""`interleavethinker experiment NAME`: several trainings and their evaluation, by one command that resumes."""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interleavethinker.cli.terminal import echo

if TYPE_CHECKING:
    from interleavethinker.training.experiments import Stage

__all__ = ["experiment"]


def experiment(
    name: Annotated[str, typer.Argument(help="training-seeds, styles or dialects.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The experiment's folder; by default runs/NAME.", file_okay=False)
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(help="Critic that SFT starts from; by default the experiment makes it: micro-critic-synthetic."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Data set of another experiment; by default the experiment makes its own: data build.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    small: Annotated[
        bool, typer.Option("--small", help="A miniature that shows that the commands run; it measures nothing.")
    ] = False,
    at_once: Annotated[
        int, typer.Option(min=1, help="Stages that run side by side, each with one thread if there are several.")
    ] = 1,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the commands and run none.")] = False,
) -> None:
    """Run an experiment of several trainings. To resume a stopped one, repeat the command.

    training-seeds: three SFT seeds, RL on each; styles: six teachers, each of
    which prefers one rewording, SFT and RL on each. Both end with evaluate
    micro-pairs: the mean gain of RL over SFT, with an interval over trainings
    and requests. dialects: RL on three generators that obey different words,
    each critic measured with each generator. They take about 6, 12, and 3
    hours of a core.

    Examples:
    interleavethinker experiment training-seeds --dry-run
    interleavethinker experiment styles --small --out runs/styles-small
    """
    from dataclasses import replace

    from interleavethinker.training.experiments import Size, run_experiment, stages_of, write_dialects

    root = out or Path("runs") / name
    size = Size.miniature() if small else Size()
    size = replace(size, base=base or size.base, data=None if data is None else str(data))
    stages = stages_of(name, root, size)
    if dry_run:
        for stage in stages:
            echo(shlex.join(["interleavethinker", *stage.words]))
        return

    def execute(stage: "Stage") -> int:
        echo(f"{stage.name}: {shlex.join(['interleavethinker', *stage.words])}", err=True)
        command = [sys.executable, "-m", "interleavethinker.cli", *stage.words]
        if at_once == 1:
            return subprocess.run(command, check=False).returncode
        one_thread = {"OMP_NUM_THREADS": "1", **os.environ}
        with (root / f"{stage.name}.log").open("ab") as log:  # Lines of several commands would be mixed up.
            return subprocess.run(command, check=False, stdout=log, stderr=log, env=one_thread).returncode

    if name == "dialects":
        write_dialects(root)
    failed = run_experiment(root, stages, execute, at_once)
    if failed is not None:
        log = root / f"{failed}.log"
        where = f" {log} has its output." if at_once > 1 else ""
        echo(
            f"The stage {failed} failed.{where} Once its cause is fixed, the same command continues with it.", err=True
        )
        raise typer.Exit(1)
    for report in sorted(root.glob("pairs*/pairs.md")):
        echo(report)
