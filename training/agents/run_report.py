"""Reports on a run of planner or critic training: `curves.png` with the logged metrics, and samples of its answers.

`samples.md` shows a few held-out rows with their images, the question, the teacher's answer and the model's greedy
answer; `samples.png` shows the same as one sheet. Both are made from the run folder alone, after training or at any
time later. Charts need matplotlib, which is in the train extra; without it only the text is written. A report that
cannot be made is logged as a warning and never fails the run.
"""

from __future__ import annotations

import asyncio
import json
import logging
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage

from interleavethinker.evaluation.charts import charts_available, curves_chart, sheet_chart
from interleavethinker.evaluation.inference.deterministic_batches import chat_model, run_round
from interleavethinker.microworld.agents.registry import AgentWeights
from interleavethinker.tools.chat.messages import to_messages
from interleavethinker.tools.errors import InputError, InterleaveError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.training.data.folder import DataFolder
from interleavethinker.training.recipe import (
    GrpoRecipe,
    RestaterRecipe,
    SftRecipe,
    VisionPretrainingRecipe,
    load_saved_recipe,
    prompts_of,
)

from .evaluation import spread
from .samples import Sample, critic_sample, planner_sample, write_images, write_markdown

__all__ = ["curves_of", "plot_curves", "report_run", "write_samples"]

_log = logging.getLogger(__name__)
_ROWS = 4
_MAX_NEW_TOKENS = {"critic": 220, "planner": 640}
_LARGEST = 1 << 30
"""Largest size of the weights, in bytes, for sampling: the trainer still holds its own copy in memory."""
_UNINFORMATIVE = (
    *("epoch", "step", "total_flos", "num_", "clip_ratio", "frac_", "sampling/"),
    *("completions/min", "completions/max", "completions/mean_terminated"),
)
"""Name prefixes of logged values that are not plotted because they say nothing about learning."""


def report_run(root: Path) -> None:
    """Writes curves and samples of a finished run; logs a warning for what cannot be made.

    Args:
        root: The run folder, with `metrics.jsonl`, `recipe.json` and `model/`.
    """
    plot_curves(root)
    try:
        write_samples(root)
    # torch and matplotlib raise RuntimeError and ValueError
    except (InterleaveError, OSError, RuntimeError, ValueError) as error:
        _log.warning("Wrote no samples of this run: %s", error)


def curves_of(path: Path) -> dict[str, tuple[list[float], list[float]]]:
    """Reads the curves in a `metrics.jsonl`. If a step was logged twice, the last value counts.

    Args:
        path: The file; a missing file has no curves.

    Returns:
        Steps and values by name, for names with at least two values.
    """
    curves: dict[str, dict[float, float]] = {}
    if not path.exists():
        return {}
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            logged: Mapping[str, object] = json.loads(line)
        except json.JSONDecodeError:
            continue  # the run was killed while it wrote this line
        step = logged.get("step")
        for name, value in logged.items():
            if isinstance(step, int) and isinstance(value, int | float) and not _is_uninformative(name):
                curves.setdefault(name, {})[step] = float(value)
    found = {name: ([*sorted(values)], [values[step] for step in sorted(values)]) for name, values in curves.items()}
    return {name: curve for name, curve in found.items() if len(curve[0]) > 1}


def plot_curves(root: Path) -> None:
    """Writes `curves.png`, unless nothing is logged yet or matplotlib is missing."""
    curves = curves_of(root / "metrics.jsonl")
    if not curves:
        return
    if not charts_available():
        _log.warning("Wrote no curves.png; it needs matplotlib: pip install -c constraints.txt '.[train]'")
        return
    try:
        curves_chart(curves, root / "curves.png")
    except (OSError, RuntimeError, ValueError) as error:
        _log.warning("Wrote no curves.png: %s", error)


def write_samples(root: Path) -> None:
    """Runs the finished model on a few held-out rows and writes `samples.md` and `samples.png`.

    Raises:
        InputError: The run folder or its data are unusable, or the model is too large to load beside a trainer.
        ModelError: The model cannot be loaded.
    """
    recipe = _recipe(root)
    folder = DataFolder(recipe.data)
    samples = [sample for role in recipe.roles for sample in _samples(recipe, role, folder)]
    if not samples:
        held_out = " or ".join(recipe.roles)
        msg = f"{recipe.data} has no held-out {held_out} rows. Make them: interleavethinker data --help"
        raise InputError(msg)
    weights = _weights(recipe, root)
    model = chat_model(weights, temperature=0.0, max_new_tokens=max(_MAX_NEW_TOKENS[role] for role in recipe.roles))
    questions = [to_messages(one.turns, folder.store, one.blank_like) for one in samples]

    answers = run_round(model, len(samples), recipe.seed, partial(_ask_all, model, questions))
    answered = [replace(one, answer=answer) for one, answer in zip(samples, answers, strict=True)]
    _write(answered, folder.store, root)


async def _ask_all(model: BaseChatModel, questions: Sequence[list[BaseMessage]]) -> list[str]:
    answers = await asyncio.gather(*(model.ainvoke(messages) for messages in questions))
    return [str(answer.text) for answer in answers]


def _is_uninformative(name: str) -> bool:
    return name.startswith(_UNINFORMATIVE) or "runtime" in name or "per_second" in name


def _recipe(root: Path) -> SftRecipe | GrpoRecipe:
    recipe = load_saved_recipe(root)
    if isinstance(recipe, VisionPretrainingRecipe | RestaterRecipe):
        msg = f"{root} is a {recipe.kind} run, whose model is no planner or critic. Samples need an SFT or GRPO run."
        raise InputError(msg)
    return recipe


def _weights(recipe: SftRecipe | GrpoRecipe, root: Path) -> AgentWeights:
    """The run's model, or its adapter together with the model that it was trained on."""
    model = root / "model"
    size = sum(file.stat().st_size for file in model.glob("*.safetensors"))
    if not (model / "adapter_config.json").is_file():
        if size > _LARGEST:
            limit, found = _LARGEST >> 30, size >> 30
            msg = f"Samples need a model of at most {limit} GiB; this one has {found} GiB. Serve it instead."
            raise InputError(msg)
        return AgentWeights("run", f"qwen3-vl:{model}")
    if not _is_small(recipe.model):
        msg = f"Samples need a small local model; this adapter belongs to {recipe.model}. Serve it instead."
        raise InputError(msg)
    return AgentWeights("run", f"qwen3-vl:{recipe.model}", str(model))


def _is_small(name: str) -> bool:
    from interleavethinker.tools.qwen3vl.inference import resolve_folder

    files = list(Path(resolve_folder(name)).glob("*.safetensors"))
    return bool(files) and sum(file.stat().st_size for file in files) <= _LARGEST


def _samples(recipe: SftRecipe | GrpoRecipe, role: str, folder: DataFolder) -> list[Sample]:
    prompts = prompts_of(recipe)
    if role == "planner":
        rows = spread([row for row in folder.planner if row.split != "train"], _ROWS)
        return [planner_sample(row, prompts) for row in rows]
    tests = list(folder.critic_test)
    failed = spread([row for row in tests if not row.success], _ROWS)
    chosen = [*spread([row for row in tests if row.success], 1), *failed]
    return [critic_sample(row, prompts) for row in chosen[:_ROWS]]


def _write(samples: Sequence[Sample], store: ImageStore, root: Path) -> None:
    images = write_images(samples, store, root / "samples")
    write_markdown(samples, images, root / "samples.md", "Samples: held-out rows, greedy answers of the finished model")
    if not charts_available():
        return
    sheet: list[tuple[list[Path], str]] = []
    for sample, shown in zip(samples, images, strict=True):
        text = "\n".join(f"{heading}: {content}" for heading, content in sample.parts)
        sheet.append((shown, "\n".join(textwrap.fill(line, 110) for line in text.splitlines())))
    sheet_chart(sheet, root / "samples.png")
