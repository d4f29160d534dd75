"""Converts the colors of an image from its own profile to sRGB, which everything else here assumes.

Cameras and phones write photos in Display P3 or Adobe RGB, and printers in CMYK; without their profiles the same
numbers are other colors. A profile that is damaged, too large, or meant for another kind of pixels is ignored, as
browsers do.
"""

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["in_srgb"]

_MAX_PROFILE = 4 * 1024 * 1024
"""Bytes; profiles of printers have about two million."""
_COLOR_SPACES = {"RGB": "RGB ", "CMYK": "CMYK", "L": "GRAY"}
"""What a profile must describe for pixels of each mode."""


def in_srgb(image: "Image", flattened: Callable[["Image"], "Image"]) -> "Image":
    """Returns an image as opaque RGB with its colors in sRGB.

    Args:
        image: Decoded, in any mode, with its profile in `info`.
        flattened: Makes an image opaque RGB, without regard to profiles.
    """
    profile = image.info.get("icc_profile")
    if not isinstance(profile, bytes) or not 0 < len(profile) <= _MAX_PROFILE:
        return flattened(image)
    if image.mode == "CMYK":
        converted = _converted(image, profile)
        return flattened(image) if converted is None else converted
    # Transparency first: the profile describes colors, not what shows through.
    opaque = flattened(image)
    gray = image.mode in {"L", "LA", "La", "1"} or image.mode.startswith("I")
    converted = _converted(opaque.convert("L") if gray else opaque, profile)
    return opaque if converted is None else converted


def _converted(image: "Image", profile: bytes) -> "Image | None":
    """Returns the image in sRGB; None if the profile is sRGB already or cannot be used."""
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space != _COLOR_SPACES[image.mode]:
            return None
        if (source.profile.profile_description or "").startswith("sRGB"):
            return None
        return ImageCms.profileToProfile(
            image,
            source,
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
