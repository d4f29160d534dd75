"""Compares finished runs of one benchmark: paired differences with intervals, and a leaderboard.

Two runs are compared item by item, on the items that count in both. A run is read from its folder alone; no model is
called. Runs under different protocols, on different data or with different judges are not comparable, and are refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from interleavethinker.evaluation.statistics import bootstrap, minimum_detectable_effect, verdict_of_interval
from interleavethinker.evaluation.svg import Bar, bar_chart
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.files import LineFile
from interleavethinker.tools.structured_text import parse_json

from .report_html import page_template

__all__ = ["compare_runs", "comparison_html", "comparison_markdown"]

Report = Mapping[str, Any]


@dataclass(frozen=True)
class _Run:
    folder: Path
    report: Report
    scores: Mapping[str, float]
    """The main score of each item that counts."""

    @property
    def name(self) -> str:
        answers = self.report["answers"]
        experiment = answers["experiment"]
        return f"{self.folder.name}: {answers['source']}{f', {experiment}' if experiment else ''}"


def compare_runs(folders: Sequence[Path], benchmark: str) -> dict[str, Any]:
    """Returns the comparison as JSON: each run's figures, the published ones, and each run against the first.

    Args:
        folders: The folders of at least two finished runs.
        benchmark: The benchmark that they must be of.

    Raises:
        InputError: There are fewer than two, a folder has no finished run, or the runs are not comparable.
    """
    if len(folders) < 2:
        raise InputError("Give --compare at least twice: the folder of each run.")
    runs = [_read(folder, benchmark) for folder in folders]
    first = runs[0]
    for other in runs[1:]:
        _check_comparable(first, other)
    return {
        "benchmark": benchmark,
        "title": first.report["title"],
        "protocol": first.report["protocol"]["name"],
        "judge": first.report["judge"]["model"],
        "figures": [figure["name"] for figure in first.report["figures"]],
        "maximum": first.report["figures"][0]["maximum"],
        "runs": [
            {
                "name": run.name,
                "folder": str(run.folder),
                "date": run.report["run"]["date"],
                "items": run.report["counts"]["items"],
                "missing": run.report["counts"]["missing"],
                "unreadable": run.report["counts"]["unreadable"],
                "values": {figure["name"]: figure for figure in run.report["figures"]},
            }
            for run in runs
        ],
        "anchors": first.report["anchors"],
        "differences": [_difference(first, other) for other in runs[1:]],
    }


def comparison_markdown(comparison: Report) -> str:
    """Returns the comparison as Markdown."""
    runs, digits = comparison["runs"], _digits(comparison["maximum"])
    lines = [
        f"# {comparison['title']}, protocol {comparison['protocol']}, judge {comparison['judge']}",
        "",
        "| run | " + " | ".join(comparison["figures"]) + " | items | missing | unreadable |",
        "| --- |" + " ---: |" * (len(comparison["figures"]) + 3),
        *(
            f"| {run['name']} | "
            + " | ".join(_value(run["values"].get(name), digits) for name in comparison["figures"])
            + f" | {run['items']} | {run['missing']} | {run['unreadable']} |"
            for run in runs
        ),
        "",
        "Paired differences of the items' main scores; better or worse if the 95 % bootstrap interval excludes zero:",
        "",
        "| run | against | difference | 95 % interval | verdict | pairs | minimum detectable effect |",
        "| --- | --- | ---: | --- | --- | ---: | ---: |",
    ]
    for one in comparison["differences"]:
        least = "–" if one["minimum_detectable_effect"] is None else f"{one['minimum_detectable_effect']:.{digits}f}"
        interval = f"[{one['low']:+.{digits}f}, {one['high']:+.{digits}f}]"
        lines.append(
            f"| {one['run']} | {one['against']} | {one['value']:+.{digits}f} | {interval} | {one['verdict']} "
            f"| {one['n']} | {least} |"
        )
    if comparison["anchors"]:
        lines += ["", "Published:", ""]
        for anchor in comparison["anchors"]:
            values = ", ".join(f"{name} {value:g}" for name, value in anchor["values"].items())
            lines.append(f"- {anchor['model']}: {values} ({anchor['source']})")
    return "\n".join(lines) + "\n"


def comparison_html(comparison: Report) -> str:
    """Returns the leaderboard page: all runs and published figures by the first figure, and the paired differences."""
    first, factor = comparison["figures"][0], 100 / comparison["maximum"]
    bars: list[tuple[float, Bar]] = []
    for run in comparison["runs"]:
        figure = run["values"][first]
        if figure["value"] is not None:
            low, high = max(0.0, figure["low"] * factor), min(100.0, figure["high"] * factor)
            bars.append((figure["value"] * factor, Bar(Path(run["folder"]).name, figure["value"] * factor, low, high)))
    for anchor in comparison["anchors"]:
        if first in anchor["values"]:
            value = anchor["values"][first] * factor
            bars.append((value, Bar(anchor["model"], value, value, value)))
    ranked = [bar for _, bar in sorted(bars, key=lambda one: -one[0])]
    return page_template("comparison").render(
        comparison=comparison,
        digits=_digits(comparison["maximum"]),
        plot=Markup(bar_chart(ranked)) if ranked else "",  # noqa: S704 - our own SVG
    )


def _read(folder: Path, benchmark: str) -> _Run:
    try:
        report = parse_json((folder / "report.json").read_text(encoding="utf-8"))
        lines = [parse_json(line) for line in LineFile(folder / "scores.jsonl")]
        scores = {line["id"]: float(line["main"]) for line in lines if line["main"] is not None and not line["skipped"]}
        named = report["benchmark"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder} has no finished run of a benchmark: run `evaluate {benchmark}` with --out {folder} first."
        ) from error
    if named != benchmark:
        raise InputError(f"{folder} has a run of {named}, not of {benchmark}.")
    return _Run(folder, report, scores)


def _check_comparable(first: _Run, other: _Run) -> None:
    for (name, ours), (_, theirs) in zip(_conditions(first.report), _conditions(other.report), strict=True):
        if ours != theirs:
            raise InputError(
                f"{first.folder} and {other.folder} cannot be compared: the {name} differs ({ours} and {theirs}). Run "
                "one of them again with the other's."
            )


def _conditions(report: Report) -> list[tuple[str, object]]:
    judge = report["judge"]
    return [
        ("protocol", report["protocol"]["name"]),
        ("judge", judge["model"]),
        ("judge's options", judge["options"]),
        ("judge's prompts", judge["prompts_digest"]),
        ("data", report["data"]["digest"]),
        ("treatment of missing answers", report["answers"].get("missing", "failures")),
    ]


def _difference(first: _Run, other: _Run) -> dict[str, Any]:
    shared = [name for name in first.scores if name in other.scores]
    if not shared:
        raise InputError(f"{first.folder} and {other.folder} have no item in common that counts in both.")
    differences = [other.scores[name] - first.scores[name] for name in shared]
    estimate = bootstrap(differences)
    least = minimum_detectable_effect(differences)
    return {
        "run": other.name,
        "against": first.name,
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "n": estimate.n,
        "verdict": verdict_of_interval(estimate.low, estimate.high, estimate.n),
        "minimum_detectable_effect": None if least == float("inf") else least,
    }


def _value(figure: Report | None, digits: int) -> str:
    if figure is None or figure["value"] is None:
        return "–"
    return f"{figure['value']:.{digits}f} [{figure['low']:.{digits}f}, {figure['high']:.{digits}f}]"


def _digits(maximum: float) -> int:
    return 3 if maximum <= 1 else 2 if maximum <= 10 else 1
