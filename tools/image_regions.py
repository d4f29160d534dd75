"""Regions of an image for local edits: a rectangle as people write it, and masks, which are white where to edit.

A mask is an image of the same size as the one that it belongs to: white (lighter than middle gray) is edited, black is
kept. Pure functions of numbers and PNG bytes.
"""

import re
from dataclasses import dataclass

from .errors import InputError
from .images.png import encode_png, image_size, open_rgb

__all__ = ["Region", "check_mask", "merged", "read_region", "region_mask"]

_NUMBER = r"\s*(\d{1,5}(?:\.\d{1,4})?)\s*(%?)\s*"
_REGION = re.compile(",".join([_NUMBER] * 4))
_WHITE = 128
"""Gray values from this one on are white."""


@dataclass(frozen=True)
class Region:
    """A rectangle, in shares of the image's width and height or in pixels."""

    numbers: tuple[float, float, float, float]
    """Left edge, upper edge, width, height."""
    percent: tuple[bool, bool, bool, bool]
    """Which of them are percentages."""

    def pixels(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Returns the edges left, top, right and bottom in an image of this size, in pixels.

        Raises:
            InputError: The rectangle does not lie in the image, or is empty.
        """
        sides = (size[0], size[1], size[0], size[1])
        x, y, width, height = (
            number * side / 100 if percent else number
            for number, percent, side in zip(self.numbers, self.percent, sides, strict=True)
        )
        edges = (round(x), round(y), round(x + width), round(y + height))
        if edges[2] > size[0] or edges[3] > size[1] or edges[2] <= edges[0] or edges[3] <= edges[1]:
            raise InputError(
                f"The region from ({edges[0]}, {edges[1]}) to ({edges[2]}, {edges[3]}) is empty or does not lie in the "
                f"image, which has {size[0]} x {size[1]} pixels.",
                code="invalid_region",
            )
        return edges


def read_region(text: str) -> Region:
    """Reads a rectangle: left edge, upper edge, width and height, in pixels or percent.

    Raises:
        InputError: It is none.

    Examples:
        >>> read_region("50%, 0, 50%, 32").pixels((96, 64))
        (48, 0, 96, 32)
    """
    match = _REGION.fullmatch(text)
    if match is None:
        raise InputError(
            f"A region is X,Y,WIDTH,HEIGHT in pixels or percent, like 48,0,48,96 or 50%,0,50%,100%; got {text!r}.",
            code="invalid_region",
        )
    found = match.groups()
    x, y, width, height = map(float, found[::2])
    left, top, wide, high = (mark == "%" for mark in found[1::2])
    return Region((x, y, width, height), (left, top, wide, high))


def region_mask(region: str, size: tuple[int, int]) -> bytes:
    """Returns the mask of a rectangle as PNG bytes.

    Args:
        region: See `read_region`.
        size: Width and height of the image in pixels.

    Raises:
        InputError: It is no rectangle within the image.
    """
    from PIL import Image

    mask = Image.new("RGB", size, "black")
    mask.paste("white", read_region(region).pixels(size))
    return encode_png(mask)


def check_mask(mask: bytes, size: tuple[int, int]) -> None:
    """Checks that a mask fits an image.

    Raises:
        InputError: It has another size, or is white throughout or nowhere.
    """
    found = image_size(mask)
    if found != size:
        raise InputError(
            f"A mask must have the size of its image, {size[0]} x {size[1]} pixels; this one has {found[0]} x "
            f"{found[1]}.",
            code="invalid_image",
        )
    low, high = open_rgb(mask).convert("L").getextrema()
    if not isinstance(high, int | float) or high < _WHITE:
        darkest = "black throughout" if high == 0 else "nowhere white; its brightest pixel is a gray or a dark color"
        raise InputError(f"The mask is {darkest}. White is the region to edit.", code="invalid_image")
    if isinstance(low, int | float) and low >= _WHITE:
        raise InputError("The mask is white throughout, so nothing would be kept. Leave it out.", code="invalid_image")


def merged(source: bytes, edited: bytes, mask: bytes) -> bytes:
    """Returns the source with the edited image's pixels where the mask is white; all other pixels are the source's own.

    An edited image of another size is scaled to the source's. The result is the same object as `edited` if no pixel of
    it differs: then nothing is encoded.
    """
    from PIL import Image

    before, after = open_rgb(source), open_rgb(edited)
    scaled = after if after.size == before.size else after.resize(before.size, Image.Resampling.LANCZOS)
    white = open_rgb(mask).convert("L").point(lambda value: 255 if value >= _WHITE else 0)
    result = Image.composite(scaled, before, white)
    return edited if scaled is after and result.tobytes() == after.tobytes() else encode_png(result)
