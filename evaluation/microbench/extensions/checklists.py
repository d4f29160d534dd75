"""Checklist verdicts: is the checklist right, and what does a prompt gain that names only what failed?

The critic is the scripted one, which gives checklists. Its first attempts are those that critics are measured on
(`critic_cases`), and each failed one is retried with the same seeds and three prompts: the same one, the same one with
what failed by the checklist (as chat critics retry that name no prompt of their own), and a prompt written anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from interleavethinker.evaluation.micro.critic_cases import CriticCase, RetryTask, generate_cases, retry_failures
from interleavethinker.evaluation.micro.generator import Generator
from interleavethinker.evaluation.statistics import Estimate, bootstrap, rate
from interleavethinker.microworld.agents.scripted_critic import ScriptedCritic, requirements_of
from interleavethinker.tools.chat.checklist import failed_in, naming_failed
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import Verdict

from .results import ExtensionResult, ExtensionRow, paired_difference, percent

__all__ = ["run_checklists"]

_SAME, _NAMED, _ANEW = "the same prompt", "the prompt and what failed", "a new prompt"
_SCORE = "score of the retries"
_RETRY_SEEDS = 4
Fits = Callable[[str], bool]
"""Whether the image model reads the whole prompt."""


def run_checklists(
    generator: Generator, store: ImageStore, n: int, seed: int, fits: Fits = lambda _prompt: True
) -> ExtensionResult:
    """Judges first attempts, and retries the failed ones; not to be called in a running event loop.

    Args:
        generator: The image generator.
        store: For the images.
        n: Number of first attempts.
        seed: Seed of requests and attempts.
        fits: Decides how many failed requirements a prompt can name; the last ones are left out.

    Raises:
        InputError: No attempt failed.
    """
    cases = generate_cases(generator, store, n, seed, retry_seeds=_RETRY_SEEDS)
    verdicts = asyncio.run(ScriptedCritic(store).judge([case.input for case in cases]))
    failures = [(case, verdict) for case, verdict in zip(cases, verdicts, strict=True) if not case.success]
    if not failures:
        raise InputError(f"None of the {n} first attempts failed; take more of them.")
    prompts = {
        _SAME: [case.input.prompt for case, _ in failures],
        _NAMED: [_naming_failed(case, verdict, fits) for case, verdict in failures],
        _ANEW: [verdict.refined_prompt or case.input.prompt for case, verdict in failures],
    }
    scores = {name: _retry(generator, failures, texts) for name, texts in prompts.items()}
    return ExtensionResult(
        n=len(failures),
        unit="failed attempts",
        rows=tuple(_row(name, prompts, scores) for name in prompts),
        settings={"first_attempts": n, "retry_seeds": _RETRY_SEEDS, "critic": "scripted"},
        rates=_rates(cases, verdicts),
    )


def _naming_failed(case: CriticCase, verdict: Verdict, fits: Fits) -> str:
    failed = failed_in(verdict.checklist)
    for count in range(len(failed), 0, -1):
        prompt = naming_failed(case.input.original_prompt, failed[:count])
        if fits(prompt):
            return prompt
    return case.input.prompt


def _retry(generator: Generator, failures: Sequence[tuple[CriticCase, Verdict]], prompts: Sequence[str]) -> list[float]:
    """Returns the mean score of each failure's retries, 0..100."""
    retries = [
        RetryTask(prompt, case.source, case.target, case.seeds)
        for (case, _), prompt in zip(failures, prompts, strict=True)
    ]
    return [100 * sum(found) / len(found) for found in retry_failures(generator, retries)]


def _row(name: str, prompts: dict[str, list[str]], scores: dict[str, list[float]]) -> ExtensionRow:
    reference = {_NAMED: _SAME, _ANEW: _NAMED}.get(name)
    changed = [one != other for one, other in zip(prompts[name], prompts[_SAME], strict=True)]
    return ExtensionRow(
        name,
        {_SCORE: bootstrap(scores[name])},
        {"prompts changed, %": 100 * sum(changed) / len(changed)},
        {} if reference is None else {_SCORE: paired_difference(reference, scores[name], scores[reference])},
    )


def _rates(cases: Sequence[CriticCase], verdicts: Sequence[Verdict]) -> dict[str, Estimate]:
    """Returns how often verdicts and checklists agree with the targets, which the critic does not know."""
    pairs = list(zip(cases, verdicts, strict=True))
    exact = [_failed_by_target(case) == {one.text for one in failed_in(verdict.checklist)} for case, verdict in pairs]
    lists = list(zip(pairs, exact, strict=True))
    return {
        "verdicts right": percent(rate([verdict.success == case.success for case, verdict in pairs])),
        "checklists right on failed attempts": percent(rate([one for (case, _), one in lists if not case.success])),
        "checklists right on good attempts": percent(rate([one for (case, _), one in lists if case.success])),
    }


def _failed_by_target(case: CriticCase) -> set[str]:
    """Returns what the step's target says has failed, in the words of the critic's checklist."""
    return {one.text for item in case.score.items for one in failed_in(list(requirements_of(item)))}
