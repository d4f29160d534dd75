"""Intervals match textbook values."""

import pytest

from interleavethinker.evaluation.statistics import bootstrap, cluster_bootstrap, mean, rate, verdict_of_interval


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


@pytest.mark.parametrize(("low", "high"), [(0.01, 3.0), (-0.01, 3.0), (0.0, 3.0)])
def test_a_gain_and_a_loss_of_the_same_size_have_opposite_verdicts(low: float, high: float) -> None:
    opposite = {"better": "worse", "undecided": "undecided"}
    assert verdict_of_interval(-high, -low, 5) == opposite[verdict_of_interval(low, high, 5)]
    assert verdict_of_interval(low, high, 5) == ("better" if low > 0 else "undecided")
    assert verdict_of_interval(low, high, 1) == "undecided"


def test_an_interval_over_clusters_covers_the_choice_of_clusters() -> None:
    """Training runs that differ by more than their requests do: few requests more do not make the mean surer."""
    noise = [-0.5, 0.5] * 100
    runs = [[center + each for each in noise] for center in (-2.0, 1.0, 4.0)]
    found, pooled = cluster_bootstrap(runs), bootstrap([value for run in runs for value in run])
    assert found.value == pytest.approx(1.0)
    assert pooled.low > 0.5, "as if 600 requests were independent"
    assert found.low < -0.5
    assert found.high > 2.5
    assert found == cluster_bootstrap(runs) != cluster_bootstrap(runs, seed=1)


def test_clusters_of_equal_means_have_the_interval_of_their_samples() -> None:
    values = [0.0, 0.1, 0.5, 0.9] * 60
    found, one = cluster_bootstrap([values] * 4), bootstrap(values * 4)
    assert (found.low, found.high) == pytest.approx((one.low, one.high), abs=0.01)
    assert cluster_bootstrap([values]).low == pytest.approx(bootstrap(values).low, abs=0.01)


def test_every_cluster_counts_alike_whatever_its_size() -> None:
    assert cluster_bootstrap([[0.0] * 99, [1.0]]).value == 0.5
    for wrong in ([], [[1.0], []]):
        with pytest.raises(ValueError, match="every cluster needs samples"):
            cluster_bootstrap(wrong)


def test_the_cluster_interval_covers_the_true_gain_about_as_often_as_it_says() -> None:
    import random

    chance, covered = random.Random(7), 0
    for trial in range(60):
        runs = [[chance.gauss(center, 2.0) for _ in range(40)] for center in (chance.gauss(1.0, 1.0) for _ in range(8))]
        found = cluster_bootstrap(runs, trial, 400)
        covered += found.low <= 1.0 <= found.high
    assert 48 <= covered <= 60
