"""What one step of a plan must bring about, independent of the words that ask for it, and how its picture is judged.

A target is laid over the picture that the step really starts from: only what the step changes is prescribed, all else
must stay as that picture shows it, so that a step is never blamed for an earlier one's faults. Targets travel as JSON
beside rows of data. Knows nothing of requests or models.
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
    """The change that a step makes."""

    after: Scene
    """A scene that fulfils the step, if every step before it went well."""
    before: Scene | None = None
    """The scene it starts from then; None: it draws from text alone."""
    edit: Edit | None = None
    """The change; None: the whole scene `after` is to be drawn."""
    open_sizes: tuple[int, ...] = ()
    """Cells whose thing may have any size, because the words leave it open."""

    def cell_targets(self, source: Scene | None) -> tuple[tuple[CellTarget | None, ...], str]:
        """What each cell and the background must be afterwards, if the step starts from the given scene."""
        if self.edit is None or source is None:
            return self._opened(cell_targets_of(self.after)), self.after.background
        cells = list(cell_targets_of(source))
        wanted = self._opened(cell_targets_of(self.after))
        for cell in (self.edit.cell, self.edit.to):
            if cell is not None:
                cells[cell] = wanted[cell]
        return tuple(cells), self.edit.background or source.background

    def wording_basis(self, source: Scene | None) -> tuple[Scene | None, Edit | None]:
        """The scene and the edit that words about this step should refer to, given what it really starts from.

        Where the thing to be changed is missing there, words can only refer to how things should have been.
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
    """The steps of one plan, in which a size that words leave open stays open until a step replaces or resizes it."""
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
    """Judges the picture of a step against its target.

    Args:
        image: What the generator made.
        source: The picture that the step started from; None if it drew from text alone.
        target: What the step must bring about.

    Raises:
        InputError: A picture has the wrong size.
    """
    scene = None if source is None else scene_of(source)
    cell_targets, background = target.cell_targets(scene)
    similarity = None
    # Behind a new background every cell's pixels differ; there only what was read can tell what has been kept.
    if source is not None and scene is not None and scene.background == background:
        similarity = cell_similarity(as_pixels(image), as_pixels(source))
    return score_reading(read(image), scene, cell_targets, background, similarity)


def scene_of(image: Image.Image) -> Scene:
    """What a picture shows; remembered for the latest pictures, since a step's attempts share their source."""
    return _scene_of(image.convert("RGB").tobytes(), image.size)


@lru_cache(maxsize=256)
def _scene_of(pixels: bytes, size: tuple[int, int]) -> Scene:
    return read(Image.frombytes("RGB", size, pixels)).scene


_TARGETS: TypeAdapter[StepTarget] = TypeAdapter(StepTarget)


def as_json(target: StepTarget) -> JsonValue:
    """The target as JSON data."""
    data: JsonValue = _TARGETS.dump_python(target, mode="json")
    return data


def target_from(data: JsonValue) -> StepTarget:
    """The target that `as_json` wrote.

    Raises:
        InputError: The data are no target.
    """
    try:
        return _TARGETS.validate_python(data)
    except ValidationError as error:
        msg = f"A step's reference must be a target of the micro world; found: {error}"
        raise InputError(msg) from error
