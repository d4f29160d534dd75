"""Sprites of the micro world: twelve kinds of objects and six backgrounds, anti-aliased.

Everything is drawn with Pillow at eight times the final size and then averaged down, so that the same call gives the
same pixels on every machine. Knows how objects look, and nothing of scenes or words.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

__all__ = [
    "BACKGROUNDS",
    "CELL",
    "COLOURS",
    "IMAGE_SIZE",
    "KINDS",
    "OFFSETS",
    "SIZES",
    "VARIANTS",
    "background",
    "sprite",
]

CELL = 32
"""Pixels along one side of a grid cell."""
IMAGE_SIZE = 96
"""Pixels along one side of an image: three cells."""

KINDS = ("ball", "bird", "boat", "box", "car", "cat", "fish", "flower", "girl", "house", "star", "tree")
COLOURS = {
    "red": (222, 41, 41),
    "orange": (247, 138, 24),
    "yellow": (252, 223, 50),
    "green": (38, 168, 60),
    "blue": (36, 92, 226),
    "purple": (136, 48, 184),
    "pink": (255, 150, 200),
    "white": (250, 250, 250),
}
SIZES = ("small", "big")
BACKGROUNDS = ("meadow", "night", "sunset", "beach", "snow", "forest")
VARIANTS = 2
"""Number of sprites of each kind."""
OFFSETS = ((0, 0), (-2, 1), (2, -1))
"""Displacements from the center of a cell, in pixels (x, y)."""

_SCALE = 8
_RADIUS = {"small": 8.0, "big": 13.0}
_INK = (36, 32, 48)
_BROWN = (120, 76, 40)
_SKIN = (250, 208, 170)
_Colour = tuple[int, int, int]


class _Pen:
    """Draws in units of the object's radius, with the origin at its center and y pointing down, outlined in ink."""

    def __init__(self, radius: float, dx: int, dy: int) -> None:
        self.image = Image.new("RGBA", (CELL * _SCALE, CELL * _SCALE), (0, 0, 0, 0))
        self._draw = ImageDraw.Draw(self.image)
        self._radius = radius * _SCALE
        self._centre = ((CELL / 2 + dx) * _SCALE, (CELL / 2 + dy) * _SCALE)

    def _at(self, x: float, y: float) -> tuple[float, float]:
        return self._centre[0] + x * self._radius, self._centre[1] + y * self._radius

    def polygon(self, points: list[tuple[float, float]], fill: _Colour, *, outline: bool = True) -> None:
        at = [self._at(x, y) for x, y in points]
        self._draw.polygon(at, fill=fill)
        if outline:
            self._draw.line([*at, at[0], at[1]], fill=_INK, width=_SCALE, joint="curve")

    def ellipse(self, x: float, y: float, rx: float, ry: float, fill: _Colour, *, outline: bool = True) -> None:
        (x0, y0), (x1, y1) = self._at(x - rx, y - ry), self._at(x + rx, y + ry)
        self._draw.ellipse((x0, y0, x1, y1), fill=fill, outline=_INK if outline else None, width=_SCALE)

    def box(self, x0: float, y0: float, x1: float, y1: float, fill: _Colour, *, outline: bool = True) -> None:
        self.polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], fill, outline=outline)

    def line(self, points: list[tuple[float, float]], fill: _Colour = _INK, width: float = 1.0) -> None:
        self._draw.line([self._at(x, y) for x, y in points], fill=fill, width=round(_SCALE * width), joint="curve")


def _shade(colour: _Colour, amount: float) -> _Colour:
    """Mixes a color with ink (amount < 0) or with white (amount > 0)."""
    other, share = ((255, 255, 255), amount) if amount > 0 else (_INK, -amount)
    return (
        round(colour[0] + (other[0] - colour[0]) * share),
        round(colour[1] + (other[1] - colour[1]) * share),
        round(colour[2] + (other[2] - colour[2]) * share),
    )


def _ball(pen: _Pen, c: _Colour, variant: int) -> None:
    pen.ellipse(0, 0, 1, 1, c)
    if variant:
        pen.polygon([(-0.95, -0.2), (0.95, -0.2), (0.95, 0.2), (-0.95, 0.2)], _shade(c, -0.35), outline=False)
        pen.line([(-0.97, -0.2), (0.97, -0.2)])
        pen.line([(-0.97, 0.2), (0.97, 0.2)])
    else:
        pen.ellipse(-0.35, -0.4, 0.26, 0.22, _shade(c, 0.75), outline=False)


def _bird(pen: _Pen, c: _Colour, variant: int) -> None:
    if variant:
        pen.polygon([(-0.5, -0.05), (-1, -0.75), (-0.1, -0.25)], _shade(c, -0.3))
        pen.polygon([(0.5, -0.05), (1, -0.75), (0.1, -0.25)], _shade(c, -0.3))
    pen.polygon([(-0.5, 0.1), (-1, -0.1), (-0.95, 0.45)], _shade(c, -0.2))
    pen.ellipse(-0.05, 0.15, 0.68, 0.5, c)
    pen.polygon([(0.75, -0.35), (1.05, -0.2), (0.75, -0.05)], (250, 180, 30))
    pen.ellipse(0.5, -0.3, 0.36, 0.34, c)
    pen.ellipse(0.56, -0.36, 0.1, 0.1, _INK, outline=False)
    if not variant:
        pen.ellipse(-0.2, 0.15, 0.36, 0.2, _shade(c, -0.35))
    pen.line([(-0.05, 0.65), (-0.05, 1)])
    pen.line([(0.2, 0.65), (0.2, 1)])


def _boat(pen: _Pen, c: _Colour, variant: int) -> None:
    pen.line([(0, -1), (0, 0.4)], _BROWN, 1.6)
    pen.polygon([(-1, 0.3), (1, 0.3), (0.6, 0.95), (-0.6, 0.95)], c)
    if variant:
        pen.polygon([(0.1, -0.95), (0.85, 0.15), (0.1, 0.15)], (250, 250, 250))
        pen.polygon([(-0.1, -0.7), (-0.7, 0.15), (-0.1, 0.15)], (250, 250, 250))
    else:
        pen.polygon([(-0.05, -0.95), (0.85, -0.55), (-0.05, -0.1)], c)


def _box(pen: _Pen, c: _Colour, variant: int) -> None:
    if variant:
        pen.box(-0.9, -0.7, 0.9, 0.9, c)
        pen.box(-0.22, -0.7, 0.22, 0.9, _shade(c, -0.4))
        pen.ellipse(-0.3, -0.82, 0.28, 0.18, _shade(c, -0.4))
        pen.ellipse(0.3, -0.82, 0.28, 0.18, _shade(c, -0.4))
    else:
        pen.polygon([(-0.9, -0.45), (-0.5, -0.9), (0.95, -0.9), (0.6, -0.45)], _shade(c, 0.45))
        pen.polygon([(0.6, -0.45), (0.95, -0.9), (0.95, 0.5), (0.6, 0.9)], _shade(c, -0.4))
        pen.box(-0.9, -0.45, 0.6, 0.9, c)


def _car(pen: _Pen, c: _Colour, variant: int) -> None:
    glass = (190, 230, 250)
    if variant:
        pen.box(-0.95, -0.65, 0.95, 0.45, c)
        pen.box(-0.75, -0.45, -0.2, 0, glass)
        pen.box(0.05, -0.45, 0.6, 0, glass)
    else:
        pen.polygon([(-0.55, -0.1), (-0.3, -0.65), (0.3, -0.65), (0.6, -0.1)], glass)
        pen.polygon([(-1, -0.1), (0.75, -0.1), (1, 0.1), (1, 0.5), (-1, 0.5)], c)
        pen.line([(0, -0.65), (0, -0.1)])
    pen.ellipse(-0.5, 0.52, 0.28, 0.28, (70, 70, 80))
    pen.ellipse(0.52, 0.52, 0.28, 0.28, (70, 70, 80))


def _cat(pen: _Pen, c: _Colour, variant: int) -> None:
    if variant:
        pen.line([(-0.7, 0.3), (-1, -0.1), (-0.9, -0.6)], _INK, 3.2)
        pen.line([(-0.7, 0.3), (-1, -0.1), (-0.9, -0.6)], c, 1.4)
        pen.ellipse(-0.15, 0.35, 0.68, 0.4, c)
        for x in (-0.6, -0.25, 0.1, 0.4):
            pen.box(x - 0.11, 0.5, x + 0.11, 0.98, c)
        pen.ellipse(-0.15, 0.33, 0.6, 0.32, c, outline=False)
        head = (0.5, -0.2)
    else:
        pen.line([(0.5, 0.8), (0.95, 0.6), (0.85, 0.1)], _INK, 3.2)
        pen.line([(0.5, 0.8), (0.95, 0.6), (0.85, 0.1)], c, 1.4)
        pen.ellipse(0, 0.5, 0.6, 0.5, c)
        head = (0, -0.3)
    x, y = head
    pen.polygon([(x - 0.45, y - 0.1), (x - 0.4, y - 0.7), (x, y - 0.35)], c)
    pen.polygon([(x + 0.45, y - 0.1), (x + 0.4, y - 0.7), (x, y - 0.35)], c)
    pen.ellipse(x, y, 0.5, 0.42, c)
    pen.ellipse(x - 0.2, y - 0.05, 0.09, 0.12, _INK, outline=False)
    pen.ellipse(x + 0.2, y - 0.05, 0.09, 0.12, _INK, outline=False)
    pen.polygon([(x - 0.1, y + 0.13), (x + 0.1, y + 0.13), (x, y + 0.26)], (235, 110, 130), outline=False)


def _fish(pen: _Pen, c: _Colour, variant: int) -> None:
    side = -1 if variant else 1
    pen.polygon([(-0.4 * side, 0), (-1 * side, -0.6), (-1 * side, 0.6)], _shade(c, -0.3))
    pen.polygon([(-0.1 * side, -0.45), (0.35 * side, -0.85), (0.45 * side, -0.35)], _shade(c, -0.3))
    pen.ellipse(0.25 * side, 0, 0.75, 0.55, c)
    pen.ellipse(0.62 * side, -0.14, 0.15, 0.15, (255, 255, 255), outline=False)
    pen.ellipse(0.65 * side, -0.14, 0.09, 0.09, _INK, outline=False)
    pen.line([(0.2 * side, -0.35), (0.32 * side, 0), (0.2 * side, 0.35)])


def _flower(pen: _Pen, c: _Colour, variant: int) -> None:
    pen.line([(0, -0.1), (0, 1)], (40, 120, 50), 1.8)
    pen.ellipse(-0.32, 0.7, 0.3, 0.13, (60, 160, 70))
    pen.ellipse(0.32, 0.55, 0.3, 0.13, (60, 160, 70))
    if variant:
        pen.polygon(
            [(-0.65, -0.95), (-0.3, -0.5), (0, -1), (0.3, -0.5), (0.65, -0.95), (0.55, 0), (0, 0.25), (-0.55, 0)], c
        )
    else:
        for angle in range(0, 360, 60):
            x, y = 0.46 * np.cos(np.radians(angle)), 0.46 * np.sin(np.radians(angle)) - 0.35
            pen.ellipse(float(x), float(y), 0.3, 0.3, c)
        pen.ellipse(0, -0.35, 0.26, 0.26, (255, 200, 40) if c != COLOURS["yellow"] else _BROWN)


def _girl(pen: _Pen, c: _Colour, variant: int) -> None:
    hair = (92, 52, 30) if variant else (232, 170, 60)
    pen.line([(-0.18, 0.6), (-0.18, 1)], _SKIN, 1.6)
    pen.line([(0.18, 0.6), (0.18, 1)], _SKIN, 1.6)
    arms = [(-0.75, -0.45), (0, 0.05), (0.75, -0.45)] if variant else [(-0.7, 0.5), (0, -0.05), (0.7, 0.5)]
    pen.line(arms, _INK, 2.6)
    pen.line(arms, _SKIN, 1.2)
    pen.ellipse(0, -0.5, 0.46, 0.46, hair)
    if not variant:
        pen.ellipse(-0.5, -0.45, 0.17, 0.24, hair)
        pen.ellipse(0.5, -0.45, 0.17, 0.24, hair)
    pen.polygon([(-0.2, -0.12), (0.2, -0.12), (0.62, 0.75), (-0.62, 0.75)], c)
    pen.ellipse(0, -0.42, 0.35, 0.34, _SKIN, outline=False)
    pen.ellipse(-0.13, -0.45, 0.06, 0.08, _INK, outline=False)
    pen.ellipse(0.13, -0.45, 0.06, 0.08, _INK, outline=False)


def _house(pen: _Pen, c: _Colour, variant: int) -> None:
    roof = _shade(c, -0.45)
    pen.box(-0.8, -0.15, 0.8, 0.95, c)
    if variant:
        pen.box(0.35, -0.95, 0.6, -0.2, (150, 120, 110))
        pen.polygon([(-1, -0.1), (-0.6, -0.7), (0.6, -0.7), (1, -0.1)], roof)
        pen.box(-0.6, 0.15, -0.15, 0.55, (255, 240, 150))
        pen.box(0.15, 0.25, 0.55, 0.95, _BROWN)
    else:
        pen.polygon([(-1, -0.1), (0, -1), (1, -0.1)], roof)
        pen.box(-0.22, 0.35, 0.22, 0.95, _BROWN)
        pen.ellipse(0, 0.1, 0.15, 0.15, (255, 240, 150))


def _star(pen: _Pen, c: _Colour, variant: int) -> None:
    points = 7 if variant else 5
    outline = []
    for index in range(2 * points):
        radius = 1.0 if index % 2 == 0 else (0.6 if variant else 0.45)
        angle = np.pi * index / points - np.pi / 2
        outline.append((float(radius * np.cos(angle)), float(radius * np.sin(angle)) + (0 if variant else 0.06)))
    pen.polygon(outline, c)


def _tree(pen: _Pen, c: _Colour, variant: int) -> None:
    pen.box(-0.16, 0.3, 0.16, 1, _BROWN)
    if variant:
        pen.polygon([(-0.85, 0.55), (0, -0.3), (0.85, 0.55)], c)
        pen.polygon([(-0.7, 0.1), (0, -0.65), (0.7, 0.1)], c)
        pen.polygon([(-0.5, -0.35), (0, -1), (0.5, -0.35)], c)
    else:
        pen.ellipse(-0.42, 0.05, 0.45, 0.45, c)
        pen.ellipse(0.42, 0.05, 0.45, 0.45, c)
        pen.ellipse(0, -0.42, 0.58, 0.55, c)
        pen.ellipse(0, 0, 0.45, 0.42, c, outline=False)


_DRAW: dict[str, Callable[[_Pen, _Colour, int], None]] = {
    "ball": _ball,
    "bird": _bird,
    "boat": _boat,
    "box": _box,
    "car": _car,
    "cat": _cat,
    "fish": _fish,
    "flower": _flower,
    "girl": _girl,
    "house": _house,
    "star": _star,
    "tree": _tree,
}


@cache
def sprite(kind: str, colour: str, size: str, variant: int, offset: int) -> NDArray[np.float32]:
    """Renders one object in its cell.

    Returns:
        RGBA of shape (32, 32, 4), values 0..1, not premultiplied. The array is cached and read-only.
    """
    dx, dy = OFFSETS[offset]
    pen = _Pen(_RADIUS[size], dx, dy)
    _DRAW[kind](pen, COLOURS[colour], variant)
    pixels = np.asarray(pen.image, dtype=np.float32) / 255.0
    alpha = pixels[..., 3:]
    blocks = (CELL, _SCALE, CELL, _SCALE, -1)
    mean_alpha = alpha.reshape(blocks).mean(axis=(1, 3))
    mean_colour = (pixels[..., :3] * alpha).reshape(blocks).mean(axis=(1, 3))
    result = np.concatenate([mean_colour / np.maximum(mean_alpha, 1e-6), mean_alpha], axis=-1)
    result.setflags(write=False)
    return result


def _gradient(draw: ImageDraw.ImageDraw, y0: int, y1: int, top: _Colour, bottom: _Colour) -> None:
    side = IMAGE_SIZE * _SCALE
    for y in range(y0 * _SCALE, y1 * _SCALE):
        share = (y - y0 * _SCALE) / max(1, (y1 - y0) * _SCALE - 1)
        draw.line([(0, y), (side, y)], fill=tuple(round(a + (b - a) * share) for a, b in zip(top, bottom, strict=True)))


def _hill(draw: ImageDraw.ImageDraw, x: int, y: int, rx: int, ry: int, fill: _Colour) -> None:
    draw.ellipse([(v * _SCALE) for v in (x - rx, y - ry, x + rx, y + ry)], fill=fill)


@cache
def background(name: str) -> NDArray[np.float32]:
    """Renders a background without objects: float32 RGB of shape (96, 96, 3), values 0..1, cached and read-only.

    Raises:
        ValueError: There is no background of this name.
    """
    image = Image.new("RGB", (IMAGE_SIZE * _SCALE, IMAGE_SIZE * _SCALE))
    draw = ImageDraw.Draw(image)
    if name == "meadow":
        _gradient(draw, 0, 62, (120, 196, 250), (206, 236, 255))
        _hill(draw, 20, 74, 46, 20, (134, 204, 110))
        _gradient(draw, 62, 96, (124, 198, 92), (92, 168, 66))
        _hill(draw, 78, 8, 7, 7, (255, 240, 160))
    elif name == "night":
        _gradient(draw, 0, 62, (14, 18, 56), (48, 52, 110))
        _gradient(draw, 62, 96, (28, 52, 58), (16, 34, 42))
        _hill(draw, 14, 12, 6, 6, (238, 236, 206))
        _hill(draw, 17, 10, 5, 5, (16, 20, 60))
        for x, y in ((30, 6), (46, 30), (62, 4), (66, 34), (90, 28), (34, 50), (4, 36), (93, 60)):
            _hill(draw, x, y, 1, 1, (226, 226, 246))
    elif name == "sunset":
        _gradient(draw, 0, 61, (96, 62, 132), (252, 152, 92))
        _hill(draw, 48, 62, 14, 14, (255, 214, 120))
        _gradient(draw, 61, 96, (112, 72, 92), (64, 42, 66))
    elif name == "beach":
        _gradient(draw, 0, 34, (150, 214, 255), (216, 242, 255))
        _gradient(draw, 34, 64, (30, 122, 192), (88, 190, 216))
        _gradient(draw, 64, 96, (246, 224, 166), (230, 196, 128))
    elif name == "snow":
        _gradient(draw, 0, 64, (158, 178, 204), (210, 222, 236))
        _hill(draw, 76, 76, 40, 22, (226, 234, 244))
        _gradient(draw, 64, 96, (236, 242, 250), (214, 226, 242))
    elif name == "forest":
        _gradient(draw, 0, 70, (52, 104, 78), (90, 140, 96))
        for x in (4, 31, 64, 92):
            draw.rectangle([(v * _SCALE) for v in (x - 2, 0, x + 2, 70)], fill=(58, 62, 48))
        _gradient(draw, 68, 96, (86, 92, 52), (60, 66, 40))
    else:
        msg = f"Unknown background {name!r}; expected one of {', '.join(BACKGROUNDS)}."
        raise ValueError(msg)
    pixels = np.asarray(image, dtype=np.float32) / 255.0
    result: NDArray[np.float32] = pixels.reshape(IMAGE_SIZE, _SCALE, IMAGE_SIZE, _SCALE, 3).mean(axis=(1, 3))
    result.setflags(write=False)
    return result
