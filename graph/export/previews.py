"""Small versions of a trajectory's images for HTML pages: WebP of bounded size, as data URIs.

A page with ten photos of 1024 x 1024 pixels, each shown twice, stays below 2 MB. Images of the micro world and other
small ones are kept pixel for pixel.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interleavethinker.tools.images.png import data_uri, image_size, open_rgb
from interleavethinker.tools.types import Sha256

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["FULL", "LARGE", "SMALL", "ImageView", "PreviewSize", "image_view", "preview_of"]

_PLACEHOLDER = data_uri(
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96" width="96" height="96">'
    b'<rect width="96" height="96" fill="#ddd"/>'
    b'<path d="M24 24 72 72M72 24 24 72" stroke="#767676" stroke-width="4"/></svg>',
    "image/svg+xml",
)
"""Shown instead of an image that is missing or damaged."""

_PIXEL_ART = 256
"""Images up to this many pixels on their longer side are kept losslessly and enlarged without smoothing."""
_QUALITIES = (80, 65, 50, 35)
_SMALLEST_SIDE = 16


@dataclass(frozen=True)
class PreviewSize:
    """Limits of a preview. Where an image needs more bytes, its quality is reduced first, then its size."""

    max_side: int
    """Pixels of the longer side."""
    max_bytes: int


LARGE = PreviewSize(640, 84_000)
"""For the images of the answer."""
SMALL = PreviewSize(320, 32_000)
"""For attempts and for the images of the request."""
FULL = PreviewSize(16_384, 32 * 1024 * 1024)
"""For pages that no original lies beside: nothing is scaled down."""


@dataclass(frozen=True)
class ImageView:
    """An image as a page shows it."""

    uri: str
    """Data URI of the preview, or of a placeholder."""
    width: int
    """Pixels of the original."""
    height: int
    pixel_art: bool
    """Whether to enlarge it without smoothing."""
    original: str = ""
    """Address of the original beside the page; empty if there is none."""


def image_view(name: Sha256, images: Mapping[Sha256, bytes | None], size: PreviewSize, folder: str = "") -> ImageView:
    """Returns an image for a page.

    Args:
        name: Name of the image.
        images: PNG bytes by name; None or no entry for images that are missing or damaged.
        size: Limits of the preview.
        folder: Folder of the originals, relative to the page; empty if there is none.
    """
    png = images.get(name)
    if png is None:
        return ImageView(_PLACEHOLDER, 96, 96, pixel_art=False)
    width, height = image_size(png)
    data, mime_type = preview_of(png, size)
    original = f"{folder}/{name[:16]}.png" if folder else ""
    return ImageView(data_uri(data, mime_type), width, height, max(width, height) <= _PIXEL_ART, original)


def preview_of(png: bytes, size: PreviewSize) -> tuple[bytes, str]:
    """Returns a preview's bytes and its MIME type.

    Args:
        png: The image.
        size: Limits of the preview.
    """
    if max(image_size(png)) <= _PIXEL_ART:
        webp = _webp(open_rgb(png), lossless=True)
        return (webp, "image/webp") if len(webp) < len(png) else (png, "image/png")
    image, side = open_rgb(png), size.max_side
    while True:
        image.thumbnail((side, side), reducing_gap=3)
        for quality in _QUALITIES:
            data = _webp(image, quality=quality)
            if len(data) <= size.max_bytes:
                return data, "image/webp"
        if side <= _SMALLEST_SIDE:
            return data, "image/webp"
        side = side * 3 // 4


def _webp(image: "Image", *, lossless: bool = False, quality: int = 80) -> bytes:
    buffer = io.BytesIO()
    # Method 4 encodes 640 x 640 pixels in about 50 ms; 6 saves a few percent and takes twice as long.
    image.save(buffer, format="WEBP", lossless=lossless, quality=quality, method=4)
    return buffer.getvalue()
