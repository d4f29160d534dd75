"""Supervised training of planner or critic with TRL's `SFTTrainer`, the same for 5 million and 8 billion parameters.

A model from scratch sees captions first, then rehearsals, then the rows; one pass in a fixed order, so that a resumed
run sees what an unbroken one would have seen. Losses count the answer's tokens alone.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from interleavethinker.tools.chat.rendering import Prompts
from interleavethinker.tools.errors import InputError
from interleavethinker.training.data.critic import choose_rl_rows
from interleavethinker.training.data.schema import DataFolder
from interleavethinker.training.data.synthetic import rehearse, rehearse_plans, rehearse_words
from interleavethinker.training.recipe import SftRecipe, SightRecipe, prompts_of, save_recipe

from .examples import (
    captions,
    comparisons,
    critic_example,
    glances,
    planner_example,
    texts_of,
    to_dataset,
    words_alone,
)
from .trainer import adapter_config, configure, finish, load_model, metrics_callback, need_train_extra

__all__ = ["examples_of", "run_sft", "vocabulary_of"]


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
    model, processor = load_model(recipe.model, recipe, "bfloat16" if arguments.bf16 else None)
    trainer = SFTTrainer(
        model=model,
        args=arguments,
        train_dataset=to_dataset(examples),
        processing_class=processor,
        callbacks=[metrics_callback(root)],
        peft_config=adapter_config(recipe),
        **_optimizer(recipe, model, arguments.learning_rate),
    )
    return finish(trainer, root, processor)


def examples_of(recipe: SftRecipe) -> list[dict[str, Any]]:
    """Every example of a run, in the order in which it is learned.

    Raises:
        InputError: The data folder has no training rows for this role.
    """
    folder, prompts = DataFolder(recipe.data), prompts_of(recipe)
    if recipe.rl_failures is None:
        rows = [row for role in recipe.roles for row in _examples(role, folder, prompts)]
    else:
        chosen = choose_rl_rows(list(folder.critic_rl), recipe.rl_failures, recipe.seed)
        rows = [critic_example(row, folder.store, prompts) for row in chosen]
    if recipe.rows is not None and recipe.rows < len(rows):
        # Not the first ones: data sets that were selected in different ways begin alike.
        rows = random.Random(f"{recipe.seed}/rows").sample(rows, recipe.rows)
    if recipe.repeats and not rows:
        learned = " or ".join(recipe.roles)
        msg = f"{recipe.data} must hold {learned} rows; it has none. Make them: interleavethinker data --help."
        raise InputError(msg)
    ordered = list(captions(folder.store, recipe.captions, recipe.seed))
    ordered += words_alone(rehearse_words(recipe.words, recipe.seed), folder.store)
    ordered += comparisons(folder.store, recipe.comparisons, recipe.seed)
    ordered += glances(folder.store, recipe.glances, recipe.seed)
    count = recipe.rehearsals // len(recipe.roles)
    ordered += chain.from_iterable(
        zip(*(_rehearsed(role, folder, prompts, count, recipe.seed) for role in recipe.roles), strict=True)
    )
    for turn in range(recipe.repeats):
        ordered += random.Random(f"{recipe.seed}/{turn}").sample(rows, len(rows))
    return ordered


def _optimizer(recipe: SftRecipe, model: Any, learning_rate: float) -> dict[str, Any]:
    """The trainer's argument for an optimizer of ours; nothing for its own."""
    if not recipe.muon:
        return {}
    from interleavethinker.training.loop import Joined, muon_adamw

    return {"optimizers": (Joined(muon_adamw(model, learning_rate, learning_rate)), None)}


def vocabulary_of(recipe: SightRecipe) -> Iterator[str]:
    """Texts that a new tokenizer learns from: captions and both roles' rows, so that planner and critic share words."""
    folder, prompts = DataFolder(recipe.data), prompts_of(recipe)
    rows = [*_examples("planner", folder, prompts)[:4000], *_examples("critic", folder, prompts)[:4000]]
    return texts_of([*rows, *captions(folder.store, 50, recipe.seed)])


def _rehearsed(role: str, folder: DataFolder, prompts: Prompts, count: int, seed: int) -> Iterator[dict[str, Any]]:
    if role == "critic":
        return (critic_example(row, folder.store, prompts) for row in rehearse(folder.store, count, seed))
    return (planner_example(row, folder.store, prompts) for row in rehearse_plans(folder.store, count, seed))


def _examples(role: str, folder: DataFolder, prompts: Prompts) -> Sequence[dict[str, Any]]:
    if role == "critic":
        return [critic_example(row, folder.store, prompts) for row in folder.critic_sft]
    return [planner_example(row, folder.store, prompts) for row in folder.planner if row.split == "train"]
