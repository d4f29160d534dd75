"""MicroBench's report as Markdown: experiments next to the paper's scores, then results by several criteria.

These are right documents, plan lengths, families, gain attribution and robustness.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from interleavethinker.evaluation.markdown_tables import markdown_table

from .aggregation import is_firm, verdict_at_95
from .experiments import EXPERIMENTS
from .report_tables import NOT_MEASURED as _NONE
from .report_tables import ReportTable, document_table, number, plan_length_table

__all__ = ["both_verdicts", "difference_cell", "markdown_report", "paper_order"]

Report = Mapping[str, Any]
_HEADS = ("experiment", "text", "image", "average", "calls", "difference of averages", "requests", "seeds")


def markdown_report(report: Report) -> str:
    """Returns the whole report as one Markdown document."""
    parts = [_head(report), _experiments(report), _paper_orders(report), _skipped(report)]
    parts += [_section(document_table(report)), _section(plan_length_table(report)), _families(report)]
    parts += [_gain_attribution(report), _other_experiments("Controls", report["controls"])]
    if report["robustness"]:
        parts.append(_robustness(report["robustness"]))
        parts.append(_other_experiments("RL with a noisy reward", report["reward_noise"]))
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(report: Report) -> str:
    run = report.get("run") or {}
    command = run.get("command", "interleavethinker evaluate microbench")
    source = f"`{command}`, commit {run.get('commit') or 'unknown'}, seed {report['seed']}, {run.get('date', '')}"
    text = (
        f"{source}; {report['seconds']:.0f} s. {report['n']} held-out requests per experiment "
        f"({report['n_large_sample']} for full SFT and the RL experiments; differences are over the requests that both "
        "experiments have). Scores: 0–100, 95 % bootstrap intervals over requests. A difference is better or worse if "
        "its interval excludes zero, for gains and losses alike, and undecided otherwise. It is firm if it also "
        "exceeds the minimum detectable effect of this many requests (MDE, 80 % power)."
    )
    lines = ["# MicroBench", "", text]
    if any(row["scripted_baseline"] for row in report["experiments"]):
        lines += [
            "",
            "† A scripted baseline takes the place of a learned planner or critic: not a result of the method.",
        ]
    return "\n".join(lines)


def _experiments(report: Report) -> str:
    found = {row["name"]: row for row in report["experiments"]}
    skipped = {row["name"] for row in report["skipped"]}
    lines = []
    for experiment in EXPERIMENTS:
        paper = experiment.paper
        scores = _NONE if paper is None else f"{paper.text:.1f} / {paper.image:.1f} / {paper.average:.1f}"
        if experiment.name in found:
            lines.append([*_cells(found[experiment.name]), scores])
        elif experiment.name in skipped:
            lines.append([experiment.name, "skipped", *[_NONE] * 6, scores])
    return markdown_table((*_HEADS, "paper: text / image / average"), lines)


def _cells(row: Report) -> list[str]:
    mark = " †" if row["scripted_baseline"] else ""
    average = f"**{row['average']:.1f}** [{row['low']:.1f}, {row['high']:.1f}]"
    counts = [str(row["n"]), str(row["training_seeds"])]
    calls = f"{row['generator_calls']:.2f}"
    return [row["name"] + mark, number(row["text"]), number(row["image"]), average, calls, _difference(row), *counts]


def _difference(row: Report) -> str:
    if not row["difference"]:
        return _NONE
    return difference_cell(row["difference"]["average"], f" to {row['difference']['reference']}")


def difference_cell(one: Report, reference: str = "") -> str:
    """Returns a difference of `compare` with its interval, both verdicts and the minimum detectable effect."""
    smallest = one["minimum_detectable_effect"]
    effect = "" if smallest is None else f"; MDE {smallest:.1f}"
    return f"{_signed(one)}{reference}: {both_verdicts(one)}{effect}"


def _signed(one: Report) -> str:
    return f"{one['value']:+.1f} [{one['low']:+.1f}, {one['high']:+.1f}]"


def both_verdicts(difference: Report) -> str:
    """Returns the verdict of a difference at the 95 % level, and whether it is firm."""
    return verdict_at_95(difference) + (", firm" if is_firm(difference) else "")


def paper_order(row: Report, measure: str = "average") -> str:
    """Returns whether an experiment's difference has the paper's sign; empty where the paper has none."""
    if not row["difference"] or row["difference"]["paper"] is None:
        return ""
    paper, one = row["difference"]["paper"][measure], row["difference"][measure]
    verdict = verdict_at_95(one)
    if verdict == "undecided":
        return verdict
    order = "as in the paper" if (paper > 0) == (verdict == "better") else "contrary to the paper"
    return f"{order}, firm" if is_firm(one) else order


def _paper_orders(report: Report) -> str:
    lines = [
        [
            row["name"],
            row["difference"]["reference"],
            measure,
            f"{row['difference']['paper'][measure]:+.1f}",
            _signed(one),
            order,
        ]
        for row in report["experiments"]
        for measure in ("average", "image")
        if (order := paper_order(row, measure)) and (one := row["difference"][measure])
    ]
    heads = ("experiment", "compared with", "score", "paper", "MicroBench", "order")
    return "## Is the paper's order reproduced?\n\n" + markdown_table(heads, lines) if lines else ""


def _skipped(report: Report) -> str:
    if not report["skipped"]:
        return ""
    lines = [
        [row["name"], row["reason"], f"`{row['recipe']}`" if row["recipe"] else _NONE] for row in report["skipped"]
    ]
    return "## Skipped\n\n" + markdown_table(("experiment", "reason", "how to train its weights"), lines)


def _families(report: Report) -> str:
    families = list(dict.fromkeys(family for row in report["experiments"] for family in row["families"]))
    lines = [
        [row["name"], *(number((row["families"].get(family) or {}).get("average")) for family in families)]
        for row in report["experiments"]
    ]
    return "## Averages by family\n\n" + markdown_table(("experiment", *families), lines)


def _gain_attribution(report: Report) -> str:
    part = report["gain_attribution"]
    if not part:
        return ""
    groups = {"image, all": part["image"], "average, all": part["average"]}
    groups |= {f"image, {name}": gains for name, gains in part["families"].items()}
    lines = [
        [
            name,
            *(f"{one[key]['value']:+.1f}" for key in ("planner_first", "critic_last", "critic_first", "planner_last")),
            f"{one['total']['value']:+.1f}",
            f"{_percent(one['planner_share_added_first'])} / {_percent(one['planner_share_added_last'])}",
        ]
        for name, one in groups.items()
    ]
    heads = (
        *("points over the generator alone", "planner first", "then critic", "critic first", "then planner"),
        *("both", "planner's share (first / last)"),
    )
    runs = f"Of the first training seed, on {part['critic_only']['n']} requests."
    return f"## Gain attribution ({part['both']})\n\n{runs}\n\n" + markdown_table(heads, lines)


def _robustness(part: Report) -> str:
    points = part["points"]
    curves = list(dict.fromkeys((point["error"], point["variant"]) for point in points))
    lines = [
        [error, variant, *_curve(point for point in points if (point["error"], point["variant"]) == (error, variant))]
        for error, variant in curves
    ]
    heads = ("error", "loop", *(f"rate {rate:g}" for rate in part["rates"]))
    verdicts = [f"- **{error}**, rate {one['rate']:g}: {_summary(one)}" for error, one in part["summary"].items()]
    agents = f"Planner {part['planner']}, critic {part['critic']}, {part['n']} requests with images."
    text = [
        "## Robustness: does the loop recover from errors or amplify them?",
        f"{agents} Image score, with generator calls per request in parentheses.",
        markdown_table(heads, lines),
        "\n".join(verdicts),
    ]
    return "\n\n".join(text)


def _curve(points: Iterable[Report]) -> Iterator[str]:
    return (f"{point['image']:.1f} ({point['generator_calls']:.2f})" for point in points)


def _summary(one: Report) -> str:
    cost = f"Loss of image score: {_points(one['cost'])}"
    if one["cost_without_critic"]:
        cost += f" (without a critic {_points(one['cost_without_critic'])})"
    gains = (f"gain from {name}: {_points(gain)}" for name, gain in one["gain_from"].items())
    against = f"compared with no critic: {_points(one['against_no_critic'])}"
    return f"{one['verdict']}. {cost}; {against}; {'; '.join(gains)}."


def _points(one: Report) -> str:
    mark = ", firm" if is_firm(one) else ", undecided" if verdict_at_95(one) == "undecided" else ""
    return _signed(one) + mark


def _other_experiments(title: str, rows: Sequence[Report]) -> str:
    """Returns a table of experiments that are not in the paper's tables."""
    lines = [_cells(row) for row in rows]
    return f"## {title}\n\n{markdown_table(_HEADS, lines)}" if lines else ""


def _section(table: ReportTable) -> str:
    return f"## {table.title}\n\n{table.note}\n\n{markdown_table(table.heads, table.lines)}" if table.lines else ""


def _percent(share: float | None) -> str:
    return _NONE if share is None else f"{100 * share:.0f} %"
