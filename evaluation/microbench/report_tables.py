"""Tables that MicroBench's Markdown and HTML reports share: right documents, and results by plan length.

A plan's length is the number of images in the reference plan; 0 means that the request is answered in words. Reports of
earlier versions have neither figure, and their tables are empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["NOT_MEASURED", "ReportTable", "document_table", "number", "plan_length_table"]

Report = Mapping[str, Any]
NOT_MEASURED = "–"
_PARTS = ("experiments", "controls", "reward_noise")
_BY_LENGTH = ("planner, no critic", "full SFT", "full RL")
"""The experiments whose results are shown by plan length; all if none of them was run."""


@dataclass(frozen=True)
class ReportTable:
    """A table of texts, with the text above it."""

    title: str
    note: str
    heads: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]


def document_table(report: Report) -> ReportTable:
    """Returns the share of right documents of every experiment, in total and by plan length."""
    rows = [row for part in _PARTS for row in report[part] if row.get("document_right")]
    lengths = _lengths(rows)
    lines = [
        (
            _name(row),
            _rate(row["document_right"]),
            str(row["document_right"]["n"]),
            *(_share((row["plan_lengths"].get(length) or {}).get("document_right")) for length in lengths),
        )
        for row in rows
    ]
    return ReportTable(
        "Whole documents right",
        "Share of the requests whose whole answer is right, with 95 % Wilson intervals. An answer in words is right if "
        "it has the content of the reference's; any other if it has as many images as the reference, each of them is "
        "exact for its step, and the last one shows the final scene. Columns 0, 1, 2, …: requests by the number of "
        "images in the reference plan; 0: answered in words.",
        ("experiment", "right", "requests", *lengths),
        tuple(lines),
    )


def plan_length_table(report: Report) -> ReportTable:
    """Returns the results of the main experiments by plan length."""
    measured = [row for row in report["experiments"] if row.get("plan_lengths")]
    rows = [row for row in measured if row["name"] in _BY_LENGTH] or measured
    lines = [
        (
            _name(row),
            length,
            str(one["n"]),
            number(one["text"]),
            number(one["image"]),
            f"{one['average']:.1f} [{one['low']:.1f}, {one['high']:.1f}]",
            f"{one['generator_calls']:.2f}",
            _rate(one["document_right"]),
        )
        for row in rows
        for length, one in row["plan_lengths"].items()
    ]
    heads = ("experiment", "images", "requests", "text", "image", "average", "calls", "whole documents right")
    note = (
        "Images: their number in the reference plan; 0: answered in words. The planner alone is *planner, no critic*."
    )
    return ReportTable("Results by plan length", note, heads, tuple(lines))


def number(value: float | None) -> str:
    """Returns a score with one decimal place."""
    return NOT_MEASURED if value is None else f"{value:.1f}"


def _name(row: Report) -> str:
    return f"{row['name']} †" if row["scripted_baseline"] else str(row["name"])


def _lengths(rows: Sequence[Report]) -> list[str]:
    return sorted({length for row in rows for length in row["plan_lengths"]}, key=int)


def _share(one: Report | None) -> str:
    return f"{one['value']:.2f}" if one else NOT_MEASURED


def _rate(one: Report | None) -> str:
    return f"{one['value']:.3f} [{one['low']:.3f}, {one['high']:.3f}]" if one else NOT_MEASURED
