"""Diffusers pipelines as backends: the same image alone or in a batch, identical to the pipeline's own result."""

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

from .backend_jobs import TOLERANCE, RecordingObserver, generate, make_job, pixels, sample_png


@pytest.fixture
async def backend(klein_folder: Path) -> AsyncIterator[DiffusersBackend]:
    made = DiffusersBackend(str(klein_folder), DiffusersOptions(device="cpu"))
    await made.start()
    yield made
    await made.close()


def test_generates_the_same_image_as_the_pipeline_itself(klein_folder: Path) -> None:
    from diffusers import Flux2KleinPipeline

    pipeline = Flux2KleinPipeline.from_pretrained(klein_folder)
    arguments = json.loads((klein_folder / "call_arguments.json").read_text())
    del arguments["threads"]
    source = sample_png(1)
    direct = pipeline(prompt="a red ball", generator=torch.Generator().manual_seed(5), **arguments).images[0]
    edited = pipeline(
        prompt="bluer", image=[Image.open(io.BytesIO(source))], generator=torch.Generator().manual_seed(6), **arguments
    ).images[0]

    async def through_the_backend() -> list[bytes]:
        backend = DiffusersBackend(str(klein_folder), DiffusersOptions(device="cpu"))
        generated = await generate(backend, [make_job(backend, "a red ball", 5)])
        return generated + await generate(backend, [make_job(backend, "bluer", 6, source)])

    assert asyncio.run(through_the_backend()) == [encode_png(direct), encode_png(edited)]


async def test_an_image_is_the_same_alone_and_in_a_batch(backend: DiffusersBackend) -> None:
    await backend.fingerprint()
    jobs = [make_job(backend, f"image {index}", 100 + index) for index in range(5)]
    alone = [image for each in jobs for image in await generate(backend, [each])]
    together = await generate(backend, jobs)
    assert len(set(alone)) == 5, "prompts and seeds must change the image, or this test proves nothing"
    for one, batched in zip(alone, together, strict=True):
        assert np.abs(pixels(one) - pixels(batched)).max() <= TOLERANCE


async def test_an_edit_uses_its_own_source_alone_and_in_a_batch(backend: DiffusersBackend) -> None:
    await backend.fingerprint()
    jobs = [make_job(backend, "the same words", 7, sample_png(index)) for index in range(4)]
    alone = [image for each in jobs for image in await generate(backend, [each])]
    together = await generate(backend, jobs)
    assert len(set(alone)) == 4, "only the sources differ, so they must change the image"
    for one, batched in zip(alone, together, strict=True):
        assert np.abs(pixels(one) - pixels(batched)).max() <= TOLERANCE


async def test_repeating_a_single_call_is_bit_identical(backend: DiffusersBackend) -> None:
    await backend.fingerprint()
    again = make_job(backend, "again", 3)
    assert await generate(backend, [again]) == await generate(backend, [again])


async def test_every_step_and_every_image_is_reported(backend: DiffusersBackend) -> None:
    await backend.fingerprint()
    observer = RecordingObserver()
    jobs = [make_job(backend, "steps", 1, steps=3)]
    results = await backend.run(jobs, observer)
    assert observer.steps == [(1, 3), (2, 3), (3, 3)]
    assert observer.images == list(zip(jobs, results, strict=True))


async def test_a_cancelled_batch_stops_at_the_next_step_and_the_model_still_works(
    backend: DiffusersBackend,
) -> None:
    await backend.fingerprint()
    observer = RecordingObserver(cancel_after=1)
    with pytest.raises(Cancelled):
        await backend.run([make_job(backend, "steps", 1, steps=50)], observer)
    assert observer.steps == [(1, 50)]
    await generate(backend, [make_job(backend, "after", 2)])


async def test_sizes_are_rounded_down_to_what_the_model_supports(backend: DiffusersBackend) -> None:
    await backend.fingerprint()
    (image,) = await generate(backend, [make_job(backend, "small", 1, width=79, height=47)])
    assert Image.open(io.BytesIO(image)).size == (72, 40)
    (edit,) = await generate(backend, [make_job(backend, "as large as its source", 1, sample_png(1, 80, 72))])
    assert Image.open(io.BytesIO(edit)).size == (80, 72)


async def test_a_source_that_the_pipeline_would_refuse_is_refused_with_a_code(backend: DiffusersBackend) -> None:
    for source in (sample_png(1, 48, 64), sample_png(1, 640, 64)):
        with pytest.raises(InputError) as caught:
            make_job(backend, "x", 1, source)
        assert caught.value.code == "invalid_image"


async def test_the_fingerprint_is_known_before_anything_heavy_is_loaded(klein_folder: Path) -> None:
    code = (
        "import asyncio, sys; from interleavethinker.servers.images.backends.diffusers import DiffusersBackend;"
        f"print(asyncio.run(DiffusersBackend({str(klein_folder)!r}).fingerprint())['dtype'], 'torch' in sys.modules)"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=subprocess.PIPE)
    output, _ = await process.communicate()
    assert output.split() == [b"float32", b"False"]


async def test_the_identity_changes_with_every_file_that_a_pipeline_loads(klein_folder: Path, tmp_path: Path) -> None:
    async def identity(folder: Path) -> object:
        backend = DiffusersBackend(str(folder), DiffusersOptions(device="cpu"))
        return (await backend.fingerprint())["identity"]

    first = await identity(klein_folder)
    copy = tmp_path / "copy"
    shutil.copytree(klein_folder, copy)
    assert await identity(copy) == first, "the folder's location must not change the identity"
    (copy / "README.md").write_text("notes")
    assert await identity(copy) == first
    weights = copy / "transformer" / "diffusion_pytorch_model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert await identity(copy) != first


async def test_a_model_that_cannot_be_loaded_is_reported_by_every_call_and_by_the_status(
    klein_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(klein_folder, broken)
    (broken / "vae" / "diffusion_pytorch_model.safetensors").write_bytes(b"torn")
    backend = DiffusersBackend(str(broken), DiffusersOptions(device="cpu"))
    request = ImageRequest(prompt="x", seed=1)
    for _ in range(2):
        with pytest.raises(GeneratorError) as caught:
            await backend.run([Job(request, backend.arguments(request))], RecordingObserver())
        assert caught.value.code == "model_not_loaded"
        assert "vae/diffusion_pytorch_model.safetensors is cut off" in str(caught.value)
        assert str(tmp_path) not in str(caught.value)
    assert backend.status().problem is not None
    assert not backend.status().loaded
    assert "loading the model failed" in caplog.text


async def test_a_batch_too_large_for_memory_is_halved_until_it_fits(
    backend: DiffusersBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    await backend.fingerprint()
    jobs = [make_job(backend, f"image {index}", index) for index in range(4)]
    expected = [image for each in jobs for image in await generate(backend, [each])]
    whole = backend._call

    def call_with_room_for_one(loaded: object, jobs: list[Job], observer: object) -> list[Image.Image]:
        if len(jobs) > 1:
            raise torch.OutOfMemoryError("no room")
        return whole(loaded, jobs, observer)  # type: ignore[arg-type]

    monkeypatch.setattr(backend, "_call", call_with_room_for_one)
    assert await generate(backend, jobs) == expected


@pytest.mark.parametrize(
    "model", ["{}/nowhere", "{}", "no_such_package.at_all:folder", "interleavethinker.tools:no/such", "no such model"]
)
def test_a_model_that_does_not_exist_is_refused_at_once(model: str, tmp_path: Path) -> None:
    with pytest.raises(ProfileError):
        DiffusersBackend(model.format(tmp_path))


def test_a_model_restricted_to_the_cpu_runs_there_and_refuses_other_devices(klein_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(klein_folder, folder)
    arguments = json.loads((folder / "call_arguments.json").read_text())
    (folder / "call_arguments.json").write_text(json.dumps(arguments | {"device": "cpu"}))
    status = DiffusersBackend(str(folder)).status()
    assert (status.device, status.dtype) == ("cpu", "float32")
    with pytest.raises(ProfileError, match="must run on a CPU"):
        DiffusersBackend(str(folder), DiffusersOptions(device="cuda"))


def test_call_arguments_beside_the_weights_win_and_invalid_ones_are_refused(klein_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(klein_folder, folder)
    arguments = json.loads((folder / "call_arguments.json").read_text())
    (folder / "call_arguments.json").write_text(json.dumps(arguments | {"num_inference_steps": 7, "max_batch": 3}))
    backend = DiffusersBackend(str(folder), DiffusersOptions(device="cpu"))
    assert backend.max_batch == 3
    request = ImageRequest(prompt="x", seed=1)
    assert backend.arguments(request)["num_inference_steps"] == 7
    assert "max_batch" not in backend.arguments(request)
    for invalid in ("[]", "{", '{"max_batch": "many"}'):
        (folder / "call_arguments.json").write_text(invalid)
        with pytest.raises(ProfileError):
            DiffusersBackend(str(folder))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
async def test_pixels_that_are_no_numbers_are_an_error_instead_of_a_black_image(
    klein_folder: Path, tmp_path: Path, value: float
) -> None:
    folder = tmp_path / "klein"
    shutil.copytree(klein_folder, folder)
    (weights,) = (folder / "vae").glob("*.safetensors")
    from safetensors.torch import load_file, save_file

    tensors = load_file(weights)
    tensors["decoder.conv_out.bias"].fill_(value)
    save_file(tensors, weights, metadata={"format": "pt"})
    backend = DiffusersBackend(str(folder), DiffusersOptions(device="cpu"))
    await backend.start()
    with pytest.raises(GeneratorError, match="not numbers") as raised:
        await backend.run([make_job(backend, "a red ball", 5)], RecordingObserver())
    assert raised.value.code == "not_finite"
    await backend.close()


def test_a_pipeline_that_converts_nan_itself_is_noticed() -> None:
    from interleavethinker.servers.images.backends.finite_output import refusing_invalid_pixels

    with pytest.raises(GeneratorError, match="not numbers"), refusing_invalid_pixels():
        np.full((2, 2, 3), np.nan, dtype=np.float32).astype(np.uint8)


async def test_a_prompt_that_the_pipeline_would_cut_is_refused_and_the_others_of_its_batch_are_not(
    backend: DiffusersBackend,
) -> None:
    await backend.fingerprint()
    long = "a ball " * 40
    jobs = [make_job(backend, prompt, 1) for prompt in ("a ball", f"{long} red", "a cat", f"{long} blue")]
    results = await backend.run(jobs, RecordingObserver())
    assert [isinstance(result, InputError) for result in results] == [False, True, False, True]
    assert "reads only the first 24" in str(results[1])
