"""Errors injected at a known rate into any planner's plans or critic's verdicts, to measure the loop's robustness.

Whether a step or verdict is perturbed depends only on the seed and its content, never on the order of events. Whatever
is perturbed at a lower rate is perturbed at a higher rate too, so that curves over the rate are comparable.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy as np

from interleavethinker.microworld.language.vocabulary import CANONICAL
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, KINDS, SIZES
from interleavethinker.tools.protocols import Critic, PlanContext, Planner
from interleavethinker.tools.stable_json import stable_json
from interleavethinker.tools.types import CriticInput, Plan, Request, Step, Verdict

__all__ = ["PLAN_ERRORS", "PerturbedCritic", "PerturbedPlanner"]

PLAN_ERRORS = ("wrong", "missing", "swapped")
"""One content word is replaced; the step is left out; the step comes after its successor."""
_WORD_CLASSES: tuple[tuple[str, ...], ...] = (tuple(KINDS), tuple(COLOURS), tuple(SIZES), tuple(BACKGROUNDS))
_TEXTS = ("prompt", "instruction", "auxiliary_text")
"""The fields of a step in which a word is replaced."""


class PerturbedPlanner:
    """Injects errors into some of the steps that another planner writes.

    Args:
        planner: The planner whose plans are perturbed.
        rate: Share of steps to perturb, 0..1.
        seed: Seed of the errors.
    """

    def __init__(self, planner: Planner, rate: float, seed: int) -> None:
        self._planner = planner
        self._rate = rate
        self._seed = seed

    async def plan(self, request: Request, context: PlanContext) -> Plan:
        """See `Planner.plan`."""
        plan = await self._planner.plan(request, context)
        version = 0 if context.previous is None else context.previous.version
        steps: list[Step] = []
        delayed: list[Step] = []
        """Swapped steps, which wait for their successor."""
        for number, step in enumerate(plan.steps):
            rng = _rng(self._seed, stable_json(request), version, number)
            perturbed = step.prompt is not None and rng.random() < self._rate
            error = PLAN_ERRORS[int(rng.integers(len(PLAN_ERRORS)))] if perturbed else ""
            last = number == len(plan.steps) - 1
            if error == "swapped" and not last and not delayed:
                delayed.append(step)
                continue
            if error == "missing" and len(plan.steps) > 1 and (steps or delayed or not last):
                continue
            steps.append(_with_wrong_word(step, rng) if error else step)
            steps += delayed
            delayed = []
        return plan.model_copy(update={"steps": tuple(steps + delayed)})


class PerturbedCritic:
    """Injects errors into some of another critic's verdicts.

    Args:
        critic: The critic whose verdicts are perturbed.
        flipped_verdicts: Share of verdicts to invert, 0..1. An inverted success keeps the attempt's prompt.
        misleading_prompts: Share of refined prompts to replace by one from `other_prompts`, 0..1.
        other_prompts: Text-to-image prompts and edit prompts of other requests.
        seed: Seed of the errors.
    """

    def __init__(
        self,
        critic: Critic,
        *,
        flipped_verdicts: float,
        misleading_prompts: float,
        other_prompts: tuple[Sequence[str], Sequence[str]],
        seed: int,
    ) -> None:
        self._critic = critic
        self._flipped_verdicts = flipped_verdicts
        self._misleading_prompts = misleading_prompts
        self._other_prompts = other_prompts
        self._seed = seed

    @property
    def gives_confidence(self) -> bool:
        """See `Critic.gives_confidence`."""
        return self._critic.gives_confidence

    async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        """See `Critic.judge`."""
        verdicts = await self._critic.judge(cases)
        return [self._perturbed(case, verdict) for case, verdict in zip(cases, verdicts, strict=True)]

    def _perturbed(self, case: CriticInput, verdict: Verdict) -> Verdict:
        if verdict.success is None:
            return verdict
        rng = _rng(self._seed, stable_json(case))
        flip, mislead = rng.random(2)
        if flip < self._flipped_verdicts:
            confidence = None if verdict.confidence is None else 1 - verdict.confidence
            changes = {"success": not verdict.success, "refined_prompt": case.prompt, "confidence": confidence}
            verdict = verdict.model_copy(update=changes)
        if not verdict.success and mislead < self._misleading_prompts:
            prompts = self._other_prompts[case.source is not None]
            verdict = verdict.model_copy(update={"refined_prompt": prompts[int(rng.integers(len(prompts)))]})
        return verdict


def _with_wrong_word(step: Step, rng: np.random.Generator) -> Step:
    """Returns the step with one content word replaced, in prompt, instruction and caption alike."""
    words = (step.prompt or "").split()
    found = [(word, group) for word in words for group in _WORD_CLASSES if _canonical(word) in group]
    if not found:
        return step
    word, group = found[int(rng.integers(len(found)))]
    others = [other for other in group if other != _canonical(word)]
    new = others[int(rng.integers(len(others)))]
    pattern = re.compile(rf"\b(?:{re.escape(word.strip(',.'))}|{_canonical(word)})\b", re.IGNORECASE)
    texts = {name: getattr(step, name) for name in _TEXTS}
    return step.model_copy(update={name: pattern.sub(new, text) for name, text in texts.items() if text is not None})


def _canonical(word: str) -> str:
    bare = word.strip(",.").lower()
    return CANONICAL.get(bare, bare)


def _rng(seed: int, *parts: object) -> np.random.Generator:
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return np.random.default_rng([seed, *digest[:8]])
