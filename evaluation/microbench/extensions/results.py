"""The result of one extension experiment, as data: rows of measures, and paired differences between rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from interleavethinker.evaluation.microbench.aggregation import difference_of
from interleavethinker.evaluation.statistics import Estimate

__all__ = ["ExtensionResult", "ExtensionRow", "paired_difference", "percent"]


@dataclass(frozen=True)
class ExtensionRow:
    """One line of an experiment's table."""

    name: str
    measures: Mapping[str, Estimate]
    """By name, 0..100; the first one is the main measure, which the plot shows."""
    counts: Mapping[str, float] = field(default_factory=dict)
    """Means without an interval, such as generator calls."""
    differences: Mapping[str, dict[str, JsonValue]] = field(default_factory=dict)
    """By measure, the paired difference to another row; see `paired_difference`."""


@dataclass(frozen=True)
class ExtensionResult:
    """One experiment's table."""

    n: int
    """Number of units that are resampled together."""
    unit: str
    rows: tuple[ExtensionRow, ...]
    settings: Mapping[str, JsonValue] = field(default_factory=dict)
    """What was fixed before the run."""
    rates: Mapping[str, Estimate] = field(default_factory=dict)
    """Further rates, 0..100, that belong to no row."""

    def as_json(self) -> dict[str, JsonValue]:
        """Returns the result as JSON data."""
        return {
            "n": self.n,
            "unit": self.unit,
            "settings": dict(self.settings),
            "rows": [
                {
                    "name": row.name,
                    "measures": {name: _interval(one) for name, one in row.measures.items()},
                    "counts": {name: round(value, 3) for name, value in row.counts.items()},
                    "differences": dict(row.differences),
                }
                for row in self.rows
            ],
            "rates": {name: {**_interval(one), "n": one.n} for name, one in self.rates.items()},
        }


def paired_difference(reference: str, values: Sequence[float], others: Sequence[float]) -> dict[str, JsonValue]:
    """Returns the difference of a row to a reference row, unit by unit.

    Args:
        reference: The reference row's name.
        values: The row's measure, one value per unit.
        others: The reference row's, of the same units in the same order.
    """
    return {"reference": reference, **difference_of([one - other for one, other in zip(values, others, strict=True)])}


def percent(share: Estimate) -> Estimate:
    """Returns a share 0..1 as percent."""
    return Estimate(100 * share.value, 100 * share.low, 100 * share.high, share.n)


def _interval(one: Estimate) -> dict[str, JsonValue]:
    return {"value": round(one.value, 2), "low": round(one.low, 2), "high": round(one.high, 2)}
