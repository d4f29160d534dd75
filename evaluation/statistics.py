"""Rates and means with 95 % intervals, and minimum detectable effects. Plain numbers in, plain numbers out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = [
    "Estimate",
    "bootstrap",
    "cluster_bootstrap",
    "mean",
    "minimum_detectable_effect",
    "rate",
    "stratified_mean",
    "verdict_of_interval",
]

_Z = 1.959963984540054
"""Standard normal quantile of a two-sided 95 % interval."""
_POWER = 0.8416212335729143
"""Standard normal quantile of a power of 80 %."""


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval and the number of samples behind it."""

    value: float
    low: float
    high: float
    n: int


def rate(hits: Sequence[float]) -> Estimate:
    """Returns a rate with its Wilson interval; without samples 0 with the interval 0..1.

    Args:
        hits: Booleans; or shares in 0..1 if a sample averages several outcomes, such as those of several models.

    Examples:
        >>> rate([True, True, True, False]).value
        0.75
    """
    n = len(hits)
    if n == 0:
        return Estimate(0.0, 0.0, 1.0, 0)
    share = sum(hits) / n
    centre = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n * n))
    return Estimate(share, max(0.0, centre - half), min(1.0, centre + half), n)


def mean(values: Sequence[float]) -> Estimate:
    """Returns a mean with its normal interval; without samples 0 with an empty interval."""
    n = len(values)
    if n == 0:
        return Estimate(0.0, 0.0, 0.0, 0)
    centre = sum(values) / n
    spread = math.sqrt(sum((value - centre) ** 2 for value in values) / max(1, n - 1))
    half = _Z * spread / math.sqrt(n)
    return Estimate(centre, centre - half, centre + half, n)


def stratified_mean(groups: Mapping[str, Sequence[float]], weights: Mapping[str, float] | None = None) -> Estimate:
    """Returns the weighted sum of the groups' means with its normal interval, from the variance within the groups.

    A group with a single sample is given the pooled variance of the others. If all groups have a single sample, the
    interval is infinite. Without samples, 0 with an empty interval.

    Args:
        groups: The samples of each group; empty groups are left out.
        weights: The weight of each group; by default they are equal, with the sum 1.

    Examples:
        >>> stratified_mean({"a": [1.0, 1.0, 1.0], "b": [0.0]}).value
        0.5
    """
    filled = {name: values for name, values in groups.items() if values}
    if not filled:
        return Estimate(0.0, 0.0, 0.0, 0)
    weight = weights or dict.fromkeys(filled, 1 / len(filled))
    means = {name: sum(values) / len(values) for name, values in filled.items()}
    squares = {name: sum((value - means[name]) ** 2 for value in values) for name, values in filled.items()}
    freedom = sum(len(values) - 1 for values in filled.values())
    pooled = sum(squares.values()) / freedom if freedom else math.inf
    variance = 0.0
    for name, values in filled.items():
        own = squares[name] / (len(values) - 1) if len(values) > 1 else pooled
        variance += weight[name] ** 2 * own / len(values)
    value, half = sum(weight[name] * means[name] for name in filled), _Z * math.sqrt(variance)
    return Estimate(value, value - half, value + half, sum(len(values) for values in filled.values()))


def bootstrap(values: Sequence[float], seed: int = 0, draws: int = 10_000) -> Estimate:
    """Returns a mean with its bootstrap percentile interval; without samples 0 with an empty interval.

    Args:
        values: One value per sample; for a paired comparison, the differences.
        seed: Seed of the resampling.
        draws: Number of resamples.
    """
    n = len(values)
    if n == 0:
        return Estimate(0.0, 0.0, 0.0, 0)
    import numpy as np  # part of the extra `local`; nothing else here needs it

    rng, array, chunk = np.random.default_rng(seed), np.asarray(values, dtype=float), 500
    means = np.concatenate([array[rng.integers(n, size=(chunk, n))].mean(1) for _ in range(math.ceil(draws / chunk))])
    low, high = np.quantile(means, (0.025, 0.975))
    return Estimate(float(array.mean()), float(low), float(high), n)


def cluster_bootstrap(clusters: Sequence[Sequence[float]], seed: int = 0, draws: int = 10_000) -> Estimate:
    """Returns the mean over clusters of their means, with a two-stage bootstrap percentile interval.

    Each draw takes clusters with replacement, and samples within each of them with replacement, so the interval covers
    the choice of clusters (training runs) as well as that of samples (requests). With few clusters it is still too
    narrow: three of them give at most ten different averages.

    Args:
        clusters: The samples of each cluster; for paired comparisons, the differences.
        seed: Seed of the resampling.
        draws: Number of resamples.

    Raises:
        ValueError: There is no cluster, or one without samples.
    """
    if not clusters or not all(clusters):
        raise ValueError("every cluster needs samples")
    import numpy as np

    rng, arrays = np.random.default_rng(seed), [np.asarray(values, dtype=float) for values in clusters]
    own = np.array([array.mean() for array in arrays])
    chosen = rng.integers(len(arrays), size=(draws, len(arrays)))
    means = np.zeros(draws)
    for index, array in enumerate(arrays):
        # A cluster that is drawn twice is resampled twice.
        for place in range(len(arrays)):
            rows = np.flatnonzero(chosen[:, place] == index)
            for start in range(0, len(rows), 500):
                part = rows[start : start + 500]
                means[part] += array[rng.integers(len(array), size=(len(part), len(array)))].mean(1) / len(arrays)
    low, high = np.quantile(means, (0.025, 0.975))
    return Estimate(float(own.mean()), float(low), float(high), sum(map(len, arrays)))


def minimum_detectable_effect(differences: Sequence[float]) -> float:
    """Returns the smallest true mean difference that is detected with 80 % power at a two-sided 5 % level.

    Args:
        differences: One difference per pair; fewer than two give infinity.
    """
    n = len(differences)
    if n < 2:
        return math.inf
    centre = sum(differences) / n
    spread = math.sqrt(sum((value - centre) ** 2 for value in differences) / (n - 1))
    return (_Z + _POWER) * spread / math.sqrt(n)


def verdict_of_interval(low: float, high: float, n: int) -> str:
    """Returns `better` or `worse` if the 95 % interval of a difference excludes zero, else `undecided`.

    Gains and losses are held to the same standard. A single sample decides nothing: its interval has no width.

    Examples:
        >>> verdict_of_interval(0.1, 2.0, 30), verdict_of_interval(-2.0, -0.1, 30), verdict_of_interval(-0.1, 2.0, 30)
        ('better', 'worse', 'undecided')
    """
    if n < 2:
        return "undecided"
    return "better" if low > 0 else "worse" if high < 0 else "undecided"
