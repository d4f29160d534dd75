"""What an image must be before it enters a store: 8-bit RGB PNG, upright, opaque, decodable, of bounded size.

Knows bytes and pixels only, never files or names. Everything that comes from outside (a user's photo, a client's data
URI, a third-party server's answer) goes through `canonical_png` once; afterwards bytes are never re-encoded, so that an
image keeps its name. Pillow is imported when the first image arrives.
"""

import base64
import io
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interleavethinker.tools.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = [
    "DEFAULT_LIMITS",
    "ImageLimits",
    "canonical_png",
    "data_uri",
    "encode_png",
    "image_size",
    "open_rgb",
    "preview",
]

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CANONICAL_CHUNKS = {b"IHDR", b"IDAT", b"IEND"}
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
_EIGHT_BIT_RGB = b"\x08\x02\x00\x00\x00"  # bit depth, colour type, compression, filter, not interlaced
_COMPRESSION = 3
"""zlib level; 6 takes three times as long on a megapixel and saves a few percent."""
_RUN_LENGTHS = 3
"""zlib strategy (Z_RLE): half the time; after PNG's filters, photographs and drawings even become a little smaller."""


@dataclass(frozen=True)
class ImageLimits:
    """How large an image from outside may be."""

    max_bytes: int = 32 * 1024 * 1024
    """Encoded size."""
    max_pixels: int = 4096 * 4096
    """Width times height, read from the header before anything is decoded."""
    max_side: int = 16384


DEFAULT_LIMITS = ImageLimits()


def canonical_png(data: bytes, limits: ImageLimits = DEFAULT_LIMITS) -> bytes:
    """Returns the image as canonical PNG bytes; bytes that are canonical already come back as they are.

    Rotation from EXIF is applied, transparency is laid over white, palettes and 16-bit samples become 8-bit RGB, an
    animation gives its first frame, metadata is dropped.

    Args:
        data: An encoded PNG, JPEG, WebP or GIF.
        limits: What is refused for its size.

    Raises:
        InputError: Not an image of these formats (`invalid_image`), or beyond the limits (`image_too_large`).
    """
    if not data:
        raise InputError("An image must have bytes; 0 were given.", code="invalid_image")
    if len(data) > limits.max_bytes:
        raise InputError(
            f"An image may have at most {limits.max_bytes} bytes; {len(data)} were given. Send a smaller one.",
            code="image_too_large",
        )
    from PIL import Image, ImageOps, UnidentifiedImageError

    data = _without_damaged_extras(data)
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as opened:
            _check_size(opened.size, limits)
            opened.load()
            if _is_canonical(data):
                return data
            upright = ImageOps.exif_transpose(opened)
            return encode_png(_to_rgb(upright))
    except InputError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(
            f"An image may have at most {limits.max_pixels} pixels; this one declares far more.", code="image_too_large"
        ) from error
    except UnidentifiedImageError as error:
        raise InputError(
            f"An image must be {', '.join(_FORMATS)}; this is none of them.", code="invalid_image"
        ) from error
    # Pillow's decoders raise any of these for broken files.
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, TypeError, struct.error) as error:
        raise InputError(
            "An image must be decodable; this file is truncated or damaged. Save it anew and resend.",
            code="invalid_image",
        ) from error


def encode_png(image: "Image") -> bytes:
    """Encodes pixels as canonical PNG: the same pixels give the same bytes on one installation."""
    buffer = io.BytesIO()
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    # Pillow copies `info` (ICC profiles, text) into the file unless told not to.
    clean = rgb.copy() if rgb.info else rgb
    clean.info.clear()
    clean.save(buffer, format="PNG", compress_level=_COMPRESSION, compress_type=_RUN_LENGTHS)
    return buffer.getvalue()


def image_size(png: bytes) -> tuple[int, int]:
    """Returns (width, height) in pixels from a PNG's header.

    Raises:
        InputError: These bytes do not begin like a PNG.
    """
    if len(png) < 24 or not png.startswith(_PNG_SIGNATURE) or png[12:16] != b"IHDR":
        raise InputError("A stored image must be a PNG; these bytes are not.", code="invalid_image")
    width, height = struct.unpack(">II", png[16:24])
    return int(width), int(height)


def open_rgb(data: bytes) -> "Image":
    """Decodes an image completely and returns it in mode RGB.

    Args:
        data: An encoded image from a store or from `canonical_png`; nothing is checked here.

    Raises:
        OSError: The bytes are not a PNG, JPEG, WebP or GIF, or they are damaged (Pillow's own errors).
    """
    from PIL import Image

    with Image.open(io.BytesIO(data), formats=_FORMATS) as opened:
        return opened.convert("RGB")


def data_uri(data: bytes, mime_type: str = "image/png") -> str:
    """Returns encoded image bytes as a `data:` URI with base64."""
    return f"data:{mime_type};base64," + base64.b64encode(data).decode()


def preview(png: bytes, max_bytes: int = 100_000, max_side: int = 512) -> tuple[bytes, str]:
    """Returns a small rendition for a chat window and its MIME type: the PNG itself if small enough, else a JPEG.

    Args:
        png: Canonical PNG bytes.
        max_bytes: The rendition is at most this large; quality and size go down until it is.
        max_side: Longest side in pixels of a re-encoded rendition.
    """
    if len(png) <= max_bytes:
        return png, "image/png"
    image = open_rgb(png)
    while True:
        image.thumbnail((max_side, max_side))
        for quality in (85, 60, 35):
            buffer = io.BytesIO()
            image.save(buffer, format="JPEG", quality=quality)
            if buffer.tell() <= max_bytes or max_side <= 16:
                return buffer.getvalue(), "image/jpeg"
        max_side //= 2


def _check_size(size: tuple[int, int], limits: ImageLimits) -> None:
    width, height = size
    if width * height > limits.max_pixels or max(width, height) > limits.max_side:
        raise InputError(
            f"An image may have at most {limits.max_pixels} pixels and {limits.max_side} a side; "
            f"this one is {width} x {height}. Scale it down.",
            code="image_too_large",
        )


def _without_damaged_extras(data: bytes) -> bytes:
    """Drops a PNG's optional chunks whose checksum is wrong: browsers ignore them, Pillow refuses the whole file.

    Real servers send such files; the protocol's own reference server has one (its colour profile).
    """
    if not data.startswith(_PNG_SIGNATURE):
        return data
    kept, position = [_PNG_SIGNATURE], len(_PNG_SIGNATURE)
    while position + 12 <= len(data):
        (length,) = struct.unpack(">I", data[position : position + 4])
        chunk = data[position : position + 12 + length]
        position += 12 + length
        optional = chunk[4:5].islower()
        if not optional or zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:]):
            kept.append(chunk)
    # Whatever follows is not a chunk: left to Pillow, which knows what to do with a torn file.
    return b"".join(kept) + data[position:]


def _is_canonical(data: bytes) -> bool:
    """Whether a PNG that Pillow has just decoded is 8-bit RGB with nothing but pixels in it."""
    if not data.startswith(_PNG_SIGNATURE) or data[24:29] != _EIGHT_BIT_RGB:
        return False
    position = len(_PNG_SIGNATURE)
    while position + 12 <= len(data):
        (length,) = struct.unpack(">I", data[position : position + 4])
        kind = data[position + 4 : position + 8]
        if kind not in _CANONICAL_CHUNKS:
            return False
        position += 12 + length
        if kind == b"IEND":
            return bool(position == len(data))
    return False


def _to_rgb(image: "Image") -> "Image":
    if image.mode.startswith("I") or image.mode == "F":
        return _from_deep_grey(image)
    if image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info:
        from PIL import Image as PillowImage

        layer = image.convert("RGBA")
        white = PillowImage.new("RGBA", layer.size, (255, 255, 255, 255))
        return PillowImage.alpha_composite(white, layer).convert("RGB")
    return image.convert("RGB")


def _from_deep_grey(image: "Image") -> "Image":
    """Scales 16-bit gray to 8 bits; Pillow's own conversion clips at 255 instead, which turns photos white."""
    # A point function of the form `v * scale + offset` is applied in floating point; converting to integers truncates.
    scaled = image.convert("F").point(lambda value: value * (1 / 257) + 0.5)
    return scaled.convert("I").convert("L").convert("RGB")
