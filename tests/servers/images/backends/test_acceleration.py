"""Attention kernels, channels-last, compilation: images differ by rounding alone, or loading says why it cannot be."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from interleavethinker.servers.images.backends import acceleration
from interleavethinker.servers.images.backends.acceleration import set_attention, use_channels_last
from interleavethinker.servers.images.backends.diffusers import DiffusersBackend, DiffusersOptions
from interleavethinker.tools.errors import GeneratorError, ProfileError

from .backend_jobs import TOLERANCE, generate, make_job, pixels, sample_png
from .tiny_models import tiny_klein, tiny_kontext


@asynccontextmanager
async def opened(folder: Path, **options: Any) -> AsyncIterator[DiffusersBackend]:
    backend = DiffusersBackend(str(folder), DiffusersOptions(device="cpu", **options))
    try:
        await backend.load()
        yield backend
    finally:
        await backend.close()


async def images_with(folder: Path, **options: Any) -> list[bytes]:
    async with opened(folder, **options) as backend:
        jobs = [make_job(backend, "a red ball", 1), make_job(backend, "bluer", 2, sample_png(1))]
        return [image for job in jobs for image in await generate(backend, [job])]


@pytest.fixture(scope="module")
def kontext_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_kontext(tmp_path_factory.mktemp("models") / "kontext")


@pytest.mark.parametrize(
    "options",
    [{"attention": "native"}, {"attention": "math"}, {"channels_last": True}],
    ids=["native", "math", "channels-last"],
)
async def test_images_differ_by_rounding_alone(options: dict[str, Any], klein_folder: Path) -> None:
    expected = await images_with(klein_folder)
    found = await images_with(klein_folder, **options)
    for one, other in zip(expected, found, strict=True):
        assert np.abs(pixels(one) - pixels(other)).max() <= TOLERANCE


@pytest.mark.parametrize("name", ["klein", "kontext"])
async def test_a_compiled_denoiser_generates_the_same_images_and_compiles_while_it_is_loaded(
    name: str, klein_folder: Path, kontext_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = klein_folder if name == "klein" else kontext_folder
    expected = await images_with(folder)
    # All of torch's compiler but the last step, which needs a C++ compiler and half a minute.
    monkeypatch.setattr(acceleration, "_compiler", lambda: "aot_eager")
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    async with opened(folder, compile=True) as backend:
        compiled = torch._dynamo.utils.counters["stats"]["unique_graphs"]
        assert compiled >= 3, "the check of the compiler, and one block of each kind"
        generated = await generate(backend, [make_job(backend, "a red ball", 1)])
        assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == compiled, "the first call need not wait"
        generated += await generate(backend, [make_job(backend, "bluer", 2, sample_png(1))])
    for one, other in zip(expected, generated, strict=True):
        assert np.abs(pixels(one) - pixels(other)).max() <= TOLERANCE


async def test_without_a_compiler_loading_says_what_is_missing(
    klein_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_arguments: object, **_options: object) -> Any:
        raise RuntimeError("no working compiler at /usr/bin/c++")

    monkeypatch.setattr(torch, "compile", fails)
    with pytest.raises(
        GeneratorError, match=r"--compile cannot compile for cpu \(it needs a C\+\+ compiler\)"
    ) as caught:
        await images_with(klein_folder, compile=True)
    assert caught.value.code == "model_not_loaded"
    assert "/usr" not in str(caught.value)


@pytest.mark.parametrize(("attention", "package"), [("flash", "flash-attn"), ("sage", "sageattention")])
def test_kernels_without_their_package_are_refused_at_once(attention: Any, package: str, klein_folder: Path) -> None:
    with pytest.raises(ProfileError, match=f"pip install {package}"):
        DiffusersBackend(str(klein_folder), DiffusersOptions(attention=attention))


def test_kernels_that_diffusers_would_download_are_not_offered(klein_folder: Path) -> None:
    with pytest.raises(ProfileError, match="--attention is one of auto, native"):
        DiffusersBackend(str(klein_folder), DiffusersOptions(attention="flash_hub"))  # type: ignore[arg-type]


async def test_kernels_that_this_device_does_not_have_are_reported_while_the_model_is_loaded(
    klein_folder: Path,
) -> None:
    with pytest.raises(GeneratorError, match="--attention cudnn does not run on cpu in float32") as caught:
        await images_with(klein_folder, attention="cudnn")
    assert caught.value.code == "model_not_loaded"


def test_models_whose_kernels_cannot_be_chosen_are_told_apart() -> None:
    class Plain(torch.nn.Module):
        config = object()

        def set_attention_backend(self, name: str) -> None:
            """As diffusers' models, of which some have no processor that knows the choice."""

    class Pipeline:
        transformer = Plain()

    with pytest.raises(GeneratorError, match="has no effect on this model: its Plain"):
        set_attention(Pipeline(), "native", "cpu", "float32")
    with pytest.raises(GeneratorError, match="transformer or a U-Net"):
        set_attention(object(), "native", "cpu", "float32")


async def test_the_choice_does_not_reach_other_models_of_the_process(klein_folder: Path, tmp_path: Path) -> None:
    other = tiny_klein(tmp_path / "other", seed=3)
    before = await images_with(other)
    async with opened(klein_folder, attention="math") as backend, opened(other) as untouched:
        assert backend._loaded is not None
        assert untouched._loaded is not None
        chosen = {
            getattr(module.processor, "_attention_backend", None)
            for loaded in (backend._loaded, untouched._loaded)
            for module in loaded.edit.transformer.modules()
            if hasattr(module, "processor")
        }
        assert {str(getattr(each, "value", each)) for each in chosen} == {"_native_math", "None"}
        from diffusers.models.attention_dispatch import _AttentionBackendRegistry

        assert _AttentionBackendRegistry.get_active_backend()[0].value == "native"
    assert await images_with(other) == before


def test_convolutions_of_images_and_of_videos_get_the_order_of_their_shape() -> None:
    image, video = torch.nn.Conv2d(3, 4, 3), torch.nn.Conv3d(3, 4, 3)

    class Pipeline:
        vae = torch.nn.ModuleList([image, video, torch.nn.Linear(3, 4)])

    use_channels_last(Pipeline())
    assert image.weight.is_contiguous(memory_format=torch.channels_last)
    assert video.weight.is_contiguous(memory_format=torch.channels_last_3d)


def test_single_layers_that_move_cannot_be_compiled(klein_folder: Path) -> None:
    with pytest.raises(ProfileError, match="cannot be combined with --offload sequential"):
        DiffusersBackend(str(klein_folder), DiffusersOptions(compile=True, offload="sequential"))


async def test_only_kernels_that_round_to_fewer_bits_change_the_identity_of_an_image(
    klein_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fingerprint(**options: Any) -> dict[str, Any]:
        folder = tmp_path / "klein"
        shutil.copytree(klein_folder, folder, dirs_exist_ok=True)
        return dict(await DiffusersBackend(str(folder), DiffusersOptions(device="cpu", **options)).fingerprint())

    plain = await fingerprint()
    assert await fingerprint(attention="math", channels_last=True, compile=True, prompt_cache=0) == plain
    monkeypatch.setattr(acceleration, "_PACKAGES", {})
    assert await fingerprint(attention="sage") == {**plain, "attention": "sage"}
