"""Finished models load and answer with transformers alone, where this package is not installed; `make plain-test`."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from interleavethinker.training.agents.sft import run_sft
from interleavethinker.training.recipe import SftRecipe, load_training_recipe, recipe_path

from ..conftest import Made

PYTHON = os.environ.get("PLAIN_PYTHON", "")
SCRIPT = Path(__file__).parent / "load_and_answer.py"
CHECKPOINTS = Path(__file__).parents[3] / "microworld" / "checkpoints"

pytestmark = [
    pytest.mark.skipif(not PYTHON, reason="`make plain-test` installs transformers alone"),
    pytest.mark.filterwarnings("ignore"),
]


def answers_of(folder: Path, tmp_path: Path, *adapters: Path) -> list[str]:
    image = tmp_path / "image.png"
    Image.new("RGB", (48, 48), "red").save(image)
    command = [str(Path(PYTHON).absolute()), "-I", str(SCRIPT), str(folder), str(image), *map(str, adapters)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert (found["processor"], found["model"]) == ("Qwen3VLProcessor", "Qwen3VLForConditionalGeneration")
    assert {"input_ids", "pixel_values", "image_grid_thw"} <= set(found["inputs"])
    answers: list[str] = found["answers"]
    return answers


@pytest.mark.parametrize("name", ["planner", "critic", "one-agent"])
def test_a_shipped_model_sees_an_image_and_answers(name: str, tmp_path: Path) -> None:
    (answer,) = answers_of(CHECKPOINTS / name, tmp_path)
    assert answer.strip()


def test_an_adapter_is_used_with_its_model(tmp_path: Path) -> None:
    without, with_adapter = answers_of(CHECKPOINTS / "critic", tmp_path, CHECKPOINTS / "adapters" / "critic-grpo")
    assert without.startswith("<think>")
    assert with_adapter.startswith("<think>")


def test_a_model_that_was_just_trained_sees_an_image_and_answers(made: Made, tmp_path: Path) -> None:
    few = [
        f"data={made.folder.root}", "model=interleavethinker.microworld:checkpoints/critic", "arguments.max_steps=1",
        "arguments.per_device_train_batch_size=1", "arguments.use_cpu=true", "arguments.learning_rate=1e-9",
    ]  # fmt: skip
    recipe = load_training_recipe(recipe_path("micro-critic-sft"), few)
    assert isinstance(recipe, SftRecipe)
    run_sft(recipe, tmp_path / "run")
    (answer,) = answers_of(tmp_path / "run" / "model", tmp_path)
    assert answer.startswith("<think>")
