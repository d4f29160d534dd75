"""Images that somebody gives: a scene of the micro world is read, and an area of one color is not taken for one."""

import numpy as np
import pytest
from PIL import Image

from interleavethinker.microworld.scenes.reader import scene_of
from interleavethinker.microworld.scenes.scene import random_scene, render
from interleavethinker.tools.errors import InputError


@pytest.mark.parametrize("color", ["white", "black", "gray", "red", "green"])
def test_an_area_of_one_color_shows_no_objects(color: str) -> None:
    with pytest.raises(InputError, match="does not show the micro world") as refused:
        scene_of(Image.new("RGB", (96, 96), color))
    assert refused.value.code == "unknown_image"


def test_scenes_are_read_though_they_are_noisy_and_pale() -> None:
    rng = np.random.default_rng(5)
    for number in range(20):
        scene = random_scene(rng, number % 5)
        pixels = 0.9 * render(scene) + 0.05 + rng.normal(0, 0.04, (96, 96, 3))
        assert scene_of(pixels.astype(np.float32)).named == scene.named
