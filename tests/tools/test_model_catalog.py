"""The catalog of models: names, repositories, licenses, sizes."""

import pytest

from interleavethinker.tools.errors import ProfileError
from interleavethinker.tools.model_catalog import (
    IMAGE_MODELS,
    image_model,
    known_model,
    memory_for_weights,
    memory_need,
    pinned,
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


def test_a_commit_behind_the_name_is_loaded_and_the_model_is_still_known() -> None:
    commit = "0123456789abcdef" * 2 + "01234567"
    assert pinned(f"Qwen/Qwen3-VL-8B-Instruct@{commit}") == ("Qwen/Qwen3-VL-8B-Instruct", commit)
    assert memory_need(f"Qwen/Qwen3-VL-8B-Instruct@{commit}") == 22
    assert pinned("/models/one@two/three") == ("/models/one@two/three", None)


@pytest.mark.parametrize("name", ["a/b@main", "a/b@", "a/b@0c351dd", "a/b@" + "G" * 40])
def test_what_can_be_moved_is_no_commit(name: str) -> None:
    with pytest.raises(ProfileError, match="names no commit behind the @"):
        pinned(name)


def test_every_repository_of_the_catalog_is_pinned() -> None:
    repositories = [one for model in IMAGE_MODELS for one in model.repositories]
    assert repositories
    assert all(pinned(one)[1] for one in repositories)
