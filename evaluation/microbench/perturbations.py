"""Errors at a known rate, laid over any planner or critic: is the loop brittle?

Whether something is spoiled depends on the seed and on what it is, never on the order of events, and what is spoiled at
a lower rate is spoiled at a higher one too: curves over the rate compare like with like.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy as np

from interleavethinker.microworld.language.vocabulary import CANONICAL
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, KINDS, SIZES
from interleavethinker.tools.protocols import Critic, PlanContext, Planner
from interleavethinker.tools.types import CriticInput, Plan, Request, Step, Verdict

__all__ = ["PLAN_ERRORS", "ErringPlanner", "NoisyCritic"]

PLAN_ERRORS = ("wrong", "missing", "swapped")
"""A word for a thing, colour, size or place is another one; the step is not there; it comes after its successor."""
_SORTS: tuple[tuple[str, ...], ...] = (tuple(KINDS), tuple(COLOURS), tuple(SIZES), tuple(BACKGROUNDS))


class ErringPlanner:
    """Spoils some of the steps that another planner writes.

    Args:
        planner: The other one.
        rate: Share of steps, 0..1.
        seed: Of the errors.
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
        held: list[Step] = []
        """Swapped steps: their successor comes first."""
        for number, step in enumerate(plan.steps):
            rng = _rng(self._seed, request.model_dump_json(), version, number)
            spoiled = step.prompt is not None and rng.random() < self._rate
            error = PLAN_ERRORS[int(rng.integers(len(PLAN_ERRORS)))] if spoiled else ""
            last = number == len(plan.steps) - 1
            if error == "swapped" and not last and not held:
                held.append(step)
                continue
            if error == "missing" and len(plan.steps) > 1 and (steps or held or not last):
                continue
            steps.append(_wrong(step, rng) if error else step)
            steps += held
            held = []
        return plan.model_copy(update={"steps": tuple(steps + held)})


class NoisyCritic:
    """Spoils some of another critic's answers.

    Args:
        critic: The other one.
        flipped: Share of verdicts turned into their contrary, 0..1. A success that is called a failure leaves the
            prompt as it is.
        misled: Share of refined prompts replaced by one from `others`, 0..1.
        others: Prompts of other requests, for drawings and for edits.
        seed: Of the errors.
    """

    def __init__(
        self, critic: Critic, *, flipped: float, misled: float, others: tuple[Sequence[str], Sequence[str]], seed: int
    ) -> None:
        self._critic = critic
        self._flipped = flipped
        self._misled = misled
        self._others = others
        self._seed = seed

    @property
    def gives_confidence(self) -> bool:
        """See `Critic.gives_confidence`."""
        return self._critic.gives_confidence

    async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        """See `Critic.judge`."""
        verdicts = await self._critic.judge(cases)
        return [self._spoiled(case, verdict) for case, verdict in zip(cases, verdicts, strict=True)]

    def _spoiled(self, case: CriticInput, verdict: Verdict) -> Verdict:
        if verdict.success is None:
            return verdict
        rng = _rng(self._seed, case.model_dump_json())
        flip, mislead = rng.random(2)
        if flip < self._flipped:
            confidence = None if verdict.confidence is None else 1 - verdict.confidence
            changes = {"success": not verdict.success, "refined_prompt": case.prompt, "confidence": confidence}
            verdict = verdict.model_copy(update=changes)
        if not verdict.success and mislead < self._misled:
            others = self._others[case.source is not None]
            verdict = verdict.model_copy(update={"refined_prompt": others[int(rng.integers(len(others)))]})
        return verdict


def _wrong(step: Step, rng: np.random.Generator) -> Step:
    """The step with one content word exchanged, in prompt, instruction and caption alike."""
    words = (step.prompt or "").split()
    found = [(word, sort) for word in words for sort in _SORTS if _plain(word) in sort]
    if not found:
        return step
    word, sort = found[int(rng.integers(len(found)))]
    others = [other for other in sort if other != _plain(word)]
    new = others[int(rng.integers(len(others)))]
    said = re.compile(rf"\b(?:{re.escape(word.strip(',.'))}|{_plain(word)})\b", re.IGNORECASE)
    texts = {name: None if text is None else said.sub(new, text) for name, text in step.model_dump().items()}
    return Step.model_validate(texts)


def _plain(word: str) -> str:
    bare = word.strip(",.").lower()
    return CANONICAL.get(bare, bare)


def _rng(seed: int, *parts: object) -> np.random.Generator:
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return np.random.default_rng([seed, *digest[:8]])
