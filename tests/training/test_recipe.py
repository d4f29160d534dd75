"""Recipes: names that were changed still work, and problems are reported before any training starts."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from interleavethinker.cli.app import build_app
from interleavethinker.tools.errors import InputError
from interleavethinker.training.environment import require_train_extra, set_cpu_threads
from interleavethinker.training.recipe import (
    GrpoRecipe,
    SftRecipe,
    VisionPretrainingRecipe,
    kind_of,
    load_saved_recipe,
    load_training_recipe,
    recipe_path,
    save_recipe,
)

OLD_NAMES = {
    "micro-critic-rehearsal": "micro-critic-synthetic",
    "micro-planner-looking": "micro-planner-vision",
    "micro-sight": "micro-vision-pretraining",
}


@pytest.mark.parametrize("old", OLD_NAMES)
def test_a_recipes_old_name_finds_it_under_its_present_name(old: str) -> None:
    assert recipe_path(old) == recipe_path(OLD_NAMES[old])
    assert recipe_path(old).stem == OLD_NAMES[old]


def test_the_command_line_says_that_a_recipe_was_renamed(tmp_path: Path) -> None:
    words = ["train", "micro-sight", "--out", str(tmp_path / "run"), "--set", f"data={tmp_path}", "--stages", "x"]
    result = CliRunner().invoke(build_app(words), words)
    assert "The recipe micro-sight is now called micro-vision-pretraining" in result.stderr
    words[1] = "micro-vision-pretraining"
    assert "is now called" not in CliRunner().invoke(build_app(words), words).stderr


def test_old_field_names_work_in_files_and_overrides(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('kind = "sft"\nrole = "planner"\nmodel = "m"\ndata = "d"\nrehearsals = 5\nwords = 3\n')
    recipe = load_training_recipe(path, ["glances=2", "rehearsals=7"])
    assert isinstance(recipe, SftRecipe)
    assert (recipe.synthetic_rows, recipe.text_only, recipe.image_facts) == (7, 3, 2)
    path.write_text('kind = "sight"\ndata = "d"\nsteps = 1\nbatch = 2\nlearning_rate = 1e-3\npictures = 9\n')
    older = load_training_recipe(path)
    assert isinstance(older, VisionPretrainingRecipe)
    assert (older.images, older.kind, kind_of(path)) == (9, "vision-pretraining", "vision-pretraining")


def test_a_field_under_both_names_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('kind = "sft"\nrole = "planner"\nmodel = "m"\ndata = "d"\nrehearsals = 5\nsynthetic_rows = 3\n')
    with pytest.raises(InputError, match="rehearsals is the old name of synthetic_rows"):
        load_training_recipe(path)


def test_an_unknown_field_is_named_without_a_library_s_address() -> None:
    with pytest.raises(InputError, match=r"training recipe: foo: Extra inputs are not permitted\.$") as caught:
        load_training_recipe(recipe_path("micro-critic-sft"), ["foo=1"])
    assert "\n" not in str(caught.value)


def test_a_run_that_was_saved_under_old_names_can_be_resumed(tmp_path: Path) -> None:
    recipe = load_training_recipe(recipe_path("micro-vision-pretraining"))
    saved = recipe.model_dump(mode="json")
    saved["pictures"] = saved.pop("images")
    saved["kind"] = "sight"
    (tmp_path / "recipe.json").write_text(json.dumps(saved), encoding="utf-8")
    assert load_saved_recipe(tmp_path) == recipe
    save_recipe(recipe, tmp_path)
    assert json.loads((tmp_path / "recipe.json").read_text(encoding="utf-8"))["kind"] == "vision-pretraining"
    other = load_training_recipe(recipe_path("micro-vision-pretraining"), ["steps=3"])
    with pytest.raises(InputError, match="another recipe"):
        save_recipe(other, tmp_path)


def test_an_interrupted_run_of_micro_sight_keeps_its_checkpoint(tmp_path: Path) -> None:
    from interleavethinker.training.micro.vision_pretraining import _rename_old_checkpoint

    (tmp_path / "sight.pt").write_bytes(b"weights")
    for _ in range(2):
        _rename_old_checkpoint(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["vision-pretraining.pt"]


def test_a_missing_package_is_reported_with_the_command_that_installs_it() -> None:
    require_train_extra("json")
    with pytest.raises(InputError, match=r"Training needs no_such_package\. .*pip install .*'\.\[train\]'") as caught:
        require_train_extra("json", "no_such_package")
    assert caught.value.code == "missing_extra"


def test_the_number_of_cpu_threads_is_set_for_the_process() -> None:
    before = torch.get_num_threads()
    try:
        set_cpu_threads(before + 1)
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)


def test_every_shipped_recipe_is_valid_and_has_the_expected_kind() -> None:
    kinds = {path.stem: kind_of(path) for path in recipe_path("micro-critic-sft").parent.glob("*.toml")}
    assert kinds == {
        "critic-grpo-8b": "grpo",
        "critic-grpo-8b-lora": "grpo",
        "critic-sft-8b": "sft",
        "micro-critic-checklist": "sft",
        "micro-critic-grpo": "grpo",
        "micro-critic-synthetic": "sft",
        "micro-critic-sft": "sft",
        "micro-critic-sft-continued": "sft",
        "micro-generator": "micro-generator",
        "micro-one-agent": "sft",
        "micro-planner-long": "sft",
        "micro-planner-natural": "sft",
        "micro-planner-vision": "sft",
        "micro-planner-sft": "sft",
        "micro-restater": "restater",
        "micro-vision-pretraining": "vision-pretraining",
        "planner-sft-8b": "sft",
    }
    for name, kind in kinds.items():
        if kind != "micro-generator":
            assert load_training_recipe(recipe_path(name)).kind == kind
    with pytest.raises(InputError, match="micro-critic-grpo"):
        recipe_path("nothing")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("learning_rate=1", "Extra inputs"),
        ("rows", "key=value"),
        ("role.x=1", "not a table"),
        ("role=judge", "planner"),
    ],
)
def test_an_invalid_override_is_rejected_with_the_reason(override: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_training_recipe(recipe_path("micro-critic-sft"), [override])


def test_a_recipe_that_is_not_text_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="UTF-8"):
        kind_of(tmp_path / "recipe.toml")
    with pytest.raises(InputError, match="one of critic-grpo-8b"):
        recipe_path(str(tmp_path))


def test_ranks_that_save_the_recipe_at_once_find_it_whole(tmp_path: Path) -> None:
    recipe = load_training_recipe(recipe_path("micro-planner-sft"))
    with ThreadPoolExecutor(8) as ranks:
        for turn in range(20):
            list(ranks.map(lambda _rank, root=tmp_path / str(turn): save_recipe(recipe, root), range(8)))
            assert load_saved_recipe(tmp_path / str(turn)) == recipe


@pytest.mark.parametrize(
    ("name", "configuration", "batch"),
    [("planner-sft-8b", "fsdp-8", 32), ("critic-sft-8b", "fsdp-8", 32), ("critic-grpo-8b", "fsdp-4", 16 * 8)],
)
def test_batches_of_the_large_recipes_add_up_to_the_papers(name: str, configuration: str, batch: int) -> None:
    from accelerate.commands.config.config_args import load_config_from_file

    folder = Path(str(files("interleavethinker.training") / "accelerate"))
    config = load_config_from_file(str(folder / f"{configuration}.yaml"))
    assert config.fsdp_config["fsdp_state_dict_type"] == "FULL_STATE_DICT"
    recipe = load_training_recipe(recipe_path(name))
    assert isinstance(recipe, SftRecipe | GrpoRecipe)
    arguments = recipe.arguments
    per_device, accumulated = (
        arguments[f"{key}"] for key in ("per_device_train_batch_size", "gradient_accumulation_steps")
    )
    assert isinstance(per_device, int)
    assert isinstance(accumulated, int)
    assert per_device * accumulated * config.num_processes == batch


@pytest.mark.parametrize("name", ["planner-sft-8b", "critic-sft-8b"])
def test_the_command_for_one_gpu_in_a_recipe_adds_up_to_the_papers_batch_and_trains_an_adapter(name: str) -> None:
    text = recipe_path(name).read_text(encoding="utf-8")
    (command,) = re.findall(rf"^# (interleavethinker train {name} .*)$", text, re.MULTILINE)
    words = command.split()
    overrides = [words[at + 1] for at, word in enumerate(words) if word == "--set"]
    recipe = load_training_recipe(recipe_path(name), overrides)
    assert isinstance(recipe, SftRecipe)
    assert recipe.lora is not None
    arguments = recipe.arguments
    # The base stays in bfloat16 under an adapter: 16 GB of weights leave room on a GPU of 80 GB.
    assert (arguments["per_device_train_batch_size"], arguments["gradient_accumulation_steps"]) == (1, 32)
    assert arguments["activation_checkpointing"] is True
    assert (recipe.repeats, recipe.freeze) == (2, ("visual.",))


@pytest.mark.parametrize("name", ["planner-sft-8b", "critic-sft-8b", "critic-grpo-8b"])
def test_the_large_recipes_are_evaluated_while_they_train(name: str) -> None:
    recipe = load_training_recipe(recipe_path(name))
    assert isinstance(recipe, SftRecipe | GrpoRecipe)
    assert recipe.evaluate_every > 0
    assert "save_steps" not in recipe.arguments, "a checkpoint is saved at each evaluation"


def test_the_guide_has_the_defaults_of_evaluation_and_its_intervals_in_the_large_recipes() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "guides" / "training.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"^\| field \| default \| meaning \|\n(.+?)\n\n", guide, re.MULTILINE | re.DOTALL)
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", table, re.MULTILINE))
    fields = GrpoRecipe.model_fields
    defaults = {name: fields[name].get_default(call_default_factory=True) or 0 for name in rows}
    assert {name: int(rows[name].replace("none", "0").split()[0]) for name in rows} == defaults
    assert len(rows) == 6
    every = [load_training_recipe(recipe_path(name)) for name in ("planner-sft-8b", "critic-sft-8b", "critic-grpo-8b")]
    intervals = [recipe.evaluate_every for recipe in every if isinstance(recipe, SftRecipe | GrpoRecipe)]
    assert intervals == [200, 200, 40]
    assert rows["evaluate_every"] == "0 (off; 200 in the 8 B recipes for SFT, 40 for GRPO)"
