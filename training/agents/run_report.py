"""What a run of planner or critic training looks like: `curves.png` of everything logged, and samples of its answers.

`samples.md` shows a few held-out rows: the pictures, the question, the teacher's answer, the model's greedy one.
`samples.png` is the same as one sheet. Everything is made from the run folder alone, after training or at any time
later. Charts need matplotlib, which comes with the train extra; without it only the text is written. What cannot be
made is said in the log and never costs a run its model.
"""

from __future__ import annotations

import asyncio
import json
import logging
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from pydantic import TypeAdapter, ValidationError

from interleavethinker.evaluation.charts import can_draw, curves_chart, sheet_chart
from interleavethinker.evaluation.inference.deterministic_batches import ask_in_rounds, chat_model
from interleavethinker.microworld.agents.registry import AgentWeights
from interleavethinker.tools.chat.agents import to_messages
from interleavethinker.tools.chat.answers import write_plan, write_verdict
from interleavethinker.tools.chat.rendering import BLANK, Turn, render_case, render_request
from interleavethinker.tools.errors import InputError, InterleaveError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import ImagePart, TextPart
from interleavethinker.training.data.schema import CriticRow, DataFolder, PlannerRow
from interleavethinker.training.recipe import GrpoRecipe, Recipe, SftRecipe, SightRecipe, prompts_of

__all__ = ["Sample", "curves_of", "draw_curves", "picture_run", "write_samples"]

_log = logging.getLogger(__name__)
_Row = TypeVar("_Row", CriticRow, PlannerRow)
_RECIPES: TypeAdapter[SightRecipe | SftRecipe | GrpoRecipe] = TypeAdapter(Recipe)
_ROWS = 4
_MAX_NEW_TOKENS = {"critic": 220, "planner": 640}
_LARGEST = 1 << 30
"""Bytes of weights that fit beside a trainer that still holds its own; larger models are not sampled here."""
_DULL = (
    *("epoch", "step", "total_flos", "num_", "clip_ratio", "frac_", "sampling/"),
    *("completions/min", "completions/max", "completions/mean_terminated"),
)
"""Curves whose names begin like this say nothing about learning."""


@dataclass(frozen=True)
class Sample:
    """One held-out row and what the model says to it."""

    name: str
    turns: tuple[Turn, ...]
    blank_like: str | None
    teacher: str
    answer: str = ""

    @property
    def question(self) -> str:
        """The text of the question."""
        return "\n".join(part.text for turn in self.turns for part in turn.parts if isinstance(part, TextPart))

    @property
    def pictures(self) -> tuple[str, ...]:
        """The pictures in the question, without blank ones."""
        parts = (part for turn in self.turns for part in turn.parts if isinstance(part, ImagePart))
        return tuple(part.sha256 for part in parts if part.sha256 != BLANK)


def picture_run(root: Path) -> None:
    """Writes curves and samples of a finished run; says in the log what cannot be made.

    Args:
        root: The run folder, with `metrics.jsonl`, `recipe.json` and `model/`.
    """
    draw_curves(root)
    try:
        write_samples(root)
    # torch and matplotlib report their troubles as the last two
    except (InterleaveError, OSError, RuntimeError, ValueError) as error:
        _log.warning("no samples of this run: %s", error)


def curves_of(path: Path) -> dict[str, tuple[list[float], list[float]]]:
    """The curves in a `metrics.jsonl`: by name, steps and values. A step that was logged again counts as logged last.

    Args:
        path: The file; a missing one has no curves.
    """
    curves: dict[str, dict[float, float]] = {}
    if not path.exists():
        return {}
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            logged: Mapping[str, object] = json.loads(line)
        except json.JSONDecodeError:
            continue  # a killed run's last line
        step = logged.get("step")
        for name, value in logged.items():
            if isinstance(step, int) and isinstance(value, int | float) and not _is_dull(name):
                curves.setdefault(name, {})[step] = float(value)
    found = {name: ([*sorted(values)], [values[step] for step in sorted(values)]) for name, values in curves.items()}
    return {name: curve for name, curve in found.items() if len(curve[0]) > 1}


def draw_curves(root: Path) -> None:
    """Writes `curves.png`; nothing if nothing is logged yet or matplotlib is missing."""
    curves = curves_of(root / "metrics.jsonl")
    if not curves:
        return
    if not can_draw():
        _log.warning("no curves.png: matplotlib is not installed; it comes with the train extra")
        return
    try:
        curves_chart(curves, root / "curves.png")
    except (OSError, RuntimeError, ValueError) as error:
        _log.warning("no curves.png: %s", error)


def write_samples(root: Path) -> None:
    """Asks the finished model about a few held-out rows, and writes `samples.md` and `samples.png`.

    Raises:
        InputError: The run folder or its data cannot be used, or the model is too large to be loaded beside a trainer.
        ModelError: The model cannot be loaded.
    """
    recipe = _recipe(root)
    folder = DataFolder(recipe.data)
    samples = [sample for role in recipe.roles for sample in _samples(recipe, role, folder)]
    if not samples:
        held_out = " or ".join(recipe.roles)
        msg = (
            f"{recipe.data} must hold held-out {held_out} rows; it has none. Make more: interleavethinker data --help."
        )
        raise InputError(msg)
    weights = _weights(recipe, root)
    model = chat_model(weights, temperature=0.0, max_new_tokens=max(_MAX_NEW_TOKENS[role] for role in recipe.roles))
    questions = [to_messages(one.turns, folder.store, one.blank_like) for one in samples]

    answers = ask_in_rounds(model, len(samples), recipe.seed, partial(_ask_all, model, questions))
    told = [replace(one, answer=answer) for one, answer in zip(samples, answers, strict=True)]
    _write(told, folder.store, root)


async def _ask_all(model: BaseChatModel, questions: Sequence[list[BaseMessage]]) -> list[str]:
    answers = await asyncio.gather(*(model.ainvoke(messages) for messages in questions))
    return [str(answer.text) for answer in answers]


def _is_dull(name: str) -> bool:
    return name.startswith(_DULL) or "runtime" in name or "per_second" in name


def _recipe(root: Path) -> SftRecipe | GrpoRecipe:
    msg = f"{root} must hold the recipe.json of a planner's or critic's run"
    try:
        recipe = _RECIPES.validate_json((root / "recipe.json").read_bytes())
    except (OSError, ValidationError) as error:
        raise InputError(f"{msg}; found: {error}") from error
    if isinstance(recipe, SightRecipe):
        raise InputError(f"{msg}; found one of kind {recipe.kind!r}, whose model cannot answer yet.")
    return recipe


def _weights(recipe: SftRecipe | GrpoRecipe, root: Path) -> AgentWeights:
    """The run's model; an adapter needs the model that it was trained on."""
    model = root / "model"
    size = sum(file.stat().st_size for file in model.glob("*.safetensors"))
    if not (model / "adapter_config.json").is_file():
        if size > _LARGEST:
            msg = (
                f"A model to be sampled must be smaller than {_LARGEST >> 30} GiB; this one has {size >> 30}. Serve it."
            )
            raise InputError(msg)
        return AgentWeights("run", f"qwen3-vl:{model}")
    if not _is_small(recipe.model):
        msg = f"A model to be sampled must be a small local one; this adapter belongs to {recipe.model}. Serve it."
        raise InputError(msg)
    return AgentWeights("run", f"qwen3-vl:{recipe.model}", str(model))


def _is_small(name: str) -> bool:
    from interleavethinker.tools.qwen3vl.inference import resolve_folder

    files = list(Path(resolve_folder(name)).glob("*.safetensors"))
    return bool(files) and sum(file.stat().st_size for file in files) <= _LARGEST


def _samples(recipe: SftRecipe | GrpoRecipe, role: str, folder: DataFolder) -> list[Sample]:
    prompts = prompts_of(recipe)
    if role == "planner":
        rows = _spread([row for row in folder.planner if row.split != "train"])
        return [
            Sample(row.id, tuple(render_request(row.request, prompts=prompts)), None, write_plan(row.plan, row.first))
            for row in rows
        ]
    tests = list(folder.critic_test)
    chosen = [*_spread([row for row in tests if row.success], 1), *_spread([row for row in tests if not row.success])]
    return [
        Sample(row.id, tuple(render_case(row.case, prompts)), row.case.image, write_verdict(row.answer))
        for row in chosen[:_ROWS]
    ]


def _spread(rows: Sequence[_Row], count: int = _ROWS) -> list[_Row]:
    """Up to `count` rows from all over a list, so that several families are shown."""
    step = max(1, len(rows) // count)
    return list(rows[::step][:count])


def _write(samples: Sequence[Sample], store: ImageStore, root: Path) -> None:
    folder = root / "samples"
    folder.mkdir(exist_ok=True)
    lines = ["# Samples", "", "Held-out rows; greedy answers of the finished model.", ""]
    sheet: list[tuple[list[Path], str]] = []
    for number, sample in enumerate(samples, 1):
        shown = []
        for place, picture in enumerate(sample.pictures, 1):
            path = folder / f"{number}-{place}.png"
            path.write_bytes(store.get(picture))
            shown.append(path)
        lines += [f"## {number}: {sample.name}", ""]
        lines += [" ".join(f"![picture](samples/{path.name})" for path in shown), ""] if shown else []
        parts = (("Question", sample.question), ("Teacher", sample.teacher), ("Model", sample.answer))
        for heading, text in parts:
            lines += [f"**{heading}**", "", *(f"    {line}" for line in text.splitlines()), ""]
        told = "\n".join(f"{heading}: {text}" for heading, text in parts)
        sheet.append((shown, "\n".join(textwrap.fill(line, 110) for line in told.splitlines())))
    (root / "samples.md").write_text("\n".join(lines), encoding="utf-8")
    if can_draw():
        sheet_chart(sheet, root / "samples.png")
