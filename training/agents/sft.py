"""Supervised training of planner or critic with TRL's `SFTTrainer`, the same for 5 million and 8 billion parameters.

Examples come in one fixed order, from easy to real: captions, text-only pairs, comparisons, image facts, synthetic
rows, and last the rows of the data set, which are rendered when a batch needs them. A resumed run therefore sees
exactly what an uninterrupted run would have seen. Only the answer's tokens count in the loss.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from interleavethinker.tools.chat.rendering import Prompts
from interleavethinker.tools.errors import InputError
from interleavethinker.training.data.critic import choose_rl_rows
from interleavethinker.training.data.folder import DataFolder
from interleavethinker.training.data.natural import natural_planner_rows
from interleavethinker.training.data.schema import CriticRow
from interleavethinker.training.data.synthetic import (
    synthetic_critic_rows,
    synthetic_planner_rows,
    synthetic_text_pairs,
)
from interleavethinker.training.environment import require_train_extra
from interleavethinker.training.recipe import SftRecipe, VisionPretrainingRecipe, prompts_of, save_recipe

from .evaluation import evaluation_arguments, held_out_rows, samples_callback
from .examples import (
    captions,
    comparisons,
    critic_example,
    group_by_length,
    image_facts,
    planner_example,
    text_only,
    texts_of,
)
from .lazy_examples import LazyExamples, Source
from .trainer import adapter_config, configure, keep_to_rows, load_model, metrics_callback, train_and_save

__all__ = ["examples_of", "run_sft", "vocabulary_of"]


_TRL_BATCH = 8
"""TRL's batch size where a recipe gives none."""


def run_sft(recipe: SftRecipe, root: Path) -> Path:
    """Runs or resumes an SFT recipe; returns the folder of the finished model.

    Raises:
        InputError: The recipe, its data or its model is unusable.
    """
    require_train_extra("trl")
    from trl import SFTConfig, SFTTrainer

    arguments = configure(
        SFTConfig,
        recipe,
        root,
        evaluation_arguments(recipe, "eval_loss", greater_is_better=False),
        completion_only_loss=True,
        max_length=None,
        train_sampling_strategy="sequential",
        dataloader_num_workers=0,
        remove_unused_columns=False,
    )
    save_recipe(recipe, root)  # Only of valid arguments: a corrected repetition must not find another recipe there.
    examples = examples_of(recipe)
    keep_to_rows(examples.digest(), root)
    held_out = _held_out(recipe) if arguments.eval_strategy != "no" else None
    model, processor = load_model(recipe.model, recipe)
    trainer = SFTTrainer(
        model=model,
        args=arguments,
        train_dataset=examples.dataset(),
        eval_dataset=None if held_out is None else held_out.dataset(),
        processing_class=processor,
        callbacks=[metrics_callback(root), samples_callback(recipe, root, processor)],
        peft_config=adapter_config(recipe),
        **_optimizer(recipe, model, arguments.learning_rate),
    )
    return train_and_save(trainer, root, processor)


def examples_of(recipe: SftRecipe) -> LazyExamples:
    """Makes all examples of a run, in training order; those of the data set's rows are rendered when they are read.

    Raises:
        InputError: The data folder has no training rows for the recipe's roles.
    """
    folder, prompts = DataFolder(recipe.data), prompts_of(recipe)
    if recipe.rl_failures is None:
        rows = [source for role in recipe.roles for source in _sources(role, folder, recipe)]
    else:
        chosen = choose_rl_rows(list(folder.critic_rl), recipe.rl_failures, recipe.seed)
        rows = list(_critic_sources(chosen, folder, recipe))
    if recipe.rows is not None and recipe.rows < len(rows):
        # A random sample, because data sets that differ only in their selection begin with the same rows.
        rows = random.Random(f"{recipe.seed}/rows").sample(rows, recipe.rows)
    if recipe.repeats and not rows:
        learned = " or ".join(recipe.roles)
        msg = f"{recipe.data} has no {learned} rows. Make them: interleavethinker data --help"
        raise InputError(msg)
    ordered = list(LazyExamples.from_examples(_introduction(recipe, folder, prompts)))
    for turn in range(recipe.repeats):
        ordered += random.Random(f"{recipe.seed}/{turn}").sample(rows, len(rows))
    return LazyExamples(ordered, folder.store, prompts)


def _introduction(recipe: SftRecipe, folder: DataFolder, prompts: Prompts) -> Iterator[dict[str, Any]]:
    """The examples before the data set's rows, which are made from rendered images."""
    yield from captions(folder.store, recipe.captions, recipe.seed)
    yield from text_only(synthetic_text_pairs(recipe.text_only, recipe.seed), folder.store)
    yield from comparisons(folder.store, recipe.comparisons, recipe.seed)
    yield from image_facts(folder.store, recipe.image_facts, recipe.seed)
    count = recipe.synthetic_rows // len(recipe.roles)
    synthetic = list(
        chain.from_iterable(
            zip(*(_synthetic_examples(role, folder, prompts, count, recipe) for role in recipe.roles), strict=True)
        )
    )
    if recipe.natural_rows:
        natural = natural_planner_rows(folder.store, recipe.natural_rows, recipe.seed)
        synthetic += [planner_example(row, folder.store, prompts) for row in natural]
        chance = random.Random(f"{recipe.seed}/natural")
        chance.shuffle(synthetic)
        batch = recipe.arguments.get("per_device_train_batch_size")
        synthetic = group_by_length(synthetic, batch if isinstance(batch, int) else _TRL_BATCH, chance)
    yield from synthetic


def _held_out(recipe: SftRecipe) -> LazyExamples:
    folder = DataFolder(recipe.data)
    sources: list[Source] = []
    for role in recipe.roles:
        count = recipe.evaluation_rows // len(recipe.roles)
        if role == "critic":
            sources += _critic_sources(held_out_rows(role, folder, count), folder, recipe)
        else:
            sources += LazyExamples.from_rows(role, held_out_rows(role, folder, count))
    return LazyExamples(sources, folder.store, prompts_of(recipe))


def _optimizer(recipe: SftRecipe, model: Any, learning_rate: float) -> dict[str, Any]:
    """The trainer's argument for Muon; empty if the recipe uses the trainer's own optimizer."""
    if not recipe.muon:
        return {}
    from interleavethinker.training.loop import JoinedOptimizer, muon_adamw

    return {"optimizers": (JoinedOptimizer(muon_adamw(model, learning_rate, learning_rate)), None)}


def vocabulary_of(recipe: VisionPretrainingRecipe) -> Iterator[str]:
    """Yields texts for a new tokenizer: captions and rows of both roles, so that planner and critic share it."""
    folder, prompts = DataFolder(recipe.data), prompts_of(recipe)
    sources = [source for role in ("planner", "critic") for source in islice(_sources(role, folder), 4000)]
    return texts_of([*LazyExamples(sources, folder.store, prompts), *captions(folder.store, 50, recipe.seed)])


def _synthetic_examples(
    role: str, folder: DataFolder, prompts: Prompts, count: int, recipe: SftRecipe
) -> Iterator[dict[str, Any]]:
    if role == "critic":
        rows = synthetic_critic_rows(folder.store, count, recipe.seed, recipe.style)
        return (critic_example(row, folder.store, prompts, checklist=recipe.checklist) for row in rows)
    plans = synthetic_planner_rows(folder.store, count, recipe.seed)
    return (planner_example(row, folder.store, prompts) for row in plans)


def _sources(role: str, folder: DataFolder, recipe: SftRecipe | None = None) -> Iterator[Source]:
    if role == "critic":
        return _critic_sources(folder.critic_sft, folder, recipe)
    return LazyExamples.from_rows(role, (row for row in folder.planner if row.split == "train"))


def _critic_sources(rows: Iterable[CriticRow], folder: DataFolder, recipe: SftRecipe | None) -> Iterator[Source]:
    """Yields the sources of critic rows.

    Raises:
        InputError: The recipe wants checklists, and no row has one.
    """
    if recipe is None or recipe.checklist == "none":
        return LazyExamples.from_rows("critic", rows)
    found = list(rows)
    if found and not any(row.answer.checklist for row in found):
        raise InputError(
            f"The critic rows of {folder.root} have no checklists, because their teacher gave none or an older "
            "version wrote them. Score the attempts again in a new folder (interleavethinker data scores), or train "
            "without checklists: --set checklist=none"
        )
    return LazyExamples.from_rows(f"critic, checklist as {recipe.checklist}", found)
