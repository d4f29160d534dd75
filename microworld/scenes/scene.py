"""Scenes of the micro world as frozen data, sampled from a random generator and rendered to pixels.

A scene is a background and a 3 x 3 grid of cells, each empty or holding one object. Words can state an object's kind,
color, size and cell; they never state its variant and its small offset. All attributes come from finite lists, so
that every possible tile can be tabulated. Knows nothing of language.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .sprites import BACKGROUNDS, CELL, COLOURS, IMAGE_SIZE, KINDS, OFFSETS, SIZES, VARIANTS, background, sprite

__all__ = [
    "CELLS",
    "CELLS_FROM_CENTRE",
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
CELLS_FROM_CENTRE = (4, 3, 5, 1, 7, 0, 2, 6, 8)
"""Cells in the order in which objects without a stated place take them."""
POSITIONS = ("top left", "top", "top right", "left", "middle", "right", "bottom left", "bottom", "bottom right")
"""Canonical name of each cell."""
MAX_OBJECTS = 4
"""Largest number of objects in a scene. The generator is trained on prompts that name at most three."""


@dataclass(frozen=True)
class SceneObject:
    """One object in a cell. No text ever states `variant` and `offset`."""

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
                msg = f"Invalid {field} {value!r}; expected one of {', '.join(map(str, allowed))}."
                raise ValueError(msg)

    @property
    def named(self) -> tuple[str, str, str]:
        """The attributes that words can state: (kind, color, size)."""
        return self.kind, self.colour, self.size


@dataclass(frozen=True)
class Scene:
    """A background and nine cells, row by row."""

    background: str
    cells: tuple[SceneObject | None, ...] = (None,) * CELLS

    def __post_init__(self) -> None:
        if self.background not in BACKGROUNDS:
            msg = f"Unknown background {self.background!r}; expected one of {', '.join(BACKGROUNDS)}."
            raise ValueError(msg)
        if len(self.cells) != CELLS:
            msg = f"A scene has {CELLS} cells; got {len(self.cells)}."
            raise ValueError(msg)

    @property
    def objects(self) -> dict[int, SceneObject]:
        """The objects by cell number, in cell order."""
        return {cell: obj for cell, obj in enumerate(self.cells) if obj is not None}

    @property
    def free(self) -> list[int]:
        """Numbers of the empty cells, in order."""
        return [cell for cell, obj in enumerate(self.cells) if obj is None]

    def put(self, cell: int, obj: SceneObject | None) -> Scene:
        """Returns a copy of the scene in which one cell holds the given object (None: nothing)."""
        cells = list(self.cells)
        cells[cell] = obj
        return replace(self, cells=tuple(cells))

    @property
    def named(self) -> tuple[str, tuple[tuple[str, str, str] | None, ...]]:
        """What words can state about the scene. Scenes equal in this differ at most in variants and offsets."""
        return self.background, tuple(obj.named if obj else None for obj in self.cells)


def random_object(rng: np.random.Generator, *, kind: str | None = None) -> SceneObject:
    """Samples an object, every attribute uniformly; `kind` fixes its kind."""
    return SceneObject(
        kind=kind or str(rng.choice(KINDS)),
        colour=str(rng.choice(list(COLOURS))),
        size=str(rng.choice(SIZES)),
        variant=int(rng.integers(VARIANTS)),
        offset=int(rng.integers(len(OFFSETS))),
    )


def random_scene(rng: np.random.Generator, objects: int) -> Scene:
    """Samples a scene with the given number of objects in distinct cells; in one of four scenes, two share a kind."""
    cells: list[SceneObject | None] = [None] * CELLS
    kinds = list(rng.choice(KINDS, size=max(1, objects), replace=False))
    if objects > 1 and rng.random() < 0.25:
        kinds[1] = kinds[0]
    for index, cell in enumerate(rng.choice(CELLS, size=objects, replace=False)):
        cells[cell] = random_object(rng, kind=str(kinds[index]))
    return Scene(str(rng.choice(BACKGROUNDS)), tuple(cells))


def render(scene: Scene) -> NDArray[np.float32]:
    """Renders the scene to float32 RGB of shape (96, 96, 3), values 0..1."""
    pixels = background(scene.background).copy()
    for cell, obj in scene.objects.items():
        y, x = divmod(cell, 3)
        tile = pixels[y * CELL : (y + 1) * CELL, x * CELL : (x + 1) * CELL]
        tile_sprite = sprite(obj.kind, obj.colour, obj.size, obj.variant, obj.offset)
        tile += (tile_sprite[..., :3] - tile) * tile_sprite[..., 3:]
    return pixels


def to_image(pixels: NDArray[np.float32]) -> Image.Image:
    """Converts RGB of shape (96, 96, 3), values 0..1, to an 8-bit image."""
    assert pixels.shape == (IMAGE_SIZE, IMAGE_SIZE, 3), pixels.shape  # noqa: S101 - a programming error, not user input
    return Image.fromarray((np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8), "RGB")
