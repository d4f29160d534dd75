"""How brittle the loop is: errors of plans and of the judge at known rates, with and without what could mend them.

| error | what is spoiled |
| --- | --- |
| plan errors | steps of the plan: wrong, missing, swapped |
| flipped verdicts | the critic's yes and no |
| misleading prompts | refined prompts: another request's |

Each is laid over the agent as it is by default (it plans anew after failures, and keeps a step's best attempt), without
planning anew, and keeping the latest attempt instead. Plan errors are also shown without any critic: that is what the
loop must beat to be called recovering. Requests that want words only are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import JsonValue

from interleavethinker.evaluation.statistics import bootstrap, minimum_detectable_effect

from .aggregation import Measured, compare
from .config import ExperimentConfig
from .runner import Result

__all__ = ["ERRORS", "RATES", "VARIANTS", "Point", "brittleness_of", "points"]

RATES = (0.0, 0.1, 0.2, 0.4)
ERRORS: dict[str, Callable[[ExperimentConfig, float], ExperimentConfig]] = {
    "plan errors": lambda setting, rate: replace(setting, plan_errors=rate),
    "flipped verdicts": lambda setting, rate: replace(setting, flipped=rate),
    "misleading prompts": lambda setting, rate: replace(setting, misled=rate),
}
"""How each is laid over a setting."""
VARIANTS = ("as it is", "no replan", "latest attempt", "no critic")


@dataclass(frozen=True)
class Point:
    """One point of a curve."""

    error: str
    rate: float
    variant: str
    setting: ExperimentConfig


def points(agent: ExperimentConfig) -> list[Point]:
    """All points for an agent, in the order of the curves; settings without errors are the same for all of them."""
    found = []
    for error, spoil in ERRORS.items():
        for variant in VARIANTS:
            # A critic that is never asked has no noise to show.
            if variant == "no critic" and error != "plan errors":
                continue
            base = _variant(agent, variant)
            found += [Point(error, rate, variant, spoil(base, rate)) for rate in RATES]
    return found


def _variant(agent: ExperimentConfig, variant: str) -> ExperimentConfig:
    if variant == "no critic":
        return replace(agent, critic="none", max_attempts=1)
    replans = 0 if variant == "no replan" else 1
    return replace(agent, max_replans=replans, latest=variant == "latest attempt")


def brittleness_of(
    agent: ExperimentConfig, results: Mapping[ExperimentConfig, Sequence[Result]]
) -> dict[str, JsonValue]:
    """The curves and what they say.

    Args:
        agent: The unspoiled agent.
        results: Of every point's setting, on the same requests.
    """
    measured = {setting: Measured((tuple(found),)) for setting, found in results.items()}
    curves = [_told(point, measured[point.setting]) for point in points(agent)]
    return {
        "planner": agent.planner,
        "critic": agent.critic,
        "rates": list(RATES),
        "n": len(next(iter(results.values()), ())),
        "points": curves,
        "summary": {error: _summary(agent, error, measured) for error in ERRORS},
    }


def _told(point: Point, measured: Measured) -> JsonValue:
    image = bootstrap(list(measured.values("image").values()))
    calls = measured.values("calls")
    return {
        "error": point.error,
        "rate": point.rate,
        "variant": point.variant,
        "image": round(image.value, 2),
        "low": round(image.low, 2),
        "high": round(image.high, 2),
        "generator_calls": round(sum(calls.values()) / max(1, len(calls)), 3),
    }


def _summary(agent: ExperimentConfig, error: str, measured: Mapping[ExperimentConfig, Measured]) -> JsonValue:
    """What the loop makes of an error at the highest rate: does it recover, suffer, or reinforce a bad path?

    It reinforces one where it is worse than no critic at all (which meets the same plan errors). It recovers where plan
    errors cost it less than they cost without a critic.
    """
    spoil, worst = ERRORS[error], max(RATES)

    def at(variant: str, rate: float) -> Measured:
        return measured[spoil(_variant(agent, variant), rate)]

    clean, spoiled = at("as it is", 0.0), at("as it is", worst)
    plans = error == "plan errors"
    alone, alone_spoiled = at("no critic", 0.0), at("no critic", worst if plans else 0.0)
    cost, against = compare(clean, spoiled, "image"), compare(spoiled, alone_spoiled, "image")
    return {
        "rate": worst,
        "cost": cost,
        "cost_without_critic": compare(alone, alone_spoiled, "image") if plans else None,
        "against_no_critic": against,
        "verdict": _verdict(cost, against, recovers=plans and _recovers(clean, spoiled, alone, alone_spoiled)),
        "gain_of": {
            name: compare(spoiled, at(variant, worst), "image")
            for name, variant in (("replan", "no replan"), ("best attempt", "latest attempt"))
        },
    }


def _recovers(clean: Measured, spoiled: Measured, alone: Measured, alone_spoiled: Measured) -> bool:
    """Whether an error costs less with the loop than without a critic, beyond what chance could do."""
    values = [one.values("image") for one in (clean, spoiled, alone, alone_spoiled)]
    saved = [values[2][at] - values[3][at] - (values[0][at] - values[1][at]) for at in values[0]]
    return sum(saved) / max(1, len(saved)) > minimum_detectable_effect(saved)


def _verdict(cost: Mapping[str, JsonValue], against: Mapping[str, JsonValue], *, recovers: bool) -> str:
    if against["verdict"] == "worse":
        return "reinforces the bad path: worse than without a critic"
    if cost["verdict"] == "undecided":
        return "what harm it does is less than this many requests can show"
    if recovers:
        return "recovers: errors cost less than without a critic"
    if against["verdict"] == "better":
        return "suffers, but stays better than without a critic"
    return "suffers, and is no better than without a critic, as far as this many requests can tell"
