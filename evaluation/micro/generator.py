"""How well a micro generator does what texts ask: what it was trained for, and what it was not.

Samples come from a stream of random numbers that no training uses, and are a pure function of the seed. Edits start
from rendered scenes. A gap's rewording is carried out text by text, each on the picture before, with the seed of the
one-shot attempt; both are judged against the same target. Knows nothing of how the generator was made.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from interleavethinker.evaluation.statistics import mean, rate
from interleavethinker.microworld.generators.micro import MicroGenerator
from interleavethinker.microworld.language.held_out import HELD_OUT_FAMILIES, HeldOutTask, held_out_task
from interleavethinker.microworld.language.templates import EDIT_KINDS, Task, edit_task, generation_task
from interleavethinker.microworld.scenes.scene import render, to_image
from interleavethinker.microworld.scoring.scorer import Score, is_success, score_tasks
from interleavethinker.microworld.seeds import GENERATOR_EVALUATION

__all__ = ["Generator", "Progress", "evaluate", "generator_report", "seconds_per_image"]

_TIMED = 10
_FIGURES = (
    *("exact", "exact_low", "exact_high", "judged_good"),
    *("semantics", "semantics_low", "semantics_high", "quality", "quality_low", "quality_high"),
)
"""What is told of every group of samples, besides their number."""
_CHUNK = 48

Json = dict[str, "Json"] | float | int | None
"""What a report is made of."""


class Generator(Protocol):
    """What is evaluated; `MicroGenerator` is one."""

    def generate(self, texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        """One picture for each text."""

    def edit(self, images: Sequence[Image.Image], texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        """One picture for each instruction."""


class Progress(Protocol):
    """Is told of every finished picture."""

    def __call__(self, group: str, done: int, total: int) -> None:
        """`done` of the `total` pictures of a group of samples are made."""


@dataclass(frozen=True)
class _SampleGroup:
    """Samples of one kind."""

    name: str
    samples: tuple[HeldOutTask, ...]
    seeds: tuple[int, ...]


def evaluate(
    checkpoint: Path | None = None,
    *,
    n: int = 400,
    seed: int = 0,
    weaker: bool = False,
    gaps: Sequence[str] = HELD_OUT_FAMILIES,
    progress: Progress | None = None,
) -> dict[str, Json]:
    """Loads a checkpoint and reports on it.

    Args:
        checkpoint: Folder of a pipeline; the shipped one by default.
        n: Samples of text-to-image, of edits (shared evenly by the kinds), and of each gap.
        seed: Of samples and generator.
        weaker: Evaluate the degraded variant.
        gaps: Which gaps to measure.
        progress: Is told of every batch.
    """
    generator = MicroGenerator(checkpoint, weaker=weaker)
    return {**generator_report(generator, n=n, seed=seed, gaps=gaps, progress=progress), **_speed(generator)}


def generator_report(
    generator: Generator,
    *,
    n: int,
    seed: int,
    gaps: Sequence[str] = HELD_OUT_FAMILIES,
    progress: Progress | None = None,
) -> dict[str, Json]:
    """The report on any generator, without its speed."""
    tell = progress or (lambda _group, _done, _total: None)
    drawn = _make(generator, _group("text_to_image", seed, n, lambda rng: _plain(generation_task(rng))), tell)
    per_kind = [n // len(EDIT_KINDS) + (index < n % len(EDIT_KINDS)) for index in range(len(EDIT_KINDS))]
    edits = {
        kind: _make(generator, _group(f"edit {kind}", seed, count, _edit_maker(kind)), tell)
        for kind, count in zip(EDIT_KINDS, per_kind, strict=True)
    }
    report: dict[str, Json] = {
        "n": n,
        "seed": seed,
        "text_to_image": _figures(drawn),
        "edit": {
            **_figures([score for scores in edits.values() for score in scores]),
            "kinds": {kind: _figures(scores) for kind, scores in edits.items()},
        },
        "gaps": {gap: _gap_figures(generator, gap, seed, n, tell) for gap in gaps},
    }
    return report


def _plain(task: Task) -> HeldOutTask:
    return HeldOutTask(task, (task.text,))


def _edit_maker(kind: str) -> Callable[[np.random.Generator], HeldOutTask]:
    return lambda rng: _plain(edit_task(rng, kind))


def _gap_figures(generator: Generator, gap: str, seed: int, n: int, tell: Progress) -> Json:
    group = _group(gap, seed, n, lambda rng: held_out_task(gap, rng))
    one_shot = _figures(_make(generator, group, tell))
    reworded = _figures(_make(generator, group, tell, reworded=True))
    return {**one_shot, **{f"{key}_reworded": value for key, value in reworded.items()}}


def _group(name: str, seed: int, count: int, make: Callable[[np.random.Generator], HeldOutTask]) -> _SampleGroup:
    """Samples whose i-th depends on seed, name and i alone, so that a larger n repeats those of a smaller one."""
    rngs = [np.random.default_rng([GENERATOR_EVALUATION, seed, *name.encode(), index]) for index in range(count)]
    samples = tuple(make(rng) for rng in rngs)
    return _SampleGroup(name, samples, tuple(int(rng.integers(2**31)) for rng in rngs))


def _make(generator: Generator, group: _SampleGroup, tell: Progress, *, reworded: bool = False) -> list[Score]:
    """Makes and judges a group's pictures, from the texts themselves or from their rewordings."""
    scores: list[Score] = []
    name, total = f"{group.name}, reworded" if reworded else group.name, len(group.samples)
    tell(name, 0, total)
    for start in range(0, total, _CHUNK):
        samples, seeds = group.samples[start : start + _CHUNK], group.seeds[start : start + _CHUNK]
        texts = [sample.rewritten if reworded else (sample.task.text,) for sample in samples]
        pictures = _carry_out(generator, [sample.task for sample in samples], texts, seeds)
        scores += score_tasks(pictures, [sample.task for sample in samples])
        tell(name, len(scores), total)
    return scores


def _carry_out(
    generator: Generator, tasks: Sequence[Task], texts: Sequence[Sequence[str]], seeds: Sequence[int]
) -> list[Image.Image]:
    """The last picture of each sequence of texts; sequences advance together, so that batches stay full."""
    pictures = [None if task.source is None else to_image(render(task.source)) for task in tasks]
    for turn in range(max(map(len, texts))):
        going = [index for index, sequence in enumerate(texts) if turn < len(sequence)]
        drawing = [index for index in going if pictures[index] is None]
        editing = [(index, picture) for index in going if (picture := pictures[index]) is not None]
        drawn = generator.generate([texts[index][turn] for index in drawing], [seeds[index] for index in drawing])
        edited = generator.edit(
            [picture for _, picture in editing],
            [texts[index][turn] for index, _ in editing],
            [seeds[index] for index, _ in editing],
        )
        for index, picture in zip((*drawing, *(index for index, _ in editing)), (*drawn, *edited), strict=True):
            pictures[index] = picture
    return [picture for picture in pictures if picture is not None]


def _figures(scores: Sequence[Score]) -> dict[str, Json]:
    """Rates and means with their intervals; null where there are no samples (n below the number of edit kinds)."""
    if not scores:
        return {**dict.fromkeys(_FIGURES), "samples": 0}
    exact = rate([score.exact for score in scores])
    judged = rate([is_success(score) for score in scores])
    semantics, quality = mean([score.semantics for score in scores]), mean([score.quality for score in scores])
    rates = [round(value, 4) for value in (exact.value, exact.low, exact.high, judged.value)]
    means = [
        round(min(10.0, max(0.0, value)), 3)  # a normal interval may reach beyond the scale
        for estimate in (semantics, quality)
        for value in (estimate.value, estimate.low, estimate.high)
    ]
    return {**dict(zip(_FIGURES, rates + means, strict=True)), "samples": exact.n}


def _speed(generator: MicroGenerator) -> dict[str, Json]:
    seconds = seconds_per_image(generator)
    slower = max(seconds["draw"], seconds["edit"])
    return {"seconds_per_image": slower, "seconds": dict(seconds)}


def seconds_per_image(generator: MicroGenerator) -> dict[str, float]:
    """Median seconds of one stock pipeline call for one picture, drawn and edited.

    `draw` and `edit` are seconds of processor time: the generator uses one thread, so that they are what the clock
    shows on a machine that does nothing else. `draw_wall` and `edit_wall` are what the clock did show.
    """
    text, instruction = "a big red ball on the left, at night", "make the red ball green"
    source = generator.generate([text], [0])[0]
    calls: dict[str, Callable[[int], object]] = {
        "draw": lambda seed: generator.generate([text], [seed]),
        "edit": lambda seed: generator.edit([source], [instruction], [seed]),
    }
    seconds: dict[str, float] = {}
    for name, call in calls.items():
        call(0)
        spent = [_timed(call, number) for number in range(_TIMED)]
        seconds[name], seconds[f"{name}_wall"] = (round(float(np.median(each)), 4) for each in zip(*spent, strict=True))
    return seconds


def _timed(call: Callable[[int], object], number: int) -> tuple[float, float]:
    """Processor seconds and clock seconds of one call."""
    processor, clock = time.process_time(), time.perf_counter()
    call(number)
    return time.process_time() - processor, time.perf_counter() - clock
