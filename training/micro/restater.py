"""Trains the restater, which words a request as the rules read it: a Qwen3-VL of 3.6 million parameters, from scratch.

It learns from pairs that were written by hand (`training.data.rewordings`), each varied anew whenever it is drawn:
first from short ones; every later stage adds others. Both texts are lower-case. The question's tokens count a little
in the loss: a model that has only some ten thousand examples learns more about words when it also predicts them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from interleavethinker.microworld.agents.restating import REFUSED, question_of
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.qwen3vl.processor import load_processor
from interleavethinker.training.data.rewordings import Composer, Rewording, shipped_rewordings, varied
from interleavethinker.training.loop import RunFolder, Stage, muon_adamw, run_stage
from interleavethinker.training.recipe import RestaterRecipe, save_recipe

from .vlm import make_micro_qwen

__all__ = ["run_restater"]

_VOCABULARY = 2400
_QUESTION_WEIGHT = 0.15
"""Weight of a token of the question in the loss; one of the answer has weight 1."""
_IGNORED = -100
_COMPOSED = 0.3
"""Share of the steps with composed requests, which are about twice as long as others."""
_WINDOWS = 25
_USUAL_LENGTH = 120
"""Characters of a pair of which `batch` come in one step."""


def run_restater(recipe: RestaterRecipe, root: Path) -> Path:
    """Runs or resumes a recipe; returns the folder of the finished model.

    Raises:
        InputError: The run folder is of another recipe or cannot be written.
    """
    from transformers import Qwen3VLForConditionalGeneration

    stages = [shipped_rewordings(number) for number in range(1, len(recipe.steps) + 1)]
    short = stages[0]
    if not short:
        raise InputError("This installation contains no pairs of wordings.")
    save_recipe(recipe, root)
    folder, start = RunFolder(root), root / "start"
    if not (start / "tokenizer_config.json").is_file():  # the last file written: an incomplete folder is made again
        texts = _texts(_by_length(short), recipe.seed)
        make_micro_qwen(texts, start, recipe.seed, vocabulary=_VOCABULARY, reads_images=False)
    model = Qwen3VLForConditionalGeneration.from_pretrained(start, dtype=torch.float32)
    model.model.visual.requires_grad_(requires_grad=False)
    processor = load_processor(start)
    tokenizer = processor.tokenizer

    composer = Composer(_by_length(short))  # longer ones are long enough by themselves

    def train(stage: Stage, pairs: list[Rewording], batch: int) -> None:
        ordered = _by_length(pairs)

        def loss(rng: np.random.Generator) -> tuple[torch.Tensor, dict[str, float]]:
            if rng.random() < _COMPOSED:
                chosen = [composer.compose(rng) for _ in range(batch // 2)]
            else:
                chosen = _of_like_length(ordered, batch, rng)
            return _loss(model, *_batch(tokenizer, chosen, rng))

        run_stage(stage, folder, model, muon_adamw(model, recipe.learning_rate, recipe.learning_rate), loss)

    for number, (pairs, steps, batch) in enumerate(zip(stages, recipe.steps, recipe.batch, strict=True)):
        name, seed = f"{recipe.kind}-{number + 1}", recipe.seed + number
        train(Stage(name, steps, recipe.learning_rate, seed, save_every=200), pairs, batch)
    target = root / "model"
    model.to(torch.bfloat16).save_pretrained(target)
    processor.save_pretrained(target)
    return target


def _by_length(pairs: list[Rewording]) -> list[Rewording]:
    return sorted(pairs, key=lambda pair: len(pair.wording) + len(pair.restated or ""))


def _of_like_length(pairs: list[Rewording], batch: int, rng: np.random.Generator) -> list[Rewording]:
    """Draws a batch from ordered pairs, from a window of them, so that little of it is padding.

    Short pairs come in larger batches. Which window is drawn makes every pair equally likely.
    """
    wide = max(1, len(pairs) // _WINDOWS)
    at = int(rng.integers(len(pairs)))
    length = len(pairs[at].wording) + len(pairs[at].restated or "")
    size = max(8, round(batch * _USUAL_LENGTH / max(length, 20)))
    near = np.abs(at + rng.integers(-(wide // 2), wide // 2 + 1, size=size))  # reflected at both ends
    return [pairs[int(min(each, 2 * (len(pairs) - 1) - each))] for each in near]


def _texts(pairs: list[Rewording], seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    return [text for pair in pairs for text in varied(pair, rng) if text is not None]


def _batch(tokenizer: Any, pairs: list[Rewording], rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns token ids and whether each belongs to an answer, both (n, longest), padded on the right."""
    rows = []
    for pair in pairs:
        wording, restated = varied(pair, rng)
        messages = [{"role": "user", "content": question_of(wording, pair.images)}]
        question = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        answer = (REFUSED if restated is None else restated) + tokenizer.eos_token
        rows.append([tokenizer(text, add_special_tokens=False)["input_ids"] for text in (question, answer)])
    longest = max(len(question) + len(answer) for question, answer in rows)
    ids = torch.full((len(rows), longest), tokenizer.pad_token_id)
    answered = torch.zeros((len(rows), longest), dtype=torch.bool)
    for row, (question, answer) in enumerate(rows):
        end = len(question) + len(answer)
        ids[row, :end] = torch.tensor([*question, *answer])
        answered[row, len(question) : end] = True
    return ids, answered


def _loss(model: Any, ids: torch.Tensor, answered: torch.Tensor) -> tuple[torch.Tensor, dict[str, float]]:
    padding = ids == model.config.text_config.pad_token_id
    logits = model(input_ids=ids, attention_mask=(~padding).long(), use_cache=False).logits[:, :-1]
    wanted = ids[:, 1:].masked_fill(padding[:, 1:], _IGNORED)
    each = functional.cross_entropy(logits.flatten(0, 1), wanted.flatten(), reduction="none", ignore_index=_IGNORED)
    weights = answered[:, 1:].float() + _QUESTION_WEIGHT * (~answered[:, 1:] & ~padding[:, 1:])
    each = each.view_as(wanted)
    right = ((logits.argmax(-1) == wanted) | ~answered[:, 1:]).all(-1)
    total = (each * weights).sum() / weights.sum()
    answers = (each * answered[:, 1:]).sum() / answered.sum()
    return total, {"answer": answers.item(), "exact": right.float().mean().item()}
