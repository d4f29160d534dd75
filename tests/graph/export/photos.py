"""Images with the statistics of photos, whose size after compression is realistic."""

import numpy as np
from PIL import Image

from interleavethinker.tools.images.png import encode_png

__all__ = ["photo"]


def photo(seed: int, *, side: int = 1024, grain: float = 12.0) -> bytes:
    """Returns a PNG of smooth gradients with detail at four scales and the grain of a camera.

    Args:
        seed: Chooses the image.
        side: Width and height in pixels.
        grain: Standard deviation of the noise of each pixel, in gray levels.
    """
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side] / side
    pixels = np.stack([120 + 100 * np.sin(3 * x + seed + c) * np.cos(2 * y * (1 + c / 3)) for c in range(3)], axis=-1)
    for cells, contrast in ((4, 20), (16, 20), (64, 20), (256, 10)):
        detail = random.normal(0, contrast, (cells, cells, 3)).astype(np.float32)
        channels = [Image.fromarray(detail[..., c]).resize((side, side), Image.Resampling.BICUBIC) for c in range(3)]
        pixels += np.stack([np.asarray(channel) for channel in channels], axis=-1)
    pixels += random.normal(0, grain, pixels.shape)
    return encode_png(Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)))
