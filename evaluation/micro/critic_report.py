"""From critics' answers and the scores of retried failures to a report. Numbers in, numbers out.

`score_gain` is the mean over failed cases of score(retry) - score(attempt), 0..1: the paper's step-wise reward. A
critic gains 0 on a failure that it accepts, or if its answer is unparsable. The baseline `reseed` retries every failure
with the prompt of the attempt, as if it knew which attempts failed. The training seeds of a variant are averaged case
by case, so that intervals count cases and not models. Comparisons are paired (same cases, same generator seeds) and
bootstrapped.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from interleavethinker.evaluation.statistics import Estimate, bootstrap, mean, rate
from interleavethinker.microworld.agents.rewriting import STRATEGIES
from interleavethinker.microworld.agents.teachers import checklist_of
from interleavethinker.tools.chat.checklist import failed_in
from interleavethinker.tools.types import Verdict

from .critic_cases import CriticCase
from .rewrite_classifier import OTHER, SAME, RewriteClass, classify_rewrite

__all__ = ["RESEED", "CriticRun", "RetryScores", "critic_report", "retries_needed"]

RESEED = "reseed"
COMPARED_WITH_ALL = ("grpo", "critic")
"""Variants that are compared with all others; every variant is compared with `reseed`."""

RetryScores = Mapping[tuple[int, str], Sequence[float]]
"""By a case's index and the prompt of the retry: the overall scores, 0..1, one per seed of the case."""
Json = dict[str, JsonValue]


@dataclass(frozen=True)
class CriticRun:
    """One model's answers to all cases."""

    variant: str
    seed: int
    """The model's training seed."""
    verdicts: tuple[Verdict, ...]
    well_formed: tuple[bool, ...]
    """Whether each answer had the strict format."""
    tokens: tuple[int | None, ...] = ()
    """Length of each answer; None where it is not known."""


@dataclass(frozen=True)
class _VariantResults:
    """A variant's results, averaged over its models: one number per case."""

    models: int
    well_formed: list[float]
    correct: list[float]
    gains: list[float]
    """Of the failed cases only."""


def retries_needed(cases: Sequence[CriticCase], runs: Sequence[CriticRun]) -> list[tuple[int, str]]:
    """Returns all retries that the report needs, as pairs of a case's index and a prompt.

    Every failed case is retried with its own prompt and with each different prompt that a critic wrote for it.
    """
    needed: dict[tuple[int, str], None] = {}
    for index, case in enumerate(cases):
        if not case.success:
            prompts = (_refined(run.verdicts[index]) for run in runs)
            needed |= {(index, prompt): None for prompt in (case.input.prompt, *prompts) if prompt is not None}
    return list(needed)


def critic_report(cases: Sequence[CriticCase], runs: Mapping[str, CriticRun], scores: RetryScores) -> Json:
    """Returns the metrics of every variant and their differences.

    Args:
        cases: The cases.
        runs: The answers by model.
        scores: The scores of all `retries_needed`.
    """
    failed = [index for index, case in enumerate(cases) if not case.success]
    reseeded = [_gain(cases, scores, index, cases[index].input.prompt) for index in failed]
    variants = {name: _variant_results(cases, _of(runs, name), scores, failed) for name in _variants(runs)}
    report: Json = {RESEED: _estimate("score_gain", mean(reseeded))}
    for name, results in variants.items():
        models = _of(runs, name)
        report[name] = {
            "training_seeds": results.models,
            **_metrics(cases, results, range(len(cases))),
            **_estimate("score_gain", mean(results.gains)),
            **_tokens_report(models),
            **_checklists_report(cases, models),
            "clear": _metrics(cases, results, [index for index, case in enumerate(cases) if not case.near_threshold]),
            "near_threshold": _metrics(
                cases, results, [index for index, case in enumerate(cases) if case.near_threshold]
            ),
            **_rewrites_report(cases, models, scores, failed),
        }
        if len(models) > 1:
            report[f"{name}_by_training_seed"] = {
                str(one.seed): _run_report(cases, one, scores, failed) for one in models.values()
            }
    for name, results in variants.items():
        report[f"{name}_minus_{RESEED}"] = _difference(results.gains, reseeded)
        for other in variants if name in COMPARED_WITH_ALL else ():
            if other != name:
                report[f"{name}_minus_{other}"] = {
                    **_difference(results.gains, variants[other].gains),
                    **_accuracy_difference(results.correct, variants[other].correct),
                }
    return report


def _variants(runs: Mapping[str, CriticRun]) -> list[str]:
    return list(dict.fromkeys(one.variant for one in runs.values()))


def _of(runs: Mapping[str, CriticRun], variant: str) -> dict[str, CriticRun]:
    return {name: one for name, one in runs.items() if one.variant == variant}


def _variant_results(
    cases: Sequence[CriticCase], models: Mapping[str, CriticRun], scores: RetryScores, failed: Sequence[int]
) -> _VariantResults:
    """Averages a variant's models case by case.

    Args:
        cases: All cases.
        models: The variant's runs by model.
        scores: The scores of the retries.
        failed: The indices of the failed cases.

    Examples:
        Case 0 failed with a score of 0.2 and case 1 succeeded. Model a rejects case 0 with a prompt whose retries score
        0.8 and 0.6, and accepts case 1; model b accepts both, the second one in a malformed answer:

        `_VariantResults(models=2, well_formed=[1.0, 0.5], correct=[0.5, 1.0], gains=[0.25])`

        The gain is the average of 0.7 - 0.2 for a and of 0 for b, which didn't ask for a retry.
    """
    all_runs = list(models.values())

    def average(values: Sequence[float]) -> float:
        return sum(values) / len(all_runs)

    return _VariantResults(
        models=len(all_runs),
        well_formed=[average([one.well_formed[index] for one in all_runs]) for index in range(len(cases))],
        correct=[
            average([one.verdicts[index].success is case.success for one in all_runs])
            for index, case in enumerate(cases)
        ],
        gains=[average([_gain_of_run(cases, one, scores, index) for one in all_runs]) for index in failed],
    )


def _refined(verdict: Verdict) -> str | None:
    """Returns the prompt of the next attempt; None if the agent wouldn't make one."""
    return verdict.refined_prompt if verdict.success is False and verdict.refined_prompt else None


def _gain(cases: Sequence[CriticCase], scores: RetryScores, index: int, prompt: str) -> float:
    retried = scores[index, prompt]
    return sum(retried) / len(retried) - cases[index].score.overall / 10


def _gain_of_run(cases: Sequence[CriticCase], run: CriticRun, scores: RetryScores, index: int) -> float:
    prompt = _refined(run.verdicts[index])
    return 0.0 if prompt is None else _gain(cases, scores, index, prompt)


def _metrics(cases: Sequence[CriticCase], results: _VariantResults, chosen: Sequence[int]) -> Json:
    successes = [index for index in chosen if cases[index].success]
    failures = [index for index in chosen if not cases[index].success]
    return {
        "n": len(chosen),
        **_estimate("format", rate([results.well_formed[index] for index in chosen])),
        **_estimate("accuracy", rate([results.correct[index] for index in chosen])),
        **_estimate("accuracy_true", rate([results.correct[index] for index in successes])),
        **_estimate("accuracy_false", rate([results.correct[index] for index in failures])),
    }


def _tokens_report(models: Mapping[str, CriticRun]) -> Json:
    """Returns the mean length of an answer; empty if it is not known."""
    tokens = [float(count) for one in models.values() for count in one.tokens if count is not None]
    return _estimate("tokens", mean(tokens)) if tokens else {}


def _checklists_report(cases: Sequence[CriticCase], models: Mapping[str, CriticRun]) -> Json:
    """Returns how often a critic gives a checklist, and how often that names exactly what failed; empty without any.

    A checklist is right if its failed requirements are those of the teacher, word for word.
    """
    pairs = [(case, verdict) for one in models.values() for case, verdict in zip(cases, one.verdicts, strict=True)]
    given = [(case, verdict) for case, verdict in pairs if verdict.checklist]
    if not given:
        return {}
    right = [
        {one.text for one in failed_in(verdict.checklist)}
        == {one.text for one in failed_in(checklist_of(case.score, case.target.before))}
        for case, verdict in given
    ]
    failed = [one for one, (case, _) in zip(right, given, strict=True) if not case.success]
    return {
        "checklists": {
            **_estimate("given", rate([bool(verdict.checklist) for _, verdict in pairs])),
            **_estimate("right", rate(right)),
            **_estimate("right_on_bad", rate(failed)),
        }
    }


def _run_report(cases: Sequence[CriticCase], run: CriticRun, scores: RetryScores, failed: Sequence[int]) -> Json:
    results = _variant_results(cases, {"": run}, scores, failed)
    return {**_metrics(cases, results, range(len(cases))), **_estimate("score_gain", mean(results.gains))}


def _rewrites_report(
    cases: Sequence[CriticCase], models: Mapping[str, CriticRun], scores: RetryScores, failed: Sequence[int]
) -> Json:
    """Returns how often each rewriting strategy is used, how often it is written correctly, and its score gain."""
    found: list[tuple[RewriteClass, float]] = []
    for one in models.values():
        for index in failed:
            prompt = _refined(one.verdicts[index])
            if prompt is not None:
                found.append((classify_rewrite(prompt, cases[index]), _gain(cases, scores, index, prompt)))
    counts = Counter(rewrite.strategy for rewrite, _ in found)
    strategies: Json = {}
    for name in (*STRATEGIES, SAME, OTHER):
        of_one = [(rewrite.correct, gain) for rewrite, gain in found if rewrite.strategy == name]
        strategies[name] = {
            "share": round(len(of_one) / len(found), 4) if found else None,
            "written_correctly": round(rate([correct for correct, _ in of_one]).value, 4) if of_one else None,
            "score_gain": round(mean([gain for _, gain in of_one]).value, 4) if of_one else None,
        }
    shares = [count / len(found) for count in counts.values()]
    return {
        "rewrites": len(found),
        **_estimate("written_correctly", rate([rewrite.correct for rewrite, _ in found])),
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
