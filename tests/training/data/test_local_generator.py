"""The generator of this process: concurrent calls share batches, and a failing batch fails only its own calls."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from interleavethinker.tools.errors import GeneratorError
from interleavethinker.tools.images.png import encode_png, open_rgb
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import GeneratedImage, GenerationRequest
from interleavethinker.training.data.local_generator import LocalGenerator


class Shades:
    """Encodes seeds as shades of red; edits add green; the text "fail" raises."""

    def generate(self, texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        if "fail" in texts:
            raise ZeroDivisionError("by zero")
        return [Image.new("RGB", (2, 2), (seed, 0, 0)) for seed in seeds]

    def edit(self, images: Sequence[Image.Image], _texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        return [
            Image.new("RGB", (2, 2), (image.getpixel((0, 0))[0], seed, 0))  # type: ignore[index]
            for image, seed in zip(images, seeds, strict=True)
        ]


def color_of(store: ImageStore, made: GeneratedImage) -> object:
    return open_rgb(store.get(made.sha256)).getpixel((0, 0))


async def test_concurrent_calls_share_batches_of_one_kind_and_get_their_own_images(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    generator = LocalGenerator(Shades(), store, "test/shades", batch=3)
    source = store.put(encode_png(Image.new("RGB", (2, 2), (200, 0, 0))))
    calls = [GenerationRequest(prompt="x", seed=seed, source=source if seed % 2 else None) for seed in range(8)]
    made = await asyncio.gather(*map(generator.generate, calls))
    assert sorted(generator.batches) == [1, 1, 3, 3]
    assert [color_of(store, one) for one in made] == [(200, s, 0) if s % 2 else (s, 0, 0) for s in range(8)]
    assert {(one.model, one.cached, one.width) for one in made} == {("test/shades", False, 2)}


async def test_a_failing_batch_fails_its_own_calls_and_no_later_ones(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    generator = LocalGenerator(Shades(), store, "test/shades", batch=1)
    calls = [GenerationRequest(prompt=prompt, seed=7) for prompt in ("fail", "fine")]
    failed, fine = await asyncio.gather(*map(generator.generate, calls), return_exceptions=True)
    assert isinstance(failed, GeneratorError)
    assert str(failed) == "The generator failed: ZeroDivisionError: by zero"
    assert isinstance(fine, GeneratedImage)
    with pytest.raises(GeneratorError):
        await generator.generate(calls[0])
