"""Images for documents that people print and present: bounded in size, and small ones enlarged without smoothing."""

import io

from interleavethinker.tools.images.png import encode_png, open_rgb

__all__ = ["picture_of"]

_SIDE = 1600
"""Pixels of the longer side; enough for a full page at 240 dpi."""
_SMALLEST = 512
"""Smaller images, such as those of the micro world, would be blurred by viewers that enlarge them."""
_LARGE = 1024 * 1024
"""Bytes of a PNG from which JPEG takes its place."""
_QUALITY = 90


def picture_of(png: bytes) -> bytes:
    """Returns the image as PNG or JPEG of at most 1600 pixels a side, so that a document of many images stays small.

    Args:
        png: A stored image.
    """
    from PIL import Image

    image = open_rgb(png)
    longest = max(image.size)
    if longest < _SMALLEST:
        by = -(-_SMALLEST // longest)
        return encode_png(image.resize((image.width * by, image.height * by), Image.Resampling.NEAREST))
    if longest <= _SIDE and len(png) <= _LARGE:
        return png
    image.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
