"""Previews of images are small, keep small images pixel for pixel, and decode to the picture."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from interleavethinker.graph.export.previews import FULL, LARGE, SMALL, PreviewSize, image_view
from interleavethinker.tools.images.png import encode_png
from interleavethinker.tools.testing.generator import fake_image
from interleavethinker.tools.types import GenerationRequest

from .photos import photo

NAME = "a" * 64


def decoded(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGB")


@pytest.mark.parametrize("size", [LARGE, SMALL])
@pytest.mark.parametrize("grain", [4.0, 40.0])
def test_a_preview_of_a_photo_keeps_to_its_limits_and_looks_like_it(size: PreviewSize, grain: float) -> None:
    png = photo(1, grain=grain)
    view = image_view(NAME, {NAME: png}, size, "images")
    assert len(view.uri) <= 4 * size.max_bytes / 3 + 64
    assert (view.width, view.height, view.pixel_art) == (1024, 1024, False)
    assert view.original == f"images/{NAME[:16]}.png"
    small = decoded(view.uri)
    assert max(small.size) <= size.max_side
    expected = Image.open(io.BytesIO(png)).resize((16, 16), Image.Resampling.BOX)
    found = small.resize((16, 16), Image.Resampling.BOX)
    assert np.abs(np.asarray(found, float) - np.asarray(expected, float)).mean() < 4


def test_pure_noise_also_fits() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1024, 1024, 3), dtype=np.uint8)
    view = image_view(NAME, {NAME: encode_png(Image.fromarray(noise))}, PreviewSize(640, 20_000))
    assert len(view.uri) <= 4 * 20_000 / 3 + 64


def test_a_small_image_is_kept_pixel_for_pixel() -> None:
    png = fake_image(GenerationRequest(prompt="x", seed=1))
    view = image_view(NAME, {NAME: png}, SMALL)
    assert view.pixel_art
    assert view.original == ""
    assert decoded(view.uri).tobytes() == Image.open(io.BytesIO(png)).convert("RGB").tobytes()


def test_a_full_view_keeps_every_pixel_of_a_large_image() -> None:
    png = encode_png(Image.new("RGB", (1500, 700), "teal"))
    assert decoded(image_view(NAME, {NAME: png}, FULL).uri).size == (1500, 700)


def test_a_missing_image_has_a_placeholder_and_no_link() -> None:
    view = image_view(NAME, {NAME: None}, SMALL, "images")
    assert view.uri.startswith("data:image/svg+xml;base64,")
    assert view.original == ""
