"""The in-memory generator behaves as the protocol promises, so that tests which use it are meaningful."""

from pathlib import Path

import pytest

from interleavethinker.tools.errors import GeneratorError, StoreError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.testing.generator import MemoryGenerator
from interleavethinker.tools.types import GenerationRequest


async def test_equal_calls_give_equal_images_and_every_field_matters(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    generator = MemoryGenerator(store)
    first = await generator.generate(GenerationRequest(prompt="a house", seed=1))
    again = await generator.generate(GenerationRequest(prompt="a house", seed=1))
    assert (again.sha256, again.cached, first.cached) == (first.sha256, True, False)
    others = [
        GenerationRequest(prompt="a house", seed=2),
        GenerationRequest(prompt="a horse", seed=1),
        GenerationRequest(prompt="a house", seed=1, source=first.sha256),
        GenerationRequest(prompt="a house", seed=1, width=32, height=16),
    ]
    images = {(await generator.generate(call)).sha256 for call in others}
    assert len(images | {first.sha256}) == 5
    assert (len(generator.calls), len(generator.generated)) == (6, 5)
    assert all(image in store for image in images)


async def test_it_fails_as_often_as_requested_and_then_works(tmp_path: Path) -> None:
    generator = MemoryGenerator(ImageStore(tmp_path))
    generator.fail_next(GeneratorError("Try later.", code="busy", retryable=True), times=2)
    for _ in range(2):
        with pytest.raises(GeneratorError):
            await generator.generate(GenerationRequest(prompt="x", seed=0))
    assert (await generator.generate(GenerationRequest(prompt="x", seed=0))).cached is False
    assert len(generator.generated) == 1


async def test_editing_an_image_that_is_not_in_the_store_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        await MemoryGenerator(ImageStore(tmp_path)).generate(GenerationRequest(prompt="x", seed=0, source="0" * 64))
    assert caught.value.code == "unknown_image"
