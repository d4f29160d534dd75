"""Digests of stored generations: if one changes, every image that people's servers have stored is generated again."""

from pathlib import Path

import pytest

from interleavethinker.servers.images.backends.base import ImageRequest
from interleavethinker.servers.images.backends.fake import FakeBackend
from interleavethinker.servers.images.cache import GenerationStore, digest_of
from interleavethinker.servers.images.call_parts import digest_parts
from interleavethinker.servers.images.service import ImageService, ServiceLimits


def record_names(store: Path) -> list[str]:
    return [path.stem for path in store.glob("calls/*/*.json")]


@pytest.mark.parametrize(
    ("options", "digest"),
    [
        ({}, "9f3d1ca2ade7fa1fc21a22b45a30a6a960231ed0e4924e96e9c04e2aed193fe9"),
        (
            {"width": 64, "height": 32, "steps": 2, "guidance": 3.5},
            "8b8789fa047d7ede3b11632d8c30162c4c4dfc8f3e7c7027214025e8dd1dc51b",
        ),
    ],
)
async def test_a_record_keeps_the_name_that_version_0_1_gave_it(
    tmp_path: Path, options: dict[str, float], digest: str
) -> None:
    async with ImageService(FakeBackend(), GenerationStore(tmp_path), ServiceLimits()) as service:
        served = await service.generate("a ball", seed=5, **options)  # type: ignore[arg-type]
    assert record_names(tmp_path) == [digest]
    assert served.generation.model == "cells/1"


def test_an_edit_by_a_diffusers_model_keeps_its_digest() -> None:
    fingerprint = {
        "backend": "diffusers",
        "model": "owner/name@0123456789ab",
        "identity": "0123456789abcdef",
        "drawn_by": None,
        "dtype": "bfloat16",
        "diffusers": "0.42",
    }
    request = ImageRequest(prompt="redder", seed=7, source="a" * 64, source_size=(64, 64))
    parts = digest_parts(fingerprint, request, {"width": 64, "height": 64, "num_inference_steps": 4})
    assert digest_of(parts) == "69c61587e80109a8aa51d2997012d031374843bd77813f1e66afe6e849134706"
