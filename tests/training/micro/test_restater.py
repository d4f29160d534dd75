"""The restater's training: a few steps through the command, the model through the code that serves it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from interleavethinker.microworld.agents.restating import question_of
from interleavethinker.tools.chat.loading import load_chat_model
from interleavethinker.tools.errors import InputError
from interleavethinker.training.micro.restater import run_restater
from interleavethinker.training.recipe import RestaterRecipe, load_training_recipe, recipe_path

pytest.importorskip("transformers", reason="needs the train extra")
pytestmark = pytest.mark.filterwarnings("ignore")


def train(root: Path, *overrides: str) -> Path:
    recipe = load_training_recipe(recipe_path("micro-restater"), ["steps=[2, 2, 1]", "batch=[2, 2, 2]", *overrides])
    assert isinstance(recipe, RestaterRecipe)
    return run_restater(recipe, root)


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return dict(load_file(folder / "model.safetensors"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("restater"))


def test_a_trained_restater_answers_through_the_inference_code(trained: Path) -> None:
    assert sum(tensor.numel() for tensor in weights(trained).values()) < 5_000_000, "in bfloat16 at most 10 MB"
    model = load_chat_model(f"qwen3-vl:{trained}", dtype="float32", device_map="cpu", max_new_tokens=4)
    assert isinstance(model.invoke(question_of("a kitty pls", 0)).text, str)
    metrics = [json.loads(line) for line in (trained.parent / "metrics.jsonl").read_text().splitlines()]
    assert {"loss", "answer", "exact"} <= metrics[-1].keys()
    assert [line["stage"] for line in metrics] == ["restater-1", "restater-2", "restater-3"], "short pairs first"


def test_a_repeated_command_trains_nothing_again_and_another_recipe_is_refused(trained: Path, tmp_path: Path) -> None:
    import torch

    shutil.copytree(trained.parent, tmp_path / "again")
    shutil.rmtree(tmp_path / "again" / "model")
    again = weights(train(tmp_path / "again"))
    assert all(torch.equal(tensor, again[name]) for name, tensor in weights(trained).items())
    with pytest.raises(InputError, match="another recipe"):
        train(tmp_path / "again", "steps=[2, 2, 3]")


def test_every_stage_needs_a_batch_size() -> None:
    with pytest.raises(InputError, match="one number for each stage of 'steps': 3, not 1"):
        load_training_recipe(recipe_path("micro-restater"), ["batch=[2]"])
