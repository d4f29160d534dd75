"""Scenes are read back from pixels, also from imperfect ones."""

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter

from interleavethinker.microworld.scenes.reader import PixelArray, as_pixels, read, read_all
from interleavethinker.microworld.scenes.scene import CELLS, Scene, random_object, random_scene, render, to_image
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS
from interleavethinker.tools.errors import InputError


def scenes_of(seed: int, count: int) -> list[Scene]:
    rng = np.random.default_rng(seed)
    return [random_scene(rng, int(rng.integers(5))) for _ in range(count)]


def share_read(scenes: list[Scene], pictures: list[PixelArray]) -> float:
    readings = read_all(pictures)
    hits = [reading.scene.named == scene.named for reading, scene in zip(readings, scenes, strict=True)]
    return sum(hits) / len(hits)


def test_every_clean_scene_is_read_exactly_with_what_words_leave_open() -> None:
    scenes = scenes_of(0, 250)
    assert [reading.scene for reading in read_all([render(scene) for scene in scenes])] == scenes


def test_full_grids_are_read_exactly_too() -> None:
    rng = np.random.default_rng(1)
    scenes = [
        Scene(BACKGROUNDS[number % len(BACKGROUNDS)], tuple(random_object(rng) for _ in range(CELLS)))
        for number in range(30)
    ]
    assert [reading.scene for reading in read_all([render(scene) for scene in scenes])] == scenes


def test_a_picture_reads_the_same_alone_and_among_others() -> None:
    scenes = scenes_of(2, 40)
    pictures = [to_image(render(scene)) for scene in scenes]
    assert [read(picture).scene for picture in pictures] == [reading.scene for reading in read_all(pictures)]


@pytest.mark.parametrize(("deviation", "least"), [(20, 0.99), (40, 0.97)])
def test_noise_is_forgiven(deviation: int, least: float) -> None:
    scenes, rng = scenes_of(3, 60), np.random.default_rng(3)
    noisy = [
        np.clip(render(scene) + rng.normal(0, deviation / 255, (96, 96, 3)), 0, 1).astype(np.float32)
        for scene in scenes
    ]
    assert share_read(scenes, noisy) >= least


@pytest.mark.parametrize(("radius", "least"), [(0.7, 0.99), (1.0, 0.97), (1.5, 0.8)])
def test_blur_is_forgiven(radius: float, least: float) -> None:
    scenes = scenes_of(4, 60)
    blurred = [as_pixels(to_image(render(scene)).filter(ImageFilter.GaussianBlur(radius))) for scene in scenes]
    assert share_read(scenes, blurred) >= least


@pytest.mark.parametrize(("quality", "least"), [(60, 0.98), (20, 0.95)])
def test_compression_is_forgiven(quality: int, least: float) -> None:
    scenes, pictures = scenes_of(5, 60), []
    for scene in scenes:
        buffer = io.BytesIO()
        to_image(render(scene)).save(buffer, "JPEG", quality=quality)
        with Image.open(buffer) as opened:
            pictures.append(as_pixels(opened))
    assert share_read(scenes, pictures) >= least


@pytest.mark.parametrize("shift", [(0, 1), (-1, 0), (1, 1), (-1, 1)])
def test_a_shift_by_one_pixel_is_forgiven(shift: tuple[int, int]) -> None:
    scenes = scenes_of(6, 40)
    moved = [np.roll(render(scene), shift, axis=(0, 1)) for scene in scenes]
    assert share_read(scenes, moved) >= 0.97


def test_fit_and_confidence_say_which_cell_is_spoilt() -> None:
    scene = scenes_of(7, 1)[0]
    picture = render(scene)
    picture[32:64, 32:64] = (
        picture[32:64, 32:64].mean((0, 1)) * 0.5 + np.random.default_rng(7).random((32, 32, 3)) * 0.3
    )
    reading = read(picture)
    assert int(np.argmin(reading.fit)) == 4
    assert min(reading.fit) < 20 < max(reading.fit)
    assert int(np.argmin(reading.confidence)) == 4


@pytest.mark.parametrize("size", [(95, 96), (192, 192), (1, 1)])
def test_a_picture_of_another_size_is_refused_with_both_sizes(size: tuple[int, int]) -> None:
    with pytest.raises(InputError, match=f"96 x 96 pixels; this one is {size[0]} x {size[1]}") as caught:
        read(Image.new("RGB", size))
    assert caught.value.code == "wrong_size"
