"""Reports as PNG charts, with matplotlib, which is part of the train extra and imported only when a chart is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from PIL import Image
from pydantic import JsonValue

from interleavethinker.evaluation.micro.critic_report import RESEED
from interleavethinker.evaluation.micro.rewrite_classifier import OTHER, SAME
from interleavethinker.microworld.agents.rewriting import STRATEGIES
from interleavethinker.tools.errors import InputError

__all__ = ["charts_available", "critic_chart", "curves_chart", "planner_chart", "sheet_chart"]

Report = Mapping[str, Any]
_SERIES = ("#4878a8", "#c8743c", "#6f9f58")


def charts_available() -> bool:
    """Returns whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def critic_chart(report: Mapping[str, JsonValue], path: Path) -> None:
    """Plots score gains, judgment and rewriting strategies of every variant in a critics' report.

    Args:
        report: The report of `micro.critic.measure_critics`.
        path: The PNG file.

    Raises:
        InputError: matplotlib is not installed (`missing_extra`).
    """
    variants = [name for name, part in report.items() if isinstance(part, dict) and "accuracy_false" in part]
    figure = _figure(13, 4.8)
    gains, judgement, strategies = figure.subplots(1, 3)
    modes: dict[str, Any] = {"sampled": report, "greedy": report["greedy"]}
    names = [RESEED, *variants]
    series = {mode: [_value(part[name], "score_gain") for name in names] for mode, part in modes.items()}
    _bars(gains, names, series, "score gain on failures")
    _bars(
        judgement,
        variants,
        {
            key: [_value(report[name], key) for name in variants]
            for key in ("format", "accuracy_true", "accuracy_false")
        },
        "judgement, sampled",
    )
    judgement.set_ylim(0, 1.05)
    _strategy_shares(strategies, variants, report)
    _save(figure, path)


def planner_chart(report: Mapping[str, JsonValue], path: Path) -> None:
    """Plots the share of requests that a planner fulfils, by family and split.

    Args:
        report: The report of `micro.planner.evaluate_planner`.
        path: The PNG file.

    Raises:
        InputError: matplotlib is not installed (`missing_extra`).
    """
    families: Any = report["families"]
    figure = _figure(8, 4.8)
    axes = figure.subplots()
    splits = ("unseen_combinations", "unseen_templates")
    series = {split: [_value(families[family], split) for family in families] for split in splits}
    _bars(axes, list(families), series, "requests fulfilled, greedy")
    axes.set_ylim(0, 1.05)
    _save(figure, path)


def curves_chart(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], path: Path, columns: int = 3) -> None:
    """Plots one small panel per curve.

    Args:
        curves: Steps and values by name.
        path: The PNG file.
        columns: The number of panels in a row.

    Raises:
        InputError: matplotlib is not installed (`missing_extra`).
    """
    rows = -(-len(curves) // columns)
    figure = _figure(4 * columns, 2.6 * rows)
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for panel, (name, (steps, values)) in zip(panels, curves.items(), strict=False):
        panel.plot(steps, values, color=_SERIES[0], linewidth=1.2)
        panel.set_title(name, fontsize=9)
        panel.tick_params(labelsize=8)
        panel.grid(alpha=0.3)
    for panel in panels[len(curves) :]:
        panel.set_axis_off()
    _save(figure, path)


def sheet_chart(rows: Sequence[tuple[Sequence[Path], str]], path: Path) -> None:
    """Makes a sheet with some images and a text in each row.

    Args:
        rows: The image files, and the text with its line breaks.
        path: The PNG file.

    Raises:
        InputError: matplotlib is not installed (`missing_extra`).
    """
    heights = [max(1.3, 0.16 * (text.count("\n") + 2)) for _, text in rows]
    columns = max((len(files) for files, _ in rows), default=0)
    figure = _figure(1.3 * columns + 8, sum(heights))
    ratios = {"width_ratios": [1.3] * columns + [8], "height_ratios": heights}
    panels = figure.subplots(len(rows), columns + 1, squeeze=False, gridspec_kw=ratios)
    for line, (files, text) in zip(panels, rows, strict=True):
        for panel in line:
            panel.set_axis_off()
        for panel, file in zip(line, files, strict=False):
            with Image.open(file) as image:
                panel.imshow(image.convert("RGB"))
        line[-1].text(0, 1, text, va="top", fontsize=7, family="monospace", transform=line[-1].transAxes)
    _save(figure, path)


def _figure(width: float, height: float) -> Any:
    """Returns an empty figure, sized in inches; without pyplot, which keeps every figure and looks for a display."""
    if not charts_available():
        msg = (
            "Charts need matplotlib, which is not installed. Install it with: pip install -c constraints.txt '.[train]'"
        )
        raise InputError(msg, code="missing_extra")
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _save(figure: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png", dpi=110, bbox_inches="tight")


def _value(figures: Any, key: str) -> tuple[float, float, float]:
    """Returns a metric and the distances to its interval's ends, down and up."""
    value, low, high = (figures[key + end] or 0.0 for end in ("", "_low", "_high"))
    return value, max(0.0, value - low), max(0.0, high - value)


def _bars(
    axes: Any, names: Sequence[str], series: Mapping[str, Sequence[tuple[float, float, float]]], title: str
) -> None:
    width = 0.8 / len(series)
    for number, (label, values) in enumerate(series.items()):
        places = [place + (number - (len(series) - 1) / 2) * width for place in range(len(names))]
        reach = [[one[1] for one in values], [one[2] for one in values]]
        axes.bar(places, [one[0] for one in values], width, yerr=reach, capsize=2, label=label, color=_SERIES[number])
    _label(axes, names, title)
    axes.axhline(0, color="black", linewidth=0.8)


def _strategy_shares(axes: Any, variants: Sequence[str], report: Report) -> None:
    bottom = [0.0] * len(variants)
    for name in (*STRATEGIES, SAME, OTHER):
        shares = [report[variant]["strategies"][name]["share"] or 0.0 for variant in variants]
        axes.bar(range(len(variants)), shares, 0.7, bottom=bottom, label=name)
        bottom = [below + share for below, share in zip(bottom, shares, strict=True)]
    _label(axes, variants, "rewriting strategies, sampled")


def _label(axes: Any, names: Sequence[str], title: str) -> None:
    axes.set_xticks(range(len(names)), [name.replace("_", " ") for name in names], rotation=30, ha="right", fontsize=8)
    axes.set_title(title, fontsize=10)
    axes.legend(
        fontsize=7, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.34)
    )  # below, as bars may fill the panel
    axes.grid(axis="y", alpha=0.3)
