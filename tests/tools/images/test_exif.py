"""Damaged EXIF data of a photo, and decoders that raise what nobody expects."""

import struct

import pytest

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.png import canonical_png, image_size

from .test_png import encoded, gradient


def tiff(*fields: tuple[int, int, int, int]) -> bytes:
    """EXIF data of one directory: tag, type, count and value, or its offset, of each field."""
    entries = b"".join(struct.pack("<HHII", *field) for field in fields)
    return struct.pack("<4sIH", b"II*\0", 8, len(fields)) + entries + bytes(100)


TURNED = (0x0112, 3, 1, 6)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize(
    ("damaged", "turned"),
    [
        ((TURNED, (0x8769, 4, 0, 0)), True),
        ((TURNED, (0x0132, 5, 1, 60)), True),
        ((TURNED, (0x0132, 11, 1, 60)), True),
        ((TURNED, (0xA005, 3, 1, 8)), True),
        ((TURNED, (0x02BC, 11, 1, 1)), True),
        (((0x0112, 2, 3, 60),), False),
        (((0x0112, 3, 0, 6),), False),
    ],
)
def test_damaged_exif_data_is_ignored(kind: str, damaged: tuple[tuple[int, int, int, int], ...], turned: bool) -> None:
    data = tiff(*damaged)
    photo = encoded(gradient(12, 8), kind, exif=b"Exif\0\0" + data if kind == "JPEG" else data)
    assert image_size(canonical_png(photo)) == ((8, 12) if turned else (12, 8))


def test_whatever_a_decoder_raises_the_image_is_called_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise AttributeError("decoder")

    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", broken)
    with pytest.raises(InputError, match="truncated or damaged") as raised:
        canonical_png(encoded(gradient()))
    assert raised.value.code == "invalid_image"
