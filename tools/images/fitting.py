"""Fits an image into another shape without stretching or cropping it: scaled to fit, centered, with a plain margin.

The margin has the mean color of the image's border. Knows nothing of models.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["fitted"]


def fitted(image: "Image", size: tuple[int, int]) -> "Image":
    """Returns the whole image in a new size; the image itself if it has that size.

    Args:
        image: RGB.
        size: Width and height in pixels.
    """
    from PIL import Image as Pillow

    if image.size == size:
        return image
    scale = min(size[0] / image.width, size[1] / image.height)
    inner = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    result = Pillow.new("RGB", size, _border_color(image))
    result.paste(image.resize(inner, Pillow.Resampling.LANCZOS), ((size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2))
    return result


def _border_color(image: "Image") -> tuple[int, int, int]:
    from PIL import ImageStat

    edges = [
        image.crop((0, 0, image.width, 1)),
        image.crop((0, image.height - 1, image.width, image.height)),
        image.crop((0, 0, 1, image.height)),
        image.crop((image.width - 1, 0, image.width, image.height)),
    ]
    sums, pixels = [0.0, 0.0, 0.0], 0
    for edge in edges:
        pixels += edge.width * edge.height
        sums = [total + part for total, part in zip(sums, ImageStat.Stat(edge).sum, strict=True)]
    red, green, blue = (round(total / pixels) for total in sums)
    return red, green, blue
