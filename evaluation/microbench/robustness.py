"""How robust the loop is to errors in plans and verdicts at known rates, with and without what could repair them.

| error | perturbation |
| --- | --- |
| plan errors | steps of the plan are wrong, missing or swapped |
| flipped verdicts | the critic's verdicts are inverted |
| misleading prompts | refined prompts are replaced by another request's |

Each error is injected into the default loop (which replans after failures and selects a step's best attempt), into the
loop without replanning, and into the loop that selects the latest attempt. Plan errors are also measured without a
critic: the loop recovers only if it loses less than that. Requests that want text only are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import JsonValue

from interleavethinker.evaluation.statistics import bootstrap

from .aggregation import ExperimentResults, compare, difference_of, verdict_at_95
from .config import ExperimentConfig
from .runner import RequestResult

__all__ = ["ERRORS", "RATES", "VARIANTS", "CurvePoint", "curve_points", "robustness_report"]

RATES = (0.0, 0.1, 0.2, 0.4)
ERRORS: dict[str, Callable[[ExperimentConfig, float], ExperimentConfig]] = {
    "plan errors": lambda config, rate: replace(config, plan_errors=rate),
    "flipped verdicts": lambda config, rate: replace(config, flipped_verdicts=rate),
    "misleading prompts": lambda config, rate: replace(config, misleading_prompts=rate),
}
"""How each error is added to a configuration."""
VARIANTS = ("default loop", "no replan", "latest attempt", "no critic")


@dataclass(frozen=True)
class CurvePoint:
    """One point of a curve."""

    error: str
    rate: float
    variant: str
    config: ExperimentConfig


def curve_points(agent: ExperimentConfig) -> list[CurvePoint]:
    """Returns all points for an agent, in the order of the curves; points at rate 0 share their configuration."""
    points = []
    for error, perturb in ERRORS.items():
        for variant in VARIANTS:
            # Verdicts and refined prompts of a critic that is never called cannot be perturbed.
            if variant == "no critic" and error != "plan errors":
                continue
            base = _variant(agent, variant)
            points += [CurvePoint(error, rate, variant, perturb(base, rate)) for rate in RATES]
    return points


def _variant(agent: ExperimentConfig, variant: str) -> ExperimentConfig:
    if variant == "no critic":
        return replace(agent, critic="none", max_attempts=1)
    replans = 0 if variant == "no replan" else 1
    return replace(agent, max_replans=replans, keep_latest=variant == "latest attempt")


def robustness_report(
    agent: ExperimentConfig, results: Mapping[ExperimentConfig, Sequence[RequestResult]]
) -> dict[str, JsonValue]:
    """Returns the curves and a verdict on each error.

    Args:
        agent: The agent without perturbations.
        results: Results of every point's configuration, on the same requests.
    """
    by_config = {config: ExperimentResults((tuple(found),)) for config, found in results.items()}
    return {
        "planner": agent.planner,
        "critic": agent.critic,
        "rates": list(RATES),
        "n": len(next(iter(results.values()), ())),
        "points": [_point_report(point, by_config[point.config]) for point in curve_points(agent)],
        "summary": {error: _summary(agent, error, by_config) for error in ERRORS},
    }


def _point_report(point: CurvePoint, results: ExperimentResults) -> JsonValue:
    image = bootstrap(list(results.values("image").values()))
    calls = results.values("calls")
    return {
        "error": point.error,
        "rate": point.rate,
        "variant": point.variant,
        "image": round(image.value, 2),
        "low": round(image.low, 2),
        "high": round(image.high, 2),
        "generator_calls": round(sum(calls.values()) / max(1, len(calls)), 3),
    }


def _summary(agent: ExperimentConfig, error: str, by_config: Mapping[ExperimentConfig, ExperimentResults]) -> JsonValue:
    """Returns what an error costs the loop at the highest rate, and whether the loop recovers from it.

    The loop amplifies an error if it scores worse than without a critic (under the same plan errors). It recovers if
    plan errors cost it less than they cost without a critic.
    """
    perturb, worst = ERRORS[error], max(RATES)

    def at(variant: str, rate: float) -> ExperimentResults:
        return by_config[perturb(_variant(agent, variant), rate)]

    clean, perturbed = at("default loop", 0.0), at("default loop", worst)
    plans = error == "plan errors"
    no_critic, no_critic_perturbed = at("no critic", 0.0), at("no critic", worst if plans else 0.0)
    cost, against = compare(clean, perturbed, "image"), compare(perturbed, no_critic_perturbed, "image")
    recovers = plans and _recovers(clean, perturbed, no_critic, no_critic_perturbed)
    return {
        "rate": worst,
        "cost": cost,
        "cost_without_critic": compare(no_critic, no_critic_perturbed, "image") if plans else None,
        "against_no_critic": against,
        "verdict": _verdict(cost, against, recovers=recovers),
        "gain_from": {
            name: compare(perturbed, at(variant, worst), "image")
            for name, variant in (("replan", "no replan"), ("best attempt", "latest attempt"))
        },
    }


def _recovers(
    clean: ExperimentResults,
    perturbed: ExperimentResults,
    no_critic: ExperimentResults,
    no_critic_perturbed: ExperimentResults,
) -> bool:
    """Returns whether an error costs the loop less than it costs without a critic, by an interval above zero."""
    values = [results.values("image") for results in (clean, perturbed, no_critic, no_critic_perturbed)]
    saved = [values[2][at] - values[3][at] - (values[0][at] - values[1][at]) for at in values[0]]
    return verdict_at_95(difference_of(saved)) == "better"


def _verdict(cost: Mapping[str, JsonValue], against: Mapping[str, JsonValue], *, recovers: bool) -> str:
    if verdict_at_95(against) == "worse":
        return "amplified: the loop is worse than without a critic"
    if verdict_at_95(cost) == "undecided":
        return "no detectable loss with this many requests"
    if recovers:
        return "recovers: errors cost less than without a critic"
    if verdict_at_95(against) == "better":
        return "degrades, but stays better than without a critic"
    return "degrades, and is not detectably better than without a critic"
