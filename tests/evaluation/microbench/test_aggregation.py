"""What the figures of MicroBench claim, and what they refuse to claim."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from interleavethinker.evaluation.microbench.aggregation import Measured, compare, figures_of, shares
from interleavethinker.evaluation.microbench.config import ExperimentConfig
from interleavethinker.evaluation.microbench.robustness import ERRORS, brittleness_of, points
from interleavethinker.evaluation.microbench.runner import Result

FAMILIES = ("narrative", "questions")


def run(images: Sequence[float], text: float = 50.0) -> tuple[Result, ...]:
    """Results with these image scores; every second request wants words only."""
    made = []
    for number, image in enumerate(images):
        steps = None if number % 2 else image
        made.append(
            Result(
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
                kept=(),
            )
        )
    return tuple(made)


def noisy(centre: float, n: int = 200, seed: int = 0) -> list[float]:
    return [float(value) for value in np.random.default_rng(seed).normal(centre, 20, n)]


def test_words_only_requests_count_with_their_text_alone() -> None:
    figures = figures_of(Measured((run([80, 0, 80, 0], text=40),)))
    assert (figures["text"], figures["image"], figures["average"]) == (40, 80, 50)
    families: Any = figures["families"]
    assert families["questions"] == {"text": 40, "image": None, "average": 40, "low": 40, "high": 40, "n": 2}


def test_training_seeds_are_averaged_request_by_request_and_told_apart() -> None:
    row = Measured((run([60, 0, 60, 0]), run([80, 0, 80, 0])))
    figures = figures_of(row)
    assert (figures["image"], figures["n"], figures["training_seeds"]) == (70, 4, 2)
    assert figures["by_training_seed"] == [52.5, 57.5]


def test_a_difference_below_what_the_requests_can_show_is_undecided() -> None:
    row = Measured((run(noisy(60)),))
    near, far = Measured((run(noisy(61, seed=1)),)), Measured((run(noisy(80, seed=1)),))
    assert compare(near, row, "image")["verdict"] == "undecided"
    better = compare(far, row, "image")
    assert better["verdict"] == "better"
    assert compare(row, far, "image")["verdict"] == "worse"
    assert compare(row, row, "image")["verdict"] == "undecided"
    assert better["n"] == 100  # those with pictures


def test_rows_are_compared_on_the_requests_that_both_have() -> None:
    long, short = Measured((run([70] * 20),)), Measured((run([60] * 10),))
    assert compare(long, short, "image") | {"verdict": ""} == {
        "value": 10,
        "low": 10,
        "high": 10,
        "n": 5,
        "smallest_detectable": 0,
        "verdict": "",
    }


def test_shares_of_a_gain_add_up_in_both_orders() -> None:
    nothing, planner, critic, both = (Measured((run([value] * 8),)) for value in (10, 50, 20, 90))
    gains: Any = shares(nothing, planner, critic, both, "image")
    assert gains["planner_first"]["value"] + gains["critic_last"]["value"] == gains["whole"]["value"] == 80
    assert gains["critic_first"]["value"] + gains["planner_last"]["value"] == 80
    assert (gains["planner_share_added_first"], gains["planner_share_added_last"]) == (0.5, 0.875)
    none: Any = shares(both, both, both, both, "image")
    assert none["planner_share_added_first"] is None


@pytest.mark.parametrize(
    ("error", "spoiled", "alone_spoiled", "verdict"),
    [
        ("flipped verdicts", 30, 50, "reinforces"),
        ("flipped verdicts", 80, 50, "what harm it does is less than"),
        ("flipped verdicts", 65, 50, "suffers, but stays better"),
        ("misleading prompts", 50, 50, "suffers, and is no better"),
        ("plan errors", 75, 30, "recovers"),
        ("plan errors", 45, 30, "suffers, but stays better"),
        ("plan errors", 20, 45, "reinforces"),
    ],
)
def test_brittleness_is_judged_against_having_no_critic(
    error: str, spoiled: float, alone_spoiled: float, verdict: str
) -> None:
    agent = ExperimentConfig("oracle", "oracle")
    results: dict[ExperimentConfig, tuple[Result, ...]] = {}
    for point in points(agent):
        alone = point.variant == "no critic"
        worst = point.error == error and point.rate == 0.4
        level = (alone_spoiled if worst else 50) if alone else (spoiled if worst else 80)
        results.setdefault(point.setting, run([level] * 20))
    summary: Any = brittleness_of(agent, results)["summary"]
    assert summary[error]["verdict"].startswith(verdict)
    assert set(summary) == set(ERRORS)
