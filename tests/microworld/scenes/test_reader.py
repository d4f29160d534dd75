"""Scenes are read back from pixels, including imperfect ones."""

import io
import subprocess
import sys

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


def share_read(scenes: list[Scene], images: list[PixelArray]) -> float:
    readings = read_all(images)
    hits = [reading.scene.named == scene.named for reading, scene in zip(readings, scenes, strict=True)]
    return sum(hits) / len(hits)


def test_every_clean_scene_is_read_exactly_including_variants_and_offsets() -> None:
    scenes = scenes_of(0, 250)
    assert [reading.scene for reading in read_all([render(scene) for scene in scenes])] == scenes


def test_full_grids_are_read_exactly() -> None:
    rng = np.random.default_rng(1)
    scenes = [
        Scene(BACKGROUNDS[number % len(BACKGROUNDS)], tuple(random_object(rng) for _ in range(CELLS)))
        for number in range(30)
    ]
    assert [reading.scene for reading in read_all([render(scene) for scene in scenes])] == scenes


def test_an_image_reads_the_same_alone_and_in_a_batch() -> None:
    scenes = scenes_of(2, 40)
    images = [to_image(render(scene)) for scene in scenes]
    assert [read(pixels).scene for pixels in images] == [reading.scene for reading in read_all(images)]


@pytest.mark.parametrize(("deviation", "least"), [(20, 0.99), (40, 0.97)])
def test_noise_is_tolerated(deviation: int, least: float) -> None:
    scenes, rng = scenes_of(3, 60), np.random.default_rng(3)
    noisy = [
        np.clip(render(scene) + rng.normal(0, deviation / 255, (96, 96, 3)), 0, 1).astype(np.float32)
        for scene in scenes
    ]
    assert share_read(scenes, noisy) >= least


@pytest.mark.parametrize(("radius", "least"), [(0.7, 0.99), (1.0, 0.97), (1.5, 0.8)])
def test_blur_is_tolerated(radius: float, least: float) -> None:
    scenes = scenes_of(4, 60)
    blurred = [as_pixels(to_image(render(scene)).filter(ImageFilter.GaussianBlur(radius))) for scene in scenes]
    assert share_read(scenes, blurred) >= least


@pytest.mark.parametrize(("quality", "least"), [(60, 0.98), (20, 0.95)])
def test_compression_is_tolerated(quality: int, least: float) -> None:
    scenes, images = scenes_of(5, 60), []
    for scene in scenes:
        buffer = io.BytesIO()
        to_image(render(scene)).save(buffer, "JPEG", quality=quality)
        with Image.open(buffer) as opened:
            images.append(as_pixels(opened))
    assert share_read(scenes, images) >= least


@pytest.mark.parametrize("shift", [(0, 1), (-1, 0), (1, 1), (-1, 1)])
def test_a_shift_by_one_pixel_is_tolerated(shift: tuple[int, int]) -> None:
    scenes = scenes_of(6, 40)
    moved = [np.roll(render(scene), shift, axis=(0, 1)) for scene in scenes]
    assert share_read(scenes, moved) >= 0.97


def test_fit_and_confidence_identify_a_corrupted_cell() -> None:
    scene = scenes_of(7, 1)[0]
    pixels = render(scene)
    pixels[32:64, 32:64] = pixels[32:64, 32:64].mean((0, 1)) * 0.5 + np.random.default_rng(7).random((32, 32, 3)) * 0.3
    reading = read(pixels)
    assert int(np.argmin(reading.fit)) == 4
    assert min(reading.fit) < 20 < max(reading.fit)
    assert int(np.argmin(reading.confidence)) == 4


@pytest.mark.parametrize("size", [(95, 96), (192, 192), (1, 1)])
def test_the_error_for_a_wrong_size_names_both_sizes(size: tuple[int, int]) -> None:
    with pytest.raises(InputError, match=f"96 x 96 pixels; this one is {size[0]} x {size[1]}") as caught:
        read(Image.new("RGB", size))
    assert caught.value.code == "wrong_size"


def test_threads_that_read_at_once_build_the_tables_once() -> None:
    code = """
import threading
from interleavethinker.microworld.scenes import reader
shifts, shifted = [], reader._shifted
reader._shifted = lambda rgba, offset: shifts.append(offset) or shifted(rgba, offset)
threads = [threading.Thread(target=reader.prepare) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(shifts), len(reader._tables().objects))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    built, sprites = done.stdout.split()
    assert built == sprites
