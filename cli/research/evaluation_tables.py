"""Tables of measured models for a terminal: image generator, planner, critics."""

from typing import Any

from interleavethinker.cli.terminal import console

__all__ = ["print_critic_report", "print_generator_report", "print_planner_report"]


def print_generator_report(report: dict[str, Any]) -> None:
    """Prints the report of `evaluate micro-generator`."""
    from rich.table import Table

    table = Table(title=f"micro generator, n = {report['n']}, seed {report['seed']}")
    table.add_column("task")
    for heading in ("exact", "95 %", "semantics", "quality", "n"):
        table.add_column(heading, justify="right")
    _add_row(table, "text to image", report["text_to_image"])
    _add_row(table, "single edits", report["edit"])
    for kind, figures in report["edit"]["kinds"].items():
        _add_row(table, f"  {kind}", figures)
    table.add_section()
    table.add_row("held-out categories")
    for category, figures in report["held_out"].items():
        _add_row(table, f"  {category}, one-shot", figures)
        _add_row(table, f"  {category}, rewritten", figures, "_rewritten")
    terminal = console()
    terminal.print(table)
    seconds = report["seconds"]
    terminal.print(
        f"one image at a time on one thread: {seconds['generate']:.3f} s per image, {seconds['edit']:.3f} s per edit"
    )


def _add_row(table: Any, label: str, figures: dict[str, Any], suffix: str = "") -> None:
    exact, samples = figures[f"exact{suffix}"], figures[f"samples{suffix}"]
    if not samples:  # There are fewer samples than kinds of edits.
        table.add_row(label, *("–",) * 4, "0")
        return
    low, high = figures[f"exact_low{suffix}"], figures[f"exact_high{suffix}"]
    scores = (f"{figures[f'{name}{suffix}']:.2f}" for name in ("semantics", "quality"))
    table.add_row(label, f"{exact:.3f}", f"{low:.3f}-{high:.3f}", *scores, str(samples))


def print_planner_report(report: dict[str, Any]) -> None:
    """Prints the report of `evaluate micro-planner`."""
    table = _plain_table(f"micro planner {report['model']}, n = {report['n']} of each split, seed {report['seed']}")
    for heading in ("valid", "combinations unseen in requests", "unseen templates"):
        table.add_column(heading, justify="right")
    splits = ("unseen_combinations", "unseen_templates")
    for mode, part in (("greedy", report), ("sampled", report["sampled"]), *report["reference"].items()):
        fulfilled = part["fulfilled"]
        table.add_row(mode, _with_interval(part, "valid"), *(_with_interval(fulfilled, split) for split in splits))
    table.add_section()
    for family, figures in report["families"].items():
        table.add_row(f"  {family}", *(_with_interval(figures, key) for key in ("valid", *splits)))
    lengths = _plain_table("plans fulfilled, by number of images in the reference plan (0: answered in words)")
    for heading in ("greedy", "sampled", "n"):
        lengths.add_column(heading, justify="right")
    for length, figures in report["plan_lengths"].items():
        parts = (figures, report["sampled"]["plan_lengths"][length])
        lengths.add_row(length, *(_with_interval(part, "fulfilled") for part in parts), str(figures["fulfilled_n"]))
    printer = console()
    printer.print(table)
    printer.print(lengths)


def print_critic_report(report: dict[str, Any]) -> None:
    """Prints the report of `evaluate micro-critic`: two tables for each decoding mode."""
    terminal = console()
    for mode, figures in (("sampled", report), ("greedy", report["greedy"])):
        failures = f"{report['failures']} failures, {report['retry_seeds']} generator seeds each"
        table = _plain_table(f"micro critics, {mode}: n = {report['n']}, {failures}")
        for heading in ("format", "accuracy", "on good", "on bad", "gain", "95 %", "written"):
            table.add_column(heading, justify="right", no_wrap=True)
        differences = _plain_table(f"score gain, {mode}, paired differences")
        for heading in ("gain", "95 %"):
            differences.add_column(heading, justify="right")
        for name, part in figures.items():
            label = name.replace("_", " ")
            if name == "reseed":
                table.add_row(label, *("",) * 4, *_gain(part, "score_gain_"), "")
            elif "_minus_" in name:
                differences.add_row(label, *_gain(part, ""))
            elif isinstance(part, dict) and "training_seeds" in part:
                shown = (f"{part[key]:.3f}" for key in ("format", "accuracy", "accuracy_true", "accuracy_false"))
                written = f"{part['written_correctly']:.2f}"
                seeds = f" ({part['training_seeds']} training seeds)" if part["training_seeds"] > 1 else ""
                table.add_row(label + seeds, *shown, *_gain(part, "score_gain_"), written)
        terminal.print(table, differences)


def _plain_table(title: str) -> Any:
    """Returns a table that fits into 80 columns; its first column has no heading."""
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
