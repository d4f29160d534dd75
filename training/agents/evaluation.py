"""Evaluation while training: which rows it uses, what the trainer is told, and the samples that it leaves.

SFT evaluates the loss of held-out answers, GRPO the reward. Samples of SFT are greedy answers of the model in training;
those of GRPO are answers that were evaluated, with their rewards, so that they cost no further image.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar, overload

from interleavethinker.tools.chat.rendering import Prompts
from interleavethinker.tools.errors import InputError, InterleaveError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.training.data.folder import DataFolder
from interleavethinker.training.data.schema import CriticRow, PlannerRow
from interleavethinker.training.recipe import GrpoRecipe, SftRecipe, prompts_of

from .examples import Example, critic_prompt, planner_example
from .lazy_examples import open_image
from .samples import Sample, critic_sample, planner_sample, write_images, write_markdown

__all__ = ["answers_callback", "evaluation_arguments", "held_out_rows", "samples_callback", "spread"]

_log = logging.getLogger(__name__)
_Row = TypeVar("_Row", CriticRow, PlannerRow)


def evaluation_arguments(recipe: SftRecipe | GrpoRecipe, metric: str, *, greater_is_better: bool) -> dict[str, object]:
    """Returns the trainer's arguments for evaluation every `evaluate_every` steps; empty if there is none.

    Args:
        recipe: The recipe.
        metric: What decides which checkpoint is the best one.
        greater_is_better: Whether a greater value of it is better.
    """
    every = recipe.evaluate_every
    if not every:
        return {}
    return {
        "eval_strategy": "steps",
        "eval_steps": every,
        "save_strategy": "steps",
        "save_steps": every,
        "load_best_model_at_end": True,
        "metric_for_best_model": metric,
        "greater_is_better": greater_is_better,
    }


@overload
def held_out_rows(role: Literal["critic"], folder: DataFolder, count: int) -> list[CriticRow]: ...


@overload
def held_out_rows(role: Literal["planner"], folder: DataFolder, count: int) -> list[PlannerRow]: ...


def held_out_rows(
    role: Literal["planner", "critic"], folder: DataFolder, count: int
) -> list[CriticRow] | list[PlannerRow]:
    """Returns up to `count` rows that no training uses, spread evenly; of the critic's, half are failed attempts.

    Raises:
        InputError: There are none.
    """
    rows: list[CriticRow] | list[PlannerRow]
    if role == "planner":
        rows = spread([row for row in folder.planner if row.split != "train"], count)
    else:
        tests = list(folder.critic_test)
        failed = spread([row for row in tests if not row.success], max(1, count // 2))
        rows = [*failed, *spread([row for row in tests if row.success], max(0, count - len(failed)))]
    if not rows:
        raise InputError(
            f"{folder.root} has no held-out {role} rows, which evaluation while training needs. Make them (`data "
            "prompts --held-out N` and the stages after it), or turn evaluation off: --set evaluate_every=0"
        )
    return rows


def spread(rows: Sequence[_Row], count: int) -> list[_Row]:
    """Returns up to `count` rows, spread evenly over the list, so that several families are among them."""
    step = max(1, len(rows) // max(1, count))
    return list(rows[::step][:count])


def samples_callback(recipe: SftRecipe, root: Path, processor: Any) -> Any:
    """Returns a callback that writes greedy answers of the model in training at each evaluation.

    Args:
        recipe: Its `samples` says how many.
        root: The run folder; files are `samples/step-N.md`.
        processor: The model's processor.
    """
    from transformers import TrainerCallback

    folder, prompts = DataFolder(recipe.data), prompts_of(recipe)

    @cache  # Choosing them reads the whole data set.
    def questions() -> list[tuple[Sample, Example]]:
        return list(_questions(recipe, folder, prompts))

    class Samples(TrainerCallback):  # type: ignore[misc]
        """Every process generates, since a model may be spread over all of them; the main one writes."""

        def on_evaluate(self, args: Any, state: Any, _control: Any, model: Any = None, **_: Any) -> None:
            if not recipe.samples:
                return
            together = args.world_size > 1
            found = [
                replace(
                    sample, answer=_greedy_answer(model, processor, example, recipe.sample_tokens, together=together)
                )
                for sample, example in questions()
            ]
            _write(found, folder.store, root, state)

    return Samples()


def _questions(recipe: SftRecipe, folder: DataFolder, prompts: Prompts) -> Iterator[tuple[Sample, Example]]:
    """Yields the samples without their answers, and what the model is asked."""
    for role in recipe.roles:
        for row in held_out_rows(role, folder, max(1, recipe.samples // len(recipe.roles))):
            if isinstance(row, CriticRow):
                sample = critic_sample(row, prompts, checklist=recipe.checklist)
                yield sample, critic_prompt(row, folder.store, prompts)
            else:
                yield planner_sample(row, prompts), planner_example(row, folder.store, prompts)


def answers_callback(
    recipe: GrpoRecipe, root: Path, rows: Sequence[CriticRow], answers: Callable[[], Mapping[str, tuple[str, Any]]]
) -> Any:
    """Returns a callback that writes answers to held-out rows, and what they earned, at each evaluation.

    Args:
        recipe: Its `samples` says how many.
        root: The run folder; files are `samples/step-N.md`.
        rows: The held-out rows of the evaluation.
        answers: The last answer to each row of the evaluation, by id, with its rewards, if it was not masked.
    """
    from transformers import TrainerCallback

    store, prompts = DataFolder(recipe.data).store, prompts_of(recipe)

    class Samples(TrainerCallback):  # type: ignore[misc]
        """Writes what the main process has seen."""

        def on_evaluate(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
            seen = answers()
            found = [
                replace(critic_sample(row, prompts), answer=seen[row.id][0], rewards=seen[row.id][1] or {})
                for row in spread([row for row in rows if row.id in seen], recipe.samples)
            ]
            _write(found, store, root, state)

    return Samples()


def _write(samples: Sequence[Sample], store: ImageStore, root: Path, state: Any) -> None:
    if not samples or not state.is_world_process_zero:
        return
    try:
        images = write_images(samples, store, root / "samples")
        title = f"Samples after {state.global_step} steps"
        write_markdown(samples, images, root / "samples" / f"step-{state.global_step}.md", title)
    except (InterleaveError, OSError) as error:
        _log.warning("Wrote no samples of step %d: %s", state.global_step, error)


def _greedy_answer(model: Any, processor: Any, example: Example, tokens: int, *, together: bool) -> str:
    import torch

    text = processor.apply_chat_template(example["prompt"], tokenize=False, add_generation_prompt=True)
    images = [open_image(path) for path in example["images"]]
    inputs = processor(text=[text], images=images or None, return_tensors="pt").to(model.device)
    with torch.no_grad():
        made = model.generate(**inputs, max_new_tokens=tokens, do_sample=False, synced_gpus=together)
    return str(processor.decode(made[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))
