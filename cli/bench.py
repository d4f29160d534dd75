"""`interleavethinker bench …`: what this project itself costs, apart from the models."""

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def bench() -> None:
    """Measure what this project itself costs, apart from the models."""


@app.command()
def agent(json_output: _Json = False) -> None:
    """Time around each generator call, and bytes of checkpoints. Give it a quiet machine: about 10 seconds."""
    from interleavethinker.evaluation.agent_overhead import measure_agent

    speed = asyncio.run(measure_agent())
    if json_output:
        typer.echo(json.dumps(speed.as_json()))
        return
    typer.echo(f"{speed.overhead_ms_per_call:.2f} ms around a generator call (median of {speed.calls})")
    for name, size in speed.checkpoint_bytes_per_step.items():
        typer.echo(f"{size:.0f} bytes of checkpoints a super-step ({name.replace('_', ' ')})")


@app.command("image-server")
def image_server(
    model: Annotated[str, typer.Option(help="A diffusers pipeline, as for image-server --model.")] = "micro",
    calls: Annotated[int, typer.Option(min=3, help="Calls of each kind for the added milliseconds.")] = 30,
    rounds: Annotated[int, typer.Option(min=1, help="Repetitions of the throughput part.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="First seed; every call gets its own.")] = 0,
    json_output: _Json = False,
) -> None:
    """Milliseconds the image server adds to a pipeline call, and what concurrency gains. Give it a quiet machine."""
    from interleavethinker.servers.images.benchmark import BenchPlan, run_bench

    def say(what: str) -> None:
        if not json_output:
            sys.stderr.write(f"measuring: {what}\n")

    with tempfile.TemporaryDirectory(prefix="interleavethinker-bench-") as folder:
        plan = BenchPlan(model=model, calls=calls, rounds=rounds, seed=seed)
        figures = asyncio.run(run_bench(plan, Path(folder), say))
    typer.echo(json.dumps(figures, indent=None if json_output else 2))
