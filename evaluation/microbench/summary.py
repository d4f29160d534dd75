"""The tables of MicroBench in the README and the documentation: the main experiments, one number of requests a table.

Experiments with small differences (SFT and RL) have more requests than the others, so a table with both would compare
averages over different requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interleavethinker.evaluation.markdown_tables import markdown_table

__all__ = ["summary_tables"]

Report = Mapping[str, Any]
_LABELS = {
    "generator alone": "generator alone, the request as its prompt",
    "planner, no critic": "planner, no critic",
    "planner + reseed": "planner + equally many attempts with new seeds",
    "T_max = 5": "planner + critic (RL)",
    "unfiltered, unbalanced": "planner + critic (SFT) from unfiltered, unbalanced rows",
    "one agent, shared weights": "one agent in both roles",
    "oracle critic": "with a critic that knows the target",
    "oracle planner": "with a planner that knows the plan",
    "full SFT": "planner + critic (SFT)",
    "RL without step-wise reward": "planner + critic (RL without step-wise reward)",
    "RL without accuracy reward": "planner + critic (RL without accuracy reward)",
    "full RL": "planner + critic (RL)",
}
"""Names in the tables; experiments of one number of requests form a table."""
_SIZES = ("n", "n_large_sample")


def summary_tables(report: Report) -> str:
    """Returns the main experiments as Markdown tables, one for each number of requests."""
    counts = dict.fromkeys(report[size] for size in _SIZES)
    return "\n\n".join(table for count in counts if (table := _table(report, count))) + "\n"


def _table(report: Report, count: int) -> str:
    rows = {row["name"]: row for row in report["experiments"] if row["n"] == count}
    lines = [_line(label, rows[name]) for name, label in _LABELS.items() if name in rows]
    if not lines:
        return ""
    heads = ("text", "image", "average (95 % interval)", "generator calls", "paper (UEval), average")
    return markdown_table((f"n = {count:,}", *heads), lines)


def _line(label: str, row: Report) -> tuple[str, ...]:
    paper = "–" if row["paper"] is None else f"{row['paper']['average']:.1f}"
    image = "–" if row["image"] is None else f"{row['image']:.1f}"
    average = f"{row['average']:.1f} [{row['low']:.1f}, {row['high']:.1f}]"
    return label, f"{row['text']:.1f}", image, average, f"{row['generator_calls']:.1f}", paper
