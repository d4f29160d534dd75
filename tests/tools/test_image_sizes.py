"""Image sizes as people write them."""

import pytest

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.image_sizes import check_image_size, fits, pixels_for


@pytest.mark.parametrize(
    ("written", "canonical"),
    [("1024x576", "1024x576"), (" 1024 X 0576 ", "1024x576"), ("64×32", "64x32"), ("16:9", "16:9"), ("21 : 9", "21:9")],
)
def test_sizes_and_ratios_have_one_form(written: str, canonical: str) -> None:
    assert check_image_size(written) == canonical


@pytest.mark.parametrize(
    "written",
    ["", "big", "1024", "x", "1024x", "0x0", "16:0", "0:9", "-4x4", "10x1000000", "4097x64", "15x64", "17:1", "1.5:1"],
)
def test_anything_else_is_refused_with_the_two_forms_or_the_bounds(written: str) -> None:
    with pytest.raises(InputError, match=r"1024x576.*16:9|16 to 4096|at most 16 times"):
        check_image_size(written)


def test_a_ratio_keeps_the_number_of_pixels_and_a_size_is_exact() -> None:
    width, height = pixels_for("16:9", 1024 * 1024)
    assert (width % 16, height % 16) == (0, 0)
    assert abs(width * height / 1024**2 - 1) < 0.05
    assert pixels_for("500x300", 1024 * 1024) == (500, 300)


def test_an_image_fits_a_size_exactly_and_a_ratio_about() -> None:
    assert fits("64x32", 64, 32)
    assert not fits("64x32", 64, 48)
    assert fits("16:9", 1360, 768)
    assert not fits("16:9", 1024, 1024)
