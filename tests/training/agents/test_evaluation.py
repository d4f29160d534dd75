"""Evaluation while training, with TRL's real trainers and a model of a few million parameters."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from interleavethinker.tools.errors import InputError
from interleavethinker.training.agents.grpo import run_grpo
from interleavethinker.training.agents.lazy_examples import LazyExamples
from interleavethinker.training.agents.sft import examples_of, run_sft
from interleavethinker.training.data.folder import DataFolder
from interleavethinker.training.recipe import GrpoRecipe, SftRecipe, load_training_recipe, recipe_path, save_recipe

from ..conftest import Made

pytest.importorskip("trl", reason="needs the train extra")
# The training libraries warn about each other's deprecations, which this project cannot fix.
pytestmark = pytest.mark.filterwarnings("ignore")

SHIPPED = "interleavethinker.microworld:checkpoints/critic"
QUICK = [
    f"model={SHIPPED}",
    "arguments.max_steps=3",
    "arguments.logging_steps=1",
    "arguments.use_cpu=true",
    "arguments.per_device_eval_batch_size=2",
    "evaluation_rows=4",
    "samples=2",
]


def sft(made: Made, *overrides: str) -> SftRecipe:
    few = [f"data={made.folder.root}", "arguments.per_device_train_batch_size=2", *QUICK, *overrides]
    recipe = load_training_recipe(recipe_path("micro-critic-sft"), few)
    assert isinstance(recipe, SftRecipe)
    return recipe


def logged(root: Path, name: str) -> dict[int, float]:
    lines = [json.loads(line) for line in (root / "metrics.jsonl").read_text().splitlines()]
    return {line["step"]: line[name] for line in lines if name in line}


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return dict(load_file(folder / "model.safetensors"))


def test_a_run_is_evaluated_and_its_best_checkpoint_becomes_the_finished_model(made: Made, tmp_path: Path) -> None:
    import torch

    # The first step has a learning rate of 0 and the others destroy the shipped critic, so the first one is the best.
    harmful = (
        "evaluate_every=1",
        "arguments.save_steps=3",
        "arguments.learning_rate=0.1",
        "arguments.warmup_steps=3",
        "muon=false",
    )
    run_sft(sft(made, *harmful, "arguments.lr_scheduler_type=constant_with_warmup", "sample_tokens=9"), tmp_path)
    losses = logged(tmp_path, "eval_loss")
    assert sorted(losses) == [1, 2, 3]
    assert losses[1] < losses[2]
    assert losses[1] < losses[3], "otherwise this test proves nothing"
    finished, kept, last = (weights(tmp_path / name) for name in ("model", "checkpoint-1", "checkpoint-3"))
    assert all(torch.equal(tensor, kept[name].bfloat16()) for name, tensor in finished.items())
    assert not all(torch.equal(tensor, last[name].bfloat16()) for name, tensor in finished.items())
    for step in (1, 2, 3):
        text = (tmp_path / "samples" / f"step-{step}.md").read_text(encoding="utf-8")
        assert text.startswith(f"# Samples after {step} steps")
        assert text.count("**Model**") == 2
        assert (tmp_path / "samples" / "1-1.png").is_file()
        assert "![image](1-1.png)" in text


def test_an_untouched_critic_answers_its_samples_as_the_agent_would_read_them(made: Made, tmp_path: Path) -> None:
    unchanged = ("evaluate_every=1", "arguments.max_steps=1", "arguments.learning_rate=1e-12", "muon=false")
    run_sft(sft(made, *unchanged), tmp_path)
    answers = (tmp_path / "samples" / "step-1.md").read_text(encoding="utf-8").split("**Model**")[1:]
    assert len(answers) == 2
    assert all("previous_step_success" in answer for answer in answers)


def test_grpo_evaluates_rewards_and_shows_answers_with_what_they_earned(made: Made, tmp_path: Path) -> None:
    few = [
        f"data={made.folder.root}", "rows=2", "arguments.per_device_train_batch_size=2", "arguments.num_generations=2",
        "arguments.max_completion_length=6", "evaluate_every=1", *QUICK, "arguments.max_steps=1", "evaluation_rows=2",
    ]  # fmt: skip
    recipe = load_training_recipe(recipe_path("micro-critic-grpo"), few)
    assert isinstance(recipe, GrpoRecipe)
    run_grpo(recipe, tmp_path)
    assert logged(tmp_path, "eval_reward").keys() == {1}
    for name in ("format", "accuracy", "semantics", "quality"):
        assert logged(tmp_path, f"eval_rewards/{name}/mean").keys() == {1}
    assert logged(tmp_path, "masked_share") == {1: 0.0}
    assert {name: logged(tmp_path, name)[1] for name in ("generator_failures", "judge_failures")} == {
        "generator_failures": 0,
        "judge_failures": 0,
    }
    text = (tmp_path / "samples" / "step-1.md").read_text(encoding="utf-8")
    assert text.count("**Rewards**") == 2
    assert "format 0.00, accuracy 0.00" in text, "six tokens are no verdict"
    assert (tmp_path / "model" / "adapter_model.safetensors").is_file()


@pytest.mark.parametrize("override", ["evaluate_every=1", "arguments.eval_strategy=steps"])
def test_a_data_set_without_held_out_rows_is_named_before_the_model_is_loaded(
    made: Made, tmp_path: Path, override: str
) -> None:
    folder = DataFolder(tmp_path / "data")
    shutil.copytree(made.folder.root, folder.root)
    folder.critic_test.write([])
    with pytest.raises(InputError, match=r"no held-out critic rows.*evaluate_every=0"):
        run_sft(sft(made, override, f"data={folder.root}", "model=nowhere"), tmp_path / "run")


def test_a_run_reads_no_image_of_a_row_before_a_batch_needs_it(made: Made, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.copytree(made.folder.root, root)
    images = root / "images"
    images.rename(tmp_path / "elsewhere")
    examples = examples_of(sft(made, f"data={root}", "captions=0", "synthetic_rows=0", "comparisons=0", "text_only=0"))
    assert isinstance(examples, LazyExamples)
    data = examples.dataset()
    assert len(data) == 2 * len(list(made.folder.critic_sft))
    shutil.rmtree(images, ignore_errors=True)
    (tmp_path / "elsewhere").rename(images)
    assert {image.mode for image in data[0]["images"]} == {"RGB"}
    assert [message["role"] for message in data[0]["completion"]] == ["assistant"]


def test_a_run_that_was_saved_before_evaluation_existed_can_be_resumed(made: Made, tmp_path: Path) -> None:
    recipe = load_training_recipe(recipe_path("micro-critic-grpo"), [f"data={made.folder.root}"])
    saved = recipe.model_dump(mode="json")
    for name in ("evaluate_every", "evaluation_rows", "samples", "sample_tokens", "judge_options", "concurrent_images"):
        del saved[name]
    (tmp_path / "recipe.json").write_text(json.dumps(saved), encoding="utf-8")
    save_recipe(recipe, tmp_path)
