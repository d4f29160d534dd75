"""Intervals around measured rates and means. Plain numbers in, plain numbers out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Estimate", "mean", "rate"]

_Z = 1.959963984540054
"""Standard normal quantile of a two-sided 95 % interval."""


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval and the number of samples behind it."""

    value: float
    low: float
    high: float
    n: int


def rate(hits: Sequence[bool]) -> Estimate:
    """Share of true outcomes with its Wilson interval; no samples give 0 with the interval 0..1."""
    n = len(hits)
    if n == 0:
        return Estimate(0.0, 0.0, 1.0, 0)
    share = sum(hits) / n
    centre = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n * n))
    return Estimate(share, max(0.0, centre - half), min(1.0, centre + half), n)


def mean(values: Sequence[float]) -> Estimate:
    """Mean with its normal interval; no samples give 0 with an empty interval."""
    n = len(values)
    if n == 0:
        return Estimate(0.0, 0.0, 0.0, 0)
    centre = sum(values) / n
    spread = math.sqrt(sum((value - centre) ** 2 for value in values) / max(1, n - 1))
    half = _Z * spread / math.sqrt(n)
    return Estimate(centre, centre - half, centre + half, n)
