"""`interleavethinker evaluate …`: figures that anybody can measure again, each with its command and its seed."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interleavethinker.tools.errors import StoreError

from .microbench import microbench

if TYPE_CHECKING:
    from pydantic import JsonValue

    from interleavethinker.evaluation.micro.generator import Progress
    from interleavethinker.microworld.agents.registry import AgentWeights

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)
app.command("microbench")(microbench)


@app.callback()
def evaluate() -> None:
    """Measure models and agents, with a seed and 95 % intervals."""


@app.command("micro-generator")
def micro_generator(
    n: Annotated[int, typer.Option(min=1, help="Samples of text-to-image, of all edits, and of each gap.")] = 400,
    seed: Annotated[int, typer.Option(min=0, help="Of samples and generator.")] = 0,
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="Folder of a pipeline; the shipped one by default.", exists=True, file_okay=False),
    ] = None,
    weaker: Annotated[bool, typer.Option("--weaker", help="The seeded degradation of the weights.")] = False,
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Exact rates, semantics and quality of the micro world's image generator, and seconds per image.

    The gaps are what it was never trained on: one-shot, and with the same targets and seeds reworded by an oracle.
    """
    with _progress() as progress:
        from interleavethinker.evaluation.micro.generator import evaluate

        report = evaluate(checkpoint, n=n, seed=seed, weaker=weaker, progress=progress)
    if json_output:
        typer.echo(json.dumps(report, indent=2))
    else:
        _print_report(report)


@contextmanager
def _progress() -> Iterator["Progress"]:
    """Bars on stderr, one for each group of samples; only on a terminal."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(
        TextColumn("{task.description:<22}"), *columns, console=console, disable=not console.is_terminal
    ) as bars:
        known: dict[str, Any] = {"": bars.add_task("loading", total=None)}

        def tell(group: str, done: int, total: int) -> None:
            if "" in known:
                bars.remove_task(known.pop(""))
            if group not in known:
                known[group] = bars.add_task(group, total=total)
            bars.update(known[group], completed=done)

        yield tell


def _print_report(report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"micro generator, n = {report['n']}, seed {report['seed']}")
    table.add_column("what is asked")
    for heading in ("exact", "95 %", "semantics", "quality", "n"):
        table.add_column(heading, justify="right")
    _add_row(table, "text to image", report["text_to_image"])
    _add_row(table, "single edits", report["edit"])
    for kind, figures in report["edit"]["kinds"].items():
        _add_row(table, f"  {kind}", figures)
    for gap, figures in report["gaps"].items():
        table.add_section()
        _add_row(table, f"gap: {gap}, one shot", figures)
        _add_row(table, f"gap: {gap}, reworded", figures, "_reworded")
    console = Console()
    console.print(table)
    seconds = report["seconds"]
    console.print(f"one by one on one thread: {seconds['draw']:.3f} s a drawing, {seconds['edit']:.3f} s an edit")


def _add_row(table: Any, label: str, figures: dict[str, Any], suffix: str = "") -> None:
    exact, samples = figures[f"exact{suffix}"], figures[f"samples{suffix}"]
    if not samples:  # fewer samples than kinds of edits
        table.add_row(label, *("–",) * 4, "0")
        return
    low, high = figures[f"exact_low{suffix}"], figures[f"exact_high{suffix}"]
    scores = (f"{figures[f'{name}{suffix}']:.2f}" for name in ("semantics", "quality"))
    table.add_row(label, f"{exact:.3f}", f"{low:.3f}-{high:.3f}", *scores, str(samples))


@app.command("micro-gallery")
def micro_gallery(
    out: Annotated[Path, typer.Option("--out", "-o", help="PNG file to write.", dir_okay=False)] = Path("gallery.png"),
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Of every picture.")] = 0,
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="Folder of a pipeline; the shipped one by default.", exists=True, file_okay=False),
    ] = None,
) -> None:
    """Write a sheet of drawings and chains of edits, unchosen: the README's picture."""
    from interleavethinker.evaluation.micro.gallery import gallery
    from interleavethinker.microworld.generators.micro import MicroGenerator

    sheet = gallery(MicroGenerator(checkpoint), seed=seed)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        sheet.save(out, format="PNG", optimize=True)
    except OSError as error:
        msg = f"The sheet must be written to a file; {out} cannot be: {error.strerror}."
        raise StoreError(msg) from error
    typer.echo(out)


_Out = Annotated[
    Path | None, typer.Option("--out", "-o", help="Folder for the report as JSON and as a chart.", file_okay=False)
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Adapter = Annotated[Path | None, typer.Option(help="Folder of a LoRA adapter.", exists=True, file_okay=False)]


@app.command("micro-planner")
def micro_planner(
    model: Annotated[
        str | None, typer.Option(help="The planner, as profiles name it: qwen3-vl:FOLDER; the shipped one by default.")
    ] = None,
    adapter: _Adapter = None,
    n: Annotated[int, typer.Option(min=1, help="Requests of each held-out split; families take turns.")] = 280,
    seed: Annotated[int, typer.Option(min=0, help="Of requests and sampling.")] = 0,
    temperature: Annotated[float, typer.Option(min=0, help="Of the sampled answers.")] = 1.0,
    json_output: _Json = False,
    out: _Out = None,
) -> None:
    """How often a planner's first answer is a valid plan, and how often the plan carries a held-out request out."""
    from interleavethinker.evaluation.charts import planner_chart
    from interleavethinker.evaluation.micro.planner import evaluate_planner
    from interleavethinker.microworld.agents.registry import PLANNERS, weights_of

    weights = weights_of(PLANNERS, "sft") if model is None else _named(model, adapter, "planner")
    with _progress() as progress:
        report = evaluate_planner(weights, n=n, seed=seed, temperature=temperature, progress=progress)
    _write_report(report, out, "micro-planner", planner_chart)
    if json_output:
        typer.echo(json.dumps(report, indent=2))
    else:
        _print_planner(report)


@app.command("micro-critic")
def micro_critic(
    models: Annotated[
        list[str] | None,
        typer.Option(help="Shipped critics, by name or variant; repeat it, or use commas. All of them by default."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Any other critic, as profiles name it: qwen3-vl:FOLDER for a trained one.")
    ] = None,
    adapter: _Adapter = None,
    n: Annotated[int, typer.Option(min=1, help="First attempts to judge; about 0.35 of them fail.")] = 640,
    tries: Annotated[int, typer.Option(min=1, help="Seeds with which each failure is made again.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Of requests, attempts and sampling.")] = 0,
    split: Annotated[str, typer.Option(help="Held-out requests: combinations or templates.")] = "combinations",
    temperature: Annotated[float, typer.Option(min=0, help="Of the sampled answers.")] = 1.0,
    weaker: Annotated[bool, typer.Option("--weaker", help="Let the degraded generator make the pictures.")] = False,
    workers: Annotated[int, typer.Option(min=1, help="Processes, a thread each.")] = 2,
    json_output: _Json = False,
    out: _Out = None,
) -> None:
    """Judgement accuracy of critics, and what their prompts gain over new seeds; all on the same cases.

    Without --models and --model every shipped critic is measured. With --model, that one alone, or beside --models.
    """
    from interleavethinker.evaluation.charts import critic_chart
    from interleavethinker.evaluation.micro.critic import CriticEvalConfig, measure_critics, open_worker_pool
    from interleavethinker.tools.errors import InputError

    if split not in {"combinations", "templates"}:
        raise InputError(f"--split must be combinations or templates; found {split!r}.")
    critics = _critics(models, model, adapter)
    settings = CriticEvalConfig(n, tries, seed, "templates" if split == "templates" else "combinations", temperature)
    with _progress() as progress, open_worker_pool(weaker=weaker, workers=workers) as pool:
        report = {"generator": "weaker" if weaker else "shipped", **measure_critics(pool, critics, settings, progress)}
    _write_report(report, out, "micro-critic", critic_chart)
    if json_output:
        typer.echo(json.dumps(report, indent=2))
    else:
        _print_critics(report)


def _critics(models: list[str] | None, model: str | None, adapter: Path | None) -> dict[str, "AgentWeights"]:
    from interleavethinker.microworld.agents.registry import CRITICS, available, weights_of

    critics = {} if model is None else {"critic": _named(model, adapter, "critic")}
    names = [name for text in models or () for name in text.split(",") if name]
    if not names and model is None:
        names = list(available(CRITICS)) or ["sft"]  # whose absence will be explained
        for name in CRITICS.keys() - set(names):
            typer.echo(f"Not installed, left out: {name}", err=True)
    for name in names:
        of_variant = [key for key, weights in available(CRITICS).items() if weights.variant == name]
        critics |= {key: CRITICS[key] for key in of_variant} or {name: weights_of(CRITICS, name)}
    return critics


def _named(model: str, adapter: Path | None, variant: str) -> "AgentWeights":
    from interleavethinker.microworld.agents.registry import AgentWeights

    return AgentWeights(variant, model, None if adapter is None else str(adapter))


def _write_report(
    report: "dict[str, JsonValue]", out: Path | None, name: str, chart: "Callable[[dict[str, JsonValue], Path], None]"
) -> None:
    from interleavethinker.evaluation.charts import charts_available

    if out is None:
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / f"{name}.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        if charts_available():
            chart(report, out / f"{name}.png")
        else:
            typer.echo("No chart: matplotlib is not installed; it comes with the train extra.", err=True)
    except OSError as error:
        msg = f"The report must be written to a folder; {out} cannot be: {error.strerror}."
        raise StoreError(msg) from error


def _print_planner(report: dict[str, Any]) -> None:
    from rich.console import Console

    table = _plain_table(f"micro planner {report['model']}, n = {report['n']} of each split, seed {report['seed']}")
    for heading in ("valid", "unseen combinations", "unseen templates"):
        table.add_column(heading, justify="right")
    splits = ("unseen_combinations", "unseen_templates")
    for mode, part in (("greedy", report), ("sampled", report["sampled"]), *report["reference"].items()):
        carried = part["carried_out"]
        table.add_row(mode, _with_interval(part, "valid"), *(_with_interval(carried, split) for split in splits))
    table.add_section()
    for family, figures in report["families"].items():
        table.add_row(f"  {family}", *(_with_interval(figures, key) for key in ("valid", *splits)))
    Console().print(table)


def _print_critics(report: dict[str, Any]) -> None:
    from rich.console import Console

    console = Console()
    for mode, figures in (("sampled", report), ("greedy", report["greedy"])):
        failures = f"{report['failures']} failures, {report['tries']} generator seeds each"
        table = _plain_table(f"micro critics, {mode}: n = {report['n']}, {failures}")
        for heading in ("form", "right", "true", "false", "gain", "95 %", "written"):
            table.add_column(heading, justify="right", no_wrap=True)
        differences = _plain_table(f"score gain, {mode}, paired")
        for heading in ("gain", "95 %"):
            differences.add_column(heading, justify="right")
        for name, part in figures.items():
            said = name.replace("_", " ")
            if name == "reseed":
                table.add_row(said, *("",) * 4, *_gain(part, "score_gain_"), "")
            elif "_minus_" in name:
                differences.add_row(said, *_gain(part, ""))
            elif isinstance(part, dict) and "training_seeds" in part:
                shown = (f"{part[key]:.3f}" for key in ("format", "accuracy", "accuracy_true", "accuracy_false"))
                written = f"{part['written_correctly']:.2f}"
                seeds = f" ({part['training_seeds']} training seeds)" if part["training_seeds"] > 1 else ""
                table.add_row(said + seeds, *shown, *_gain(part, "score_gain_"), written)
        console.print(table, differences)


def _plain_table(title: str) -> Any:
    """A table narrow enough for a terminal of 80 columns; its first column has no heading."""
    from rich.box import SIMPLE
    from rich.table import Table

    table = Table(title=title, box=SIMPLE, padding=(0, 1, 0, 0), title_justify="left")
    table.add_column("")
    return table


def _gain(part: dict[str, Any], prefix: str) -> tuple[str, str]:
    return f"{part['score_gain']:+.3f}", f"{part[f'{prefix}low']:+.3f}…{part[f'{prefix}high']:+.3f}"


def _with_interval(figures: dict[str, Any], key: str) -> str:
    if figures[key] is None:
        return "–"
    return f"{figures[key]:.3f} ({figures[f'{key}_low']:.3f}–{figures[f'{key}_high']:.3f})"
