"""Scenes of the micro world as frozen data, drawn at random from a seed and rendered to pixels.

A scene is a background and a 3 x 3 grid of cells, each empty or holding one thing. What words can say of a thing is its
kind, colour, size and cell; what they leave open is its drawn variant and a small offset, both from finite lists, so
that every tile can be tabulated. Knows nothing of language.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .sprites import BACKGROUNDS, CELL, COLOURS, IMAGE_SIZE, KINDS, OFFSETS, SIZES, VARIANTS, background, sprite

__all__ = [
    "CELLS",
    "MAX_OBJECTS",
    "POSITIONS",
    "Scene",
    "SceneObject",
    "random_object",
    "random_scene",
    "render",
    "to_image",
]

CELLS = 9
"""Cells of the grid, numbered row by row from the top left."""
POSITIONS = ("top left", "top", "top right", "left", "middle", "right", "bottom left", "bottom", "bottom right")
"""Canonical name of each cell."""
MAX_OBJECTS = 4
"""Most things that a scene of this world holds; the generator is trained on at most three named in one prompt."""


@dataclass(frozen=True)
class SceneObject:
    """One thing in a cell. `variant` and `offset` are what words leave open."""

    kind: str
    colour: str
    size: str
    variant: int = 0
    offset: int = 0

    def __post_init__(self) -> None:
        for field, value, allowed in (
            ("kind", self.kind, KINDS),
            ("colour", self.colour, tuple(COLOURS)),
            ("size", self.size, SIZES),
            ("variant", self.variant, range(VARIANTS)),
            ("offset", self.offset, range(len(OFFSETS))),
        ):
            if value not in allowed:
                msg = f"{field} must be one of {', '.join(map(str, allowed))}; found {value!r}"
                raise ValueError(msg)

    @property
    def named(self) -> tuple[str, str, str]:
        """What words can say: (kind, colour, size)."""
        return self.kind, self.colour, self.size


@dataclass(frozen=True)
class Scene:
    """A background and nine cells, row by row."""

    background: str
    cells: tuple[SceneObject | None, ...] = (None,) * CELLS

    def __post_init__(self) -> None:
        if self.background not in BACKGROUNDS:
            msg = f"background must be one of {', '.join(BACKGROUNDS)}; found {self.background!r}"
            raise ValueError(msg)
        if len(self.cells) != CELLS:
            msg = f"a scene must have {CELLS} cells; found {len(self.cells)}"
            raise ValueError(msg)

    @property
    def objects(self) -> dict[int, SceneObject]:
        """The occupied cells, by number."""
        return {cell: obj for cell, obj in enumerate(self.cells) if obj is not None}

    @property
    def free(self) -> list[int]:
        """Numbers of the empty cells."""
        return [cell for cell, obj in enumerate(self.cells) if obj is None]

    def put(self, cell: int, obj: SceneObject | None) -> Scene:
        """The same scene with one cell's content replaced."""
        cells = list(self.cells)
        cells[cell] = obj
        return replace(self, cells=tuple(cells))

    @property
    def named(self) -> tuple[str, tuple[tuple[str, str, str] | None, ...]]:
        """What words can say of the scene; two scenes that agree here differ only in what words leave open."""
        return self.background, tuple(obj.named if obj else None for obj in self.cells)


def random_object(rng: np.random.Generator, *, kind: str | None = None) -> SceneObject:
    """A thing with every attribute drawn evenly."""
    return SceneObject(
        kind=kind or str(rng.choice(KINDS)),
        colour=str(rng.choice(list(COLOURS))),
        size=str(rng.choice(SIZES)),
        variant=int(rng.integers(VARIANTS)),
        offset=int(rng.integers(len(OFFSETS))),
    )


def random_scene(rng: np.random.Generator, objects: int) -> Scene:
    """A scene with the given number of things on distinct cells; one time in four a kind is repeated."""
    cells: list[SceneObject | None] = [None] * CELLS
    kinds = list(rng.choice(KINDS, size=max(1, objects), replace=False))
    if objects > 1 and rng.random() < 0.25:
        kinds[1] = kinds[0]
    for index, cell in enumerate(rng.choice(CELLS, size=objects, replace=False)):
        cells[cell] = random_object(rng, kind=str(kinds[index]))
    return Scene(str(rng.choice(BACKGROUNDS)), tuple(cells))


def render(scene: Scene) -> NDArray[np.float32]:
    """The scene's picture, float32 RGB of shape (96, 96, 3) in 0..1."""
    picture = background(scene.background).copy()
    for cell, obj in scene.objects.items():
        y, x = divmod(cell, 3)
        tile = picture[y * CELL : (y + 1) * CELL, x * CELL : (x + 1) * CELL]
        drawn = sprite(obj.kind, obj.colour, obj.size, obj.variant, obj.offset)
        tile += (drawn[..., :3] - tile) * drawn[..., 3:]
    return picture


def to_image(picture: NDArray[np.float32]) -> Image.Image:
    """An RGB picture of the given array, values 0..1."""
    assert picture.shape == (IMAGE_SIZE, IMAGE_SIZE, 3), picture.shape  # noqa: S101 - programmer's error, not input
    return Image.fromarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8), "RGB")
