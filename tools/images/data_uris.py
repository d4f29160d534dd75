"""The one reader of images in text: data URIs and bare base64, as browsers, chat models and other servers write them.

Returns encoded bytes of bounded size, without a look into them: `png.canonical_png` tells whether they are an image.
"""

import base64
import binascii
import re
from urllib.parse import unquote

from interleavethinker.tools.errors import InputError

from .png import DEFAULT_LIMITS, ImageLimits

__all__ = ["decode_base64", "decode_data_uri", "find_image", "is_data_uri"]

_HEADER = re.compile(r"\s*data:(?P<type>[\w.+-]+/[\w.+-]+)?(?P<parameters>(?:;[^,;]{0,200}){0,20}),", re.IGNORECASE)
_FOUND = re.compile(
    r"data:image/[\w.+-]{1,100}(?:;[\w=.+-]{1,100}){0,20};base64,([A-Za-z0-9+/_%\s-]+={0,2})", re.IGNORECASE
)
_BARE_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{64,}={0,2}")
_SPACE = re.compile(r"\s+")
_LONGEST_HEADER = 4000
_URL_SAFE = str.maketrans("-_", "+/")


def is_data_uri(text: str) -> bool:
    """Whether a text claims to be a data URI; it may be a malformed one."""
    return text[:100].lstrip()[:5].lower() == "data:"


def decode_data_uri(text: str, limits: ImageLimits = DEFAULT_LIMITS) -> bytes:
    """Returns the bytes of a data URI of an image.

    Line breaks, percent-encoding, parameters, the URL-safe alphabet and missing padding are accepted.

    Args:
        text: `data:image/png;base64,…`, of any image type; the bytes say which it is.
        limits: `max_bytes` bounds the decoded bytes.

    Raises:
        InputError: It is no base64 data URI of an image (`invalid_image`), or too large (`image_too_large`).
    """
    header = _HEADER.match(text[:_LONGEST_HEADER])
    if header is None:
        raise InputError(
            f"Not a data URI: expected data:image/png;base64,…, found {text[:40]!r}.", code="invalid_image"
        )
    kind = (header["type"] or "text/plain").lower()
    if not kind.startswith("image/") and kind != "application/octet-stream":
        raise InputError(f"The data URI holds {kind} instead of an image.", code="invalid_image")
    if header["parameters"].rpartition(";")[2].strip().lower() != "base64":
        raise InputError(
            "The data URI is not in base64. Send data:image/png;base64, followed by the image's bytes in base64.",
            code="invalid_image",
        )
    return decode_base64(text[header.end() :], limits)


def decode_base64(text: str, limits: ImageLimits = DEFAULT_LIMITS) -> bytes:
    """Returns the bytes of an image in base64, without a data URI's header.

    Args:
        text: Standard or URL-safe base64, with or without padding, line breaks and percent-encoding.
        limits: `max_bytes` bounds the decoded bytes.

    Raises:
        InputError: It is no base64 (`invalid_image`), or too large (`image_too_large`).
    """
    # Percent-encoding triples base64, which takes 4 characters for 3 bytes.
    if len(text) <= 4 * limits.max_bytes:
        text = _SPACE.sub("", unquote(text) if "%" in text else text)
    if len(text) * 3 // 4 > limits.max_bytes + 2:
        raise InputError(
            f"The image is too large; at most {limits.max_bytes} bytes are accepted. Send a smaller one.",
            code="image_too_large",
        )
    compact = text.translate(_URL_SAFE).rstrip("=")
    if not compact:
        raise InputError("The image is empty: no base64 follows the data URI's header.", code="invalid_image")
    try:
        return base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError(
            "The image is not valid base64, or it was cut off. Send all of its bytes again.", code="invalid_image"
        ) from error


def find_image(text: str, limits: ImageLimits = DEFAULT_LIMITS) -> bytes | None:
    """Returns the bytes of the first data URI of an image in a text, or of a text that is all base64.

    Args:
        text: Anything, for example a tool's answer.
        limits: `max_bytes` bounds the decoded bytes.

    Returns:
        None where there is neither, or it is malformed.

    Raises:
        InputError: The image is too large (`image_too_large`).
    """
    found = _FOUND.search(text)
    encoded = _SPACE.sub("", text) if found is None else found.group(1)
    if found is None and _BARE_BASE64.fullmatch(encoded) is None:
        return None
    try:
        return decode_base64(encoded, limits)
    except InputError as error:
        if error.code == "image_too_large":
            raise
        return None
