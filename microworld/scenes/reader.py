"""Reads a scene back from pixels: the background over the whole picture, then the nearest legal tile of each cell.

Distances are taken on pictures averaged over 2 x 2 pixels, which forgives a decoder's blur and noise; cells that fit
badly are also tried with their content moved by one pixel. A tile is `background + alpha * (sprite - background)`, so
distances to all 1152 sprites on any background are two matrix products with tables of 5 MB, built when first needed (a
few seconds). Knows nothing of what a picture should show; see `scorer.py` for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from interleavethinker.tools.errors import InputError

from .scene import CELLS, Scene, SceneObject
from .sprites import BACKGROUNDS, CELL, COLOURS, IMAGE_SIZE, KINDS, OFFSETS, SIZES, VARIANTS, background, sprite

__all__ = ["PixelArray", "Reading", "as_pixels", "read", "read_all"]

PixelArray = NDArray[np.float32]
"""RGB of shape (96, 96, 3) in 0..1."""

_POOL = 2
_SIDE = CELL // _POOL
_SHIFTS = tuple(shift for shift in product((-1, 0, 1), repeat=2) if shift != (0, 0))
_FITS = 28.0
"""A cell that fits its tile this well (dB) is not tried with shifts."""
_SHIFT_COST = 0.06
"""By how much a distance must fall, as a share of it and per squared pixel, for a shift to be believed."""
_CHUNK = 32
"""Pictures read at once; bounds the memory that reading takes to about 20 MB."""


@dataclass(frozen=True)
class Reading:
    """What a picture shows, and how well it shows it."""

    scene: Scene
    fit: tuple[float, ...]
    """For each cell, peak signal-to-noise ratio to its nearest legal tile in dB, at most 50."""
    clarity: tuple[float, ...]
    """For each cell that holds a thing, the energy of what the thing adds to the background over that of the misfit, in
    dB, at most 50 (empty cells: 50). A small or pale thing can be smeared at little cost in `fit`; not here."""
    confidence: tuple[float, ...]
    """For each cell, 0..1: how much farther the nearest tile that words would call differently is."""
    background_confidence: float
    """The same for the background."""


@dataclass(frozen=True)
class _Tables:
    """Every tile in factors; `n` sprites, rows in the order of `objects`."""

    objects: tuple[SceneObject, ...]
    names: NDArray[np.int64]
    """Number of each sprite's (kind, colour, size), shape (n + 1,); the last is the empty cell."""
    alpha: NDArray[np.float32]
    """(n, side²)."""
    ink: NDArray[np.float32]
    """Colour times alpha, (n, side² * 3)."""
    norms: NDArray[np.float32]
    """Squared norm of `alpha * (sprite - background)`, (backgrounds, cells, n)."""
    backgrounds: NDArray[np.float32]
    """Averaged backgrounds in cells, (backgrounds, cells, side, side, 3)."""


def as_pixels(image: Image.Image | PixelArray) -> PixelArray:
    """Pixels of an image of the micro world's size, as `read` takes them.

    Raises:
        InputError: The image has another size (`wrong_size`).
    """
    array = np.asarray(image.convert("RGB") if isinstance(image, Image.Image) else image)
    if array.shape != (IMAGE_SIZE, IMAGE_SIZE, 3):
        height, width = (*array.shape, 0, 0)[:2]
        msg = (
            f"A picture of the micro world must be {IMAGE_SIZE} x {IMAGE_SIZE} pixels; this one is {width} x {height}."
        )
        raise InputError(msg, code="wrong_size")
    picture: PixelArray = array.astype(np.float32, copy=False)
    return picture / np.float32(255) if array.dtype == np.uint8 else picture


def read(image: Image.Image | PixelArray) -> Reading:
    """What one picture shows."""
    return read_all([image])[0]


def read_all(images: Sequence[Image.Image | PixelArray]) -> list[Reading]:
    """What each picture shows; faster than one by one."""
    readings: list[Reading] = []
    for start in range(0, len(images), _CHUNK):
        readings += _read_chunk(np.stack([as_pixels(image) for image in images[start : start + _CHUNK]]))
    return readings


def _read_chunk(pictures: NDArray[np.float32]) -> list[Reading]:
    tables = _tables()
    where, sure = _find_background(pictures)
    rows = np.repeat(where, CELLS), np.tile(np.arange(CELLS), len(pictures))
    distances = _distances(_in_cells(_pool(pictures)).reshape(-1, _SIDE, _SIDE, 3), *rows)
    best = distances.argmin(1)
    crops = _in_cells(pictures).reshape(-1, CELL, CELL, 3)
    fit, clarity = _fit(crops, best, *rows)
    poor = np.flatnonzero(fit < _FITS)
    if len(poor):
        _try_shifts(pictures, poor, rows, _CellMatches(distances, best, fit, clarity))
    confidence = _confidence(distances, best)
    readings = []
    for index in range(len(pictures)):
        part = slice(index * CELLS, (index + 1) * CELLS)
        cells = tuple(tables.objects[tile] if tile < len(tables.objects) else None for tile in best[part])
        scene = Scene(BACKGROUNDS[where[index]], cells)
        fits, clear, certain = (tuple(map(float, values[part])) for values in (fit, clarity, confidence))
        readings.append(Reading(scene, fits, clear, certain, round(float(sure[index]), 6)))
    return readings


def _find_background(pictures: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Index of each picture's background, and a confidence in 0..1.

    Differences are cut off, so that what lies on the background counts little.
    """
    coarse = _pool(pictures, 4)
    known = _pool(np.stack([background(name) for name in BACKGROUNDS]), 4)
    differences = np.abs(coarse[:, None] - known[None]).mean(-1)
    far = np.minimum(differences, 0.15).mean((2, 3))
    ordered = np.sort(far, axis=1)
    return far.argmin(1), 1 - ordered[:, 0] / np.maximum(ordered[:, 1], 1e-6)


def _distances(cells: NDArray[np.float32], where: NDArray[np.int64], cell: NDArray[np.int64]) -> NDArray[np.float32]:
    """Squared distances of averaged cells (m, side, side, 3) to every sprite and, last, the empty cell: (m, n + 1)."""
    tables = _tables()
    behind = tables.backgrounds[where, cell]
    over = cells - behind
    empty = (over**2).sum((1, 2, 3))
    inner = over.reshape(len(over), -1) @ tables.ink.T - (over * behind).sum(-1).reshape(len(over), -1) @ tables.alpha.T
    sprites = empty[:, None] - 2 * inner + tables.norms[where, cell]
    return np.concatenate([sprites, empty[:, None]], axis=1)


@dataclass(frozen=True)
class _CellMatches:
    """What was found for each of m cells; the arrays are written to."""

    distances: NDArray[np.float32]
    best: NDArray[np.int64]
    fit: NDArray[np.float32]
    clarity: NDArray[np.float32]


def _try_shifts(
    pictures: NDArray[np.float32],
    poor: NDArray[np.int64],
    rows: tuple[NDArray[np.int64], NDArray[np.int64]],
    found: _CellMatches,
) -> None:
    """Replaces, in place, what was found for the cells `poor` by what fits better after a shift by one pixel."""
    padded = np.pad(pictures, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    where, cell = rows[0][poor], rows[1][poor]
    lowest = found.distances[poor, found.best[poor]].copy()
    for dy, dx in _SHIFTS:
        moved = padded[:, 1 + dy : 1 + dy + IMAGE_SIZE, 1 + dx : 1 + dx + IMAGE_SIZE]
        crops = _in_cells(moved).reshape(-1, CELL, CELL, 3)[poor]
        far = _distances(_pool(crops), where, cell) * (1 + _SHIFT_COST * (dy * dy + dx * dx))
        tile = far.argmin(1)
        nearest = far[np.arange(len(far)), tile]
        better = nearest < lowest
        at = poor[better]
        lowest[better] = nearest[better]
        found.distances[at], found.best[at] = far[better], tile[better]
        found.fit[at], found.clarity[at] = _fit(crops[better], tile[better], where[better], cell[better])


def _fit(
    crops: NDArray[np.float32], tiles: NDArray[np.int64], where: NDArray[np.int64], cell: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Fit and clarity, see `Reading`, of crops (m, 32, 32, 3) as pictures of tiles."""
    errors, added = np.empty(len(crops)), np.ones(len(crops))
    objects = _tables().objects
    for index, (tile, name, at) in enumerate(zip(tiles, where, cell, strict=True)):
        y, x = divmod(int(at), 3)
        wanted = background(BACKGROUNDS[name])[y * CELL : (y + 1) * CELL, x * CELL : (x + 1) * CELL]
        if tile < len(objects):
            drawn = _sprite(objects[tile])
            addition = (drawn[..., :3] - wanted) * drawn[..., 3:]
            wanted = wanted + addition
            added[index] = (addition**2).mean()
        errors[index] = max(float(((crops[index] - wanted) ** 2).mean()), 1e-5)
    clarity = np.where(tiles < len(objects), np.minimum(10 * np.log10(added / errors), 50), 50)
    return (-10 * np.log10(errors)).astype(np.float32), clarity.astype(np.float32)


def _confidence(distances: NDArray[np.float32], best: NDArray[np.int64]) -> NDArray[np.float32]:
    names = _tables().names
    rows = np.arange(len(best))
    others = np.where(names[None] == names[best][:, None], np.inf, distances).min(1)
    share: NDArray[np.float32] = np.clip(1 - distances[rows, best] / np.maximum(others, 1e-6), 0, 1)
    return share


def _pool(pictures: NDArray[np.float32], by: int = _POOL) -> NDArray[np.float32]:
    n, height, width, channels = pictures.shape
    blocks = pictures.reshape(n, height // by, by, width // by, by, channels)
    averaged: NDArray[np.float32] = blocks.mean((2, 4), dtype=np.float32)
    return averaged


def _in_cells(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """Pictures (n, side, side, 3) cut into (n, 9, side / 3, side / 3, 3)."""
    n, side = len(pictures), pictures.shape[1] // 3
    return pictures.reshape(n, 3, side, 3, side, 3).swapaxes(2, 3).reshape(n, CELLS, side, side, 3)


def _sprite(obj: SceneObject) -> NDArray[np.float32]:
    return sprite(obj.kind, obj.colour, obj.size, obj.variant, obj.offset)


def _shifted(drawn: NDArray[np.float32], offset: int) -> NDArray[np.float32]:
    """A drawing (32, 32, channels) in the middle of its cell, moved to one of the `OFFSETS`; what leaves is cut off."""
    (x, y), middle = OFFSETS[offset], OFFSETS[0]
    dx, dy = x - middle[0], y - middle[1]
    room = np.pad(drawn, ((CELL, CELL), (CELL, CELL), (0, 0)))
    return room[CELL - dy : 2 * CELL - dy, CELL - dx : 2 * CELL - dx]


@cache
def _tables() -> _Tables:
    objects = tuple(
        SceneObject(*fields) for fields in product(KINDS, COLOURS, SIZES, range(VARIANTS), range(len(OFFSETS)))
    )
    alphas, inks = [], []
    for obj in objects:  # drawing takes long, shifting does not
        drawn = _sprite(replace(obj, offset=0))
        premultiplied = _shifted(np.concatenate([drawn[..., :3] * drawn[..., 3:], drawn[..., 3:]], -1), obj.offset)
        alphas.append(premultiplied[..., 3:])
        inks.append(premultiplied[..., :3])
    alpha, ink = _pool(np.stack(alphas)), _pool(np.stack(inks))
    empty = np.stack([background(name) for name in BACKGROUNDS])
    backgrounds = _in_cells(_pool(empty))
    flat_alpha, flat_ink = alpha.reshape(len(objects), -1), ink.reshape(len(objects), -1)
    behind = backgrounds.reshape(len(BACKGROUNDS), CELLS, -1)
    norms = (
        (flat_ink**2).sum(1)
        - 2 * behind @ (alpha * ink).reshape(len(objects), -1).T
        + (backgrounds**2).sum(-1).reshape(len(BACKGROUNDS), CELLS, -1) @ (flat_alpha**2).T
    )
    per_name = VARIANTS * len(OFFSETS)
    names = np.append(np.arange(len(objects)) // per_name, len(objects))
    return _Tables(objects, names, flat_alpha, flat_ink, norms.astype(np.float32), backgrounds)
