"""Quantized image models. What needs a library that the project does not install is skipped without it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from interleavethinker.servers.images.backends import quantization
from interleavethinker.servers.images.backends.diffusers import DiffusersBackend, DiffusersOptions
from interleavethinker.servers.images.backends.quantization import quantization_config
from interleavethinker.tools.errors import GeneratorError, ProfileError

from .backend_jobs import generate, make_job, pixels

ROUNDING = 16
"""Grey levels by which 8 bits may change an image of a random model."""


async def image_with(folder: Path, **options: Any) -> tuple[bytes, dict[str, Any]]:
    """Returns an image and the backend's fingerprint."""
    backend = DiffusersBackend(str(folder), DiffusersOptions(device="cpu", **options))
    try:
        await backend.load()
        (image,) = await generate(backend, [make_job(backend, "a red ball", 1)])
        return image, dict(await backend.fingerprint())
    finally:
        await backend.close()


@pytest.mark.parametrize(
    ("options", "package"),
    [
        ({"quantize": "bnb-4bit"}, "bitsandbytes"),
        ({"quantize": "torchao-int8"}, "torchao"),
        ({"gguf": Path("klein.gguf")}, "gguf"),
    ],
)
def test_a_missing_package_is_named_before_anything_is_loaded(
    options: dict[str, Any], package: str, klein_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == package else object())
    with pytest.raises(ProfileError, match=f"needs {package}, which is not installed: pip install {package}"):
        DiffusersBackend(str(klein_folder), DiffusersOptions(**options))


def test_a_file_that_does_not_exist_and_an_unknown_quantization_are_refused(
    klein_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantization, "_require", lambda *_arguments: None)
    with pytest.raises(ProfileError, match=r"there is no file nowhere\.gguf"):
        DiffusersBackend(str(klein_folder), DiffusersOptions(gguf=Path("nowhere.gguf")))
    with pytest.raises(ProfileError, match="--quantize is one of none, torchao-int8"):
        DiffusersBackend(str(klein_folder), DiffusersOptions(quantize="int2"))  # type: ignore[arg-type]


def test_quantized_layers_cannot_be_moved_one_by_one(klein_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantization, "_require", lambda *_arguments: None)
    with pytest.raises(ProfileError, match="--quantize cannot be combined with --offload sequential"):
        DiffusersBackend(str(klein_folder), DiffusersOptions(quantize="bnb-8bit", offload="sequential"))


async def test_a_device_that_a_library_cannot_use_is_named_while_the_model_is_loaded(klein_folder: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("needs a machine without a GPU")
    pytest.importorskip("bitsandbytes")
    with pytest.raises(GeneratorError, match="--quantize bnb-4bit does not work on cpu: No GPU found") as caught:
        await image_with(klein_folder, quantize="bnb-4bit")
    assert caught.value.code == "model_not_loaded"


async def test_a_library_that_fails_is_reported_with_the_option(
    klein_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diffusers import DiffusionPipeline

    def fails(*_arguments: object, **_options: object) -> Any:
        raise RuntimeError("No GPU found. A GPU is needed for quantization.")

    monkeypatch.setattr(quantization, "_require", lambda *_arguments: None)
    monkeypatch.setattr(
        "interleavethinker.servers.images.backends.pipeline_loading.quantization_config", lambda *_arguments: object()
    )
    monkeypatch.setattr(DiffusionPipeline, "from_pretrained", fails)
    with pytest.raises(GeneratorError, match="--quantize bnb-8bit does not work on cpu: No GPU found"):
        await image_with(klein_folder, quantize="bnb-8bit")


async def test_a_quantized_image_is_stored_apart_from_that_of_the_full_weights(
    klein_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantization, "_require", lambda *_arguments: None)
    file = tmp_path / "klein.gguf"

    async def fingerprint(**options: Any) -> dict[str, Any]:
        return dict(await DiffusersBackend(str(klein_folder), DiffusersOptions(device="cpu", **options)).fingerprint())

    plain = await fingerprint()
    assert await fingerprint(quantize="none") == plain
    assert await fingerprint(quantize="torchao-int8") == {**plain, "quantization": "torchao-int8"}
    file.write_bytes(b"one")
    first = await fingerprint(gguf=file)
    file.write_bytes(b"two")
    assert {**first, "gguf": ""} == {**plain, "gguf": ""}
    assert first["gguf"] != (await fingerprint(gguf=file))["gguf"]


@pytest.mark.parametrize("quantize", ["torchao-int8", "torchao-fp8"])
async def test_layers_in_8_bits_generate_nearly_the_same_image(klein_folder: Path, quantize: Any) -> None:
    pytest.importorskip("torchao")
    full, _ = await image_with(klein_folder)
    found, fingerprint = await image_with(klein_folder, quantize=quantize)
    assert found != full
    assert np.abs(pixels(found) - pixels(full)).max() <= ROUNDING
    assert fingerprint["quantization"] == quantize


def test_denoiser_and_text_encoders_are_quantized_and_nothing_else() -> None:
    pytest.importorskip("torchao")
    assert quantization_config("none", "bfloat16", {}) is None
    parts = {
        "_class_name": "FluxKontextPipeline",
        "transformer": ["diffusers", "FluxTransformer2DModel"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "text_encoder_2": [None, None],
        "vae": ["diffusers", "AutoencoderKL"],
    }
    mapping = quantization_config("torchao-int8", "bfloat16", parts).quant_mapping
    assert {name: type(config).__module__.partition(".")[0] for name, config in mapping.items()} == {
        "transformer": "diffusers",
        "text_encoder": "transformers",
    }


async def test_a_gguf_file_replaces_the_denoiser(klein_folder: Path, tmp_path: Path) -> None:
    gguf = pytest.importorskip("gguf")
    from diffusers import Flux2Transformer2DModel

    denoiser = Flux2Transformer2DModel.from_pretrained(klein_folder / "transformer")
    file = tmp_path / "klein.gguf"
    writer = gguf.GGUFWriter(file, "flux")
    for name, weight in denoiser.state_dict().items():
        values = weight.float().numpy()
        kind = gguf.GGMLQuantizationType.Q8_0 if values.ndim == 2 and values.shape[-1] % 32 == 0 else None
        writer.add_tensor(name, values if kind is None else gguf.quants.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    full, _ = await image_with(klein_folder)
    found, _ = await image_with(klein_folder, gguf=file)
    assert found != full
    assert np.abs(pixels(found) - pixels(full)).max() <= ROUNDING
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(file.read_bytes()[:2000])
    with pytest.raises(GeneratorError, match=r"broken.gguf does not hold a Flux2Transformer2DModel"):
        await image_with(klein_folder, gguf=broken)
