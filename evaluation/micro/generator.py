"""Measures a micro image generator: how exactly it follows prompts like its training prompts, and held-out ones.

Samples come from a random stream that no training uses, and are a pure function of the seed. Edits start from rendered
scenes. The rewritten form of a held-out prompt is a sequence of trained prompts, each applied to the image before, with
the seed of the one-shot attempt; both are scored against the same target. Knows nothing of training.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from interleavethinker.evaluation.progress import StageProgress, ignore_progress
from interleavethinker.evaluation.statistics import mean, rate
from interleavethinker.microworld.generators.micro import MicroGenerator
from interleavethinker.microworld.language.held_out import HELD_OUT_FAMILIES, HeldOutTask, held_out_task
from interleavethinker.microworld.language.templates import EDIT_KINDS, Task, edit_task, generation_task
from interleavethinker.microworld.scenes.scene import render, to_image
from interleavethinker.microworld.scoring.scorer import Score, is_success, score_tasks
from interleavethinker.microworld.seeds import GENERATOR_EVALUATION

__all__ = ["Generator", "evaluate_generator", "generator_report", "seconds_per_image"]

_TIMED_CALLS = 10
_METRICS = (
    *("exact", "exact_low", "exact_high", "success"),
    *("semantics", "semantics_low", "semantics_high", "quality", "quality_low", "quality_high"),
)
"""The metrics of a group of samples, besides their number."""
_BATCH = 48

Json = dict[str, "Json"] | float | int | None
"""The values of a report."""


class Generator(Protocol):
    """An image generator to measure; `MicroGenerator` is one."""

    def generate(self, texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        """Generates one image per prompt."""

    def edit(self, images: Sequence[Image.Image], texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        """Edits each image by its instruction."""


@dataclass(frozen=True)
class _SampleGroup:
    """Samples that are reported together."""

    name: str
    samples: tuple[HeldOutTask, ...]
    seeds: tuple[int, ...]


def evaluate_generator(
    checkpoint: Path | None = None,
    *,
    n: int = 400,
    seed: int = 0,
    weaker: bool = False,
    families: Sequence[str] = HELD_OUT_FAMILIES,
    progress: StageProgress = ignore_progress,
) -> dict[str, Json]:
    """Loads a checkpoint and returns its report.

    Args:
        checkpoint: The folder of a pipeline; the shipped one by default.
        n: The number of text-to-image samples, of edits (divided evenly among the kinds), and of each held-out family.
        seed: Seed of samples and generator.
        weaker: Measure the generator with degraded weights.
        families: The held-out families to measure.
        progress: Called for every batch.
    """
    generator = MicroGenerator(checkpoint, weaker=weaker)
    return {**generator_report(generator, n=n, seed=seed, families=families, progress=progress), **_speed(generator)}


def generator_report(
    generator: Generator,
    *,
    n: int,
    seed: int,
    families: Sequence[str] = HELD_OUT_FAMILIES,
    progress: StageProgress = ignore_progress,
) -> dict[str, Json]:
    """Returns the report on any generator, without its speed."""
    generated = _make(
        generator, _group("text_to_image", seed, n, lambda rng: _as_written(generation_task(rng))), progress
    )
    per_kind = [n // len(EDIT_KINDS) + (index < n % len(EDIT_KINDS)) for index in range(len(EDIT_KINDS))]
    edits = {
        kind: _make(generator, _group(f"edit {kind}", seed, count, _edit_maker(kind)), progress)
        for kind, count in zip(EDIT_KINDS, per_kind, strict=True)
    }
    report: dict[str, Json] = {
        "n": n,
        "seed": seed,
        "text_to_image": _metrics(generated),
        "edit": {
            **_metrics([score for scores in edits.values() for score in scores]),
            "kinds": {kind: _metrics(scores) for kind, scores in edits.items()},
        },
        "held_out": {family: _held_out_metrics(generator, family, seed, n, progress) for family in families},
    }
    return report


def _as_written(task: Task) -> HeldOutTask:
    return HeldOutTask(task, (task.text,))


def _edit_maker(kind: str) -> Callable[[np.random.Generator], HeldOutTask]:
    return lambda rng: _as_written(edit_task(rng, kind))


def _held_out_metrics(generator: Generator, family: str, seed: int, n: int, progress: StageProgress) -> Json:
    group = _group(family, seed, n, lambda rng: held_out_task(family, rng))
    one_shot = _metrics(_make(generator, group, progress))
    rewritten = _metrics(_make(generator, group, progress, rewritten=True))
    return {**one_shot, **{f"{key}_rewritten": value for key, value in rewritten.items()}}


def _group(name: str, seed: int, count: int, make: Callable[[np.random.Generator], HeldOutTask]) -> _SampleGroup:
    """Returns samples whose i-th depends only on seed, name and i; a larger count starts with a smaller one's."""
    rngs = [np.random.default_rng([GENERATOR_EVALUATION, seed, *name.encode(), index]) for index in range(count)]
    samples = tuple(make(rng) for rng in rngs)
    return _SampleGroup(name, samples, tuple(int(rng.integers(2**31)) for rng in rngs))


def _make(
    generator: Generator, group: _SampleGroup, progress: StageProgress, *, rewritten: bool = False
) -> list[Score]:
    """Generates and scores a group's images, from the original prompts or from their rewritten form."""
    scores: list[Score] = []
    name, total = f"{group.name}, rewritten" if rewritten else group.name, len(group.samples)
    progress(name, 0, total)
    for start in range(0, total, _BATCH):
        samples, seeds = group.samples[start : start + _BATCH], group.seeds[start : start + _BATCH]
        texts = [sample.rewritten if rewritten else (sample.task.text,) for sample in samples]
        images = _run_texts(generator, [sample.task for sample in samples], texts, seeds)
        scores += score_tasks(images, [sample.task for sample in samples])
        progress(name, len(scores), total)
    return scores


def _run_texts(
    generator: Generator, tasks: Sequence[Task], texts: Sequence[Sequence[str]], seeds: Sequence[int]
) -> list[Image.Image]:
    """Returns the last image of each sequence of prompts; sequences advance together, so that batches stay full."""
    images = [None if task.source is None else to_image(render(task.source)) for task in tasks]
    for turn in range(max(map(len, texts))):
        active = [index for index, sequence in enumerate(texts) if turn < len(sequence)]
        generating = [index for index in active if images[index] is None]
        editing = [(index, image) for index in active if (image := images[index]) is not None]
        generated = generator.generate(
            [texts[index][turn] for index in generating], [seeds[index] for index in generating]
        )
        edited = generator.edit(
            [image for _, image in editing],
            [texts[index][turn] for index, _ in editing],
            [seeds[index] for index, _ in editing],
        )
        for index, image in zip((*generating, *(index for index, _ in editing)), (*generated, *edited), strict=True):
            images[index] = image
    return [image for image in images if image is not None]


def _metrics(scores: Sequence[Score]) -> dict[str, Json]:
    """Returns rates and means with intervals; null without samples (if n is below the number of edit kinds)."""
    if not scores:
        return {**dict.fromkeys(_METRICS), "samples": 0}
    exact = rate([score.exact for score in scores])
    successes = rate([is_success(score) for score in scores])
    semantics, quality = mean([score.semantics for score in scores]), mean([score.quality for score in scores])
    rates = [round(value, 4) for value in (exact.value, exact.low, exact.high, successes.value)]
    means = [
        round(min(10.0, max(0.0, value)), 3)  # a normal interval may exceed the scale
        for estimate in (semantics, quality)
        for value in (estimate.value, estimate.low, estimate.high)
    ]
    return {**dict(zip(_METRICS, rates + means, strict=True)), "samples": exact.n}


def _speed(generator: MicroGenerator) -> dict[str, Json]:
    seconds = seconds_per_image(generator)
    slowest = max(seconds["generate"], seconds["edit"])
    return {"seconds_per_image": slowest, "seconds": dict(seconds)}


def seconds_per_image(generator: MicroGenerator) -> dict[str, float]:
    """Returns the median seconds of one pipeline call for one image, generated and edited.

    `generate` and `edit` are processor time. The generator uses one thread, so on an idle machine this is also the
    wall-clock time. `generate_wall` and `edit_wall` are the measured wall-clock time.
    """
    text, instruction = "a big red ball on the left, at night", "make the red ball green"
    source = generator.generate([text], [0])[0]
    calls: dict[str, Callable[[int], object]] = {
        "generate": lambda seed: generator.generate([text], [seed]),
        "edit": lambda seed: generator.edit([source], [instruction], [seed]),
    }
    seconds: dict[str, float] = {}
    for name, call in calls.items():
        call(0)
        spent = [_timed(call, number) for number in range(_TIMED_CALLS)]
        seconds[name], seconds[f"{name}_wall"] = (round(float(np.median(each)), 4) for each in zip(*spent, strict=True))
    return seconds


def _timed(call: Callable[[int], object], number: int) -> tuple[float, float]:
    """Returns the processor seconds and wall-clock seconds of one call."""
    processor, clock = time.process_time(), time.perf_counter()
    call(number)
    return time.process_time() - processor, time.perf_counter() - clock
