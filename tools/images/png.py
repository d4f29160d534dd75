"""Converts images to the canonical form that stores hold: upright, opaque, 8-bit RGB PNG of bounded size.

Every image from outside (a user's photo, a client's data URI, a third-party server's answer) passes `canonical_png`
once. Its bytes are never re-encoded afterwards, so that its name, the hash of the bytes, stays the same.

Knows bytes and pixels only, never files or names. Pillow is imported when the first image arrives.
"""

import base64
import contextlib
import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from interleavethinker.tools.errors import InputError

from .color import in_srgb

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = [
    "DEFAULT_LIMITS",
    "ImageLimits",
    "canonical_png",
    "check_header",
    "data_uri",
    "encode_png",
    "image_size",
    "open_rgb",
    "preview",
    "upright",
]

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CANONICAL_CHUNKS = {b"IHDR", b"IDAT", b"IEND"}
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
_EIGHT_BIT_RGB = b"\x08\x02\x00\x00\x00"  # bit depth, color type, compression, filter, not interlaced
_COMPRESSION = 3
"""zlib level. Level 6 takes three times as long for a megapixel and saves a few percent."""
_RUN_LENGTHS = 3
"""zlib strategy Z_RLE, which halves the time; after PNG's filters, photos and drawings even get slightly smaller."""


_MAX_SCANS = 64
"""Scans of a progressive JPEG, which all take a full pass; programs write about ten."""
_MAX_SCANNED = 250_000_000
"""Pixels times scans of a JPEG, which decide how long decoding takes: about two seconds."""
_STRIP = 1_000_000
"""Pixels that are made opaque at once."""
_MAX_CHUNKS = 40_000
"""Chunks of a PNG; programs write one for every 8 KB or more, and each takes Pillow some microseconds."""


@dataclass(frozen=True)
class ImageLimits:
    """Largest image that is accepted from outside."""

    max_bytes: int = 32 * 1024 * 1024
    """Size of the encoded image."""
    max_pixels: int = 4096 * 4096
    """Width times height; checked from the header, before the image is decoded."""
    max_side: int = 16384
    """Width and height, each, in pixels."""


DEFAULT_LIMITS = ImageLimits()


def canonical_png(data: bytes, limits: ImageLimits = DEFAULT_LIMITS, *, name: object = "") -> bytes:
    """Returns an image as canonical PNG bytes. Bytes that are canonical already are returned unchanged.

    EXIF rotation is applied, color profiles are converted to sRGB, transparency is composited onto white, palettes and
    16-bit samples become 8-bit RGB, only the first frame of an animation is kept, and metadata is dropped.

    Whatever the bytes are, this takes a few seconds and a few hundred megabytes at most.

    Args:
        data: An encoded PNG, JPEG, WebP or GIF.
        limits: Largest image to accept.
        name: Path or number by which its owner knows the image; errors begin with it.

    Raises:
        InputError: The bytes are no image in one of these formats (`invalid_image`), or the image exceeds the limits
            (`image_too_large`).
    """
    with _naming(name):
        return _canonical(data, limits)


def check_header(file: BinaryIO, limits: ImageLimits = DEFAULT_LIMITS, *, name: object = "") -> None:
    """Checks an encoded image by its length and header, which takes a moment where decoding takes seconds.

    Args:
        file: The bytes, from the beginning on; Pillow reads only what it needs of them.
        limits: Largest image to accept.
        name: As for `canonical_png`.

    Raises:
        InputError: As `canonical_png`, as far as the header tells.
        OSError: The bytes cannot be read.
    """
    from PIL import Image

    length = file.seek(0, io.SEEK_END)
    file.seek(0)
    with _naming(name):
        _check_bytes(length, limits)
        with _errors_of_decoding(limits), Image.open(file, formats=_FORMATS) as opened:
            _check_size(opened.size, limits)


@contextlib.contextmanager
def _naming(name: object) -> Iterator[None]:
    try:
        yield
    except InputError as error:
        if not name:
            raise
        raise InputError(f"Cannot use the image {name}: {error}", code=error.code) from error


def _canonical(data: bytes, limits: ImageLimits) -> bytes:
    _check_bytes(len(data), limits)
    scans = data.count(b"\xff\xda") if data.startswith(b"\xff\xd8") else 0
    if scans > _MAX_SCANS:
        raise _too_many_scans()
    data = _without_damaged_extras(data)
    with _errors_of_decoding(limits):
        return _converted(data, limits, scans)


@contextlib.contextmanager
def _errors_of_decoding(limits: ImageLimits) -> Iterator[None]:
    from PIL import Image, UnidentifiedImageError

    try:
        yield
    except (InputError, MemoryError):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(
            f"The image declares far more than the {limits.max_pixels} pixels that are accepted.",
            code="image_too_large",
        ) from error
    except UnidentifiedImageError as error:
        raise InputError(
            f"Not an image in a supported format ({', '.join(_FORMATS)}).", code="invalid_image"
        ) from error
    except Exception as error:  # Pillow's decoders raise anything for broken files.
        raise InputError(
            "The image cannot be decoded: it is truncated or damaged. Save it again and resend it.",
            code="invalid_image",
        ) from error


def _converted(data: bytes, limits: ImageLimits, scans: int) -> bytes:
    from PIL import Image

    with Image.open(io.BytesIO(data), formats=_FORMATS) as opened:
        _check_size(opened.size, limits)
        if scans * opened.width * opened.height > _MAX_SCANNED:
            raise _too_many_scans()
        opened.load()
        if _is_canonical(data):
            return data
        image = upright(opened)
    del opened  # If it was turned, its own pixels are of no use any more.
    pixels = in_srgb(image, _flattened)
    del image
    return encode_png(pixels)


def encode_png(image: "Image") -> bytes:
    """Encodes pixels as canonical PNG. Equal pixels give equal bytes on the same installation."""
    buffer = io.BytesIO()
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    # Pillow would write `info` (ICC profiles, text) into the file.
    clean = rgb.copy() if rgb.info else rgb
    clean.info.clear()
    clean.save(buffer, format="PNG", compress_level=_COMPRESSION, compress_type=_RUN_LENGTHS)
    return buffer.getvalue()


def image_size(png: bytes) -> tuple[int, int]:
    """Returns (width, height) in pixels from a PNG's header.

    Raises:
        InputError: The bytes do not start with a PNG header.
    """
    if len(png) < 24 or not png.startswith(_PNG_SIGNATURE) or png[12:16] != b"IHDR":
        raise InputError("Not a PNG: the bytes do not start with a PNG header.", code="invalid_image")
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
    """Returns a small version of an image and its MIME type: the PNG itself if it is small enough, else a JPEG.

    Args:
        png: Canonical PNG bytes.
        max_bytes: Size limit. Quality and size of the JPEG are reduced until it fits.
        max_side: Longest side of the JPEG in pixels.
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


def _check_bytes(number: int, limits: ImageLimits) -> None:
    if not number:
        raise InputError("The image is empty (0 bytes).", code="invalid_image")
    if number > limits.max_bytes:
        raise InputError(
            f"The image has {number} bytes; at most {limits.max_bytes} are accepted. Send a smaller one.",
            code="image_too_large",
        )


def _check_size(size: tuple[int, int], limits: ImageLimits) -> None:
    width, height = size
    if width * height > limits.max_pixels or max(width, height) > limits.max_side:
        raise InputError(
            f"The image is {width} x {height}; at most {limits.max_pixels} pixels and {limits.max_side} per side are "
            "accepted. Scale it down.",
            code="image_too_large",
        )


def _without_damaged_extras(data: bytes) -> bytes:
    """Drops optional PNG chunks with a wrong checksum. Browsers ignore them, but Pillow rejects the whole file.

    Real servers send such files: the MCP reference server has one whose color profile is damaged.
    """
    if not data.startswith(_PNG_SIGNATURE):
        return data
    kept_chunks, position = [_PNG_SIGNATURE], len(_PNG_SIGNATURE)
    while position + 12 <= len(data):
        if len(kept_chunks) > _MAX_CHUNKS:
            raise InputError("The PNG has far more chunks than any program writes.", code="invalid_image")
        (length,) = struct.unpack(">I", data[position : position + 4])
        chunk = data[position : position + 12 + length]
        position += 12 + length
        optional = chunk[4:5].islower()
        if not optional or zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:]):
            kept_chunks.append(chunk)
    # Whatever follows is not a complete chunk. It is left to Pillow, which can handle a truncated file.
    return b"".join(kept_chunks) + data[position:]


def _is_canonical(data: bytes) -> bool:
    """Whether an image that Pillow has just decoded is an 8-bit RGB PNG without metadata."""
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


def upright(image: "Image") -> "Image":
    """Returns an image as its EXIF data says it is to be seen; damaged data is ignored, as browsers do."""
    from PIL.ExifTags import Base
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    # Not `ImageOps.exif_transpose`, which also encodes the other fields again, whatever they hold.
    try:
        turn = turns.get(image.getexif().get(Base.Orientation, 1))
    except Exception:  # noqa: BLE001 - Pillow raises anything for broken files
        return image
    if turn is None:
        return image
    turned = image.transpose(turn)
    for name in ("exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"):  # A reader would turn it once more.
        turned.info.pop(name, None)
    return turned


def _flattened(image: "Image") -> "Image":
    """Returns an image as opaque RGB, converted strip by strip: whole layers would take several times its memory."""
    from PIL import Image as PillowImage

    flat = PillowImage.new("RGB", image.size)
    rows = max(1, _STRIP // max(1, image.width))
    for top in range(0, image.height, rows):
        bottom = min(top + rows, image.height)
        flat.paste(_flattened_strip(image.crop((0, top, image.width, bottom))), (0, top))
    return flat


def _flattened_strip(image: "Image") -> "Image":
    if image.mode.startswith("I") or image.mode == "F":
        return _from_16_bit_gray(image)
    if image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info:
        from PIL import Image as PillowImage

        layer = image.convert("RGBA")
        white = PillowImage.new("RGBA", layer.size, (255, 255, 255, 255))
        return PillowImage.alpha_composite(white, layer).convert("RGB")
    return image.convert("RGB")


def _from_16_bit_gray(image: "Image") -> "Image":
    """Scales 16-bit gray to 8 bits; Pillow's own conversion clips at 255 instead, which turns photos white."""
    # A table for each sample takes a third of the memory of arithmetic in floating point.
    whole = image if image.mode == "I" else image.convert("I")
    return whole.point([(value + 128) // 257 for value in range(65536)], "L").convert("RGB")


def _too_many_scans() -> InputError:
    return InputError("The JPEG has far more scans than any camera or program writes.", code="invalid_image")
