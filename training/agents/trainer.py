"""The code that SFT and GRPO share around TRL's trainers: loading the model, resuming, logging metrics, saving the
result.

A run folder holds `recipe.json`, `metrics.jsonl`, TRL's checkpoints, and `model/` when the run is finished. TRL,
transformers and torch are imported only when a run begins.
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

from .run_report import plot_curves, report_run

__all__ = ["adapter_config", "configure", "load_model", "metrics_callback", "train_and_save"]

_log = logging.getLogger(__name__)


def load_model(name: str, recipe: SftRecipe | GrpoRecipe, dtype: str | None = None) -> tuple[Any, Any]:
    """Loads a Qwen3-VL and its processor, and freezes the parameters that the recipe freezes.

    Args:
        name: Folder, `package:folder`, or repository.
        recipe: Names the frozen parameters.
        dtype: Name of a torch dtype; by default float32, which does not lose small updates.

    Raises:
        InputError: `name` is not a Qwen3-VL.
    """
    import torch
    from transformers import Qwen3VLForConditionalGeneration

    from interleavethinker.tools.qwen3vl.processor import load_processor

    path = resolve_folder(name)
    try:
        processor = load_processor(path)
        model = Qwen3VLForConditionalGeneration.from_pretrained(path, dtype=getattr(torch, dtype or "float32"))
    except (OSError, ValueError) as error:
        msg = f"Cannot load the recipe's model {name!r} as a Qwen3-VL folder or repository: {error}"
        raise InputError(msg) from error
    for parameter_name, parameter in model.named_parameters():
        if any(part in parameter_name for part in recipe.freeze):
            parameter.requires_grad_(False)
    return model, processor


def configure(kind: type[Any], recipe: SftRecipe | GrpoRecipe, root: Path, **defaults: object) -> Any:
    """Makes TRL's configuration from the recipe's arguments.

    Args:
        kind: `SFTConfig` or `GRPOConfig`.
        recipe: Its arguments override `defaults`.
        root: The run folder.
        defaults: Arguments that this kind of run needs.

    Raises:
        InputError: TRL rejects an argument.
    """
    import torch

    arguments = {
        "output_dir": str(root),
        "seed": recipe.seed,
        "report_to": _reporters(),
        "dataloader_pin_memory": torch.cuda.is_available(),
        **defaults,
        **recipe.arguments,
    }
    try:
        return kind(**arguments)
    except (TypeError, ValueError, ImportError) as error:
        msg = f"{kind.__name__} rejects the recipe's [arguments]: {error}"
        raise InputError(msg) from error


def adapter_config(recipe: SftRecipe | GrpoRecipe) -> Any:
    """Returns the recipe's LoRA configuration, or None."""
    if recipe.lora is None:
        return None
    from peft import LoraConfig

    return LoraConfig(r=recipe.lora.rank, lora_alpha=recipe.lora.alpha, target_modules=recipe.lora.targets)


def metrics_callback(root: Path) -> Any:
    """Returns a callback that appends what the trainer logs to `metrics.jsonl`."""
    from transformers import TrainerCallback

    class MetricsFile(TrainerCallback):  # type: ignore[misc]
        """Writes from the main process only."""

        def on_log(self, _args: Any, state: Any, _control: Any, logs: Any = None, **_: Any) -> None:
            if state.is_world_process_zero:
                with (root / "metrics.jsonl").open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"step": state.global_step, **(logs or {})}) + "\n")

    return MetricsFile()


def train_and_save(trainer: Any, root: Path, processor: Any) -> Path:
    """Trains to the end, from the last checkpoint if there is one; returns the folder of the finished model.

    Finished weights are saved in bfloat16, as they ship, so that later runs start from the same weights as users get.
    Curves are plotted when a run resumes and, together with samples, when it is finished.
    """
    import torch

    checkpoints = _checkpoints(root)
    if checkpoints:
        _log.info("Resuming from %s", checkpoints[-1].name)
        if trainer.is_world_process_zero():
            plot_curves(root)
    trainer.train(resume_from_checkpoint=str(checkpoints[-1]) if checkpoints else None)
    target = root / "model"
    if not trainer.args.bf16:
        trainer.model.to(torch.bfloat16)
    trainer.save_model(str(target))
    processor.save_pretrained(target)
    if trainer.is_world_process_zero():
        report_run(root)
    return target


def _checkpoints(root: Path) -> Sequence[Path]:
    """Complete checkpoints, latest last: the trainer writes its state as the last file of a checkpoint."""
    found = [path for path in root.glob("checkpoint-*") if (path / "trainer_state.json").is_file()]
    return sorted(found, key=lambda path: int(path.name.rpartition("-")[2]))


def _reporters() -> list[str]:
    from importlib.util import find_spec

    return ["tensorboard"] if find_spec("tensorboard") else []
