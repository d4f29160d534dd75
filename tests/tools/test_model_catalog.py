"""The catalog of models: names, repositories, licenses, sizes."""

import pytest

from interleavethinker.tools.model_catalog import (
    IMAGE_MODELS,
    image_model,
    known_model,
    memory_for_weights,
    memory_need,
)


@pytest.mark.parametrize(
    ("alias", "target"),
    [
        ("klein", "black-forest-labs/FLUX.2-klein-4B"),
        ("klein-9b", "black-forest-labs/FLUX.2-klein-9B"),
        ("kontext", "black-forest-labs/FLUX.1-Kontext-dev"),
        ("micro", "interleavethinker.microworld:checkpoints/generator"),
        ("qwen-edit", "Qwen/Qwen-Image-Edit-2511"),
    ],
)
def test_an_alias_and_its_target_name_the_same_model(alias: str, target: str) -> None:
    model = image_model(alias)
    assert model is not None
    assert model.target == target
    assert image_model(target) is model
    assert known_model(alias) is model


def test_every_alias_is_unique_and_an_unknown_name_finds_nothing() -> None:
    assert len({model.alias for model in IMAGE_MODELS}) == len(IMAGE_MODELS)
    assert image_model("nobody/knows-this") is None
    assert image_model("") is None


def test_a_note_warns_of_exactly_the_licences_that_forbid_commercial_use() -> None:
    warned = {model.alias for model in IMAGE_MODELS if "not for commercial use" in model.licence_note}
    assert warned == {"klein-9b", "kontext"}


def test_downloads_are_listed_with_the_second_model_of_a_pair_and_shipped_weights_are_none() -> None:
    pair, shipped = image_model("qwen-edit"), image_model("micro")
    assert pair is not None
    assert pair.repositories == ("Qwen/Qwen-Image-Edit-2511", "Qwen/Qwen-Image-2512")
    assert shipped is not None
    assert shipped.repositories == ()


@pytest.mark.parametrize(
    ("name", "gib"),
    [
        ("klein", 18),
        ("black-forest-labs/FLUX.2-klein-4B", 18),
        ("Qwen/Qwen3-VL-8B-Instruct", 22),
        ("micro", 0),
        ("someone/Model-10B-v2", None),
        ("someone/tiny-1B", None),
        ("/a/folder-8B", None),
    ],
)
def test_memory_need_comes_from_the_catalog_and_never_from_a_name(name: str, gib: float | None) -> None:
    assert memory_need(name) == gib


def test_the_size_of_weights_decides_where_the_catalog_knows_nothing() -> None:
    assert memory_for_weights(16) == 20
    assert memory_for_weights(0.5) == 0
