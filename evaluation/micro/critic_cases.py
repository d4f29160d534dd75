"""The cases that critics are measured on: attempts with their ground truth, and retries of failed attempts.

Cases are first attempts at the steps of held-out requests. The generator makes them from rendered sources, and they are
a pure function of the seed. The ground truth is the scorer's judgment. Knows nothing of critics.
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

__all__ = [
    "CriticCase",
    "PlannedAttempt",
    "RetryTask",
    "generate_cases",
    "make_attempts",
    "plan_attempts",
    "retry_failures",
]

_NEAR_THRESHOLD = 1.0
"""A case is near the threshold if its semantics or quality is within this distance of what a success needs."""
_BATCH = 16


@dataclass(frozen=True)
class PlannedAttempt:
    """A step of a held-out request, with the seeds of its attempts."""

    prompt: str
    target: StepTarget
    seed: int
    """Seed of the first attempt."""
    seeds: tuple[int, ...]
    """Seeds with which a failed attempt is retried."""


@dataclass(frozen=True)
class CriticCase:
    """A first attempt at a step, with its ground truth."""

    input: CriticInput
    target: StepTarget
    source: Image.Image | None
    score: Score
    seeds: tuple[int, ...]
    """Seeds with which a failed attempt is retried."""

    @property
    def success(self) -> bool:
        """The ground truth: whether the attempt succeeded, J in the paper."""
        return is_success(self.score)

    @property
    def near_threshold(self) -> bool:
        """Whether a slightly different score would change the ground truth."""
        semantics = abs(self.score.semantics - SEMANTICS_NEEDED) < _NEAR_THRESHOLD
        return semantics or abs(self.score.quality - QUALITY_NEEDED) < _NEAR_THRESHOLD


@dataclass(frozen=True)
class RetryTask:
    """A failed attempt to retry with a prompt, once with each of its seeds."""

    prompt: str
    source: Image.Image | None
    target: StepTarget
    seeds: tuple[int, ...]


def plan_attempts(n: int, seed: int, *, split: Split = "combinations", retry_seeds: int = 4) -> list[PlannedAttempt]:
    """Returns the first `n` steps of held-out requests with their seeds; a larger `n` starts with a smaller one's.

    Args:
        n: The number of steps.
        seed: Seed of requests and attempts.
        split: Which held-out requests.
        retry_seeds: The number of seeds with which a failure is retried.
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
        first, *later = (int(one) for one in rng.integers(2**31, size=retry_seeds + 1))
        planned.append(PlannedAttempt(prompt, target, first, tuple(later)))
    return planned


def make_attempts(generator: Generator, store: ImageStore, planned: Sequence[PlannedAttempt]) -> list[CriticCase]:
    """Makes the first attempts and saves their images in the store."""
    cases: list[CriticCase] = []
    for start in range(0, len(planned), _BATCH):
        part = planned[start : start + _BATCH]
        sources = [None if one.target.before is None else to_image(render(one.target.before)) for one in part]
        images = _make_images(generator, sources, [one.prompt for one in part], [one.seed for one in part])
        for one, source, image in zip(part, sources, images, strict=True):
            case = CriticInput(
                source=None if source is None else store.put(encode_png(source)),
                image=store.put(encode_png(image)),
                original_prompt=one.prompt,
                prompt=one.prompt,
            )
            cases.append(CriticCase(case, one.target, source, score_step(image, source, one.target), one.seeds))
    return cases


def generate_cases(
    generator: Generator,
    store: ImageStore,
    n: int,
    seed: int,
    *,
    split: Split = "combinations",
    retry_seeds: int = 4,
) -> list[CriticCase]:
    """Calls `plan_attempts` and then `make_attempts`."""
    return make_attempts(generator, store, plan_attempts(n, seed, split=split, retry_seeds=retry_seeds))


def retry_failures(generator: Generator, retries: Sequence[RetryTask]) -> list[tuple[float, ...]]:
    """Returns the overall scores of retried attempts, 0..1: one per seed of each retry."""
    flat = [(retry, seed) for retry in retries for seed in retry.seeds]
    images = _make_images(
        generator,
        [retry.source for retry, _ in flat],
        [retry.prompt for retry, _ in flat],
        [seed for _, seed in flat],
    )
    scores = iter(
        score_step(image, retry.source, retry.target).overall / 10
        for image, (retry, _) in zip(images, flat, strict=True)
    )
    return [tuple(next(scores) for _ in retry.seeds) for retry in retries]


def _make_images(
    generator: Generator, sources: Sequence[Image.Image | None], texts: Sequence[str], seeds: Sequence[int]
) -> list[Image.Image]:
    """Returns one image per text, edited from its source, or generated from the text alone where that is None."""
    generated = [index for index, source in enumerate(sources) if source is None]
    edited = [(index, source) for index, source in enumerate(sources) if source is not None]
    made: dict[int, Image.Image] = {}
    if generated:
        images = generator.generate([texts[index] for index in generated], [seeds[index] for index in generated])
        made |= dict(zip(generated, images, strict=True))
    if edited:
        indices = [index for index, _ in edited]
        images = generator.edit(
            [source for _, source in edited], [texts[index] for index in indices], [seeds[index] for index in indices]
        )
        made |= dict(zip(indices, images, strict=True))
    return [made[index] for index in range(len(texts))]
