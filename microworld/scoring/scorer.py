"""Scores an image against the requirements of a text, on the scales of the paper's judge: semantics and quality, 0..10
each.

Semantics is the lower of two grades: one for what should have changed (in a generated scene: what should be there) and
one for what should have stayed. Each is the grade of its worst item; the items are the nine cells and the background.
An object that should stay is called a bystander.

| item | grade |
| --- | --- |
| as required | 10 |
| wrong kind, wrong color, wrong size | 10 times 0.3, 0.4, 0.5 for each |
| unchanged although it should have changed; missing | 0 |
| missing, but newly present in another cell | 3 |
| an object in a cell that was empty and should stay so | 2 |
| a different object in a cell that should have become empty | 1 |
| wrong background | 2; 0 if it is unchanged although it should have changed |
| bystander in another variant, at another offset | times 0.6, 0.9 |
| bystander whose pixels differ from the source image's | times 0.8 at worst |

Quality depends on the two worst cells: how well they fit their nearest legal tiles, and how clearly their objects stand
out. The constants never change, because published numbers and trained critics depend on them. Knows nothing of how an
image was made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from interleavethinker.microworld.language.templates import CellTarget, Task, name
from interleavethinker.microworld.scenes.reader import PixelArray, Reading, as_pixels, read, read_all
from interleavethinker.microworld.scenes.scene import CELLS, Scene, SceneObject
from interleavethinker.microworld.scenes.sprites import CELL

__all__ = [
    "NOTHING",
    "QUALITY_NEEDED",
    "SEMANTICS_NEEDED",
    "GradedItem",
    "Score",
    "cell_qualities",
    "cell_similarity",
    "is_success",
    "object_text",
    "score",
    "score_reading",
    "score_task",
    "score_tasks",
]

NOTHING = "nothing"
"""Text for the content of an empty cell."""
SEMANTICS_NEEDED = 8.0
"""Minimum semantics of a success: every cell target is satisfied, and no bystander has changed its looks."""
QUALITY_NEEDED = 5.0
"""Minimum quality of a success: the worst object is blurred by more than a pixel, but still recognizable."""

_WORST_FIT, _BEST_FIT = 14.0, 28.0
"""Fits (dB) that give quality 0 (a blot of the object's color) and 10 (what a good decoder reaches)."""
_WORST_CLARITY, _BEST_CLARITY = 0.0, 11.0
"""The same for clarity (dB); a cell gets the lower of its two grades."""
_KIND, _COLOUR, _SIZE, _VARIANT, _OFFSET, _SIMILARITY = 0.3, 0.4, 0.5, 0.6, 0.9, 0.8
_ELSEWHERE, _EXTRA, _NOT_EMPTIED, _BACKGROUND = 3.0, 2.0, 1.0, 2.0
_SIMILARITY_FULL_DB, _SIMILARITY_NONE_DB = 20.0, 14.0
"""Signal-to-noise ratios (dB) between a bystander's cell and its source's that give similarity 1 and 0."""


@dataclass(frozen=True)
class GradedItem:
    """The grade of one cell or of the background."""

    cell: int | None
    """Number of the cell; None: the background."""
    should_change: bool
    grade: float
    wanted: str
    found: str


@dataclass(frozen=True)
class Score:
    """The score of one image."""

    semantics: float
    quality: float
    exact: bool
    """Every cell target is satisfied, the background is right, and no bystander has changed its variant."""
    changed: float
    """Grade of the items that should have changed; 10 if there are none."""
    preserved: float
    """Grade of the items that should have stayed; 10 if there are none."""
    items: tuple[GradedItem, ...]
    reading: Reading

    @property
    def overall(self) -> float:
        """The geometric mean of semantics and quality."""
        return float((self.semantics * self.quality) ** 0.5)

    @property
    def faults(self) -> tuple[GradedItem, ...]:
        """The items with less than full marks, worst first."""
        return tuple(sorted((item for item in self.items if item.grade < 10), key=lambda item: item.grade))


def is_success(scored: Score) -> bool:
    """Returns the ground-truth judgment J of an attempt: both semantics and quality reach their minimum."""
    return scored.semantics >= SEMANTICS_NEEDED and scored.quality >= QUALITY_NEEDED


def score(
    image: Image.Image | PixelArray,
    source: Image.Image | PixelArray | Scene | None,
    cell_targets: Sequence[CellTarget | None],
    background: str,
) -> Score:
    """Scores one image.

    Args:
        image: The generated image.
        source: The image that was edited, or its scene; None if the image was generated from text alone.
        cell_targets: What each of the nine cells must hold afterwards.
        background: What the background must be afterwards.

    Raises:
        InputError: An image has the wrong size (`wrong_size`).
    """
    array = as_pixels(image)
    if source is None or isinstance(source, Scene):
        return score_reading(read(array), source, cell_targets, background)
    before = as_pixels(source)
    similarity = cell_similarity(array, before)
    return score_reading(read(array), read(before).scene, cell_targets, background, similarity)


def score_task(image: Image.Image | PixelArray, task: Task) -> Score:
    """Scores an image for a task; the source of an edit is taken to be rendered perfectly."""
    return score(image, task.source, task.cell_targets, task.target.background)


def score_tasks(images: Sequence[Image.Image | PixelArray], tasks: Sequence[Task]) -> list[Score]:
    """Does `score_task` for several images, faster than one at a time."""
    return [
        score_reading(reading, task.source, task.cell_targets, task.target.background)
        for reading, task in zip(read_all(images), tasks, strict=True)
    ]


def score_reading(
    reading: Reading,
    source: Scene | None,
    cell_targets: Sequence[CellTarget | None],
    background: str,
    similarity: Sequence[float] | None = None,
) -> Score:
    """Scores what was read from an image.

    Args:
        reading: Of the image to score.
        source: The scene that was edited; None if the image was generated from text alone.
        cell_targets: What each cell must hold.
        background: What the background must be.
        similarity: Per cell, how much it looks like the source image's, 0..1; by default not graded.
    """
    items = [_grade_background(reading.scene.background, source, background)]
    for cell, cell_target in enumerate(cell_targets):
        items.append(_grade_cell(cell, cell_target, reading.scene, source, similarity[cell] if similarity else 1.0))
    grades = {group: [item.grade for item in items if item.should_change is group] for group in (True, False)}
    changed, preserved = (min(grades[group], default=10.0) for group in (True, False))
    return Score(
        semantics=min(changed, preserved),
        quality=_quality(reading),
        exact=_is_exact(reading.scene, source, cell_targets, background),
        changed=changed,
        preserved=preserved,
        items=tuple(items),
        reading=reading,
    )


def _grade_background(found: str, source: Scene | None, wanted: str) -> GradedItem:
    should_change = source is None or source.background != wanted
    grade = 10.0 if found == wanted else _BACKGROUND
    if found != wanted and source is not None and should_change and found == source.background:
        grade = 0.0
    return GradedItem(None, should_change, grade, wanted, found)


def _grade_cell(
    cell: int, cell_target: CellTarget | None, scene: Scene, source: Scene | None, similarity: float
) -> GradedItem:
    found = scene.cells[cell]
    before = source.cells[cell] if source is not None else None
    should_change = cell_target is not None if source is None else not _satisfies(cell_target, before)
    texts = _target_text(cell_target), object_text(found)
    if cell_target is None:
        grade = _grade_empty(found, before, should_change=should_change)
    elif found is None:
        grade = _ELSEWHERE if _is_elsewhere(cell_target, cell, scene, source) else 0.0
    elif should_change and before is not None and found.named == before.named:
        grade = 0.0
    else:
        grade = _grade_object(cell_target, found)
        if not should_change and before is not None:
            grade *= _VARIANT if found.variant != before.variant and found.kind == before.kind else 1.0
            grade *= _OFFSET if found.offset != before.offset else 1.0
            grade *= _SIMILARITY + (1 - _SIMILARITY) * similarity
    return GradedItem(cell, should_change, round(grade, 6), *texts)


def _grade_empty(found: SceneObject | None, before: SceneObject | None, *, should_change: bool) -> float:
    if found is None:
        return 10.0
    if not should_change:
        return _EXTRA
    return 0.0 if before is not None and found.named == before.named else _NOT_EMPTIED


def _grade_object(cell_target: CellTarget, found: SceneObject) -> float:
    grade = 10.0
    grade *= 1.0 if found.kind == cell_target.kind else _KIND
    grade *= 1.0 if found.colour == cell_target.colour else _COLOUR
    return grade * (1.0 if cell_target.size in {None, found.size} else _SIZE)


def _is_elsewhere(cell_target: CellTarget, cell: int, scene: Scene, source: Scene | None) -> bool:
    """Whether the object that a cell lacks is in another cell where it was not before."""
    return any(
        cell_target.allows(obj) and (source is None or not cell_target.allows(source.cells[at]))
        for at, obj in enumerate(scene.cells)
        if at != cell
    )


def _satisfies(cell_target: CellTarget | None, obj: SceneObject | None) -> bool:
    return obj is None if cell_target is None else cell_target.allows(obj)


def _is_exact(scene: Scene, source: Scene | None, cell_targets: Sequence[CellTarget | None], background: str) -> bool:
    if scene.background != background or not all(map(_satisfies, cell_targets, scene.cells)):
        return False
    if source is None:
        return True
    return all(
        found is None or before is None or not _satisfies(cell_target, before) or found.variant == before.variant
        for cell_target, found, before in zip(cell_targets, scene.cells, source.cells, strict=True)
    )


def cell_qualities(reading: Reading) -> tuple[float, ...]:
    """Returns the quality of each cell, 0..10."""
    fit = (np.array(reading.fit) - _WORST_FIT) / (_BEST_FIT - _WORST_FIT)
    clarity = (np.array(reading.clarity) - _WORST_CLARITY) / (_BEST_CLARITY - _WORST_CLARITY)
    return tuple(map(float, 10 * np.clip(np.minimum(fit, clarity), 0, 1)))


def _quality(reading: Reading) -> float:
    worst, second = sorted(cell_qualities(reading))[:2]
    return (2 * worst + second) / 3


def cell_similarity(image: PixelArray, source: PixelArray) -> list[float]:
    """Returns the similarity of each cell in two images: 1 at a signal-to-noise ratio of 20 dB, 0 at 14 dB."""
    squared = ((image - source) ** 2).mean(-1).reshape(3, CELL, 3, CELL).mean((1, 3)).reshape(CELLS)
    ratio = -10 * np.log10(np.maximum(squared, 1e-6))
    cell_similarity: list[float] = np.clip(
        (ratio - _SIMILARITY_NONE_DB) / (_SIMILARITY_FULL_DB - _SIMILARITY_NONE_DB), 0, 1
    ).tolist()
    return cell_similarity


def _target_text(cell_target: CellTarget | None) -> str:
    return " ".join(filter(None, (cell_target.size, cell_target.colour, cell_target.kind))) if cell_target else NOTHING


def object_text(obj: SceneObject | None) -> str:
    """Describes the content of a cell in words."""
    return name(obj) if obj else NOTHING
