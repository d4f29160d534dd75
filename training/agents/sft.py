"""Supervised training of planner or critic with TRL's `SFTTrainer`, the same for 5 million and 8 billion parameters.

Examples come in one fixed order, from easy to real: captions, text-only pairs, comparisons, image facts, synthetic
rows, and last the rows of the data set. A resumed run therefore sees exactly what an uninterrupted run would have seen.
Only the answer's tokens count in the loss.
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
from interleavethinker.training.data.folder import DataFolder
from interleavethinker.training.data.natural import natural_planner_rows
from interleavethinker.training.data.synthetic import (
    synthetic_critic_rows,
    synthetic_planner_rows,
    synthetic_text_pairs,
)
from interleavethinker.training.environment import require_train_extra
from interleavethinker.training.recipe import SftRecipe, VisionPretrainingRecipe, prompts_of, save_recipe

from .examples import (
    captions,
    comparisons,
    critic_example,
    group_by_length,
    image_facts,
    planner_example,
    text_only,
    texts_of,
    to_dataset,
)
from .trainer import adapter_config, configure, load_model, metrics_callback, train_and_save

__all__ = ["examples_of", "run_sft", "vocabulary_of"]


_TRL_BATCH = 8
"""TRL's batch size where a recipe gives none."""


def run_sft(recipe: SftRecipe, root: Path) -> Path:
    """Runs or resumes an SFT recipe; returns the folder of the finished model.

    Raises:
        InputError: The recipe, its data or its model is unusable.
    """
    require_train_extra("trl")
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
    model, processor = load_model(recipe.model, recipe)
    trainer = SFTTrainer(
        model=model,
        args=arguments,
        train_dataset=to_dataset(examples),
        processing_class=processor,
        callbacks=[metrics_callback(root)],
        peft_config=adapter_config(recipe),
        **_optimizer(recipe, model, arguments.learning_rate),
    )
    return train_and_save(trainer, root, processor)


def examples_of(recipe: SftRecipe) -> list[dict[str, Any]]:
    """Makes all examples of a run, in training order.

    Raises:
        InputError: The data folder has no training rows for the recipe's roles.
    """
    folder, prompts = DataFolder(recipe.data), prompts_of(recipe)
    if recipe.rl_failures is None:
        rows = [row for role in recipe.roles for row in _examples(role, folder, prompts)]
    else:
        chosen = choose_rl_rows(list(folder.critic_rl), recipe.rl_failures, recipe.seed)
        rows = [critic_example(row, folder.store, prompts) for row in chosen]
    if recipe.rows is not None and recipe.rows < len(rows):
        # A random sample, because data sets that differ only in their selection begin with the same rows.
        rows = random.Random(f"{recipe.seed}/rows").sample(rows, recipe.rows)
    if recipe.repeats and not rows:
        learned = " or ".join(recipe.roles)
        msg = f"{recipe.data} has no {learned} rows. Make them: interleavethinker data --help"
        raise InputError(msg)
    ordered = list(captions(folder.store, recipe.captions, recipe.seed))
    ordered += text_only(synthetic_text_pairs(recipe.text_only, recipe.seed), folder.store)
    ordered += comparisons(folder.store, recipe.comparisons, recipe.seed)
    ordered += image_facts(folder.store, recipe.image_facts, recipe.seed)
    count = recipe.synthetic_rows // len(recipe.roles)
    synthetic = list(
        chain.from_iterable(
            zip(*(_synthetic_examples(role, folder, prompts, count, recipe.seed) for role in recipe.roles), strict=True)
        )
    )
    if recipe.natural_rows:
        natural = natural_planner_rows(folder.store, recipe.natural_rows, recipe.seed)
        synthetic += [planner_example(row, folder.store, prompts) for row in natural]
        chance = random.Random(f"{recipe.seed}/natural")
        chance.shuffle(synthetic)
        batch = recipe.arguments.get("per_device_train_batch_size")
        synthetic = group_by_length(synthetic, batch if isinstance(batch, int) else _TRL_BATCH, chance)
    ordered += synthetic
    for turn in range(recipe.repeats):
        ordered += random.Random(f"{recipe.seed}/{turn}").sample(rows, len(rows))
    return ordered


def _optimizer(recipe: SftRecipe, model: Any, learning_rate: float) -> dict[str, Any]:
    """The trainer's argument for Muon; empty if the recipe uses the trainer's own optimizer."""
    if not recipe.muon:
        return {}
    from interleavethinker.training.loop import JoinedOptimizer, muon_adamw

    return {"optimizers": (JoinedOptimizer(muon_adamw(model, learning_rate, learning_rate)), None)}


def vocabulary_of(recipe: VisionPretrainingRecipe) -> Iterator[str]:
    """Yields texts for a new tokenizer: captions and rows of both roles, so that planner and critic share it."""
    folder, prompts = DataFolder(recipe.data), prompts_of(recipe)
    rows = [*_examples("planner", folder, prompts)[:4000], *_examples("critic", folder, prompts)[:4000]]
    return texts_of([*rows, *captions(folder.store, 50, recipe.seed)])


def _synthetic_examples(
    role: str, folder: DataFolder, prompts: Prompts, count: int, seed: int
) -> Iterator[dict[str, Any]]:
    if role == "critic":
        return (critic_example(row, folder.store, prompts) for row in synthetic_critic_rows(folder.store, count, seed))
    return (planner_example(row, folder.store, prompts) for row in synthetic_planner_rows(folder.store, count, seed))


def _examples(role: str, folder: DataFolder, prompts: Prompts) -> Sequence[dict[str, Any]]:
    if role == "critic":
        return [critic_example(row, folder.store, prompts) for row in folder.critic_sft]
    return [planner_example(row, folder.store, prompts) for row in folder.planner if row.split == "train"]
