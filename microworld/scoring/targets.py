"""The target of one step of a plan, independent of its wording, and the scoring of the step's image.

A target is applied to the image that the step really starts from: it prescribes what the step changes, and everything
else must stay as that image shows it, so that no step is blamed for the faults of an earlier one. Data rows store
targets as JSON. Knows nothing of requests or models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from PIL import Image
from pydantic import JsonValue, TypeAdapter, ValidationError

from interleavethinker.microworld.language.templates import CellTarget, Edit, cell_targets_of
from interleavethinker.microworld.scenes.reader import as_pixels, read
from interleavethinker.microworld.scenes.scene import Scene
from interleavethinker.tools.errors import InputError

from .scorer import Score, cell_similarity, score_reading

__all__ = ["StepTarget", "as_json", "keep_sizes_open", "scene_of", "score_step", "target_from"]


@dataclass(frozen=True)
class StepTarget:
    """The change that a step must make."""

    after: Scene
    """A scene that satisfies the step, if every step before it succeeded."""
    before: Scene | None = None
    """The scene that the step then starts from; None: it generates from text alone."""
    edit: Edit | None = None
    """The change; None: the step generates the whole scene `after`."""
    open_sizes: tuple[int, ...] = ()
    """Cells whose object may have any size, because the text leaves it open."""

    def cell_targets(self, source: Scene | None) -> tuple[tuple[CellTarget | None, ...], str]:
        """Returns the cell targets and the background that the step must reach when it starts from the given scene."""
        if self.edit is None or source is None:
            return self._opened(cell_targets_of(self.after)), self.after.background
        cells = list(cell_targets_of(source))
        wanted = self._opened(cell_targets_of(self.after))
        for cell in (self.edit.cell, self.edit.to):
            if cell is not None:
                cells[cell] = wanted[cell]
        return tuple(cells), self.edit.background or source.background

    def wording_basis(self, source: Scene | None) -> tuple[Scene | None, Edit | None]:
        """Returns the scene and the edit that a text about this step should refer to.

        That is the scene the step really starts from (`source`), unless the object to change is missing or different
        there: then the text can only refer to the scene that the plan expected.
        """
        edit = self.edit
        if edit is None or source is None or self.before is None:
            return self.before, edit
        if edit.kind == "background":
            return source, edit
        assert edit.cell is not None  # noqa: S101 - set by construction
        there, planned = source.cells[edit.cell], self.before.cells[edit.cell]
        if (there is None) != (planned is None):
            return self.before, edit
        if there is not None and planned is not None and there.named != planned.named:
            return self.before, edit
        return source, edit

    def _opened(self, cell_targets: tuple[CellTarget | None, ...]) -> tuple[CellTarget | None, ...]:
        return tuple(
            replace(cell_target, size=None) if cell_target is not None and cell in self.open_sizes else cell_target
            for cell, cell_target in enumerate(cell_targets)
        )


def keep_sizes_open(targets: Sequence[StepTarget]) -> list[StepTarget]:
    """Returns the targets of one plan's steps such that an open size stays open until a step states it."""
    opened: set[int] = set()
    result = []
    for target in targets:
        edit = target.edit
        if edit is None:
            opened = set()
        elif edit.kind == "move":
            opened = {edit.to if cell == edit.cell and edit.to is not None else cell for cell in opened}
        elif edit.kind != "recolour" and edit.cell is not None:
            opened.discard(edit.cell)
        opened |= set(target.open_sizes)
        result.append(replace(target, open_sizes=tuple(sorted(opened))))
    return result


def score_step(image: Image.Image, source: Image.Image | None, target: StepTarget) -> Score:
    """Scores the image of a step against the step's target.

    Args:
        image: The generated image.
        source: The image that the step started from; None if it generated from text alone.
        target: The step's target.

    Raises:
        InputError: An image has the wrong size (`wrong_size`).
    """
    scene = None if source is None else scene_of(source)
    cell_targets, background = target.cell_targets(scene)
    similarity = None
    # A new background changes every cell's pixels, so that similarity means nothing; the reading still does.
    if source is not None and scene is not None and scene.background == background:
        similarity = cell_similarity(as_pixels(image), as_pixels(source))
    return score_reading(read(image), scene, cell_targets, background, similarity)


def scene_of(image: Image.Image) -> Scene:
    """Reads the scene of an image; cached, because the attempts of a step share their source."""
    return _scene_of(image.convert("RGB").tobytes(), image.size)


@lru_cache(maxsize=256)
def _scene_of(pixels: bytes, size: tuple[int, int]) -> Scene:
    return read(Image.frombytes("RGB", size, pixels)).scene


_TARGETS: TypeAdapter[StepTarget] = TypeAdapter(StepTarget)


def as_json(target: StepTarget) -> JsonValue:
    """Converts a target to JSON data."""
    data: JsonValue = _TARGETS.dump_python(target, mode="json")
    return data


def target_from(data: JsonValue) -> StepTarget:
    """Reads a target that `as_json` wrote.

    Raises:
        InputError: The data is not a target.
    """
    try:
        return _TARGETS.validate_python(data)
    except ValidationError as error:
        msg = f"The reference of a step is not a micro-world target: {error}"
        raise InputError(msg) from error
