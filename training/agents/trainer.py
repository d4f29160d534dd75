"""What SFT and GRPO share around TRL's trainers: loading the model, resuming, metrics as a file, the finished model.

A run folder holds `recipe.json`, `metrics.jsonl`, TRL's checkpoints, and `model/` once it is done. TRL, transformers
and torch are imported when a run begins.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.qwen3vl.inference import resolve_folder
from interleavethinker.training.recipe import GrpoRecipe, SftRecipe

from .run_report import draw_curves, picture_run

__all__ = ["adapter_config", "configure", "finish", "load_model", "metrics_callback", "need_train_extra"]

_log = logging.getLogger(__name__)


def need_train_extra() -> None:
    """Raises an error that says what to install.

    Raises:
        InputError: The `train` extra is missing (`missing_extra`).
    """
    try:
        import trl  # noqa: F401 - only whether it is there
    except ImportError as error:
        msg = "Training planner or critic needs the train extra; install it: pip install 'interleavethinker[train]'."
        raise InputError(msg, code="missing_extra") from error


def load_model(name: str, recipe: SftRecipe | GrpoRecipe, dtype: str | None = None) -> tuple[Any, Any]:
    """Loads a Qwen3-VL and its processor, with what the recipe freezes frozen.

    Args:
        name: Folder, `package:folder`, or repository.
        recipe: Says what stays frozen.
        dtype: torch dtype's name; by default float32, in which small updates are not lost.
    """
    import torch
    from transformers import Qwen3VLForConditionalGeneration

    from interleavethinker.tools.qwen3vl.processor import load_processor

    path = resolve_folder(name)
    try:
        processor = load_processor(path)
        model = Qwen3VLForConditionalGeneration.from_pretrained(path, dtype=getattr(torch, dtype or "float32"))
    except (OSError, ValueError) as error:
        msg = f"The recipe's model must be a Qwen3-VL folder or repository; {name!r} cannot be loaded: {error}"
        raise InputError(msg) from error
    for parameter_name, parameter in model.named_parameters():
        if any(part in parameter_name for part in recipe.freeze):
            parameter.requires_grad_(False)
    return model, processor


def configure(kind: type[Any], recipe: SftRecipe | GrpoRecipe, root: Path, **ours: object) -> Any:
    """Makes TRL's configuration from the recipe's arguments.

    Args:
        kind: `SFTConfig` or `GRPOConfig`.
        recipe: Its arguments win over `ours`.
        root: The run folder.
        ours: What the run needs to be.

    Raises:
        InputError: TRL refuses an argument.
    """
    import torch

    arguments = {
        "output_dir": str(root),
        "seed": recipe.seed,
        "report_to": _reporters(),
        "dataloader_pin_memory": torch.cuda.is_available(),
        **ours,
        **recipe.arguments,
    }
    try:
        return kind(**arguments)
    except (TypeError, ValueError, ImportError) as error:
        msg = f"The recipe's [arguments] must suit {kind.__name__}; it says: {error}"
        raise InputError(msg) from error


def adapter_config(recipe: SftRecipe | GrpoRecipe) -> Any:
    """The LoRA configuration that a recipe asks for, or None."""
    if recipe.lora is None:
        return None
    from peft import LoraConfig

    return LoraConfig(r=recipe.lora.rank, lora_alpha=recipe.lora.alpha, target_modules=recipe.lora.targets)


def metrics_callback(root: Path) -> Any:
    """A callback that appends what the trainer logs to `metrics.jsonl`."""
    from transformers import TrainerCallback

    class MetricsFile(TrainerCallback):  # type: ignore[misc]
        """Only the process that logs writes."""

        def on_log(self, _args: Any, state: Any, _control: Any, logs: Any = None, **_: Any) -> None:
            if state.is_world_process_zero:
                with (root / "metrics.jsonl").open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"step": state.global_step, **(logs or {})}) + "\n")

    return MetricsFile()


def finish(trainer: Any, root: Path, processor: Any) -> Path:
    """Trains from the last checkpoint, if there is one, to the end; returns the folder of the finished model.

    Finished weights are in bfloat16, as they ship, so that what starts from them starts from what others get.
    Curves are drawn when a run goes on and, with samples of its answers, when it is finished.
    """
    import torch

    checkpoints = _checkpoints(root)
    if checkpoints:
        _log.info("resuming from %s", checkpoints[-1].name)
        if trainer.is_world_process_zero():
            draw_curves(root)
    trainer.train(resume_from_checkpoint=str(checkpoints[-1]) if checkpoints else None)
    target = root / "model"
    if not trainer.args.bf16:
        trainer.model.to(torch.bfloat16)
    trainer.save_model(str(target))
    processor.save_pretrained(target)
    if trainer.is_world_process_zero():
        picture_run(root)
    return target


def _checkpoints(root: Path) -> Sequence[Path]:
    """Whole checkpoints, the latest last; the trainer's state is what it writes last."""
    found = [path for path in root.glob("checkpoint-*") if (path / "trainer_state.json").is_file()]
    return sorted(found, key=lambda path: int(path.name.rpartition("-")[2]))


def _reporters() -> list[str]:
    from importlib.util import find_spec

    return ["tensorboard"] if find_spec("tensorboard") else []
