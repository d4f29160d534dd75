"""Embeddings are kept for equal prompts, and no image changes by it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from interleavethinker.servers.images.backends.base import Job
from interleavethinker.servers.images.backends.diffusers import DiffusersBackend, DiffusersOptions
from interleavethinker.servers.images.backends.prompt_cache import PromptCache

from .backend_jobs import TOLERANCE, generate, make_job, pixels, sample_png
from .tiny_models import tiny_klein, tiny_kontext


@asynccontextmanager
async def opened(folder: Path, prompts: int) -> AsyncIterator[tuple[DiffusersBackend, list[int]]]:
    """A loaded backend, and the number of rows of every run of its text encoder."""
    backend = DiffusersBackend(str(folder), DiffusersOptions(device="cpu", prompt_cache=prompts))
    await backend.load()
    assert backend._loaded is not None
    encoded: list[int] = []

    def count(_module: object, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        encoded.append(len(options["input_ids"] if "input_ids" in options else arguments[0]))

    hook = backend._loaded.edit.text_encoder.register_forward_pre_hook(count, with_kwargs=True)
    try:
        yield backend, encoded
    finally:
        hook.remove()
        await backend.close()


def jobs_of(backend: DiffusersBackend) -> list[Job]:
    source = sample_png(1)
    return [
        make_job(backend, "a red ball", 1),
        make_job(backend, "a red ball", 2),
        make_job(backend, "a blue ball", 2),
        make_job(backend, "a red ball", 3, source),
        make_job(backend, "a red ball", 3, source, reference_pngs=(sample_png(4),)),
        make_job(backend, "a red ball", 1),
    ]


@pytest.mark.parametrize("make", [tiny_klein, tiny_kontext])
async def test_every_image_is_the_same_to_the_last_bit_with_and_without(
    make: Callable[[Path], Path], tmp_path: Path
) -> None:
    folder = make(tmp_path / "model")
    images, runs = [], []
    for prompts in (0, 8, 1):
        async with opened(folder, prompts) as (backend, encoded):
            wanted = [job for job in jobs_of(backend) if not job.request.references or backend.max_references]
            images.append([image for job in wanted for image in await generate(backend, [job])])
            runs.append(len(encoded))
            assert (await backend.fingerprint())["backend"] == "diffusers"
    assert images[0] == images[1] == images[2]
    assert len(set(images[0])) > 3, "prompts, seeds and sources must change the image, or this test proves nothing"
    assert runs[0] == len(images[0])
    assert runs[1] == 2, "one run for each prompt"
    assert runs[1] < runs[2] < runs[0], "with room for one, the oldest is forgotten"


async def test_stored_calls_are_found_with_any_number_of_kept_prompts(klein_folder: Path) -> None:
    async with opened(klein_folder, 0) as (without, _), opened(klein_folder, 32) as (with_cache, _):
        assert await without.fingerprint() == await with_cache.fingerprint()
        assert make_job(without, "a ball", 1).arguments == make_job(with_cache, "a ball", 1).arguments


async def test_variants_in_one_batch_are_encoded_once_and_known_prompts_not_at_all(klein_folder: Path) -> None:
    async with opened(klein_folder, 0) as (backend, _):
        expected = await generate(backend, [make_job(backend, "a red ball", seed) for seed in range(4)])
        mixed = await generate(backend, [make_job(backend, f"a {color} ball", 1) for color in ("red", "blue")])
    async with opened(klein_folder, 8) as (backend, encoded):
        found = await generate(backend, [make_job(backend, "a red ball", seed) for seed in range(4)])
        assert encoded == [1]
        await generate(backend, [make_job(backend, "a blue ball", 9)])
        found += await generate(backend, [make_job(backend, f"a {color} ball", 1) for color in ("red", "blue")])
        assert encoded == [1, 1]
    for one, other in zip(expected + mixed, found, strict=True):
        assert np.abs(pixels(one) - pixels(other)).max() <= TOLERANCE


async def test_a_batch_of_new_prompts_is_encoded_together(klein_folder: Path) -> None:
    async with opened(klein_folder, 8) as (backend, encoded):
        jobs = [make_job(backend, f"image {index}", index) for index in range(3)]
        assert await generate(backend, jobs) == await generate(backend, jobs)
        assert encoded == [3]


class Stub:
    """A pipeline that encodes prompts together with images, and counts."""

    def __init__(self, result: object = None) -> None:
        self.calls: list[object] = []
        self.result = result if result is not None else (torch.ones(1, 2), None)

    def encode_prompt(self, prompt: str | list[str], image: object = None, scale: float = 1.0) -> Any:
        self.calls.append((prompt, image, scale))
        return self.result


def test_what_depends_on_an_image_is_never_kept() -> None:
    stub, cache = Stub(), PromptCache(4)
    cache.attach(stub)
    for _ in range(2):
        stub.encode_prompt("a", image=[torch.zeros(1)])
    assert (len(stub.calls), len(cache)) == (2, 0)
    for scale in (1, 1.0, True, 1):
        stub.encode_prompt("a", scale=scale)
    assert len(stub.calls) == 2 + 3, "equal numbers of other types are other arguments"


def test_pipelines_that_return_something_else_than_tensors_are_called_every_time() -> None:
    stub, cache = Stub({"embeddings": torch.ones(1)}), PromptCache(4)
    cache.attach(stub)
    assert stub.encode_prompt(["a", "a"]) is stub.encode_prompt(["a", "a"]) is stub.result
    assert len(cache) == 0
    calls = len(stub.calls)
    stub.encode_prompt(["a", "a"])
    assert len(stub.calls) == calls + 1


def test_a_pipeline_cannot_change_what_is_kept() -> None:
    stub, cache = Stub(), PromptCache(4)
    cache.attach(stub)
    stub.encode_prompt("a")
    stub.encode_prompt("a")[0].zero_()
    embedding, nothing = stub.encode_prompt("a")
    assert embedding.tolist() == [[1, 1]]
    assert nothing is None
    assert cache.hits == 2


def test_pipelines_without_prompts_are_left_alone() -> None:
    pipeline = object()
    PromptCache(4).attach(pipeline)
    assert not hasattr(pipeline, "encode_prompt")
