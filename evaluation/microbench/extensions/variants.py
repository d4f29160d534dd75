"""Variants against refined prompts at equal numbers of generator calls, in the form of the extensions' report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interleavethinker.evaluation.statistics import Estimate

from .results import ExtensionResult, ExtensionRow

__all__ = ["variants_result"]

_IMAGE = "image score"


def variants_result(report: Mapping[str, Any]) -> ExtensionResult:
    """Returns the table of a report of `run_variants`."""
    return ExtensionResult(
        n=report["n"],
        unit="requests",
        rows=tuple(_row(cell, report["n"]) for cell in report["cells"]),
        settings={"planner": report["planner"], "critic": report["critic"], "images_per_request": report["steps"]},
    )


def _row(cell: Mapping[str, Any], n: int) -> ExtensionRow:
    difference = cell["difference"]
    reference = _name({**cell, "variants": 1, "max_attempts": cell["calls_per_step"]})
    return ExtensionRow(
        _name(cell),
        {
            _IMAGE: Estimate(cell["image"], cell["low"], cell["high"], n),
            "documents right": Estimate(cell["right"], cell["right_low"], cell["right_high"], n),
        },
        {"calls allowed per step": cell["calls_per_step"], "calls per request": cell["generator_calls"]},
        {} if difference is None else {_IMAGE: {"reference": reference, **difference}},
    )


def _name(cell: Mapping[str, Any]) -> str:
    oracle = ", oracle critic" if cell["oracle"] else ""
    return f"N = {cell['variants']}, T_max = {cell['max_attempts']}{oracle}"
