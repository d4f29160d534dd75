"""Fitting an image into another shape."""

from PIL import Image

from interleavethinker.tools.images.fitting import fitted


def test_the_whole_image_is_kept_in_its_proportions_with_a_margin_of_the_border_color() -> None:
    image = Image.new("RGB", (40, 40), (200, 100, 0))
    image.paste((0, 0, 255), (10, 10, 30, 30))
    result = fitted(image, (80, 40))
    assert result.size == (80, 40)
    assert result.getpixel((2, 20)) == (200, 100, 0)
    assert result.getpixel((40, 20)) == (0, 0, 255)
    blue = [x for x in range(80) if result.getpixel((x, 20)) == (0, 0, 255)]
    assert 18 <= len(blue) <= 22


def test_an_image_of_the_size_stays_as_it_is_and_a_thin_one_does_not_vanish() -> None:
    image = Image.new("RGB", (40, 40))
    assert fitted(image, (40, 40)) is image
    assert fitted(Image.new("RGB", (3000, 1), (9, 9, 9)), (16, 16)).size == (16, 16)
