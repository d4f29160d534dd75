"""The size of an image as people write it: `1024x576` in pixels, or the aspect ratio `16:9`.

One text serves the command line, profiles, plans, records and the image server's contract. A size in pixels means
exactly this size; an aspect ratio leaves the number of pixels to the model. Pure functions; images are never read.
"""

import math
import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

from .errors import InputError

__all__ = ["MAX_SIDE", "MIN_SIDE", "ImageSize", "PixelSize", "check_image_size", "fits", "pixels_for", "read_size"]

MIN_SIDE, MAX_SIDE = 16, 4096
"""Pixels of a side."""
_MAX_RATIO = 16
"""The longer side divided by the shorter one."""
_PIXELS = re.compile(r"(\d{1,6})\s*[x×*]\s*(\d{1,6})", re.IGNORECASE)
_RATIO = re.compile(r"(\d{1,4})\s*:\s*(\d{1,4})")
_RATIO_TOLERANCE = 0.1
"""Relative difference between the ratio that is asked for and that of an image whose sides are multiples of 16 or 32
pixels."""


@dataclass(frozen=True)
class PixelSize:
    """A size that was read. `exact` is False for an aspect ratio, whose numbers are not pixels."""

    width: int
    height: int
    exact: bool

    @property
    def ratio(self) -> float:
        """Width divided by height."""
        return self.width / self.height

    def __str__(self) -> str:
        return f"{self.width}{'x' if self.exact else ':'}{self.height}"


def read_size(text: str) -> PixelSize:
    """Reads a size.

    Raises:
        InputError: It is neither a size in pixels nor an aspect ratio, or it is out of bounds.

    Examples:
        >>> str(read_size("1024 X 576")), read_size("16:9").exact
        ('1024x576', False)
    """
    if not isinstance(text, str):
        raise InputError(f"An image size is a text such as 1024x576 or 16:9; got {text!r}.")
    stripped = text.strip()
    pixels, ratio = _PIXELS.fullmatch(stripped), _RATIO.fullmatch(stripped)
    if pixels is not None:
        size = PixelSize(int(pixels[1]), int(pixels[2]), True)
        if not all(MIN_SIDE <= side <= MAX_SIDE for side in (size.width, size.height)):
            raise InputError(f"Each side of an image must have {MIN_SIDE} to {MAX_SIDE} pixels; got {size}.")
        return size
    if ratio is not None and int(ratio[1]) and int(ratio[2]):
        size = PixelSize(int(ratio[1]), int(ratio[2]), False)
        if not 1 / _MAX_RATIO <= size.ratio <= _MAX_RATIO:
            raise InputError(f"The longer side may be at most {_MAX_RATIO} times the shorter one; got {size}.")
        return size
    shown = stripped if len(stripped) <= 40 else f"{stripped[:40]}…"
    raise InputError(f"An image size must be pixels, like 1024x576, or an aspect ratio, like 16:9; got {shown!r}.")


def check_image_size(text: str) -> str:
    """Returns a size in canonical form, `1024x576` or `16:9`.

    Raises:
        InputError: See `read_size`.
    """
    return str(read_size(text))


def _validated(text: str) -> str:
    try:
        return check_image_size(text)
    except InputError as error:
        raise ValueError(str(error)) from error


ImageSize = Annotated[str, AfterValidator(_validated)]
"""A size in canonical form: pixels (`1024x576`) or an aspect ratio (`16:9`)."""


def pixels_for(size: str, area: int, multiple_of: int = 16) -> tuple[int, int]:
    """Returns width and height: those of a size in pixels, or a shape of about `area` pixels with the aspect ratio.

    Args:
        size: A size or an aspect ratio.
        area: Pixels of an image that has an aspect ratio only.
        multiple_of: Both sides are multiples of it where only a ratio is given.

    Examples:
        >>> pixels_for("16:9", 1024 * 1024), pixels_for("500x300", 1)
        ((1360, 768), (500, 300))
    """
    read = read_size(size)
    if read.exact:
        return read.width, read.height
    height = math.sqrt(area / read.ratio)
    width = height * read.ratio
    sides = [max(multiple_of, round(side / multiple_of) * multiple_of) for side in (width, height)]
    return sides[0], sides[1]


def fits(size: str, width: int, height: int) -> bool:
    """Returns whether an image has a size: exactly, if it is in pixels, or about the aspect ratio."""
    read = read_size(size)
    if read.exact:
        return (width, height) == (read.width, read.height)
    return abs(math.log(width / height / read.ratio)) < _RATIO_TOLERANCE
