"""Canonical images: every input becomes upright, opaque 8-bit RGB; images that are too large or broken are rejected."""

import io
import json
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.png import (
    ImageLimits,
    canonical_png,
    data_uri,
    encode_png,
    image_size,
    open_rgb,
    preview,
)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


def decoded(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def gradient(width: int = 12, height: int = 8) -> Image.Image:
    rows, columns = np.mgrid[0:height, 0:width]
    return Image.fromarray(np.stack([rows * 20, columns * 15, rows + columns], axis=-1).astype(np.uint8))


def test_canonical_bytes_come_back_unchanged_whatever_their_compression() -> None:
    for level in (0, 1, 9):
        data = encoded(gradient(), compress_level=level)
        assert canonical_png(data) == data


def test_metadata_is_dropped_and_pixels_are_kept() -> None:
    from PIL.PngImagePlugin import PngInfo

    notes = PngInfo()
    notes.add_text("comment", "private")
    canonical = canonical_png(encoded(gradient(), pnginfo=notes))
    assert b"private" not in canonical
    assert decoded(canonical).tobytes() == gradient().tobytes()
    assert canonical_png(canonical) == canonical


def test_bytes_after_the_end_of_a_png_are_dropped() -> None:
    canonical = canonical_png(encoded(gradient()) + b"#!/bin/sh")
    assert b"/bin/sh" not in canonical
    assert decoded(canonical).tobytes() == gradient().tobytes()


def test_a_wrong_checksum_is_ignored_in_an_optional_chunk_only() -> None:
    data = encoded(gradient(), icc_profile=b"profile")
    place = data.index(b"iCCP") + 8
    damaged = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
    assert decoded(canonical_png(damaged)).tobytes() == gradient().tobytes()
    place = data.index(b"IHDR") + 8
    with pytest.raises(InputError):
        canonical_png(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])


def test_exif_rotation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # displayed rotated clockwise
    canonical = decoded(canonical_png(encoded(gradient(12, 8), exif=exif.tobytes())))
    assert canonical.size == (8, 12)
    assert canonical.tobytes() == gradient(12, 8).transpose(Image.Transpose.ROTATE_270).tobytes()


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_composited_onto_white(mode: str) -> None:
    clear = Image.new("RGBA", (3, 2), (10, 10, 10, 0)).convert(mode)
    assert decoded(canonical_png(encoded(clear))).getpixel((1, 1)) == (255, 255, 255)


def test_palettes_with_and_without_transparency_become_rgb() -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 200, 30, 40])
    assert decoded(canonical_png(encoded(image))).getpixel((0, 0)) == (200, 30, 40)
    assert decoded(canonical_png(encoded(image, transparency=1))).getpixel((0, 0)) == (255, 255, 255)
    assert decoded(canonical_png(encoded(image, "GIF"))).getpixel((0, 0)) == (200, 30, 40)


def test_16_bit_gray_is_scaled_instead_of_clipped() -> None:
    deep = Image.fromarray(np.array([[0, 257 * 100, 65535]], dtype=np.uint16))
    canonical = decoded(canonical_png(encoded(deep)))
    assert [canonical.getpixel((x, 0)) for x in range(3)] == [(0, 0, 0), (100, 100, 100), (255, 255, 255)]


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "GIF"])
def test_other_formats_are_accepted(kind: str) -> None:
    canonical = decoded(canonical_png(encoded(gradient(), kind)))
    assert (canonical.format, canonical.mode, canonical.size) == ("PNG", "RGB", (12, 8))


def test_cmyk_jpegs_become_rgb() -> None:
    assert decoded(canonical_png(encoded(gradient().convert("CMYK"), "JPEG"))).mode == "RGB"


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "PPM", "ICO"])
def test_formats_not_on_the_list_are_rejected(kind: str) -> None:
    with pytest.raises(InputError) as caught:
        canonical_png(encoded(gradient(32, 32), kind))
    assert caught.value.code == "invalid_image"


@pytest.mark.parametrize(
    "data", [b"", b"not an image", b"\x89PNG\r\n\x1a\n", b"<svg xmlns='http://www.w3.org/2000/svg'/>"]
)
def test_bytes_that_are_no_image_are_rejected(data: bytes) -> None:
    with pytest.raises(InputError) as caught:
        canonical_png(data)
    assert caught.value.code == "invalid_image"


def test_a_truncated_png_is_rejected_unless_it_has_every_pixel() -> None:
    data = encoded(gradient(), compress_level=0)
    rejected = 0
    for length in range(1, len(data)):
        try:
            canonical = canonical_png(data[:length])
        except InputError:
            rejected += 1
        else:
            assert decoded(canonical).tobytes() == gradient().tobytes()
    assert rejected > 12 * 8 * 3


def test_a_decompression_bomb_is_rejected_because_of_its_header() -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    for side in (20_000, 60_000):
        header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
        bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
        with pytest.raises(InputError) as caught:
            canonical_png(bomb)
        assert caught.value.code == "image_too_large"


def test_limits_on_bytes_pixels_and_sides_are_enforced() -> None:
    data = encoded(gradient())
    for limits in (ImageLimits(max_bytes=len(data) - 1), ImageLimits(max_pixels=95), ImageLimits(max_side=11)):
        with pytest.raises(InputError) as caught:
            canonical_png(data, limits)
        assert caught.value.code == "image_too_large"
    assert canonical_png(data, ImageLimits(max_bytes=len(data), max_pixels=96, max_side=12)) == data


def test_the_size_is_read_from_the_header() -> None:
    assert image_size(encode_png(gradient(12, 8))) == (12, 8)
    with pytest.raises(InputError):
        image_size(b"GIF89a")


def test_a_preview_is_the_image_itself_when_small_and_a_small_jpeg_when_large() -> None:
    small = encode_png(gradient())
    assert preview(small) == (small, "image/png")
    noise = np.random.default_rng(0).integers(0, 256, (1024, 768, 3), dtype=np.uint8)
    data, mime = preview(encode_png(Image.fromarray(noise)))
    assert mime == "image/jpeg"
    assert len(data) <= 100_000
    assert decoded(data).size[1] <= 512


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_any_accepted_format_opens_as_loaded_rgb_pixels(kind: str) -> None:
    image = open_rgb(encoded(gradient(), kind))
    assert (image.mode, image.size) == ("RGB", (12, 8))
    if kind == "PNG":
        assert image.tobytes() == gradient().tobytes()


def test_bytes_that_are_no_image_do_not_open() -> None:
    for data in (b"text", encoded(gradient(), "BMP"), encoded(gradient())[:60]):
        with pytest.raises(OSError, match=r"identify|truncated|Truncated"):
            open_rgb(data)


def test_a_data_uri_holds_the_bytes_and_their_type() -> None:
    assert data_uri(b"\x00\xff") == "data:image/png;base64,AP8="
    assert data_uri(b"<svg/>", "image/svg+xml") == "data:image/svg+xml;base64,PHN2Zy8+"


def test_a_jpeg_with_thousands_of_scans_is_refused_before_it_is_decoded() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(buffer, "JPEG", progressive=True)
    canonical_png(buffer.getvalue())
    data = buffer.getvalue()
    start = data.index(b"\xff\xda")
    with pytest.raises(InputError, match="scans"):
        canonical_png(data[:-2] + data[start:-2] * 100 + b"\xff\xd9")


def wide_gamut_profile() -> bytes:
    """Builds an RGB profile whose red and green primaries are exchanged, so that a conversion cannot be overlooked."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    places = {}
    for number in range(struct.unpack(">I", profile[128:132])[0]):
        entry = 132 + 12 * number
        places[bytes(profile[entry : entry + 4])] = entry
    red, green = places[b"rXYZ"], places[b"gXYZ"]
    profile[red + 4 : red + 12], profile[green + 4 : green + 12] = (
        profile[green + 4 : green + 12],
        profile[red + 4 : red + 12],
    )
    text = profile.find("sRGB".encode("utf-16-be"))
    profile[text : text + 8] = "swap".encode("utf-16-be")
    return bytes(profile)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_colors_are_converted_from_the_images_own_profile(kind: str) -> None:
    red = Image.new("RGB", (16, 16), (250, 10, 10))
    options = {"lossless": True} if kind == "WEBP" else {}
    found = decoded(canonical_png(encoded(red, kind, icc_profile=wide_gamut_profile(), **options)))
    assert np.asarray(found)[8, 8].tolist() == pytest.approx([10, 250, 10], abs=8)
    assert "icc_profile" not in found.info


def test_transparent_and_palette_images_are_converted_too() -> None:
    half = Image.new("RGBA", (16, 16), (255, 0, 0, 255))
    half.paste((255, 0, 0, 0), (0, 0, 8, 16))
    for image in (half, half.quantize(4)):
        pixels = np.asarray(decoded(canonical_png(encoded(image, icc_profile=wide_gamut_profile()))))
        assert pixels[8, 0].tolist() == pytest.approx([255, 255, 255], abs=2)
        assert pixels[8, 15].tolist() == pytest.approx([0, 255, 0], abs=8)


@pytest.mark.parametrize("profile", [b"no profile", b"\0" * 200, wide_gamut_profile()[:300]])
def test_a_damaged_profile_is_ignored(profile: bytes) -> None:
    assert decoded(canonical_png(encoded(gradient(), icc_profile=profile))).tobytes() == gradient().tobytes()


def test_an_srgb_profile_changes_no_pixel_and_a_profile_of_another_kind_is_ignored() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert decoded(canonical_png(encoded(gradient(), icc_profile=srgb))).tobytes() == gradient().tobytes()
    gray = encoded(gradient().convert("L"), icc_profile=wide_gamut_profile())
    assert decoded(canonical_png(gray)).tobytes() == gradient().convert("L").convert("RGB").tobytes()


def test_every_16_bit_value_is_rounded_to_the_nearest_8_bit_one() -> None:
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    found = np.asarray(decoded(canonical_png(encoded(Image.fromarray(values)))))
    assert (found[..., 0] == (values.astype(np.int64) + 128) // 257).all()


WORST = r"""
import io, struct, sys, zlib
from PIL import Image

SIDE = 4096

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

def png(depth, color, rows, more=b""):
    head = struct.pack(">IIBBBBB", SIDE, SIDE, depth, color, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + more + rows + chunk(b"IEND", b"")

def black(depth, color, samples, more=b""):
    return png(depth, color, chunk(b"IDAT", zlib.compress(b"\0" * (SIDE * (1 + SIDE * samples * depth // 8)), 9)), more)

def saved(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()

def scans():
    whole = saved(Image.new("L", (SIDE, SIDE)), "JPEG", progressive=True)
    return whole[:-2] + whole[whole.rindex(b"\xff\xda"):-2] * 50 + b"\xff\xd9"

profile = sys.stdin.buffer.read()
sys.stdout.buffer.write({
    "gray16": lambda: black(16, 0, 1),
    "rgba16": lambda: black(16, 6, 4),
    "rgba": lambda: black(8, 6, 4),
    "palette": lambda: black(8, 3, 1, chunk(b"PLTE", b"\0\0\0") + chunk(b"tRNS", b"\0")),
    "profile": lambda: saved(Image.new("RGBA", (SIDE, SIDE)), "PNG", icc_profile=profile),
    "cmyk": lambda: saved(Image.new("CMYK", (SIDE, SIDE)), "JPEG", progressive=True),
    "webp": lambda: saved(Image.new("RGBA", (SIDE, SIDE)), "WEBP", lossless=True, method=0),
    "chunks": lambda: png(8, 0, chunk(b"IDAT", b"") * 2_000_000),
    "scans": scans,
}[sys.argv[1]]())
"""
TAKE = r"""
import io, json, resource, sys, time
from PIL import Image
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.png import canonical_png

def take(data):
    try:
        canonical_png(data)
    except InputError:
        pass

for kind in ("PNG", "JPEG", "WEBP"):  # Pillow and its decoders are in memory before.
    small = io.BytesIO()
    Image.new("RGB", (8, 8)).save(small, kind)
    take(small.getvalue())
data = sys.stdin.buffer.read()
before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
take(data)
seconds = time.process_time() - started
print(json.dumps([seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="measures memory as Unix does")
@pytest.mark.parametrize("kind", ["gray16", "rgba16", "rgba", "palette", "profile", "cmyk", "webp", "chunks", "scans"])
def test_the_worst_images_take_bounded_time_and_memory(kind: str) -> None:
    def run(program: str, *words: str, given: bytes) -> bytes:
        command = [sys.executable, "-P", "-c", program, *words]
        return subprocess.run(command, input=given, capture_output=True, check=True).stdout

    # Made elsewhere: what making it takes would hide what reading it takes.
    image = run(WORST, kind, given=wide_gamut_profile())
    assert len(image) < 32 * 1024 * 1024
    seconds, megabytes = json.loads(run(TAKE, given=image))
    assert seconds < 8
    assert megabytes < 300


def transparent(mode: str) -> bytes:
    """A PNG in a mode of Pillow, with transparency in the form that the mode has."""
    random = np.random.default_rng(7)
    pixels = random.integers(0, 256, (23, 17, 4), dtype=np.uint8)
    image = Image.fromarray(pixels, "RGBA")
    if mode in {"RGBA", "LA"}:
        return encoded(image.convert(mode))
    if mode == "P bytes":
        return encoded(image.convert("RGB").quantize(16), transparency=bytes(range(0, 256, 16)))
    if mode == "P one":
        return encoded(image.convert("RGB").quantize(16), "GIF", transparency=3)
    if mode == "RGB color":
        return encoded(image.convert("RGB"), transparency=tuple(map(int, pixels[5, 5, :3])))
    if mode == "I;16":
        return encoded(Image.fromarray(random.integers(0, 65536, (23, 17), dtype=np.uint16)))
    return encoded(image.convert("RGB").convert(mode))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P bytes", "P one", "RGB color", "I;16", "1", "L", "P"])
def test_an_image_has_the_same_pixels_in_however_many_strips_it_is_converted(
    mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = transparent(mode)
    found = []
    for strip in (10**9, 1, 40):
        monkeypatch.setattr("interleavethinker.tools.images.png._STRIP", strip)
        found.append(decoded(canonical_png(data)))
    assert {image.size for image in found} == {(17, 23)}
    assert found[0].tobytes() == found[1].tobytes() == found[2].tobytes()
    assert len(set(found[0].tobytes())) > 1
