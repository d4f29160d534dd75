"""From finished requests to figures: means with bootstrap intervals over requests, paired differences, shares of gains.

Training seeds of a row are averaged request by request, so an interval speaks of other requests, not of other
trainings; what each training seed alone reached is told beside it. A difference below what this many requests can show
(80 % power, 5 % level) is called undecided.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from interleavethinker.evaluation.statistics import Estimate, bootstrap, minimum_detectable_effect

from .runner import Result

__all__ = ["Measured", "compare", "figures_of", "shares"]

_MEASURES: dict[str, Callable[[Result], float | None]] = {
    "text": lambda result: result.text,
    "image": lambda result: result.scores.image,
    "average": lambda result: result.scores.average,
    "calls": lambda result: float(result.calls),
}


@dataclass(frozen=True)
class Measured:
    """What a row's runs gave: for each training seed the results of the same requests in the same order."""

    runs: tuple[tuple[Result, ...], ...]

    def values(self, measure: str, family: str | None = None) -> dict[int, float]:
        """A measure by request, averaged over training seeds; requests that lack it are left out.

        Args:
            measure: `text`, `image`, `average` or `calls`.
            family: Of this family only.
        """
        read = _MEASURES[measure]
        found: dict[int, float] = {}
        for together in zip(*self.runs, strict=True):
            one = together[0]
            values = [value for result in together if (value := read(result)) is not None]
            if values and family in {None, one.family}:
                found[one.number] = sum(values) / len(values)
        return found

    @property
    def families(self) -> list[str]:
        """Those met, in order."""
        return list(dict.fromkeys(result.family for result in self.runs[0]))


def figures_of(row: Measured) -> dict[str, JsonValue]:
    """A row's own figures: 0..100, `None` where no request has such a score."""
    results = [result for run in row.runs for result in run]
    average = bootstrap(list(row.values("average").values()))
    figures: dict[str, JsonValue] = {
        "text": _mean(row, "text"),
        "image": _mean(row, "image"),
        "average": round(average.value, 2),
        "low": round(average.low, 2),
        "high": round(average.high, 2),
        "generator_calls": _mean(row, "calls"),
    }
    for measure in ("text", "image"):
        interval = bootstrap(list(row.values(measure).values()))
        figures |= {f"{measure}_low": round(interval.low, 2), f"{measure}_high": round(interval.high, 2)}
    return figures | {
        "n": average.n,
        "training_seeds": len(row.runs),
        "by_training_seed": [_mean(Measured((run,)), "average") for run in row.runs],
        "failures": sum(bool(result.failure) for result in results),
        "best_efforts": round(_best_efforts(results), 4),
        "families": {family: _family(row, family) for family in row.families},
    }


def _family(row: Measured, family: str) -> JsonValue:
    average = bootstrap(list(row.values("average", family).values()))
    return {
        "text": _mean(row, "text", family),
        "image": _mean(row, "image", family),
        "average": round(average.value, 2),
        "low": round(average.low, 2),
        "high": round(average.high, 2),
        "n": average.n,
    }


def _mean(row: Measured, measure: str, family: str | None = None) -> float | None:
    values = list(row.values(measure, family).values())
    return round(sum(values) / len(values), 2) if values else None


def _best_efforts(results: Sequence[Result]) -> float:
    """Share of drawn steps without an accepted attempt."""
    drawn = accepted = 0
    for result in results:
        for step, image in enumerate(result.kept):
            if image is not None:
                drawn += 1
                tries = [attempt for attempt in result.attempts if attempt.step == step]
                accepted += any(attempt.verdict is not None and attempt.verdict.success for attempt in tries)
    return 1 - accepted / drawn if drawn else 0.0


def compare(
    row: Measured, other: Measured, measure: str = "average", family: str | None = None
) -> dict[str, JsonValue]:
    """The row's difference to another one, over the requests that both have."""
    differences = _paired(row.values(measure, family), other.values(measure, family))
    interval, smallest = bootstrap(differences), minimum_detectable_effect(differences)
    return {
        "value": round(interval.value, 2),
        "low": round(interval.low, 2),
        "high": round(interval.high, 2),
        "n": interval.n,
        "smallest_detectable": round(smallest, 2) if len(differences) > 1 else None,
        "verdict": _verdict(interval, smallest),
    }


def _paired(one: Mapping[int, float], other: Mapping[int, float]) -> list[float]:
    return [one[number] - other[number] for number in one if number in other]


def _verdict(difference: Estimate, smallest: float) -> str:
    if abs(difference.value) <= smallest:
        return "undecided"
    return "better" if difference.value > 0 else "worse"


def shares(
    nothing: Measured, planner: Measured, critic: Measured, both: Measured, measure: str, family: str | None = None
) -> dict[str, JsonValue]:
    """How much of the gain over the generator alone is the planner's and how much the critic's.

    Args:
        nothing: The generator alone.
        planner: With the planner only.
        critic: With the critic only.
        both: With both.
        measure: What is gained.
        family: Of this family only.

    Returns:
        The gain of each when added first and when added last, and the planner's share of the whole in both orders;
        shares are `None` where the whole gain is undecided.
    """
    gains = {
        "planner_first": compare(planner, nothing, measure, family),
        "critic_last": compare(both, planner, measure, family),
        "critic_first": compare(critic, nothing, measure, family),
        "planner_last": compare(both, critic, measure, family),
        "whole": compare(both, nothing, measure, family),
    }
    whole = gains["whole"]["value"] if gains["whole"]["verdict"] == "better" else None
    return {
        **gains,
        "planner_share_added_first": _share(gains["planner_first"], whole),
        "planner_share_added_last": _share(gains["planner_last"], whole),
    }


def _share(gain: Mapping[str, JsonValue], whole: JsonValue) -> float | None:
    value = gain["value"]
    if not isinstance(whole, float) or not isinstance(value, float):
        return None
    return round(value / whole, 3)
