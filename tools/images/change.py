"""Statistics of how one image differs from another, without any model, so that they work for every generator.

An edit changes some pixels on purpose, by a lot. A chain of edits also damages the others a little each time: noise, a
tint, flat contrast, blur. `residue` measures that where nothing changed visibly; the other figures compare the images
as wholes, and change on purpose as well where an edit says so ("at night"). Knows nothing of prompts.
"""

import functools
import math
from typing import TYPE_CHECKING

from interleavethinker.tools.types import ImageChange

from .png import open_rgb

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["change_between"]

_VISIBLE = 24
"""Levels of 255 by which a channel of a pixel must differ to count as changed on purpose."""
_SIDE = 512
"""Larger images are measured at this size, which bounds the time."""
_DIGITS = 4


def change_between(before: bytes, after: bytes) -> ImageChange:
    """Measures the change from one image to another. Blocks: decodes both, about 1 ms for 64 × 64 pixels
    and 40 for 1024 × 1024.

    Args:
        before: PNG.
        after: PNG. If the sizes differ, `before` is scaled to this one's size.

    Raises:
        InputError: One of them is no image.
    """
    from PIL import Image, ImageChops, ImageStat

    new, old = _reduced(after), _reduced(before)
    if old.size != new.size:
        old = old.resize(new.size, Image.Resampling.BOX)
    red, green, blue = ImageChops.difference(new, old).split()
    levels = ImageChops.lighter(ImageChops.lighter(red, green), blue).histogram()
    changed, unchanged = sum(levels[_VISIBLE:]), sum(levels[:_VISIBLE])
    residue = sum(level * count for level, count in enumerate(levels[:_VISIBLE])) / (255 * max(1, unchanged))
    tint = math.dist(ImageStat.Stat(new).mean, ImageStat.Stat(old).mean) / (255 * math.sqrt(3))
    brightness, brightness_before = new.convert("L"), old.convert("L")
    contrasts = [ImageStat.Stat(one).stddev[0] for one in (brightness, brightness_before)]
    gradients = [_mean_gradient(one) for one in (brightness, brightness_before)]
    return ImageChange(
        changed=round(changed / (changed + unchanged), _DIGITS),
        residue=round(residue, _DIGITS),
        color=round(tint, _DIGITS),
        contrast=_log_ratio(*contrasts),
        sharpness=_log_ratio(*gradients),
    )


@functools.lru_cache(maxsize=8)
def _reduced(png: bytes) -> "Image":
    """Decodes an image, unless it was just compared: the images of a chain are each compared several times."""
    from PIL import Image

    image = open_rgb(png)
    image.thumbnail((_SIDE, _SIDE), Image.Resampling.BOX)
    return image


def _mean_gradient(brightness: "Image") -> float:
    """Returns the mean difference between neighboring pixels, 0..255."""
    from PIL import ImageChops, ImageStat

    width, height = brightness.size
    pairs = [
        (brightness.crop((1, 0, width, height)), brightness.crop((0, 0, width - 1, height))),
        (brightness.crop((0, 1, width, height)), brightness.crop((0, 0, width, height - 1))),
    ]
    means = [ImageStat.Stat(ImageChops.difference(*pair)).mean[0] for pair in pairs if min(pair[0].size) > 0]
    return sum(means) / max(1, len(means))


def _log_ratio(after: float, before: float) -> float:
    """Half a level is added to both, so that flat images have a ratio."""
    return round(math.log2((after + 0.5) / (before + 0.5)), _DIGITS)
