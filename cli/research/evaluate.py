"""`interleavethinker evaluate …`: reproducible measurements of models and agents, each with its command and seed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interleavethinker.cli.options import Json
from interleavethinker.cli.progress import progress_bars
from interleavethinker.cli.terminal import echo
from interleavethinker.tools.errors import StoreError

from .benchmarks import add_benchmarks
from .drift import micro_drift
from .evaluation_tables import print_critic_report, print_generator_report, print_planner_report
from .micro_pairs import micro_pairs
from .micro_variants import micro_variants
from .microbench import microbench
from .natural import micro_natural
from .reports import as_text, check_reports, write_texts
from .source import run_record

if TYPE_CHECKING:
    from pydantic import JsonValue

    from interleavethinker.microworld.agents.registry import AgentWeights

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)
app.command("microbench")(microbench)
app.command("micro-natural")(micro_natural)
app.command("micro-drift")(micro_drift)
app.command("micro-variants")(micro_variants)
app.command("micro-pairs")(micro_pairs)
add_benchmarks(app)

_Checkpoint = Annotated[
    Path | None,
    typer.Option(help="Folder of a generator's pipeline; the shipped one by default.", exists=True, file_okay=False),
]
_Out = Annotated[
    Path | None, typer.Option("--out", "-o", help="Folder for the report as JSON and as a chart.", file_okay=False)
]
_Adapter = Annotated[Path | None, typer.Option(help="Folder of a LoRA adapter.", exists=True, file_okay=False)]


@app.callback()
def evaluate() -> None:
    """Measure models and agents with a fixed seed and 95 % intervals."""


@app.command("micro-generator")
def micro_generator(
    n: Annotated[
        int, typer.Option(min=1, help="Samples of text-to-image, of all edits, and of each held-out category.")
    ] = 400,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the samples and the generator.")] = 0,
    checkpoint: _Checkpoint = None,
    weaker: Annotated[bool, typer.Option("--weaker", help="Measure the weaker generator (degraded weights).")] = False,
    json_output: Json = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the report as JSON.", file_okay=False)
    ] = None,
) -> None:
    """Measure the micro world's image generator: accuracy, semantics, quality and speed.

    The held-out categories were excluded from training. They are measured
    one-shot, and with the prompts rewritten by an oracle for the same targets
    and seeds.

    Examples:
    interleavethinker evaluate micro-generator --n 100
    """
    if out is not None:
        check_reports(out, "micro-generator.json", {"text_to_image", "held_out"}, [])
    with progress_bars() as progress:
        from interleavethinker.evaluation.micro.generator import evaluate_generator

        measured = evaluate_generator(checkpoint, n=n, seed=seed, weaker=weaker, progress=progress)
    report: dict[str, object] = {**measured, "weaker": weaker, "run": run_record()}
    if out is not None:
        write_texts(out, {"micro-generator.json": as_text(report)})
    if json_output:
        echo(json.dumps(report, indent=2))
    else:
        print_generator_report(report)


@app.command("micro-gallery")
def micro_gallery(
    out: Annotated[Path, typer.Option("--out", "-o", help="PNG file to write.", dir_okay=False)] = Path("gallery.png"),
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seed of every image.")] = 0,
    checkpoint: _Checkpoint = None,
) -> None:
    """Write a sheet of generated images and chains of edits, not cherry-picked: the README's image."""
    from interleavethinker.evaluation.micro.gallery import gallery
    from interleavethinker.microworld.generators.micro import MicroGenerator

    sheet = gallery(MicroGenerator(checkpoint), seed=seed)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        sheet.save(out, format="PNG", optimize=True)
    except OSError as error:
        raise StoreError(f"Cannot write the sheet to {out}: {error.strerror}.") from error
    echo(out)


@app.command("micro-planner")
def micro_planner(
    model: Annotated[
        str | None, typer.Option(help="Planner, named as in a profile: qwen3-vl:FOLDER; the shipped one by default.")
    ] = None,
    adapter: _Adapter = None,
    n: Annotated[
        int, typer.Option(min=1, help="Requests of each held-out split, spread evenly over the families.")
    ] = 280,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the requests and of sampling.")] = 0,
    temperature: Annotated[float, typer.Option(min=0, help="Temperature of the sampled answers.")] = 1.0,
    json_output: Json = False,
    out: _Out = None,
) -> None:
    """Measure a planner: share of valid plans, and of plans that fulfil a held-out request."""
    from interleavethinker.evaluation.charts import planner_chart
    from interleavethinker.evaluation.micro.planner import evaluate_planner
    from interleavethinker.microworld.agents.registry import PLANNERS, weights_of

    if out is not None:
        check_reports(out, "micro-planner.json", {"valid", "broken_rules"}, ["micro-planner.png"])
    weights = weights_of(PLANNERS, "sft") if model is None else _weights(model, adapter, "planner")
    with progress_bars() as progress:
        report = evaluate_planner(weights, n=n, seed=seed, temperature=temperature, progress=progress)
    report["run"] = run_record()
    _write_report(report, out, "micro-planner", planner_chart)
    if json_output:
        echo(json.dumps(report, indent=2))
    else:
        print_planner_report(report)


@app.command("micro-critic")
def micro_critic(
    models: Annotated[
        list[str] | None,
        typer.Option(help="Shipped critics by name or variant; repeatable, or comma-separated. All by default."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Another critic, named as in a profile: qwen3-vl:FOLDER for a trained one.")
    ] = None,
    adapter: _Adapter = None,
    n: Annotated[int, typer.Option(min=1, help="First attempts to judge; about 35 % of them have failed.")] = 640,
    retry_seeds: Annotated[int, typer.Option(min=1, help="Generator seeds with which each failure is retried.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the requests, attempts and sampling.")] = 0,
    split: Annotated[str, typer.Option(help="Held-out requests: combinations or templates.")] = "combinations",
    temperature: Annotated[float, typer.Option(min=0, help="Temperature of the sampled answers.")] = 1.0,
    weaker: Annotated[bool, typer.Option("--weaker", help="Generate the images with the weaker generator.")] = False,
    workers: Annotated[int, typer.Option(min=1, help="Processes, with one thread each.")] = 2,
    max_new_tokens: Annotated[
        int, typer.Option(min=1, help="Longest answer of a local critic; with a checklist, 320 are enough.")
    ] = 220,
    json_output: Json = False,
    out: _Out = None,
    tries: Annotated[int | None, typer.Option(min=1, hidden=True, help="Old name of --retry-seeds.")] = None,
) -> None:
    """Measure critics on the same cases: accuracy of verdicts, and score gain of refined prompts.

    Without --models and --model, every shipped critic is measured. --model
    measures another one, alone or together with --models.

    Examples:
    interleavethinker evaluate micro-critic --models sft,grpo --n 64
    """
    from interleavethinker.evaluation.charts import critic_chart
    from interleavethinker.evaluation.micro.critic import CriticEvalConfig, measure_critics
    from interleavethinker.evaluation.micro.critic_workers import open_worker_pool
    from interleavethinker.tools.errors import InputError

    if split not in {"combinations", "templates"}:
        raise InputError(f"--split must be combinations or templates; got {split!r}.")
    if out is not None:
        check_reports(out, "micro-critic.json", {"near_threshold", "greedy"}, ["micro-critic.png"])
    critics = _critics(models, model, adapter)
    config = CriticEvalConfig(
        n, tries or retry_seeds, seed, "templates" if split == "templates" else "combinations", temperature
    )
    pools = open_worker_pool(weaker=weaker, workers=workers, max_new_tokens=max_new_tokens)
    with progress_bars() as progress, pools as pool:
        report = {"generator": "weaker" if weaker else "shipped", **measure_critics(pool, critics, config, progress)}
    report["run"] = run_record()
    _write_report(report, out, "micro-critic", critic_chart)
    if json_output:
        echo(json.dumps(report, indent=2))
    else:
        print_critic_report(report)


def _critics(models: list[str] | None, model: str | None, adapter: Path | None) -> dict[str, "AgentWeights"]:
    from interleavethinker.microworld.agents.registry import CRITICS, available, weights_of

    critics = {} if model is None else {"critic": _weights(model, adapter, "critic")}
    names = [name for text in models or () for name in text.split(",") if name]
    if not names and model is None:
        names = list(available(CRITICS)) or ["sft"]  # Loading it will explain that it is missing.
        for name in CRITICS.keys() - set(names):
            echo(f"Not installed, skipped: {name}", err=True)
    for name in names:
        of_variant = [key for key, weights in available(CRITICS).items() if weights.variant == name]
        critics |= {key: CRITICS[key] for key in of_variant} or {name: weights_of(CRITICS, name)}
    return critics


def _weights(model: str, adapter: Path | None, variant: str) -> "AgentWeights":
    from interleavethinker.microworld.agents.registry import AgentWeights

    return AgentWeights(variant, model, None if adapter is None else str(adapter))


def _write_report(
    report: "dict[str, JsonValue]", out: Path | None, name: str, chart: "Callable[[dict[str, JsonValue], Path], None]"
) -> None:
    from interleavethinker.evaluation.charts import charts_available

    if out is None:
        return
    write_texts(out, {f"{name}.json": as_text(report)})
    try:
        if charts_available():
            chart(report, out / f"{name}.png")
        else:
            echo("No chart: matplotlib is not installed. Install the extra `train`.", err=True)
    except OSError as error:
        raise StoreError(f"Cannot write the report to {out}: {error.strerror}.") from error
