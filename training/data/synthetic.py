"""Synthetic rows from rendered images, in any number, for models trained from scratch: plans, and attempts to judge.

A critic learns to judge from them before it sees a generator's images. What a rendered image shows is known, so only
images with a blurred object are read back by the scorer. The teacher and its rewriting strategies are the same as for
all other rows. A planner learns to copy and to locate objects from them, with more phrasings than the data set has.

Rows are not written to disk. A row depends only on the seed and its number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import count as naturals
from itertools import islice

import numpy as np
from PIL import Image, ImageFilter

from interleavethinker.microworld.agents.rewriting import STRATEGIES, rewrite_prompt
from interleavethinker.microworld.agents.teachers import (
    expectation,
    expected_changes,
    item_line,
    label_scored_attempt,
    plan_of,
    request_of,
    scene_listing,
)
from interleavethinker.microworld.language.templates import name, resample_unspecified
from interleavethinker.microworld.requests.families import DEFAULT_MAX_STEPS, FAMILIES, MAX_STEPS, sample_scenario
from interleavethinker.microworld.scenes.reader import Reading
from interleavethinker.microworld.scenes.scene import CELLS, Scene, SceneObject, random_object, render, to_image
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, CELL, COLOURS, KINDS, SIZES
from interleavethinker.microworld.scoring.scorer import NOTHING, GradedItem, Score, object_text, score_reading
from interleavethinker.microworld.scoring.targets import StepTarget, as_json, score_step
from interleavethinker.microworld.seeds import SYNTHETIC_DATA
from interleavethinker.tools.images.png import encode_png
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import CriticInput

from .planner import cut_after
from .schema import CriticRow, PlannerRow

__all__ = ["synthetic_critic_rows", "synthetic_planner_rows", "synthetic_text_pairs"]

_RIGHT, _UNTOUCHED = 0.5, 0.15
"""Shares of attempts that are correct, and that leave the source image unchanged; the others have one mistake."""
_BLURRED = 0.15
"""Share of images in which one object is blurred, as generators do; some beyond what the quality threshold allows."""
_CUT = 0.35
"""Share of multi-step plans in which some steps are already finished."""
_FAMILY_CYCLE = (
    "narrative", "questions", "guidance", "reasoning", "manipulation", "questions", "continuation", "reasoning",
    "knowledge", "questions", "manipulation", "reasoning",
)  # fmt: skip
"""Families of synthetic plans, in turn; those that need an image come more often, as each row teaches little."""
_PAIRS = 6
"""Comparisons in one text-only example."""
_LONG = 0.25
"""Share of plans that may have more steps than those of the data set."""


def synthetic_critic_rows(store: ImageStore, count: int, seed: int, style: str = "") -> Iterator[CriticRow]:
    """Yields critic rows: rendered attempts with the teacher's answer. A larger count only adds rows at the end.

    Args:
        store: Gets the images.
        count: Number of rows.
        seed: Seed of all random choices.
        style: The rewriting strategy that the teacher prefers; empty: none.
    """
    for made, (prompt, target) in enumerate(islice(_steps(seed), count)):
        rng = np.random.default_rng([SYNTHETIC_DATA, seed, made])
        yield _row(f"rehearsal-{seed}-{made:06d}", prompt, target, store, rng, style)


def synthetic_planner_rows(store: ImageStore, count: int, seed: int) -> Iterator[PlannerRow]:
    """Yields planner rows: whole requests, and requests with some finished steps. A larger count only adds rows.

    Args:
        store: Gets the images.
        count: Number of rows.
        seed: Seed of all random choices.
    """
    families = list(FAMILIES)
    for index in range(count):
        rng = np.random.default_rng([SYNTHETIC_DATA, seed, index])
        number = len(families) * index + families.index(_FAMILY_CYCLE[index % len(_FAMILY_CYCLE)])
        max_steps = MAX_STEPS if rng.random() < _LONG else DEFAULT_MAX_STEPS
        sampled = sample_scenario(SYNTHETIC_DATA + seed, number, "train", extra_templates=True, max_steps=max_steps)
        scenario = sampled.scenario
        request, plan = request_of(scenario, store), plan_of(scenario)
        if len(plan.steps) > 1 and rng.random() < _CUT:
            done = scenario.steps[: int(rng.integers(1, len(plan.steps)))]
            images = [_store_image(step.target.after, store) for step in done if step.target is not None]
            request, plan = cut_after(request, plan, images)
        yield PlannerRow(
            id=f"rehearsal-{seed}-{index:06d}",
            split="train",
            family=sampled.family,
            request=request,
            plan=plan,
            first=len(request.images) + 1,
        )


def synthetic_text_pairs(count: int, seed: int) -> Iterator[tuple[str, str]]:
    """Yields text-only questions and answers of two kinds, alternating.

    The first kind asks what a prompt wants in a described scene and how to reword it; the second asks which of several
    descriptions match. A critic's row has one or two of each among much that must be seen in images, and a critic
    judges wrongly until it masters them.

    Args:
        count: Number of pairs.
        seed: Seed of all random choices.
    """
    for made, (prompt, target) in enumerate(islice(_steps(seed), count)):
        rng = np.random.default_rng([SYNTHETIC_DATA, seed, made, 1])
        yield _comparison_question(rng) if made % 2 else _prompt_question(prompt, target, rng)


def _steps(seed: int) -> Iterator[tuple[str, StepTarget]]:
    """Yields prompts of training requests with their targets, without end."""
    for index in naturals():
        for step in sample_scenario(SYNTHETIC_DATA + seed, index, "train").scenario.steps:
            if step.target is not None and step.prompt is not None:
                yield step.prompt, step.target


def _attempt_prompt(original: str, target: StepTarget, rng: np.random.Generator) -> str:
    """The prompt of an attempt: the step's own, or in half of the cases a reworded one, as in later attempts."""
    if rng.random() < 0.5:
        return rewrite_prompt(str(rng.choice(STRATEGIES)), target, target.before, (), rng)
    return original


def _prompt_question(original: str, target: StepTarget, rng: np.random.Generator) -> tuple[str, str]:
    source = target.before
    prompt = _attempt_prompt(original, target, rng)
    known = [] if source is None else [f"before {scene_listing(source)}"]
    aims = [
        expectation(item, was) for item, was in expected_changes(_score_clean(target.after, source, target), source)
    ]
    strategy = str(rng.choice(STRATEGIES))
    undone = _score_clean(source or Scene(target.after.background), source, target)
    refined = rewrite_prompt(strategy, target, source, undone.faults, rng)
    question = "\n".join([*known, f"Wanted: {original}", f"Asked: {prompt}"])
    return question, "; ".join([*known, *aims, f"try {strategy}", refined])


def _comparison_question(rng: np.random.Generator) -> tuple[str, str]:
    lines = [item_line(*_pair(rng)) for _ in range(_PAIRS)]
    answer = "; ".join(lines)
    return re.sub(r" (?:yes|no)\b", "", answer), answer


def _pair(rng: np.random.Generator) -> tuple[GradedItem, str | None]:
    """A wanted and a found description that match in half of the cases; otherwise mostly one word differs.

    Returns:
        The comparison, and what the cell (or the background) held before.
    """
    cell_target, same = bool(rng.random() < 0.5), bool(rng.random() < 0.5)
    cell: int | None = int(rng.integers(CELLS))
    item, open_size, chance = random_object(rng), bool(rng.random() < 0.3), rng.random()
    wanted = name(item, size=not open_size)
    if chance < 0.1:
        cell, wanted = None, str(rng.choice(BACKGROUNDS))
        found = wanted if same else str(rng.choice([other for other in BACKGROUNDS if other != wanted]))
    elif chance < 0.25:
        # In the first pair the descriptions match, although the objects look different.
        odd = ((wanted, wanted), (wanted, NOTHING), (NOTHING, name(item)))
        wanted, found = (NOTHING, NOTHING) if same else odd[int(rng.integers(len(odd)))]
    elif same:
        found = name(replace(item, size=str(rng.choice(SIZES))) if open_size else item)
    else:
        found = name(_other(item, int(rng.choice([2, 4] if open_size else [2, 3, 4])), rng))
    was = (
        str(rng.choice(BACKGROUNDS))
        if cell is None
        else object_text(random_object(rng) if rng.random() < 0.7 else None)
    )
    return GradedItem(cell, cell_target, 10.0 if same else 0.0, wanted, found), was


def _row(
    key: str, original: str, target: StepTarget, store: ImageStore, rng: np.random.Generator, style: str
) -> CriticRow:
    source = target.before
    shown = _attempt(target, rng)
    image = to_image(render(shown))
    if shown.objects and rng.random() < _BLURRED:
        _blur_object(image, int(rng.choice(list(shown.objects))), rng)
        score = score_step(image, None if source is None else to_image(render(source)), target)
    else:
        score = _score_clean(shown, source, target)
    prompt = _attempt_prompt(original, target, rng)
    label = label_scored_attempt(score, source, target, prompt, rng, style=style)
    case = CriticInput(
        source=None if source is None else _store_image(source, store),
        image=store.put(encode_png(image)),
        original_prompt=original,
        prompt=prompt,
    )
    return CriticRow(
        id=key,
        trajectory=key,
        split="train",
        generator="rendered",
        step=0,
        iteration=0,
        case=case,
        reference=as_json(target),
        semantics=score.semantics,
        quality=score.quality,
        success=bool(label.verdict.success),
        answer=label.verdict,
        strategy=label.strategy,
        next_seed=int(rng.integers(2**31)),
    )


def _score_clean(shown: Scene, source: Scene | None, target: StepTarget) -> Score:
    cell_targets, background = target.cell_targets(source)
    perfect, sure = (50.0,) * CELLS, (1.0,) * CELLS
    reading = Reading(shown, fit=perfect, clarity=perfect, confidence=sure, background_confidence=1.0)
    return score_reading(reading, source, cell_targets, background)


def _blur_object(image: Image.Image, cell: int, rng: np.random.Generator) -> None:
    y, x = divmod(cell, 3)
    box = (x * CELL, y * CELL, (x + 1) * CELL, (y + 1) * CELL)
    blur = ImageFilter.GaussianBlur(float(rng.uniform(1, 5)))
    image.paste(image.crop(box).filter(blur), box)


def _attempt(target: StepTarget, rng: np.random.Generator) -> Scene:
    """The scene that an attempt's image shows: the step done, not done, or done with one mistake."""
    done = target.after
    before = target.before or Scene(done.background)
    for cell, item in done.objects.items():
        if before.cells[cell] != item and item not in before.cells:  # a new object may have any unspecified look
            done = done.put(cell, resample_unspecified(item, rng, size=cell in target.open_sizes))
    chance = rng.random()
    if chance < _RIGHT:
        return done
    if target.before is not None and chance < _RIGHT + _UNTOUCHED:
        return target.before
    return _with_mistake(done, target, rng)


def _with_mistake(scene: Scene, target: StepTarget, rng: np.random.Generator) -> Scene:
    """Adds one mistake, more often in what the step changes than elsewhere."""
    if rng.random() < 0.12:
        others = [name for name in BACKGROUNDS if name != scene.background]
        return replace(scene, background=str(rng.choice(others)))
    occupied = list(scene.objects)
    if not occupied or (scene.free and rng.random() < 0.15):
        return scene.put(int(rng.choice(scene.free)), random_object(rng))
    edit = target.edit
    changed = [cell for cell in (edit.cell, edit.to) if cell in occupied] if edit is not None else occupied
    cell = int(rng.choice(changed if changed and rng.random() < 0.5 else occupied))
    item = scene.cells[cell]
    assert item is not None  # noqa: S101 - occupied
    kind = int(rng.integers(5))
    if kind == 0:
        return scene.put(cell, None)
    if kind == 1 and scene.free:
        return scene.put(int(rng.choice(scene.free)), item).put(cell, None)
    return scene.put(cell, _other(item, kind, rng))


def _other(item: SceneObject, kind: int, rng: np.random.Generator) -> SceneObject:
    if kind == 2:
        return replace(item, colour=str(rng.choice([name for name in COLOURS if name != item.colour])))
    if kind == 3:
        return replace(item, size=SIZES[1 - SIZES.index(item.size)])
    return replace(item, kind=str(rng.choice([name for name in KINDS if name != item.kind])))


def _store_image(scene: Scene, store: ImageStore) -> str:
    return store.put(encode_png(to_image(render(scene))))
