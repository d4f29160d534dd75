"""What critics of the micro world are measured on: attempts with the truth about them, and failures made again.

Cases are first attempts at the steps of held-out requests, made by the generator from perfectly rendered sources; they
are a pure function of the seed. The truth is the scorer's judgement. Knows nothing of critics.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from interleavethinker.microworld.requests.families import Split, sample_scenario
from interleavethinker.microworld.scenes.scene import render, to_image
from interleavethinker.microworld.scoring.scorer import QUALITY_NEEDED, SEMANTICS_NEEDED, Score, is_success
from interleavethinker.microworld.scoring.targets import StepTarget, score_step
from interleavethinker.microworld.seeds import CRITIC_EVALUATION
from interleavethinker.tools.images.png import encode_png
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import CriticInput

from .generator import Generator

__all__ = ["CriticCase", "PlannedAttempt", "RetryTask", "attempt", "generate_cases", "plan_attempts", "retry_failures"]

_NEAR = 1.0
"""A case whose semantics or quality lies within this of what J needs is reported apart."""
_BATCH = 16


@dataclass(frozen=True)
class PlannedAttempt:
    """A step of a held-out request, and the seeds with which it will be tried."""

    prompt: str
    target: StepTarget
    seed: int
    """Of the first attempt."""
    seeds: tuple[int, ...]
    """With which a failed attempt is made again."""


@dataclass(frozen=True)
class CriticCase:
    """A first attempt at a step, with the truth about it."""

    case: CriticInput
    target: StepTarget
    source: Image.Image | None
    score: Score
    seeds: tuple[int, ...]
    """With which a failed attempt is made again."""

    @property
    def good(self) -> bool:
        """The truth J."""
        return is_success(self.score)

    @property
    def near(self) -> bool:
        """Whether a little more or less would have changed the truth."""
        semantics = abs(self.score.semantics - SEMANTICS_NEEDED) < _NEAR
        return semantics or abs(self.score.quality - QUALITY_NEEDED) < _NEAR


@dataclass(frozen=True)
class RetryTask:
    """A failed attempt to be made again from a prompt, once with each of its seeds."""

    prompt: str
    source: Image.Image | None
    target: StepTarget
    seeds: tuple[int, ...]


def plan_attempts(n: int, seed: int, *, split: Split = "combinations", tries: int = 4) -> list[PlannedAttempt]:
    """The first `n` steps of held-out requests, with seeds; a larger n begins with a smaller one's.

    Args:
        n: How many.
        seed: Of requests and attempts.
        split: Which held-out requests.
        tries: Seeds with which a failure will be made again.
    """
    steps: list[tuple[str, StepTarget]] = []
    index = 0
    while len(steps) < n:
        scenario = sample_scenario(CRITIC_EVALUATION + seed, index, split).scenario
        steps += [(step.prompt, step.target) for step in scenario.steps if step.prompt and step.target]
        index += 1
    rng = np.random.default_rng([CRITIC_EVALUATION, seed])
    planned = []
    for prompt, target in steps[:n]:
        first, *later = (int(one) for one in rng.integers(2**31, size=tries + 1))
        planned.append(PlannedAttempt(prompt, target, first, tuple(later)))
    return planned


def attempt(generator: Generator, store: ImageStore, planned: Sequence[PlannedAttempt]) -> list[CriticCase]:
    """Makes first attempts; the pictures go to the store."""
    cases: list[CriticCase] = []
    for start in range(0, len(planned), _BATCH):
        part = planned[start : start + _BATCH]
        sources = [None if one.target.before is None else to_image(render(one.target.before)) for one in part]
        pictures = _make(generator, sources, [one.prompt for one in part], [one.seed for one in part])
        for one, source, picture in zip(part, sources, pictures, strict=True):
            kept = None if source is None else store.put(encode_png(source))
            image = store.put(encode_png(picture))
            case = CriticInput(source=kept, image=image, original_prompt=one.prompt, prompt=one.prompt)
            cases.append(CriticCase(case, one.target, source, score_step(picture, source, one.target), one.seeds))
    return cases


def generate_cases(
    generator: Generator, store: ImageStore, n: int, seed: int, *, split: Split = "combinations", tries: int = 4
) -> list[CriticCase]:
    """`plan_attempts` and `attempt` in one."""
    return attempt(generator, store, plan_attempts(n, seed, split=split, tries=tries))


def retry_failures(generator: Generator, again: Sequence[RetryTask]) -> list[tuple[float, ...]]:
    """The overall scores, 0..1, of attempts made again: one for each of an attempt's seeds."""
    flat = [(one, seed) for one in again for seed in one.seeds]
    pictures = _make(
        generator, [one.source for one, _ in flat], [one.prompt for one, _ in flat], [seed for _, seed in flat]
    )
    scores = iter(
        score_step(picture, one.source, one.target).overall / 10
        for picture, (one, _) in zip(pictures, flat, strict=True)
    )
    return [tuple(next(scores) for _ in one.seeds) for one in again]


def _make(
    generator: Generator, sources: Sequence[Image.Image | None], texts: Sequence[str], seeds: Sequence[int]
) -> list[Image.Image]:
    """One picture a text, drawn where there is no source and edited where there is one."""
    drawn = [index for index, source in enumerate(sources) if source is None]
    edited = [(index, source) for index, source in enumerate(sources) if source is not None]
    made: dict[int, Image.Image] = {}
    if drawn:
        pictures = generator.generate([texts[index] for index in drawn], [seeds[index] for index in drawn])
        made |= dict(zip(drawn, pictures, strict=True))
    if edited:
        indices = [index for index, _ in edited]
        pictures = generator.edit(
            [source for _, source in edited], [texts[index] for index in indices], [seeds[index] for index in indices]
        )
        made |= dict(zip(indices, pictures, strict=True))
    return [made[index] for index in range(len(texts))]
