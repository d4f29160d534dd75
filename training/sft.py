"""Supervised training of planner or critic with TRL's `SFTTrainer`, the same for 5 million and 8 billion parameters.

A model from scratch sees captions first, then rehearsals, then the rows; one pass in a fixed order, so that a resumed
run sees what an unbroken one would have seen. Losses count the answer's tokens alone.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from interleavethinker.tools.errors import InputError

from .examples import captions, critic_example, planner_example, texts_of, to_dataset
from .micro_qwen import make_micro_qwen
from .recipe import SftRecipe, prompts_of
from .rehearsal import rehearse
from .rows import CriticRow, DataFolder
from .trainer import adapter_config, configure, finish, load_model, metrics_callback, need_train_extra, save_recipe

__all__ = ["examples_of", "run_sft"]


def run_sft(recipe: SftRecipe, root: Path) -> Path:
    """Runs or resumes a recipe; returns the folder of the finished model.

    Raises:
        InputError: The recipe, its data or its model cannot be used.
    """
    need_train_extra()
    save_recipe(recipe, root)
    from trl import SFTConfig, SFTTrainer

    arguments = configure(
        SFTConfig,
        recipe,
        root,
        completion_only_loss=True,
        max_length=None,
        train_sampling_strategy="sequential",
        dataloader_num_workers=0,
    )
    examples = examples_of(recipe)
    name = recipe.model
    if name == "micro":
        start = root / "start"
        if not (start / "tokenizer_config.json").is_file():  # Written last: a torn folder is made again.
            make_micro_qwen(texts_of(_vocabulary(recipe)), start, recipe.seed)
        name = str(start)
    model, processor = load_model(name, recipe, "bfloat16" if arguments.bf16 else None)
    trainer = SFTTrainer(
        model=model,
        args=arguments,
        train_dataset=to_dataset(examples),
        processing_class=processor,
        callbacks=[metrics_callback(root)],
        peft_config=adapter_config(recipe),
    )
    return finish(trainer, root, processor)


def examples_of(recipe: SftRecipe) -> list[dict[str, Any]]:
    """Every example of a run, in the order in which it is learned.

    Raises:
        InputError: The data folder has no training rows for this role.
    """
    folder = DataFolder(recipe.data)
    rows = _rows(recipe, folder)
    if recipe.rows is not None:
        rows = rows[: recipe.rows]
    if not rows:
        msg = f"{recipe.data} must hold {recipe.role} rows; it has none. Make them: interleavethinker data --help."
        raise InputError(msg)
    ordered = list(captions(folder.store, recipe.captions, recipe.seed))
    prompts = prompts_of(recipe)
    ordered += [critic_example(row, folder.store, prompts) for row in _rehearsals(recipe, folder)]
    for turn in range(recipe.repeats):
        ordered += random.Random(f"{recipe.seed}/{turn}").sample(rows, len(rows))
    return ordered


def _rehearsals(recipe: SftRecipe, folder: DataFolder) -> Iterator[CriticRow]:
    return rehearse(folder.store, recipe.rehearsals if recipe.role == "critic" else 0, recipe.seed)


def _vocabulary(recipe: SftRecipe) -> list[dict[str, Any]]:
    """What the tokenizer learns from: both roles' rows where there are any, so that planner and critic share words."""
    folder = DataFolder(recipe.data)
    both: list[dict[str, Any]] = []
    for role in ("planner", "critic"):
        both += _rows(recipe.model_copy(update={"role": role}), folder)[:4000]
    return both + list(captions(folder.store, 50, recipe.seed))


def _rows(recipe: SftRecipe, folder: DataFolder) -> Sequence[dict[str, Any]]:
    prompts = prompts_of(recipe)
    if recipe.role == "critic":
        return [critic_example(row, folder.store, prompts) for row in folder.critic_sft]
    return [planner_example(row, folder.store, prompts) for row in folder.planner if row.split == "train"]
