"""From critics' answers and the scores of failures made again to a report. Numbers in, numbers out.

`score_gain` is the mean over failed cases of score(made again) - score(current), 0..1: the paper's step-wise reward,
measured. A critic that takes a failure for a success, or whose answer cannot be read, gains 0 there. The baseline
`reseed` makes every failure again from the prompt that was used, as if somebody had told it which attempts failed.
Several training seeds of one variant are pooled case by case, so that intervals count cases, not models. Comparisons
are paired: the same cases, the same generator seeds, bootstrapped.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from interleavethinker.evaluation.statistics import Estimate, bootstrap, mean, rate
from interleavethinker.microworld.agents.rewriting import STRATEGIES
from interleavethinker.tools.types import Verdict

from .critic_cases import CriticCase
from .rewrite_classifier import OTHER, SAME, RewriteClass, classify_rewrite

__all__ = ["RESEED", "CriticRun", "RetryScores", "critic_report", "retries_needed"]

RESEED = "reseed"
LEAD = ("grpo", "critic")
"""Variants that are compared with every other one; all are compared with `reseed`."""

RetryScores = Mapping[tuple[int, str], Sequence[float]]
"""By a case's number and the prompt it was made again from: the overall scores, 0..1, one for each of its seeds."""
Json = dict[str, JsonValue]


@dataclass(frozen=True)
class CriticRun:
    """One model's answers to every case."""

    variant: str
    seed: int
    """Of its training."""
    verdicts: tuple[Verdict, ...]
    well_formed: tuple[bool, ...]
    """Whether each answer had the strict form."""


@dataclass(frozen=True)
class _VariantResults:
    """A variant, its models taken together: one number for each case."""

    models: int
    form: list[float]
    right: list[float]
    gains: list[float]
    """Of the failed cases only."""


def retries_needed(cases: Sequence[CriticCase], answers: Sequence[CriticRun]) -> list[tuple[int, str]]:
    """What must be made again: every failed case, from its own prompt and from each that a critic wrote for it."""
    wanted: dict[tuple[int, str], None] = {}
    for index, case in enumerate(cases):
        if not case.good:
            prompts = (_refined(answered.verdicts[index]) for answered in answers)
            wanted |= {(index, prompt): None for prompt in (case.case.prompt, *prompts) if prompt is not None}
    return list(wanted)


def critic_report(cases: Sequence[CriticCase], answers: Mapping[str, CriticRun], scores: RetryScores) -> Json:
    """Figures of every variant and their differences.

    Args:
        cases: What was judged.
        answers: By model.
        scores: Of everything in `retries_needed`.
    """
    failed = [index for index, case in enumerate(cases) if not case.good]
    again = [_gain(cases, scores, index, cases[index].case.prompt) for index in failed]
    variants = {name: _measured(cases, _of(answers, name), scores, failed) for name in _variants(answers)}
    report: Json = {RESEED: _estimate("score_gain", mean(again))}
    for name, measured in variants.items():
        models = _of(answers, name)
        report[name] = {
            "training_seeds": measured.models,
            **_figures(cases, measured, range(len(cases))),
            **_estimate("score_gain", mean(measured.gains)),
            "clear": _figures(cases, measured, [index for index, case in enumerate(cases) if not case.near]),
            "near_threshold": _figures(cases, measured, [index for index, case in enumerate(cases) if case.near]),
            **_wordings(cases, models, scores, failed),
        }
        if len(models) > 1:
            report[f"{name}_by_training_seed"] = {
                str(one.seed): _alone(cases, one, scores, failed) for one in models.values()
            }
    for name, measured in variants.items():
        report[f"{name}_minus_{RESEED}"] = _difference(measured.gains, again)
        for other in variants if name in LEAD else ():
            if other != name:
                report[f"{name}_minus_{other}"] = {
                    **_difference(measured.gains, variants[other].gains),
                    **_accuracy_difference(measured.right, variants[other].right),
                }
    return report


def _variants(answers: Mapping[str, CriticRun]) -> list[str]:
    return list(dict.fromkeys(one.variant for one in answers.values()))


def _of(answers: Mapping[str, CriticRun], variant: str) -> dict[str, CriticRun]:
    return {name: one for name, one in answers.items() if one.variant == variant}


def _measured(
    cases: Sequence[CriticCase], models: Mapping[str, CriticRun], scores: RetryScores, failed: Sequence[int]
) -> _VariantResults:
    ones = list(models.values())

    def average(values: Sequence[float]) -> float:
        return sum(values) / len(ones)

    return _VariantResults(
        models=len(ones),
        form=[average([one.well_formed[index] for one in ones]) for index in range(len(cases))],
        right=[average([one.verdicts[index].success is case.good for one in ones]) for index, case in enumerate(cases)],
        gains=[average([_earned(cases, one, scores, index) for one in ones]) for index in failed],
    )


def _refined(verdict: Verdict) -> str | None:
    """The prompt that serving would use next; None where it would not try again."""
    return verdict.refined_prompt if verdict.success is False and verdict.refined_prompt else None


def _gain(cases: Sequence[CriticCase], scores: RetryScores, index: int, prompt: str) -> float:
    made = scores[index, prompt]
    return sum(made) / len(made) - cases[index].score.overall / 10


def _earned(cases: Sequence[CriticCase], answered: CriticRun, scores: RetryScores, index: int) -> float:
    prompt = _refined(answered.verdicts[index])
    return 0.0 if prompt is None else _gain(cases, scores, index, prompt)


def _figures(cases: Sequence[CriticCase], measured: _VariantResults, chosen: Sequence[int]) -> Json:
    good = [index for index in chosen if cases[index].good]
    bad = [index for index in chosen if not cases[index].good]
    return {
        "n": len(chosen),
        **_estimate("format", rate([measured.form[index] for index in chosen])),
        **_estimate("accuracy", rate([measured.right[index] for index in chosen])),
        **_estimate("accuracy_true", rate([measured.right[index] for index in good])),
        **_estimate("accuracy_false", rate([measured.right[index] for index in bad])),
    }


def _alone(cases: Sequence[CriticCase], answered: CriticRun, scores: RetryScores, failed: Sequence[int]) -> Json:
    measured = _measured(cases, {"": answered}, scores, failed)
    return {**_figures(cases, measured, range(len(cases))), **_estimate("score_gain", mean(measured.gains))}


def _wordings(
    cases: Sequence[CriticCase], models: Mapping[str, CriticRun], scores: RetryScores, failed: Sequence[int]
) -> Json:
    """How often each rewriting strategy is followed, how often written correctly, and what it gains."""
    found: list[tuple[RewriteClass, float]] = []
    for one in models.values():
        for index in failed:
            prompt = _refined(one.verdicts[index])
            if prompt is not None:
                found.append((classify_rewrite(prompt, cases[index]), _gain(cases, scores, index, prompt)))
    counts = Counter(wording.strategy for wording, _ in found)
    strategies: Json = {}
    for name in (*STRATEGIES, SAME, OTHER):
        of_one = [(wording.written, gain) for wording, gain in found if wording.strategy == name]
        strategies[name] = {
            "share": round(len(of_one) / len(found), 4) if found else None,
            "written": round(rate([written for written, _ in of_one]).value, 4) if of_one else None,
            "score_gain": round(mean([gain for _, gain in of_one]).value, 4) if of_one else None,
        }
    shares = [count / len(found) for count in counts.values()]
    return {
        "reworded": len(found),
        **_estimate("written_correctly", rate([wording.written for wording, _ in found])),
        "strategies": strategies,
        "strategy_entropy": round(-sum(share * math.log(share) for share in shares), 4) + 0.0,
    }


def _difference(ours: Sequence[float], others: Sequence[float]) -> Json:
    found = bootstrap([one - other for one, other in zip(ours, others, strict=True)])
    return {
        "score_gain": round(found.value, 4),
        "low": round(found.low, 4),
        "high": round(found.high, 4),
        "n": found.n,
    }


def _accuracy_difference(ours: Sequence[float], others: Sequence[float]) -> Json:
    return _estimate("accuracy", bootstrap([one - other for one, other in zip(ours, others, strict=True)]))


def _estimate(name: str, estimate: Estimate) -> Json:
    return {
        name: round(estimate.value, 4),
        f"{name}_low": round(estimate.low, 4),
        f"{name}_high": round(estimate.high, 4),
    }
