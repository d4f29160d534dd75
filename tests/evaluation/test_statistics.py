"""Intervals match textbook values."""

import pytest

from interleavethinker.evaluation.statistics import bootstrap, mean, rate


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (380, 400, 0.9240, 0.9674)],
)
def test_a_rate_has_a_wilson_interval(hits: int, n: int, low: float, high: float) -> None:
    estimate = rate([True] * hits + [False] * (n - hits))
    assert estimate.value == hits / n
    assert estimate.low == pytest.approx(low, abs=1e-4)
    assert estimate.high == pytest.approx(high, abs=1e-4)


def test_no_samples_give_the_widest_interval() -> None:
    assert (rate([]).low, rate([]).high, rate([]).n) == (0.0, 1.0, 0)
    assert mean([]).n == 0


def test_a_means_interval_shrinks_with_the_square_root_of_the_number_of_samples() -> None:
    few, many = mean([0.0, 1.0] * 8), mean([0.0, 1.0] * 32)
    assert few.value == many.value == 0.5
    assert (few.high - few.low) / (many.high - many.low) == pytest.approx(2, rel=0.05)


def test_a_bootstrap_interval_agrees_with_the_normal_one_and_depends_only_on_the_seed() -> None:
    values = [0.0, 0.1, 0.5, 0.9] * 60
    found, normal = bootstrap(values), mean(values)
    assert found.value == pytest.approx(normal.value)
    assert (found.low, found.high) == pytest.approx((normal.low, normal.high), abs=0.01)
    assert found == bootstrap(values) != bootstrap(values, seed=1)
    assert bootstrap([]).n == 0


def test_a_rate_of_shares_equals_the_rate_of_their_outcomes() -> None:
    assert rate([0.5, 0.5, 1.0, 0.0]) == rate([True, True, False, False])
