"""FLUX.1-Kontext and the Qwen-Image pair, as real classes with tiny random weights."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from interleavethinker.servers.images.backends.diffusers import DiffusersBackend, DiffusersOptions
from interleavethinker.tools.errors import ProfileError

from .backend_jobs import TOLERANCE, generate, make_job, pixels, sample_png
from .tiny_models import tiny_kontext, tiny_qwen_pair


async def check_single_and_batched_results_agree(folder: Path) -> None:
    backend = DiffusersBackend(str(folder), DiffusersOptions(device="cpu"))
    await backend.fingerprint()
    for sources in ([None] * 3, [sample_png(index, 32, 32) for index in range(3)]):
        jobs = [make_job(backend, f"image {index}", index, source) for index, source in enumerate(sources)]
        alone = [image for each in jobs for image in await generate(backend, [each])]
        together = await generate(backend, jobs)
        assert len(set(alone)) == 3
        for one, batched in zip(alone, together, strict=True):
            assert np.abs(pixels(one) - pixels(batched)).max() <= TOLERANCE
    # With equal prompts and seeds, only the source can change the image.
    first, second = await generate(
        backend, [make_job(backend, "the same", 1, sample_png(index, 32, 32)) for index in range(2)]
    )
    assert first != second
    await backend.close()


async def test_kontext_generates_and_edits_alone_and_in_batches(tmp_path: Path) -> None:
    await check_single_and_batched_results_agree(tiny_kontext(tmp_path / "kontext"))


@pytest.mark.skipif(
    importlib.util.find_spec("torchvision") is None, reason="Qwen-Image-Edit's own image processor needs torchvision"
)
async def test_the_qwen_pair_generates_with_one_pipeline_and_edits_with_the_other(tmp_path: Path) -> None:
    await check_single_and_batched_results_agree(tiny_qwen_pair(tmp_path / "qwen"))


def test_qwen_without_torchvision_is_refused_with_the_remedy(tmp_path: Path) -> None:
    if importlib.util.find_spec("torchvision") is not None:
        pytest.skip("torchvision is installed")
    (tmp_path / "model_index.json").write_text('{"_class_name": "QwenImageEditPlusPipeline"}')
    with pytest.raises(ProfileError, match="pip install torchvision"):
        DiffusersBackend(str(tmp_path))


@pytest.mark.skipif(
    importlib.util.find_spec("torchvision") is None, reason="Qwen-Image-Edit's own image processor needs torchvision"
)
async def test_qwen_looks_at_several_images_with_and_without_a_source(tmp_path: Path) -> None:
    backend = DiffusersBackend(str(tiny_qwen_pair(tmp_path / "qwen")), DiffusersOptions(device="cpu"))
    try:
        await backend.fingerprint()
        cat, dog, source = (sample_png(seed) for seed in (1, 2, 3))
        jobs = [
            make_job(backend, "both", 5, source),
            make_job(backend, "both", 5, source, reference_pngs=(cat, dog)),
            make_job(backend, "both", 5, None, reference_pngs=(cat, dog)),
        ]
        images = [image for job in jobs for image in await generate(backend, [job])]
        assert len(set(images)) == 3
    finally:
        await backend.close()
