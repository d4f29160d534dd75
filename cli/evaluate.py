"""`interleavethinker evaluate …`: figures that anybody can measure again, each with its command and its seed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interleavethinker.tools.errors import StoreError

from .microbench import microbench

if TYPE_CHECKING:
    from interleavethinker.evaluation.micro_generator import Progress

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
        from interleavethinker.evaluation.micro_generator import evaluate

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
    from interleavethinker.evaluation.micro_gallery import gallery
    from interleavethinker.microworld.generator import MicroGenerator

    sheet = gallery(MicroGenerator(checkpoint), seed=seed)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        sheet.save(out, format="PNG", optimize=True)
    except OSError as error:
        msg = f"The sheet must be written to a file; {out} cannot be: {error.strerror}."
        raise StoreError(msg) from error
    typer.echo(out)


@app.command("micro-critic")
def micro_critic(
    model: Annotated[str, typer.Option(help="The critic, as profiles name it; qwen3-vl:FOLDER for a trained one.")],
    adapter: Annotated[
        Path | None, typer.Option(help="Folder of a LoRA adapter.", exists=True, file_okay=False)
    ] = None,
    n: Annotated[int, typer.Option(min=1, help="First attempts to judge.")] = 500,
    tries: Annotated[int, typer.Option(min=1, help="Seeds with which each failure is made again.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Of requests and attempts.")] = 0,
    split: Annotated[str, typer.Option(help="Held-out requests: combinations or templates.")] = "combinations",
    temperature: Annotated[float, typer.Option(min=0, help="0 is greedy.")] = 0.0,
    weaker: Annotated[bool, typer.Option("--weaker", help="Let the degraded generator make the attempts.")] = False,
) -> None:
    """Judgement accuracy of a critic in the micro world, and what its prompts gain over new seeds. Prints JSON."""
    import tempfile

    from interleavethinker.evaluation.micro_critic import critic_report, draw_cases, micro_chat_critic
    from interleavethinker.microworld.generator import MicroGenerator
    from interleavethinker.tools.errors import InputError
    from interleavethinker.tools.store import ImageStore

    if split not in {"combinations", "templates"}:
        raise InputError(f"--split must be combinations or templates; found {split!r}.")
    with tempfile.TemporaryDirectory() as folder, _progress() as progress:
        store, generator = ImageStore(Path(folder)), MicroGenerator(weaker=weaker)
        options = {"adapter": str(adapter)} if adapter else {}
        critic = micro_chat_critic(model, store, temperature=temperature, **options)
        cases = draw_cases(
            generator, store, n, seed, split="templates" if split == "templates" else "combinations", tries=tries
        )
        report = critic_report(critic, generator, cases, progress)
    settings = {"model": model, "seed": seed, "split": split, "temperature": temperature, "weaker": weaker}
    typer.echo(json.dumps({**settings, **report}, indent=2))
