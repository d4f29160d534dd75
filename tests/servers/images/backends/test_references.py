"""Several images and masks in one call: what each pipeline and each hosted API is given."""

import asyncio
import base64
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from interleavethinker.servers.images.backends.base import ImageRequest, Job
from interleavethinker.servers.images.backends.diffusers import DiffusersBackend, DiffusersOptions
from interleavethinker.servers.images.backends.model_settings import PipelineSettings, settings_for
from interleavethinker.servers.images.backends.openai import _transparent
from interleavethinker.servers.images.backends.pipeline_calls import pipeline_arguments, request_arguments
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.image_regions import region_mask
from interleavethinker.tools.images.png import encode_png

from .backend_jobs import RecordingObserver, generate, make_job, sample_png
from .local_api import Reply, local_api
from .test_http_api import RESPONSES, backend_for

MICRO = Path(__file__).parents[4] / "microworld" / "checkpoints" / "generator"


def opened(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png))


def test_a_flux_pipeline_gets_the_source_and_then_the_references(klein_folder: Path) -> None:
    from diffusers import Flux2KleinPipeline

    pipeline = Flux2KleinPipeline.from_pretrained(klein_folder)
    arguments = json.loads((klein_folder / "call_arguments.json").read_text())
    del arguments["threads"]
    source, cat, dog = (sample_png(seed) for seed in (1, 2, 3))
    direct = [
        pipeline(
            prompt="both", image=list(map(opened, images)), generator=torch.Generator().manual_seed(5), **arguments
        ).images[0]
        for images in ([source, cat, dog], [cat, dog])
    ]

    async def through_the_backend() -> list[bytes]:
        backend = DiffusersBackend(str(klein_folder), DiffusersOptions(device="cpu"))
        await backend.fingerprint()
        assert backend.max_references == 3
        jobs = [
            make_job(backend, "both", 5, source, reference_pngs=(cat, dog)),
            make_job(backend, "both", 5, None, reference_pngs=(cat, dog)),
        ]
        assert jobs[0].kind != make_job(backend, "both", 5, source).kind
        together = await generate(backend, [jobs[0], jobs[0]])
        assert together[0] == together[1]
        return together[:1] + await generate(backend, jobs[1:])

    assert asyncio.run(through_the_backend()) == [encode_png(image) for image in direct]


def test_qwen_takes_several_images_and_the_micro_model_none() -> None:
    qwen = settings_for("QwenImageEditPlusPipeline", None, None)
    assert qwen.max_references == 2
    assert settings_for("Flux2KleinPipeline", None, MICRO).max_references == 0
    request = ImageRequest(prompt="p", seed=1, references=("a", "b"), reference_sizes=((64, 64), (64, 64)))
    arguments = request_arguments(request, qwen)
    assert arguments["guidance_scale"] == 1.0
    images = (sample_png(1), sample_png(2))
    given = pipeline_arguments([Job(request, arguments, reference_pngs=images)], qwen)["image"]
    assert [encode_png(image) for image in given] == list(images)


def test_a_reference_that_the_model_cannot_read_is_refused_before_the_call() -> None:
    settings = PipelineSettings(source_min_side=64)
    request = ImageRequest(prompt="p", seed=1, references=("a",), reference_sizes=((32, 64),))
    with pytest.raises(InputError, match="32 x 64"):
        request_arguments(request, settings)


def test_a_mask_is_transparent_for_openai_where_it_is_white() -> None:
    alpha = opened(_transparent(region_mask("0,0,50%,100%", (8, 4)))).getchannel("A")
    assert [alpha.getpixel((x, 0)) for x in (0, 3, 4, 7)] == [0, 0, 255, 255]


@pytest.mark.parametrize("provider", ["openai", "gemini"])
async def test_hosted_models_get_all_images_and_openai_the_mask(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source, cat = sample_png(1), sample_png(2)
    mask = region_mask("0,0,32,64", (64, 64))
    with local_api(Reply(body=RESPONSES[provider])) as api:
        backend = backend_for(provider, api, monkeypatch)
        job = make_job(backend, "both", 5, source, reference_pngs=(cat,))
        job = replace(job, request=replace(job.request, mask="f" * 64), mask_png=mask)
        try:
            await backend.run([job], RecordingObserver())
        finally:
            await backend.close()
        (request,) = api.requests
    assert backend.max_references == {"openai": 15, "gemini": 2}[provider]
    if provider == "gemini":
        parts = request.json["contents"][0]["parts"]
        images = [base64.b64decode(part["inlineData"]["data"]) for part in parts[1:]]
        assert images == [source, cat]
        return
    assert request.path.endswith("/images/edits")
    assert request.body.count(b'name="image[]"') == 2
    assert source in request.body
    assert cat in request.body
    assert opened(request.form["mask"]).getchannel("A").getpixel((0, 0)) == 0


async def test_openai_edits_from_references_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with local_api(Reply(body=RESPONSES["openai"])) as api:
        backend = backend_for("openai", api, monkeypatch)
        await backend.run([make_job(backend, "cat", 5, None, reference_pngs=(sample_png(2),))], RecordingObserver())
        await backend.close()
    assert api.requests[0].path.endswith("/images/edits")
    assert api.requests[0].form["image"] == sample_png(2)
