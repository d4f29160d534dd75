"""The layouts of the 8 B recipes add up: the counts are those of transformers, and the guide has the computed table."""

import re
from pathlib import Path

import pytest

from interleavethinker.training.layouts import QWEN3_VL_8B, GpuMemory, colocated_gib, memory_of
from interleavethinker.training.recipe import GrpoRecipe, SftRecipe, load_training_recipe, recipe_path

from .elsewhere.real_size_steps import config_of

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "training.md"
LAYOUTS = {
    ("planner-sft-8b", ""): 8,
    ("critic-sft-8b", ""): 8,
    ("critic-grpo-8b", ""): 4,
    ("planner-sft-8b", "lora.rank=32"): 1,
    ("critic-sft-8b", "lora.rank=32"): 1,
    ("critic-grpo-8b-lora", ""): 1,
}
"""Recipe, override, training GPUs."""


def recipe_of(name: str, override: str) -> SftRecipe | GrpoRecipe:
    recipe = load_training_recipe(recipe_path(name), [f"data={name}", *filter(None, [override])])
    assert isinstance(recipe, SftRecipe | GrpoRecipe)
    return recipe


def memory(name: str, override: str, gpus: int) -> GpuMemory:
    recipe, beside = recipe_of(name, override), 0.0
    if isinstance(recipe, GrpoRecipe) and gpus == 1:
        beside = colocated_gib(recipe, "klein")
    return memory_of(recipe, QWEN3_VL_8B, gpus, beside)


def test_the_parameter_counts_are_those_of_transformers() -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    with torch.device("meta"):
        model = transformers.Qwen3VLForConditionalGeneration(config_of("8b", QWEN3_VL_8B.vocabulary))
    counts = {name: one.numel() for name, one in model.named_parameters()}
    assert sum(counts.values()) == QWEN3_VL_8B.total
    assert sum(count for name, count in counts.items() if "visual" in name) == QWEN3_VL_8B.vision
    adapted = re.compile(r".*language_model.*_proj")
    matrices = [one for name, one in model.named_modules() if adapted.fullmatch(name)]
    assert sum(32 * (one.in_features + one.out_features) for one in matrices) == QWEN3_VL_8B.adapter(32)


@pytest.mark.parametrize(("name", "override"), LAYOUTS)
def test_every_layout_fits_and_has_the_papers_batch(name: str, override: str) -> None:
    gpus = LAYOUTS[name, override]
    assert memory(name, override, gpus).fits
    arguments = recipe_of(name, override).arguments
    rows, steps = arguments["per_device_train_batch_size"], arguments["gradient_accumulation_steps"]
    assert isinstance(rows, int)
    assert isinstance(steps, int)
    batch = 32 if override or "sft" in name else 128
    assert rows * (32 if override else steps) * gpus == batch
    assert not override or "--set arguments.gradient_accumulation_steps=32" in " ".join(GUIDE.read_text().split())


def test_a_batch_that_is_twice_as_large_does_not_fit() -> None:
    recipe = recipe_of("critic-grpo-8b", "arguments.per_device_train_batch_size=4")
    assert not memory_of(recipe, QWEN3_VL_8B, 4).fits


def test_the_guides_table_is_the_computed_one() -> None:
    lines = [line for line in GUIDE.read_text().splitlines() if re.match(r"\| `(planner|critic)-[a-z]+-8b", line)]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    expected = []
    for (name, override), gpus in LAYOUTS.items():
        one = memory(name, override, gpus)
        numbers = (one.states, one.gathered, one.activations, one.logits, one.beside, one.total)
        shown = [f"{number:.1f}" if number else "–" for number in numbers]
        label = f"`{name}`" + (f" with `{override}`" if override else "")
        expected.append([label, f"{gpus} of 8" if gpus == 4 else str(gpus), *shown])
    assert rows == expected


def test_trl_knows_every_argument_of_the_recipes_for_one_gpu() -> None:
    trl = pytest.importorskip("trl")
    recipe = recipe_of("critic-grpo-8b-lora", "")
    assert set(recipe.arguments) <= set(trl.GRPOConfig.__dataclass_fields__) | {"activation_checkpointing"}
