"""Masks for real pipeline classes with tiny random weights: the inpainting class where there is one, else the edit."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from interleavethinker.servers.images.backends.base import Job
from interleavethinker.servers.images.backends.diffusers import DiffusersBackend, DiffusersOptions
from interleavethinker.servers.images.backends.model_settings import settings_for
from interleavethinker.tools.image_regions import region_mask
from interleavethinker.tools.images.png import encode_png, open_rgb

from .backend_jobs import generate, make_job, pixels, sample_png
from .tiny_models import tiny_klein, tiny_kontext

MICRO = Path(__file__).parents[4] / "microworld" / "checkpoints" / "generator"
SIDE = {"klein": 64, "kontext": 32}


def masked_job(backend: DiffusersBackend, seed: int, source: bytes, **options: Any) -> Job:
    """A job that may change the left half."""
    side = open_rgb(source).size[0]
    mask = region_mask("0,0,50%,100%", (side, side))
    return replace(make_job(backend, "the left half", seed, source, mask="f" * 64, **options), mask_png=mask)


def model(name: str, folder: Path) -> Path:
    return tiny_klein(folder) if name == "klein" else tiny_kontext(folder)


@pytest.mark.parametrize(
    ("name", "kind"), [("klein", "Flux2KleinInpaintPipeline"), ("kontext", "FluxKontextInpaintPipeline")]
)
async def test_the_inpainting_pipeline_of_the_model_gets_the_mask(name: str, kind: str, tmp_path: Path) -> None:
    import diffusers

    folder = model(name, tmp_path / name)
    backend = DiffusersBackend(str(folder), DiffusersOptions(device="cpu"))
    try:
        await backend.fingerprint()
        assert backend.inpaints
        source = sample_png(1, SIDE[name], SIDE[name])
        job, other = masked_job(backend, 5, source), masked_job(backend, 6, source)
        assert job.arguments["strength"] == 1.0, "other pixels than those of earlier versions, so another digest"
        images = await generate(backend, [job, other])
        plain = make_job(backend, "the left half", 5, source)
        assert "strength" not in plain.arguments
        (edited,) = await generate(backend, [plain])
    finally:
        await backend.close()
    pipeline = getattr(diffusers, kind).from_pretrained(folder)
    arguments = dict(job.arguments)
    direct = pipeline(
        prompt="the left half",
        image=open_rgb(source),
        mask_image=open_rgb(job.mask_png or b"").convert("L"),
        generator=torch.Generator().manual_seed(5),
        **arguments,
    ).images[0]
    assert images[0] == encode_png(direct)
    assert len({*images, edited}) == 3
    kept = job.result(images[0])
    half = SIDE[name] // 2
    assert np.array_equal(pixels(kept)[:, half:], pixels(source)[:, half:])
    assert not np.array_equal(pixels(kept)[:, :half], pixels(source)[:, :half])


async def test_without_such_a_pipeline_the_edit_is_put_into_the_region(tmp_path: Path) -> None:
    folder = tiny_klein(tmp_path / "klein")
    (folder / "server.toml").write_text("inpaints = false\n")
    backend = DiffusersBackend(str(folder), DiffusersOptions(device="cpu"))
    try:
        await backend.fingerprint()
        assert not backend.inpaints
        source = sample_png(1)
        job = masked_job(backend, 5, source)
        assert "strength" not in job.arguments
        (masked,) = await generate(backend, [job])
        (edited,) = await generate(backend, [make_job(backend, "the left half", 5, source)])
    finally:
        await backend.close()
    assert masked == edited
    assert np.array_equal(pixels(job.result(masked))[:, 32:], pixels(source)[:, 32:])


async def test_a_masked_edit_with_references_uses_the_pipeline_that_takes_them(tmp_path: Path) -> None:
    backend = DiffusersBackend(str(tiny_klein(tmp_path / "klein")), DiffusersOptions(device="cpu"))
    try:
        await backend.fingerprint()
        source, cat = sample_png(1), sample_png(2)
        job = masked_job(backend, 5, source, reference_pngs=(cat,))
        (masked,) = await generate(backend, [job])
        (edited,) = await generate(backend, [make_job(backend, "the left half", 5, source, reference_pngs=(cat,))])
    finally:
        await backend.close()
    assert masked == edited


def test_which_models_are_given_masks(tmp_path: Path) -> None:
    assert settings_for("QwenImageEditPlusPipeline", None, None).inpaint_with is None
    assert not settings_for("Flux2KleinPipeline", None, MICRO).inpaints
    folder = tiny_klein(tmp_path / "klein")
    assert not DiffusersBackend(str(folder), DiffusersOptions(device="cpu", offload="model")).inpaints
    assert "inpaint_with" not in json.loads((folder / "call_arguments.json").read_text())
