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

from .intervals import bootstrap, detectable
from .microbench_figures import Measured
from .microbench_runs import Result
from .microbench_settings import Setting

__all__ = ["ERRORS", "RATES", "VARIANTS", "Point", "brittleness_of", "points"]

RATES = (0.0, 0.1, 0.2, 0.4)
ERRORS: dict[str, Callable[[Setting, float], Setting]] = {
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
    setting: Setting


def points(agent: Setting) -> list[Point]:
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


def _variant(agent: Setting, variant: str) -> Setting:
    if variant == "no critic":
        return replace(agent, critic="none", max_iterations=1)
    replans = 0 if variant == "no replan" else 1
    return replace(agent, max_replans=replans, latest=variant == "latest attempt")


def brittleness_of(agent: Setting, results: Mapping[Setting, Sequence[Result]]) -> dict[str, JsonValue]:
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


def _summary(agent: Setting, error: str, measured: Mapping[Setting, Measured]) -> JsonValue:
    """What the loop makes of an error at the highest rate: does it recover, pass it on, or reinforce it?

    With plan errors, the points that they cost with the loop are compared with what they cost without a critic. With a
    noisy judge, the loop is compared with having no judge at all: only below that does it reinforce a bad path.
    """
    spoil, worst = ERRORS[error], max(RATES)

    def images(variant: str, rate: float) -> dict[int, float]:
        return measured[spoil(_variant(agent, variant), rate)].values("image")

    clean, spoiled = images("as it is", 0.0), images("as it is", worst)
    alone = measured[_variant(agent, "no critic")].values("image")
    cost = [clean[number] - spoiled[number] for number in clean]
    if error == "plan errors":
        alone_spoiled = images("no critic", worst)
        saved = [alone[number] - alone_spoiled[number] - lost for number, lost in zip(clean, cost, strict=True)]
        words = (
            "recovers: errors cost less than without a critic",
            "reinforces: errors cost more than without a critic",
        )
        neither = "passes errors on: they cost as much as without a critic, as far as this many requests can tell"
    else:
        saved = [spoiled[number] - alone[number] for number in clean]
        words = ("recovers: still better than without a judge", "reinforces: worse than without a judge")
        neither = "no better and no worse than without a judge, as far as this many requests can tell"
    lost, kept, smallest = bootstrap(cost), bootstrap(saved), detectable(saved)
    said = neither if abs(kept.value) <= smallest else words[kept.value < 0]
    helpers = {
        name: _gain(spoiled, images(variant, worst))
        for name, variant in (("replan", "no replan"), ("best attempt", "latest attempt"))
    }
    return {
        "rate": worst,
        "cost": _estimate(lost.value, lost.low, lost.high),
        "against_no_critic": {**_estimate(kept.value, kept.low, kept.high), "smallest_detectable": round(smallest, 2)},
        "verdict": said,
        "gain_of": helpers,
    }


def _gain(with_it: Mapping[int, float], without: Mapping[int, float]) -> JsonValue:
    differences = [with_it[number] - without[number] for number in with_it]
    gain, smallest = bootstrap(differences), detectable(differences)
    return {**_estimate(gain.value, gain.low, gain.high), "undecided": abs(gain.value) <= smallest}


def _estimate(value: float, low: float, high: float) -> dict[str, JsonValue]:
    return {"value": round(value, 2), "low": round(low, 2), "high": round(high, 2)}
