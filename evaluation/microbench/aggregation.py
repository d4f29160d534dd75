"""From finished requests to metrics: means with bootstrap intervals, paired differences, gain attribution.

An experiment's training seeds are averaged request by request, so an interval covers the choice of requests and not
the choice of training runs; each training seed's own average is reported next to it. A difference has two verdicts, as
strict about losses as about gains: whether its 95 % interval excludes zero, and whether it is firm, that is larger than
the minimum detectable effect of this many requests (80 % power, 5 % level).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from interleavethinker.evaluation.statistics import (
    Estimate,
    bootstrap,
    minimum_detectable_effect,
    rate,
    verdict_of_interval,
)

from .runner import RequestResult

__all__ = [
    "ExperimentResults",
    "compare",
    "difference_of",
    "gain_attribution",
    "is_firm",
    "metrics_of",
    "verdict_at_95",
]

_MEASURES: dict[str, Callable[[RequestResult], float | None]] = {
    "text": lambda result: result.text,
    "image": lambda result: result.scores.image,
    "average": lambda result: result.scores.average,
    "calls": lambda result: float(result.calls),
    "document_right": lambda result: None if result.document_right is None else float(result.document_right),
}


@dataclass(frozen=True)
class ExperimentResults:
    """An experiment's results: for each training seed those of the same requests in the same order."""

    runs: tuple[tuple[RequestResult, ...], ...]

    def values(self, measure: str, family: str | None = None, images: int | None = None) -> dict[int, float]:
        """Returns a measure by request number, averaged over training seeds; requests without it are left out.

        Args:
            measure: `text`, `image`, `average`, `calls` or `document_right`.
            family: Only requests of this family.
            images: Only requests whose reference plan has this number of images.

        Examples:
            Two training seeds scored request 0 at 60 and 80, and request 1 has no image:
            `values("image")` is `{0: 70.0}`.
        """
        read = _MEASURES[measure]
        found: dict[int, float] = {}
        for of_request in zip(*self.runs, strict=True):
            first = of_request[0]
            values = [value for result in of_request if (value := read(result)) is not None]
            if values and family in {None, first.family} and images in {None, first.reference_images}:
                found[first.number] = sum(values) / len(values)
        return found

    @property
    def families(self) -> list[str]:
        """The families of the requests, in order of appearance."""
        return list(dict.fromkeys(result.family for result in self.runs[0]))

    @property
    def plan_lengths(self) -> list[int]:
        """The numbers of images in the requests' reference plans, in ascending order."""
        return sorted({one.reference_images for one in self.runs[0] if one.reference_images is not None})


def metrics_of(results: ExperimentResults) -> dict[str, JsonValue]:
    """Returns an experiment's metrics: scores 0..100, `None` where no request has such a score."""
    all_results = [result for run in results.runs for result in run]
    average = bootstrap(list(results.values("average").values()))
    metrics: dict[str, JsonValue] = {
        "text": _mean(results, "text"),
        "image": _mean(results, "image"),
        "average": round(average.value, 2),
        "low": round(average.low, 2),
        "high": round(average.high, 2),
        "generator_calls": _mean(results, "calls"),
    }
    for measure in ("text", "image"):
        interval = bootstrap(list(results.values(measure).values()))
        metrics |= {f"{measure}_low": round(interval.low, 2), f"{measure}_high": round(interval.high, 2)}
    return metrics | {
        "n": average.n,
        "training_seeds": len(results.runs),
        "by_training_seed": [_mean(ExperimentResults((run,)), "average") for run in results.runs],
        "failures": sum(bool(result.failure) for result in all_results),
        "best_efforts": round(_best_effort_share(all_results), 4),
        "document_right": _document_rate(results),
        "families": {family: _group_metrics(results, family=family) for family in results.families},
        "plan_lengths": {str(images): _length_metrics(results, images) for images in results.plan_lengths},
    }


def _group_metrics(
    results: ExperimentResults, family: str | None = None, images: int | None = None
) -> dict[str, JsonValue]:
    average = bootstrap(list(results.values("average", family, images).values()))
    return {
        "text": _mean(results, "text", family, images),
        "image": _mean(results, "image", family, images),
        "average": round(average.value, 2),
        "low": round(average.low, 2),
        "high": round(average.high, 2),
        "n": average.n,
    }


def _length_metrics(results: ExperimentResults, images: int) -> dict[str, JsonValue]:
    metrics = _group_metrics(results, images=images)
    calls = _mean(results, "calls", images=images)
    return {**metrics, "generator_calls": calls, "document_right": _document_rate(results, images)}


def _document_rate(results: ExperimentResults, images: int | None = None) -> JsonValue:
    """Returns the share of right documents, 0..1, with its Wilson interval; None if no request has this measure."""
    found = rate(list(results.values("document_right", images=images).values()))
    if found.n == 0:
        return None
    return {"value": round(found.value, 4), "low": round(found.low, 4), "high": round(found.high, 4), "n": found.n}


def _mean(
    results: ExperimentResults, measure: str, family: str | None = None, images: int | None = None
) -> float | None:
    values = list(results.values(measure, family, images).values())
    return round(sum(values) / len(values), 2) if values else None


def _best_effort_share(results: Sequence[RequestResult]) -> float:
    """Returns the share of steps with an image whose attempts were all rejected or unjudged, 0..1."""
    with_image = accepted = 0
    for result in results:
        for step, image in enumerate(result.selected):
            if image is not None:
                with_image += 1
                attempts = [attempt for attempt in result.attempts if attempt.step == step]
                accepted += any(attempt.verdict is not None and attempt.verdict.success for attempt in attempts)
    return 1 - accepted / with_image if with_image else 0.0


def compare(
    results: ExperimentResults, reference: ExperimentResults, measure: str = "average", family: str | None = None
) -> dict[str, JsonValue]:
    """Returns the paired difference of an experiment to a reference, over the requests that both have."""
    return difference_of(_paired(results.values(measure, family), reference.values(measure, family)))


def difference_of(differences: Sequence[float]) -> dict[str, JsonValue]:
    """Returns a mean difference with its bootstrap interval, its minimum detectable effect and its verdict.

    The `verdict` is the firm one: `better`, `worse` or, up to the minimum detectable effect, `inconclusive`.

    Args:
        differences: One difference per pair.
    """
    interval, smallest = bootstrap(differences), minimum_detectable_effect(differences)
    return {
        "value": round(interval.value, 2),
        "low": round(interval.low, 2),
        "high": round(interval.high, 2),
        "n": interval.n,
        "minimum_detectable_effect": round(smallest, 2) if len(differences) > 1 else None,
        "verdict": _verdict(interval, smallest),
    }


def verdict_at_95(difference: Mapping[str, JsonValue]) -> str:
    """Returns the verdict of `verdict_of_interval` on a difference of `compare`."""
    low, high = difference["low"], difference["high"]
    assert isinstance(low, float | int)  # noqa: S101 - as `compare` returns it
    assert isinstance(high, float | int)  # noqa: S101 - likewise
    return verdict_of_interval(low, high, 1 if difference["minimum_detectable_effect"] is None else 2)


def is_firm(difference: Mapping[str, JsonValue]) -> bool:
    """Returns whether a difference of `compare` exceeds the minimum detectable effect of this many requests."""
    return difference["verdict"] != "inconclusive"


def _paired(values: Mapping[int, float], reference: Mapping[int, float]) -> list[float]:
    return [values[number] - reference[number] for number in values if number in reference]


def _verdict(difference: Estimate, smallest: float) -> str:
    if abs(difference.value) <= smallest:
        return "inconclusive"
    return "better" if difference.value > 0 else "worse"


def gain_attribution(
    generator_alone: ExperimentResults,
    planner_only: ExperimentResults,
    critic_only: ExperimentResults,
    both: ExperimentResults,
    measure: str,
    family: str | None = None,
) -> dict[str, JsonValue]:
    """Attributes the gain over the generator alone to planner and critic, in both orders of adding them.

    Args:
        generator_alone: Results without planner and critic.
        planner_only: Results with the planner only.
        critic_only: Results with the critic only.
        both: Results of the whole agent.
        measure: The measure to attribute.
        family: Only requests of this family.

    Returns:
        The gain of each when added first and when added last, and the planner's share of the total gain in both orders;
        shares are `None` unless the total gain is conclusive.

    Examples:
        Scores 10 alone, 50 with the planner, 20 with the critic and 90 with both give `planner_first` 40 and
        `planner_last` 70 of a total of 80: shares 0.5 and 0.875.
    """
    gains = {
        "planner_first": compare(planner_only, generator_alone, measure, family),
        "critic_last": compare(both, planner_only, measure, family),
        "critic_first": compare(critic_only, generator_alone, measure, family),
        "planner_last": compare(both, critic_only, measure, family),
        "total": compare(both, generator_alone, measure, family),
    }
    total = gains["total"]["value"] if gains["total"]["verdict"] == "better" else None
    return {
        **gains,
        "planner_share_added_first": _share(gains["planner_first"], total),
        "planner_share_added_last": _share(gains["planner_last"], total),
    }


def _share(gain: Mapping[str, JsonValue], total: JsonValue) -> float | None:
    value = gain["value"]
    if not isinstance(total, float) or not isinstance(value, float):
        return None
    return round(value / total, 3)
