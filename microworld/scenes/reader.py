"""Reads a scene back from pixels: first the background of the whole image, then the nearest legal tile of each cell.

Distances are computed on images averaged over 2 x 2 pixels, which tolerates a decoder's blur and noise; cells that fit
badly are also compared with their content shifted by one pixel. A tile is `background + alpha * (sprite - background)`,
so the distances to all 1152 sprites on any background are two matrix products with tables of 5 MB, which are built on
first use (a few seconds). Knows nothing of what an image should show; `scoring.scorer` compares the two.
"""

from __future__ import annotations

import threading
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

__all__ = ["PixelArray", "Reading", "as_pixels", "prepare", "read", "read_all", "scene_of"]

PixelArray = NDArray[np.float32]
"""RGB of shape (96, 96, 3), values 0..1."""

_POOL = 2
_SIDE = CELL // _POOL
_SHIFTS = tuple(shift for shift in product((-1, 0, 1), repeat=2) if shift != (0, 0))
_FITS = 28.0
"""No shifts are tried for a cell that fits its tile at least this well (dB)."""
_SHIFT_COST = 0.06
"""Relative penalty on a distance per squared pixel of shift; a shift must improve the fit by more than this."""
_LEAST_FIT = 20.0
"""Mean fit of the cells (dB) below which an image whose background is unclear, too, is foreign. Of 6,000 images of
generators, good and bad, two are; of eleven areas of one color, all but a pale blue and that of the night."""
_LEAST_CONFIDENCE = 0.3
_CHUNK = 32
"""Images per batch, which bounds the memory of reading to about 20 MB."""
_building = threading.Lock()


@dataclass(frozen=True)
class Reading:
    """The scene that was recognized in an image, and how clearly the image shows it."""

    scene: Scene
    fit: tuple[float, ...]
    """Per cell: peak signal-to-noise ratio to its nearest legal tile, in dB, at most 50."""
    clarity: tuple[float, ...]
    """Per cell: energy that the object adds to the background relative to the energy of the misfit, in dB, at most 50
    (empty cells: 50). Smearing a small or pale object costs little in `fit`, but much here."""
    confidence: tuple[float, ...]
    """Per cell, 0..1: how much farther away the nearest tile is whose description in words would differ."""
    background_confidence: float
    """The same for the background, 0..1."""


@dataclass(frozen=True)
class _Tables:
    """All tiles in factorized form; `n` sprites, rows in the order of `objects`."""

    objects: tuple[SceneObject, ...]
    names: NDArray[np.int64]
    """Index of each sprite's (kind, color, size), shape (n + 1,); the last entry is the empty cell."""
    alpha: NDArray[np.float32]
    """(n, side²)."""
    ink: NDArray[np.float32]
    """Premultiplied color, (n, side² * 3)."""
    norms: NDArray[np.float32]
    """Squared norm of `alpha * (sprite - background)`, (backgrounds, cells, n)."""
    backgrounds: NDArray[np.float32]
    """Averaged backgrounds cut into cells, (backgrounds, cells, side, side, 3)."""


def as_pixels(image: Image.Image | PixelArray) -> PixelArray:
    """Converts an image of the micro world's size to the array that `read` works on.

    Raises:
        InputError: The image is not 96 x 96 pixels (`wrong_size`).
    """
    array = np.asarray(image.convert("RGB") if isinstance(image, Image.Image) else image)
    if array.shape != (IMAGE_SIZE, IMAGE_SIZE, 3):
        height, width = (*array.shape, 0, 0)[:2]
        msg = f"Micro-world images are {IMAGE_SIZE} x {IMAGE_SIZE} pixels; this one is {width} x {height}."
        raise InputError(msg, code="wrong_size")
    pixels: PixelArray = array.astype(np.float32, copy=False)
    return pixels / np.float32(255) if array.dtype == np.uint8 else pixels


def prepare() -> None:
    """Builds the tables that the first reading needs; does nothing if they exist."""
    _tables()


def read(image: Image.Image | PixelArray) -> Reading:
    """Reads one image."""
    return read_all([image])[0]


def scene_of(image: Image.Image | PixelArray) -> Scene:
    """Reads the scene of an image that somebody gives, which may show anything.

    Raises:
        InputError: It has another size (`wrong_size`), or resembles no scene (`unknown_image`), such as a white area.
    """
    reading = read(image)
    if sum(reading.fit) < _LEAST_FIT * CELLS and reading.background_confidence < _LEAST_CONFIDENCE:
        raise InputError("The image does not show the micro world, so nothing in it is known.", code="unknown_image")
    return reading.scene


def read_all(images: Sequence[Image.Image | PixelArray]) -> list[Reading]:
    """Reads several images; faster than one at a time."""
    readings: list[Reading] = []
    for start in range(0, len(images), _CHUNK):
        readings += _read_chunk(np.stack([as_pixels(image) for image in images[start : start + _CHUNK]]))
    return readings


def _read_chunk(images: NDArray[np.float32]) -> list[Reading]:
    tables = _tables()
    where, certainty = _find_background(images)
    rows = np.repeat(where, CELLS), np.tile(np.arange(CELLS), len(images))
    distances = _distances(_in_cells(_pool(images)).reshape(-1, _SIDE, _SIDE, 3), *rows)
    best = distances.argmin(1)
    crops = _in_cells(images).reshape(-1, CELL, CELL, 3)
    fit, clarity = _fit(crops, best, *rows)
    poor = np.flatnonzero(fit < _FITS)
    if len(poor):
        _try_shifts(images, poor, rows, _CellMatches(distances, best, fit, clarity))
    confidence = _confidence(distances, best)
    readings = []
    for index in range(len(images)):
        part = slice(index * CELLS, (index + 1) * CELLS)
        cells = tuple(tables.objects[tile] if tile < len(tables.objects) else None for tile in best[part])
        scene = Scene(BACKGROUNDS[where[index]], cells)
        fits, clear, certain = (tuple(map(float, values[part])) for values in (fit, clarity, confidence))
        readings.append(Reading(scene, fits, clear, certain, round(float(certainty[index]), 6)))
    return readings


def _find_background(images: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Finds the index of each image's background, and a confidence in 0..1.

    Differences are clipped, so that objects in front of the background weigh little.
    """
    differences = np.abs(_pool(images, 4)[:, None] - _coarse_backgrounds()[None]).mean(-1)
    far = np.minimum(differences, 0.15).mean((2, 3))
    ordered = np.sort(far, axis=1)
    return far.argmin(1), 1 - ordered[:, 0] / np.maximum(ordered[:, 1], 1e-6)


def _distances(cells: NDArray[np.float32], where: NDArray[np.int64], cell: NDArray[np.int64]) -> NDArray[np.float32]:
    """Squared distances of averaged cells (m, side, side, 3) to all sprites and, last, the empty cell: (m, n + 1)."""
    tables = _tables()
    behind = tables.backgrounds[where, cell]
    over = cells - behind
    empty = (over**2).sum((1, 2, 3))
    inner = over.reshape(len(over), -1) @ tables.ink.T - (over * behind).sum(-1).reshape(len(over), -1) @ tables.alpha.T
    sprites = empty[:, None] - 2 * inner + tables.norms[where, cell]
    return np.concatenate([sprites, empty[:, None]], axis=1)


@dataclass(frozen=True)
class _CellMatches:
    """The best match of each of m cells; `_try_shifts` updates the arrays in place."""

    distances: NDArray[np.float32]
    best: NDArray[np.int64]
    fit: NDArray[np.float32]
    clarity: NDArray[np.float32]


def _try_shifts(
    images: NDArray[np.float32],
    poor: NDArray[np.int64],
    rows: tuple[NDArray[np.int64], NDArray[np.int64]],
    matches: _CellMatches,
) -> None:
    """Updates, in place, the matches of the cells `poor` where a shift by one pixel fits better."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    where, cell = rows[0][poor], rows[1][poor]
    lowest = matches.distances[poor, matches.best[poor]].copy()
    for dy, dx in _SHIFTS:
        moved = padded[:, 1 + dy : 1 + dy + IMAGE_SIZE, 1 + dx : 1 + dx + IMAGE_SIZE]
        crops = _in_cells(moved).reshape(-1, CELL, CELL, 3)[poor]
        far = _distances(_pool(crops), where, cell) * (1 + _SHIFT_COST * (dy * dy + dx * dx))
        tile = far.argmin(1)
        nearest = far[np.arange(len(far)), tile]
        better = nearest < lowest
        at = poor[better]
        lowest[better] = nearest[better]
        matches.distances[at], matches.best[at] = far[better], tile[better]
        matches.fit[at], matches.clarity[at] = _fit(crops[better], tile[better], where[better], cell[better])


def _fit(
    crops: NDArray[np.float32], tiles: NDArray[np.int64], where: NDArray[np.int64], cell: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Fit and clarity (see `Reading`) of crops (m, 32, 32, 3) as renderings of the given tiles."""
    errors, added = np.empty(len(crops)), np.ones(len(crops))
    objects = _tables().objects
    for index, (tile, name, at) in enumerate(zip(tiles, where, cell, strict=True)):
        y, x = divmod(int(at), 3)
        wanted = background(BACKGROUNDS[name])[y * CELL : (y + 1) * CELL, x * CELL : (x + 1) * CELL]
        if tile < len(objects):
            rgba = _sprite(objects[tile])
            addition = (rgba[..., :3] - wanted) * rgba[..., 3:]
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


def _pool(images: NDArray[np.float32], by: int = _POOL) -> NDArray[np.float32]:
    averaged = images[:, ::by, ::by].astype(np.float32)
    for dy, dx in product(range(by), repeat=2):  # five times as fast as the mean of blocks
        if (dy, dx) != (0, 0):
            averaged += images[:, dy::by, dx::by]
    averaged /= np.float32(by * by)
    return averaged


def _in_cells(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cuts images (n, side, side, 3) into cells (n, 9, side / 3, side / 3, 3)."""
    n, side = len(images), images.shape[1] // 3
    return images.reshape(n, 3, side, 3, side, 3).swapaxes(2, 3).reshape(n, CELLS, side, side, 3)


def _sprite(obj: SceneObject) -> NDArray[np.float32]:
    return sprite(obj.kind, obj.colour, obj.size, obj.variant, obj.offset)


def _shifted(rgba: NDArray[np.float32], offset: int) -> NDArray[np.float32]:
    """Moves a sprite (32, 32, channels) from the center of its cell to one of the `OFFSETS`; what leaves is cropped."""
    (x, y), middle = OFFSETS[offset], OFFSETS[0]
    dx, dy = x - middle[0], y - middle[1]
    room = np.pad(rgba, ((CELL, CELL), (CELL, CELL), (0, 0)))
    return room[CELL - dy : 2 * CELL - dy, CELL - dx : 2 * CELL - dx]


@cache
def _coarse_backgrounds() -> NDArray[np.float32]:
    """The backgrounds averaged over 4 x 4 pixels, (backgrounds, 24, 24, 3)."""
    return _pool(np.stack([background(name) for name in BACKGROUNDS]), 4)


def _tables() -> _Tables:
    with _building:  # `cache` alone would let a second thread build them once more beside the first.
        return _built_tables()


@cache
def _built_tables() -> _Tables:
    objects = tuple(
        SceneObject(*fields) for fields in product(KINDS, COLOURS, SIZES, range(VARIANTS), range(len(OFFSETS)))
    )
    alphas, inks = [], []
    for obj in objects:  # drawing a sprite is slow, shifting one is fast
        rgba = _sprite(replace(obj, offset=0))
        premultiplied = _shifted(np.concatenate([rgba[..., :3] * rgba[..., 3:], rgba[..., 3:]], -1), obj.offset)
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
