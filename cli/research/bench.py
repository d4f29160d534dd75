"""`interleavethinker bench …`: overhead of this project's own code, and its speed against a serial loop."""

import asyncio
import json
import os
import platform
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from interleavethinker.cli.options import Json
from interleavethinker.cli.terminal import echo

from .reports import as_text, check_reports, write_texts

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)


@app.callback()
def bench() -> None:
    """Measure the overhead of this project's own code, and its speed against a serial loop."""


@app.command()
def agent(json_output: Json = False) -> None:
    """Measure the overhead per generator call and the size of checkpoints; about 10 seconds on an idle machine."""
    from interleavethinker.evaluation.agent_overhead import measure_agent_overhead

    speed = asyncio.run(measure_agent_overhead())
    if json_output:
        echo(json.dumps(speed.as_json()))
        return
    echo(
        f"{speed.cpu_ms_per_call:.2f} ms of processor time, "
        f"{speed.overhead_ms_per_call:.2f} ms passed, per generator call "
        f"(medians of {speed.calls})"
    )
    for name, size in speed.checkpoint_bytes_per_step.items():
        echo(f"{size:.0f} bytes of checkpoints per super-step ({name.replace('_', ' ')})")


@app.command("image-server")
def image_server(
    model: Annotated[str, typer.Option(help="A diffusers pipeline, as for image-server --model.")] = "micro",
    calls: Annotated[int, typer.Option(min=3, help="Calls of each kind for the added latency.")] = 30,
    rounds: Annotated[int, typer.Option(min=1, help="Repetitions of the throughput measurement.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first call; every call has its own.")] = 0,
    json_output: Json = False,
) -> None:
    """Measure the latency that the image server adds to a pipeline call, and the throughput gained by concurrency.

    Needs an idle machine for stable figures.
    """
    from interleavethinker.servers.images.benchmark import BenchmarkConfig, run_benchmark

    def report(measurement: str) -> None:
        if not json_output:
            echo(f"measuring: {measurement}", err=True)

    with tempfile.TemporaryDirectory(prefix="interleavethinker-bench-") as folder:
        config = BenchmarkConfig(model=model, calls=calls, rounds=rounds, seed=seed)
        figures = asyncio.run(run_benchmark(config, Path(folder), report))
    echo(json.dumps(figures, indent=None if json_output else 2))


@app.command()
def loop(
    n: Annotated[int, typer.Option(min=1, help="Number of requests.")] = 24,
    rounds: Annotated[int, typer.Option(min=1, help="Repetitions of every measurement; figures are medians.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the requests and of their images.")] = 0,
    profile: Annotated[str, typer.Option(help="A profile with models in this process and the generator `micro`.")] = (
        "micro"
    ),
    out: Annotated[Path | None, typer.Option(help="Folder for loop.json and loop.md, with commit and machine.")] = None,
    json_output: Json = False,
) -> None:
    """Measure trajectories per hour against a minimal serial loop of the same models.

    The serial loop plans once, then generates, writes and judges one image
    after the other in one process, without graph and MCP. The product answers
    the same requests, 1, 8 and 16 at once, and one at a time with look-ahead 2
    and 4. `ratio.N` is how many times faster it is with N at once. It takes about
    10 minutes, and an idle machine for stable figures.
    """
    from interleavethinker.evaluation.throughput.loop_benchmark import LoopBenchmarkConfig, measure_loops

    if out is not None:
        check_reports(out, "loop.json", {"different_documents", "variants"}, ["loop.md"])

    def report(measurement: str) -> None:
        echo(f"measuring: {measurement}", err=True)

    with tempfile.TemporaryDirectory(prefix="interleavethinker-bench-") as folder:
        config = LoopBenchmarkConfig(n=n, rounds=rounds, seed=seed, profile=profile)
        figures = asyncio.run(measure_loops(config, Path(folder), report))
    if out is not None:
        from interleavethinker.evaluation.throughput.loop_report import loop_markdown

        figures["run"] = _origin(f"interleavethinker bench loop --n {n} --rounds {rounds} --seed {seed}")
        write_texts(out, {"loop.json": as_text(figures), "loop.md": loop_markdown(figures)})
    echo(json.dumps(figures, indent=None if json_output else 2))


@app.command("look-ahead")
def look_ahead(
    n: Annotated[int, typer.Option(min=1, help="Number of requests.")] = 10,
    rounds: Annotated[int, typer.Option(min=1, help="Repetitions of every measurement; figures are medians.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the requests and of their images.")] = 0,
    generator_seconds: Annotated[
        list[float] | None,
        typer.Option(
            min=0, max=60, help="Least seconds of a generator call; repeat it to compare several. Default: 0 and 0.5."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for look-ahead.json and look-ahead.md.")] = None,
    json_output: Json = False,
) -> None:
    """Measure what look-ahead gains where nine in ten first attempts pass.

    Requests with several images are answered one at a time, without
    look-ahead and with depths 2 and 4. They are chosen by a first run, so that
    at least 90 % of the first attempts pass. The generator runs on this
    machine, and once more with calls that wait until 0.5 s have passed, as if it
    were a remote service. It takes about 15 minutes, and an idle machine for
    stable figures.
    """
    from interleavethinker.evaluation.throughput.look_ahead_benchmark import LookAheadConfig, measure_look_ahead

    if out is not None:
        check_reports(out, "look-ahead.json", {"first_attempts_passed", "generators"}, ["look-ahead.md"])

    def report(measurement: str) -> None:
        echo(f"measuring: {measurement}", err=True)

    waits = tuple(dict.fromkeys(generator_seconds or (0.0, 0.5)))
    with tempfile.TemporaryDirectory(prefix="interleavethinker-bench-") as folder:
        config = LookAheadConfig(n=n, rounds=rounds, seed=seed, generator_seconds=waits)
        figures = asyncio.run(measure_look_ahead(config, Path(folder), report))
    if out is not None:
        from interleavethinker.evaluation.throughput.loop_report import look_ahead_markdown

        options = "".join(f" --generator-seconds {wait:g}" for wait in generator_seconds or ())
        figures["run"] = _origin(f"interleavethinker bench look-ahead --n {n} --rounds {rounds} --seed {seed}{options}")
        write_texts(out, {"look-ahead.json": as_text(figures), "look-ahead.md": look_ahead_markdown(figures)})
    echo(json.dumps(figures, indent=None if json_output else 2))


def _origin(command: str) -> dict[str, str | None]:
    """Returns where figures come from, for people who read or repeat them."""
    from .source import source_commit

    return {
        "command": command,
        "commit": source_commit(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, "
        f"torch {version('torch')}",
    }
