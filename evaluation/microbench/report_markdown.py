"""MicroBench's report as Markdown: the table with the paper's figures beside it, families, shares, brittleness."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .experiments import ROWS

__all__ = ["order_of", "table"]

Report = Mapping[str, Any]
_NONE = "–"


def table(report: Report) -> str:
    """The whole report as one Markdown document."""
    parts = [_head(report), _rows(report), _order(report), _skipped(report), _families(report), _gain(report)]
    parts += [_beside("Controls", report["controls"])]
    if report["brittleness"]:
        parts += [_brittleness(report["brittleness"]), _beside("RL with a noisy reward", report["reward_noise"])]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(report: Report) -> str:
    run = report.get("run") or {}
    command = run.get("command", "interleavethinker evaluate microbench")
    made = f"`{command}`, commit {run.get('commit') or 'unknown'}, seed {report['seed']}, {run.get('date', '')}; "
    text = (
        f"{made}{report['seconds']:.0f} s. {report['n']} held-out requests a row "
        f"({report['n_finer']} for full SFT and the RL rows; differences are over the requests that both rows have). "
        "Scores 0–100, intervals 95 % bootstrap over requests; a difference below what this many requests can show is "
        "undecided."
    )
    lines = ["# MicroBench", "", text]
    if any(row["stand_ins"] for row in report["rows"]):
        lines += ["", "† With a scripted stand-in for a learned planner or critic: not a figure of the method."]
    return "\n".join(lines)


def _rows(report: Report) -> str:
    found = {row["name"]: row for row in report["rows"]}
    skipped = {row["name"] for row in report["skipped"]}
    lines = []
    for row in ROWS:
        paper = None if row.paper is None else (row.paper.text, row.paper.image, row.paper.average)
        beside = _NONE if paper is None else " / ".join(f"{value:.1f}" for value in paper)
        if row.name in found:
            lines.append([*_cells(found[row.name]), beside])
        elif row.name in skipped:
            lines.append([row.name, "skipped", *[_NONE] * 6, beside])
    heads = (
        "row",
        "text",
        "image",
        "average",
        "calls",
        "difference of averages",
        "requests",
        "seeds",
        "paper: text / image / average",
    )
    return _markdown(heads, lines)


def _cells(row: Report) -> list[str]:
    mark = " †" if row["stand_ins"] else ""
    average = f"**{row['average']:.1f}** [{row['low']:.1f}, {row['high']:.1f}]"
    counts = [str(row["n"]), str(row["training_seeds"])]
    calls = f"{row['generator_calls']:.2f}"
    return [row["name"] + mark, _number(row["text"]), _number(row["image"]), average, calls, _difference(row), *counts]


def _difference(row: Report) -> str:
    if not row["difference"]:
        return _NONE
    one = row["difference"]["average"]
    smallest = "" if one["smallest_detectable"] is None else f"; can show {one['smallest_detectable']:.1f}"
    said = f"{one['value']:+.1f} [{one['low']:+.1f}, {one['high']:+.1f}] to {row['difference']['to']}"
    return f"{said}: {one['verdict']}{smallest}"


def order_of(row: Report, measure: str = "average") -> str:
    """Whether a row's difference has the paper's sign; empty where there is nothing to compare."""
    if not row["difference"] or row["difference"]["paper"] is None:
        return ""
    paper, verdict = row["difference"]["paper"][measure], row["difference"][measure]["verdict"]
    if verdict == "undecided":
        return "undecided"
    return "as in the paper" if (paper > 0) == (verdict == "better") else "contrary to the paper"


def _order(report: Report) -> str:
    lines = [
        [
            row["name"],
            row["difference"]["to"],
            measure,
            f"{row['difference']['paper'][measure]:+.1f}",
            f"{one['value']:+.1f} [{one['low']:+.1f}, {one['high']:+.1f}]",
            said,
        ]
        for row in report["rows"]
        for measure in ("average", "image")
        if (said := order_of(row, measure)) and (one := row["difference"][measure])
    ]
    heads = ("row", "compared with", "score", "paper", "here", "order")
    return "## Is the paper's order reproduced?\n\n" + _markdown(heads, lines) if lines else ""


def _skipped(report: Report) -> str:
    if not report["skipped"]:
        return ""
    lines = [
        [row["name"], row["reason"], f"`{row['recipe']}`" if row["recipe"] else _NONE] for row in report["skipped"]
    ]
    return "## Skipped\n\n" + _markdown(("row", "why", "what would make its weights"), lines)


def _families(report: Report) -> str:
    families = list(dict.fromkeys(family for row in report["rows"] for family in row["families"]))
    lines = [
        [row["name"], *(_number((row["families"].get(family) or {}).get("average")) for family in families)]
        for row in report["rows"]
    ]
    return "## Averages by family\n\n" + _markdown(("row", *families), lines)


def _gain(report: Report) -> str:
    gain = report["whose_gain"]
    if not gain:
        return ""
    groups = {"image, all": gain["image"], "average, all": gain["average"]}
    groups |= {f"image, {name}": one for name, one in gain["families"].items()}
    lines = [
        [
            name,
            *(f"{one[key]['value']:+.1f}" for key in ("planner_first", "critic_last", "critic_first", "planner_last")),
            f"{one['whole']['value']:+.1f}",
            f"{_percent(one['planner_share_added_first'])} / {_percent(one['planner_share_added_last'])}",
        ]
        for name, one in groups.items()
    ]
    heads = (
        *("points over the generator alone", "planner first", "then critic", "critic first", "then planner"),
        *("both", "planner's share (first / last)"),
    )
    runs = f"Of the first training seed, on {gain['critic_alone']['n']} requests."
    return f"## Whose gain is it? ({gain['both']})\n\n{runs}\n\n" + _markdown(heads, lines)


def _brittleness(part: Report) -> str:
    points = part["points"]
    curves = list(dict.fromkeys((point["error"], point["variant"]) for point in points))
    lines = [
        [error, variant, *_curve(point for point in points if (point["error"], point["variant"]) == (error, variant))]
        for error, variant in curves
    ]
    heads = ("error", "loop", *(f"rate {rate:g}" for rate in part["rates"]))
    told = [f"- **{error}**, rate {one['rate']:g}: {_said(one)}" for error, one in part["summary"].items()]
    agents = f"Planner {part['planner']}, critic {part['critic']}, {part['n']} requests with pictures."
    text = [
        "## Brittleness: does the loop reinforce a bad path, or recover?",
        f"{agents} Image score; generator calls a request in brackets.",
        _markdown(heads, lines),
        "\n".join(told),
    ]
    return "\n\n".join(text)


def _curve(points: Iterable[Report]) -> Iterator[str]:
    return (f"{point['image']:.1f} ({point['generator_calls']:.2f})" for point in points)


def _said(one: Report) -> str:
    costs = f"it costs {_points(one['cost'])}"
    if one["cost_without_critic"]:
        costs += f" (without a critic {_points(one['cost_without_critic'])})"
    helpers = (f"{name} gains {_points(gain)}" for name, gain in one["gain_of"].items())
    against = f"against no critic {_points(one['against_no_critic'])}"
    return f"{one['verdict']}. Of the image score {costs}; {against}; {'; '.join(helpers)}."


def _points(one: Report) -> str:
    undecided = ", undecided" if one["verdict"] == "undecided" else ""
    return f"{one['value']:+.1f} [{one['low']:+.1f}, {one['high']:+.1f}]{undecided}"


def _beside(title: str, rows: Sequence[Report]) -> str:
    """Rows that are not in the paper's tables."""
    lines = [_cells(row) for row in rows]
    heads = ("row", "text", "image", "average", "calls", "difference of averages", "requests", "seeds")
    return f"## {title}\n\n{_markdown(heads, lines)}" if lines else ""


def _number(value: float | None) -> str:
    return _NONE if value is None else f"{value:.1f}"


def _percent(share: float | None) -> str:
    return _NONE if share is None else f"{100 * share:.0f} %"


def _markdown(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [heads, ["---"] * len(heads), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
