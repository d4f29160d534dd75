"""`interleavethinker bench …`: what this project itself costs, apart from the models."""

import asyncio
import json
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
    from interleavethinker.evaluation.agent_speed import measure_agent

    speed = asyncio.run(measure_agent())
    if json_output:
        typer.echo(json.dumps(speed.as_json()))
        return
    typer.echo(f"{speed.overhead_ms_per_call:.2f} ms around a generator call (median of {speed.calls})")
    for name, size in speed.checkpoint_bytes_per_step.items():
        typer.echo(f"{size:.0f} bytes of checkpoints a super-step ({name.replace('_', ' ')})")
