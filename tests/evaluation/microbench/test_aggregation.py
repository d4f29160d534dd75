"""MicroBench's metrics, differences, gain attribution and robustness verdicts, on results with known scores."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from interleavethinker.evaluation.microbench.aggregation import (
    ExperimentResults,
    compare,
    gain_attribution,
    is_firm,
    metrics_of,
    verdict_at_95,
)
from interleavethinker.evaluation.microbench.config import ExperimentConfig
from interleavethinker.evaluation.microbench.robustness import ERRORS, curve_points, robustness_report
from interleavethinker.evaluation.microbench.runner import RequestResult

FAMILIES = ("narrative", "questions")


def run(
    images: Sequence[float], text: float = 50.0, right: Sequence[bool | None] | None = None
) -> tuple[RequestResult, ...]:
    """Returns results with these image scores; every second request wants text only.

    Args:
        images: The image score of each request.
        text: The text score of all requests.
        right: Whether each request's document is right; by default as results of earlier versions.
    """
    made = []
    for number, image in enumerate(images):
        steps = None if number % 2 else image
        made.append(
            RequestResult(
                number=number,
                request="",
                family=FAMILIES[number % 2],
                text=text,
                steps=steps,
                final=steps,
                calls=2,
                seconds=1.0,
                plan=(),
                attempts=(),
                selected=(),
                reference_images=None if right is None else 0 if number % 2 else 1 + number // 2,
                document_right=None if right is None else right[number],
            )
        )
    return tuple(made)


def random_scores(centre: float, n: int = 200, seed: int = 0) -> list[float]:
    return [float(value) for value in np.random.default_rng(seed).normal(centre, 20, n)]


def test_text_only_requests_count_with_their_text_score() -> None:
    metrics = metrics_of(ExperimentResults((run([80, 0, 80, 0], text=40),)))
    assert (metrics["text"], metrics["image"], metrics["average"]) == (40, 80, 50)
    families: Any = metrics["families"]
    assert families["questions"] == {"text": 40, "image": None, "average": 40, "low": 40, "high": 40, "n": 2}


def test_training_seeds_are_averaged_per_request_and_also_reported_separately() -> None:
    results = ExperimentResults((run([60, 0, 60, 0]), run([80, 0, 80, 0])))
    metrics = metrics_of(results)
    assert (metrics["image"], metrics["n"], metrics["training_seeds"]) == (70, 4, 2)
    assert metrics["by_training_seed"] == [52.5, 57.5]


def test_the_rate_of_right_documents_is_over_the_requests_that_have_it_with_a_wilson_interval() -> None:
    metrics: Any = metrics_of(ExperimentResults((run([80] * 6, right=[True, True, False, None, True, True]),)))
    rate = metrics["document_right"]
    assert (rate["value"], rate["n"]) == (0.8, 5)
    assert (rate["low"], rate["high"]) == (0.3755, 0.9638)  # Wilson, 4 of 5
    assert metrics["n"] == 6
    seeds: Any = metrics_of(ExperimentResults((run([80], right=[True]), run([80], right=[False]))))["document_right"]
    assert (seeds["value"], seeds["n"]) == (0.5, 1)


def test_results_are_grouped_by_the_number_of_images_in_the_reference_plan() -> None:
    right = [True, False, False, True, True, True]
    lengths: Any = metrics_of(ExperimentResults((run([60, 0, 80, 0, 90, 0], right=right),)))["plan_lengths"]
    assert list(lengths) == ["0", "1", "2", "3"]
    assert [one["n"] for one in lengths.values()] == [3, 1, 1, 1]
    assert [one["image"] for one in lengths.values()] == [None, 60, 80, 90]
    assert [one["document_right"]["value"] for one in lengths.values()] == [0.6667, 1, 0, 1]
    assert lengths["2"] | {"document_right": None} == {
        "text": 50,
        "image": 80,
        "average": 65,
        "low": 65,
        "high": 65,
        "n": 1,
        "generator_calls": 2,
        "document_right": None,
    }


def test_results_without_these_measures_give_none_instead_of_zero() -> None:
    metrics = metrics_of(ExperimentResults((run([80, 0]),)))
    assert (metrics["document_right"], metrics["plan_lengths"]) == (None, {})


def test_a_difference_below_the_minimum_detectable_effect_is_inconclusive() -> None:
    results = ExperimentResults((run(random_scores(60)),))
    near, far = (
        ExperimentResults((run(random_scores(61, seed=1)),)),
        ExperimentResults((run(random_scores(80, seed=1)),)),
    )
    assert compare(near, results, "image")["verdict"] == "inconclusive"
    better = compare(far, results, "image")
    assert better["verdict"] == "better"
    assert compare(results, far, "image")["verdict"] == "worse"
    assert compare(results, results, "image")["verdict"] == "inconclusive"
    assert better["n"] == 100  # the requests with images


@pytest.mark.parametrize("sign", [1, -1])
def test_the_verdict_at_95_percent_is_as_strict_about_losses_as_about_gains_and_firm_ones_are_larger(sign: int) -> None:
    results = ExperimentResults((run([50 + sign * 10 * (number % 2) for number in range(40)]),))
    nothing = ExperimentResults((run([50] * 40),))
    one = compare(results, nothing, "image")
    likely = one | {"low": sign * 3 - 2, "high": sign * 3 + 2, "verdict": "inconclusive"}
    assert (verdict_at_95(likely), is_firm(likely)) == ("better" if sign > 0 else "worse", False)
    assert (verdict_at_95(likely | {"low": -1, "high": 1}), is_firm(likely)) == ("undecided", False)
    far = compare(ExperimentResults((run([50 + 30 * sign] * 40),)), nothing, "image")
    assert (verdict_at_95(far), is_firm(far)) == ("better" if sign > 0 else "worse", True)


def test_experiments_are_compared_on_their_common_requests() -> None:
    long, short = ExperimentResults((run([70] * 20),)), ExperimentResults((run([60] * 10),))
    assert compare(long, short, "image") | {"verdict": ""} == {
        "value": 10,
        "low": 10,
        "high": 10,
        "n": 5,
        "minimum_detectable_effect": 0,
        "verdict": "",
    }


def test_attributed_gains_add_up_in_both_orders() -> None:
    nothing, planner, critic, both = (ExperimentResults((run([value] * 8),)) for value in (10, 50, 20, 90))
    gains: Any = gain_attribution(nothing, planner, critic, both, "image")
    assert gains["planner_first"]["value"] + gains["critic_last"]["value"] == gains["total"]["value"] == 80
    assert gains["critic_first"]["value"] + gains["planner_last"]["value"] == 80
    assert (gains["planner_share_added_first"], gains["planner_share_added_last"]) == (0.5, 0.875)
    none: Any = gain_attribution(both, both, both, both, "image")
    assert none["planner_share_added_first"] is None


@pytest.mark.parametrize(
    ("error", "perturbed", "perturbed_no_critic", "verdict"),
    [
        ("flipped verdicts", 30, 50, "amplified"),
        ("flipped verdicts", 80, 50, "no detectable loss"),
        ("flipped verdicts", 65, 50, "degrades, but stays better"),
        ("misleading prompts", 50, 50, "degrades, and is not detectably better"),
        ("plan errors", 75, 30, "recovers"),
        ("plan errors", 45, 30, "degrades, but stays better"),
        ("plan errors", 20, 45, "amplified"),
    ],
)
def test_the_robustness_verdict_compares_with_no_critic(
    error: str, perturbed: float, perturbed_no_critic: float, verdict: str
) -> None:
    agent = ExperimentConfig("oracle", "oracle")
    results: dict[ExperimentConfig, tuple[RequestResult, ...]] = {}
    for point in curve_points(agent):
        alone = point.variant == "no critic"
        worst = point.error == error and point.rate == 0.4
        level = (perturbed_no_critic if worst else 50) if alone else (perturbed if worst else 80)
        results.setdefault(point.config, run([level] * 20))
    summary: Any = robustness_report(agent, results)["summary"]
    assert summary[error]["verdict"].startswith(verdict)
    assert set(summary) == set(ERRORS)
