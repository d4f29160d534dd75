"""Diffusers pipelines as backends: the same image alone or in a batch, and exactly what the pipeline itself draws."""

import asyncio
import io
import json
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from interleavethinker.servers.images.backends.base import Cancelled, ImageRequest, Job
from interleavethinker.servers.images.backends.diffusers import DiffusersBackend, DiffusersOptions
from interleavethinker.tools.errors import GeneratorError, InputError, ProfileError
from interleavethinker.tools.images.png import encode_png
from interleavethinker.tools.images.store import sha256_of

TOLERANCE = 2
"""Grey levels that batched arithmetic may differ by."""


class Watching:
    """A monitor that remembers, and can say that everybody has gone."""

    def __init__(self, give_up_after: int | None = None) -> None:
        self.steps: list[tuple[int, int]] = []
        self.images: list[tuple[Job, bytes]] = []
        self._give_up_after = give_up_after

    def step(self, done: int, total: int) -> None:
        self.steps.append((done, total))

    def drawn(self, job: Job, png: bytes) -> None:
        self.images.append((job, png))

    def cancelled(self) -> bool:
        return self._give_up_after is not None and len(self.steps) >= self._give_up_after


@pytest.fixture
async def backend(klein_folder: Path) -> AsyncIterator[DiffusersBackend]:
    made = DiffusersBackend(str(klein_folder), DiffusersOptions(device="cpu"))
    await made.start()
    yield made
    await made.close()


def picture(seed: int, width: int = 64, height: int = 64) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    return encode_png(Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC))


def job(backend: DiffusersBackend, prompt: str, seed: int, source: bytes | None = None, **asked: int) -> Job:
    size = None if source is None else Image.open(io.BytesIO(source)).size
    name = None if source is None else sha256_of(source)
    order = ImageRequest(prompt=prompt, seed=seed, source=name, source_size=size, **asked)
    return Job(order, backend.arguments(order), source)


async def draw(backend: DiffusersBackend, *jobs: Job) -> list[bytes]:
    outcomes = await backend.run(jobs, Watching())
    images = [outcome for outcome in outcomes if isinstance(outcome, bytes)]
    assert len(images) == len(jobs)
    return images


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def test_draws_what_the_pipeline_itself_draws(klein_folder: Path) -> None:
    from diffusers import Flux2KleinPipeline

    pipeline = Flux2KleinPipeline.from_pretrained(klein_folder)
    arguments = json.loads((klein_folder / "call_arguments.json").read_text())
    del arguments["threads"]
    source = picture(1)
    direct = pipeline(prompt="a red ball", generator=torch.Generator().manual_seed(5), **arguments).images[0]
    edited = pipeline(
        prompt="bluer", image=[Image.open(io.BytesIO(source))], generator=torch.Generator().manual_seed(6), **arguments
    ).images[0]

    async def through_the_backend() -> list[bytes]:
        backend = DiffusersBackend(str(klein_folder), DiffusersOptions(device="cpu"))
        drawn = await draw(backend, job(backend, "a red ball", 5))
        return drawn + await draw(backend, job(backend, "bluer", 6, source))

    assert asyncio.run(through_the_backend()) == [encode_png(direct), encode_png(edited)]


async def test_a_generation_is_the_same_alone_and_in_a_batch(backend: DiffusersBackend) -> None:
    await backend.fingerprint()
    jobs = [job(backend, f"picture {index}", 100 + index) for index in range(5)]
    alone = [image for each in jobs for image in await draw(backend, each)]
    together = await draw(backend, *jobs)
    assert len(set(alone)) == 5, "prompts and seeds must matter, or this test proves nothing"
    for one, batched in zip(alone, together, strict=True):
        assert np.abs(pixels(one) - pixels(batched)).max() <= TOLERANCE


async def test_an_edit_sees_its_own_source_alone_and_in_a_batch(backend: DiffusersBackend) -> None:
    await backend.fingerprint()
    jobs = [job(backend, "the same words", 7, picture(index)) for index in range(4)]
    alone = [image for each in jobs for image in await draw(backend, each)]
    together = await draw(backend, *jobs)
    assert len(set(alone)) == 4, "only the sources differ here, so they must matter"
    for one, batched in zip(alone, together, strict=True):
        assert np.abs(pixels(one) - pixels(batched)).max() <= TOLERANCE


async def test_repeating_a_single_call_is_bit_identical(backend: DiffusersBackend) -> None:
    await backend.fingerprint()
    assert await draw(backend, job(backend, "again", 3)) == await draw(backend, job(backend, "again", 3))


async def test_progress_comes_with_every_step_and_every_image_is_given_away(backend: DiffusersBackend) -> None:
    await backend.fingerprint()
    monitor = Watching()
    jobs = [job(backend, "steps", 1, steps=3)]
    outcomes = await backend.run(jobs, monitor)
    assert monitor.steps == [(1, 3), (2, 3), (3, 3)]
    assert monitor.images == list(zip(jobs, outcomes, strict=True))


async def test_a_batch_that_nobody_waits_for_stops_at_the_next_step_and_the_model_still_works(
    backend: DiffusersBackend,
) -> None:
    await backend.fingerprint()
    monitor = Watching(give_up_after=1)
    with pytest.raises(Cancelled):
        await backend.run([job(backend, "steps", 1, steps=50)], monitor)
    assert monitor.steps == [(1, 50)]
    await draw(backend, job(backend, "after", 2))


async def test_sizes_are_rounded_to_what_the_model_can_do(backend: DiffusersBackend) -> None:
    await backend.fingerprint()
    (image,) = await draw(backend, job(backend, "small", 1, width=79, height=47))
    assert Image.open(io.BytesIO(image)).size == (72, 40)
    (edit,) = await draw(backend, job(backend, "as large as its source", 1, picture(1, 80, 72)))
    assert Image.open(io.BytesIO(edit)).size == (80, 72)


async def test_a_source_that_the_pipeline_would_refuse_is_refused_with_words(backend: DiffusersBackend) -> None:
    for source in (picture(1, 48, 64), picture(1, 640, 64)):
        with pytest.raises(InputError) as caught:
            job(backend, "x", 1, source)
        assert caught.value.code == "invalid_image"


async def test_the_fingerprint_is_known_before_anything_heavy_is_loaded(klein_folder: Path) -> None:
    code = (
        "import asyncio, sys; from interleavethinker.servers.images.backends.diffusers import DiffusersBackend;"
        f"print(asyncio.run(DiffusersBackend({str(klein_folder)!r}).fingerprint())['dtype'], 'torch' in sys.modules)"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=subprocess.PIPE)
    output, _ = await process.communicate()
    assert output.split() == [b"float32", b"False"]


async def test_the_identity_changes_with_any_file_that_matters(klein_folder: Path, tmp_path: Path) -> None:
    async def identity(folder: Path) -> object:
        backend = DiffusersBackend(str(folder), DiffusersOptions(device="cpu"))
        return (await backend.fingerprint())["identity"]

    first = await identity(klein_folder)
    copy = tmp_path / "copy"
    shutil.copytree(klein_folder, copy)
    assert await identity(copy) == first, "where a folder lies must not matter"
    (copy / "README.md").write_text("notes")
    assert await identity(copy) == first
    weights = copy / "transformer" / "diffusion_pytorch_model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert await identity(copy) != first


async def test_a_model_that_cannot_load_says_so_in_every_call_and_in_the_status(
    klein_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(klein_folder, broken)
    (broken / "vae" / "diffusion_pytorch_model.safetensors").write_bytes(b"torn")
    backend = DiffusersBackend(str(broken), DiffusersOptions(device="cpu"))
    order = ImageRequest(prompt="x", seed=1)
    for _ in range(2):
        with pytest.raises(GeneratorError) as caught:
            await backend.run([Job(order, backend.arguments(order))], Watching())
        assert caught.value.code == "model_not_loaded"
        assert str(tmp_path) not in str(caught.value)
    assert backend.status().problem is not None
    assert not backend.status().loaded
    assert "loading the model failed" in caplog.text


async def test_a_batch_too_large_for_memory_is_halved_until_it_fits(
    backend: DiffusersBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    await backend.fingerprint()
    jobs = [job(backend, f"picture {index}", index) for index in range(4)]
    expected = [image for each in jobs for image in await draw(backend, each)]
    whole = backend._call

    def call_with_room_for_one(loaded: object, some: list[Job], monitor: object) -> list[Image.Image]:
        if len(some) > 1:
            raise torch.OutOfMemoryError("no room")
        return whole(loaded, some, monitor)  # type: ignore[arg-type]

    monkeypatch.setattr(backend, "_call", call_with_room_for_one)
    assert await draw(backend, *jobs) == expected


@pytest.mark.parametrize(
    "model", ["{}/nowhere", "{}", "no_such_package.at_all:folder", "interleavethinker.tools:no/such", "what is this"]
)
def test_a_model_that_does_not_exist_is_refused_at_once(model: str, tmp_path: Path) -> None:
    with pytest.raises(ProfileError):
        DiffusersBackend(model.format(tmp_path))


def test_a_model_that_must_stay_on_the_cpu_stays_there_and_says_so(klein_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(klein_folder, folder)
    arguments = json.loads((folder / "call_arguments.json").read_text())
    (folder / "call_arguments.json").write_text(json.dumps(arguments | {"device": "cpu"}))
    status = DiffusersBackend(str(folder)).status()
    assert (status.device, status.dtype) == ("cpu", "float32")
    with pytest.raises(ProfileError, match="must run on a CPU"):
        DiffusersBackend(str(folder), DiffusersOptions(device="cuda"))


def test_call_arguments_beside_the_weights_win_and_nonsense_in_them_is_refused(
    klein_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(klein_folder, folder)
    arguments = json.loads((folder / "call_arguments.json").read_text())
    (folder / "call_arguments.json").write_text(json.dumps(arguments | {"num_inference_steps": 7, "max_batch": 3}))
    backend = DiffusersBackend(str(folder), DiffusersOptions(device="cpu"))
    assert backend.max_batch == 3
    order = ImageRequest(prompt="x", seed=1)
    assert backend.arguments(order)["num_inference_steps"] == 7
    assert "max_batch" not in backend.arguments(order)
    for nonsense in ("[]", "{", '{"max_batch": "many"}'):
        (folder / "call_arguments.json").write_text(nonsense)
        with pytest.raises(ProfileError):
            DiffusersBackend(str(folder))
