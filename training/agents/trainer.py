"""The code that SFT and GRPO share around TRL's trainers: loading the model, resuming, logging metrics, saving the
result.

A run folder holds `recipe.json`, `metrics.jsonl`, TRL's checkpoints, and `model/` when the run is finished. TRL,
transformers and torch are imported only when a run begins.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

from pydantic import JsonValue

from interleavethinker.tools.errors import InputError, StoreError
from interleavethinker.tools.exhaustion import DISK_FULL
from interleavethinker.tools.file_lock import only_writer
from interleavethinker.tools.files import atomic_write
from interleavethinker.tools.model_catalog import pinned
from interleavethinker.tools.qwen3vl.inference import present_path
from interleavethinker.tools.weights import safetensors_problem
from interleavethinker.training.recipe import GrpoRecipe, SftRecipe

from .run_report import plot_curves, report_run

__all__ = ["adapter_config", "configure", "keep_to_rows", "load_model", "metrics_callback", "train_and_save"]

_log = logging.getLogger(__name__)
_FULL = ("No space left on device", "PytorchStreamWriter failed", "inline_container")
"""Words of safetensors and PyTorch about files that they could not write."""


def load_model(name: str, recipe: SftRecipe | GrpoRecipe, dtype: str | None = None) -> tuple[Any, Any]:
    """Loads a Qwen3-VL and its processor, and freezes the parameters that the recipe freezes.

    Args:
        name: Folder, `package:folder`, or repository.
        recipe: Names the frozen parameters.
        dtype: Name of a torch dtype; by default bfloat16 for the frozen weights under a LoRA adapter, and float32
            otherwise, which does not lose small updates. The argument `bf16` computes in bfloat16 all the same.

    Raises:
        InputError: `name` is not a Qwen3-VL.
        ModelError: `name` is a folder that does not exist.
    """
    import torch
    from transformers import Qwen3VLForConditionalGeneration

    from interleavethinker.tools.qwen3vl.processor import load_processor

    (path, commit), kind = pinned(present_path(name)), dtype or ("float32" if recipe.lora is None else "bfloat16")
    try:
        processor = load_processor(path, commit)
        model = Qwen3VLForConditionalGeneration.from_pretrained(
            path, revision=commit or "main", dtype=getattr(torch, kind)
        )
    except (OSError, ValueError) as error:
        msg = f"Cannot load the recipe's model {name!r} as a Qwen3-VL folder or repository: {error}"
        raise InputError(msg) from error
    for parameter_name, parameter in model.named_parameters():
        if any(part in parameter_name for part in recipe.freeze):
            parameter.requires_grad_(False)
    return model, processor


def configure(
    kind: type[Any], recipe: SftRecipe | GrpoRecipe, root: Path, evaluation: Mapping[str, object], **defaults: object
) -> Any:
    """Makes TRL's configuration from the recipe's arguments.

    Args:
        kind: `SFTConfig` or `GRPOConfig`.
        recipe: Its arguments override `defaults`.
        root: The run folder.
        evaluation: Arguments that follow from the recipe's fields for evaluation; they override its arguments.
        defaults: Arguments that this kind of run needs.

    Raises:
        InputError: TRL rejects an argument.
    """
    import torch

    _check_packages(recipe.arguments)
    _check_numbers(kind, recipe.arguments)
    arguments = {
        "output_dir": str(root),
        "seed": recipe.seed,
        "report_to": _reporters(),
        "dataloader_pin_memory": torch.cuda.is_available(),
        **defaults,
        **recipe.arguments,
        **evaluation,
    }
    try:
        return kind(**arguments)
    except (TypeError, ValueError, ImportError) as error:
        msg = f"{kind.__name__} rejects the recipe's [arguments]: {error}"
        raise InputError(msg) from error


def _check_numbers(kind: type[Any], arguments: Mapping[str, JsonValue]) -> None:
    """Refuses texts in place of numbers, which TRL's configuration takes and its trainer stumbles over."""
    for one in fields(kind):
        value = arguments.get(one.name)
        if one.type in (int, float) and isinstance(value, str):
            try:
                float(value)
            except ValueError:
                msg = f"The recipe's arguments.{one.name} must be a number, not {value!r}."
                raise InputError(msg) from None


def adapter_config(recipe: SftRecipe | GrpoRecipe) -> Any:
    """Returns the recipe's LoRA configuration, or None."""
    if recipe.lora is None:
        return None
    from peft import LoraConfig

    return LoraConfig(r=recipe.lora.rank, lora_alpha=recipe.lora.alpha, target_modules=recipe.lora.targets)


def metrics_callback(root: Path, further: Callable[[], Mapping[str, float]] = dict) -> Any:
    """Returns a callback that appends what the trainer logs, and `further` numbers, to `metrics.jsonl`."""
    from transformers import TrainerCallback

    class MetricsFile(TrainerCallback):  # type: ignore[misc]
        """Writes from the main process only."""

        def on_log(self, _args: Any, state: Any, _control: Any, logs: Any = None, **_: Any) -> None:
            if state.is_world_process_zero:
                with (root / "metrics.jsonl").open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"step": state.global_step, **(logs or {}), **further()}) + "\n")

    return MetricsFile()


def train_and_save(trainer: Any, root: Path, processor: Any) -> Path:
    """Trains to the end, from the last checkpoint if there is one; returns the folder of the finished model.

    Finished weights are saved in bfloat16, as they ship, so that later runs start from the same weights as users get.
    Curves are plotted when a run resumes and, together with samples, when it is finished.

    Raises:
        InputError: Another training writes to the run folder, or all of its checkpoints are damaged.
        StoreError: The disk is full (`disk_full`).
    """
    with ExitStack() as alone:
        if trainer.is_world_process_zero():
            alone.enter_context(only_writer(root))
        checkpoints = _checkpoints(root)
        if checkpoints:
            _log.info("Resuming from %s", checkpoints[-1].name)
            _leave_out_finished_training(trainer, checkpoints[-1])
            if trainer.is_world_process_zero():
                plot_curves(root)
        target = root / "model"
        with _disk_named(root):
            trainer.train(resume_from_checkpoint=str(checkpoints[-1]) if checkpoints else None)
            trainer.save_model(str(target))
            if trainer.is_world_process_zero():
                _convert_weights(target)
                processor.save_pretrained(target)
                report_run(root)
    return target


@contextmanager
def _disk_named(root: Path) -> Iterator[None]:
    """Names a full disk, which libraries report as errors of their own."""
    try:
        yield
    except Exception as error:
        full = isinstance(error, OSError) and error.errno in DISK_FULL
        if not full and not any(words in str(error) for words in _FULL):
            raise
        raise StoreError(
            f"The disk is full, so that {root} could not be written. Free some space and run the command again: it "
            "resumes from the last whole checkpoint.",
            code="disk_full",
        ) from error


def keep_to_rows(digest: str, root: Path) -> None:
    """Keeps a run to the rows that it began with: saves their hash in its folder, and compares it when it resumes.

    Raises:
        InputError: The rows have changed since the run began, so that it would go on with others.
    """
    path = root / "rows.sha256"
    if path.exists() and path.read_text(encoding="utf-8").strip() != digest:
        raise InputError(
            f"The rows of the data set have changed since the run in {root} began. Restore them to resume it, or name "
            "a new folder with --out."
        )
    atomic_write(path, f"{digest}\n".encode())


def _leave_out_finished_training(trainer: Any, checkpoint: Path) -> None:
    """Makes `train` only load weights, of a run's last checkpoint or of the best one, if that was its last step.

    The run was finished then, or killed before its model was saved. A trainer that resumes within an epoch makes a step
    before it looks at the number of steps. So the incomplete epoch is taken off, and none is left.
    """
    state = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    if state["global_step"] >= state["max_steps"]:
        trainer.args.max_steps = -1
        trainer.args.num_train_epochs = int(state["epoch"] or 0)


def _convert_weights(folder: Path) -> None:
    """Converts saved weights to bfloat16, file by file: FSDP gathers float32 weights that fit no single GPU.

    Raises:
        InputError: There are no weights. FSDP writes none with `SHARDED_STATE_DICT`, accelerate's default.
    """
    import torch
    from safetensors import safe_open
    from safetensors.torch import save_file

    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise InputError(
            f"Training ended, but {folder} got no weights. Under FSDP, set `fsdp_state_dict_type: FULL_STATE_DICT`, as "
            "in training/accelerate, and run the command again: it resumes from the last checkpoint."
        )
    for path in files:
        with safe_open(path, framework="pt") as saved:
            tensors = {name: saved.get_tensor(name) for name in saved.keys()}  # noqa: SIM118 - not a mapping
            metadata = saved.metadata()
        if any(tensor.dtype == torch.float32 for tensor in tensors.values()):
            converted = {
                name: tensor.to(torch.bfloat16) if tensor.dtype == torch.float32 else tensor
                for name, tensor in tensors.items()
            }
            temporary = path.with_suffix(".tmp")
            save_file(converted, temporary, metadata)
            temporary.replace(path)
    config = folder / "config.json"
    if config.is_file():
        text = config.read_text(encoding="utf-8")
        config.write_text(text.replace('"dtype": "float32"', '"dtype": "bfloat16"'), encoding="utf-8")


def _checkpoints(root: Path) -> Sequence[Path]:
    """Complete checkpoints, latest last: the trainer writes its state as the last file of a checkpoint.

    Raises:
        InputError: All of them are damaged.
    """
    found = [path for path in root.glob("checkpoint-*") if (path / "trainer_state.json").is_file()]
    problems = {path: _damage(path) for path in sorted(found, key=lambda path: int(path.name.rpartition("-")[2]))}
    whole = [path for path, problem in problems.items() if problem is None]
    for path, problem in problems.items():
        if problem is not None:
            _log.warning("%s is damaged and left out: %s", path.name, problem)
    if problems and not whole:
        raise InputError(
            f"No checkpoint in {root} is whole: {next(iter(problems.values()))} Delete the folders checkpoint-* "
            "there to begin anew, or name another folder (--out)."
        )
    return whole


def _damage(checkpoint: Path) -> str | None:
    """Returns what is wrong with a checkpoint, as after a loss of power, or in a copy that was not finished."""
    try:
        state = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
        readable = isinstance(state, dict) and isinstance(state.get("global_step"), int)
    except ValueError:
        readable = False
    if not readable:
        return "trainer_state.json cannot be read."
    for path in sorted(checkpoint.glob("*.pt*")):  # PyTorch writes archives, whose end says what is in them.
        if not is_zipfile(path):
            return f"{path.name} is cut off."
    for path in sorted(checkpoint.glob("*.safetensors")):
        if problem := safetensors_problem(path):
            return f"{path.name} {problem}."
    return None


def _check_packages(arguments: Mapping[str, object]) -> None:
    """Reports a package that a recipe's arguments need before any work is done.

    Raises:
        InputError: It is not installed (`missing_extra`).
    """
    reporters = arguments.get("report_to") or ()
    needed = {"vllm": "use_vllm"} if arguments.get("use_vllm") else {}
    needed |= {str(name): "report_to" for name in ([reporters] if isinstance(reporters, str) else reporters)}  # type: ignore[attr-defined]
    for package, argument in needed.items():
        if package not in {"none", "all"} and find_spec(package) is None:
            raise InputError(
                f"The recipe's argument {argument} needs {package}, which is not installed. Install it "
                f"(pip install {package}), or override the argument: --set arguments.{argument}="
                f"{'false' if argument == 'use_vllm' else 'none'}",
                code="missing_extra",
            )


def _reporters() -> list[str]:
    return ["tensorboard"] if find_spec("tensorboard") else []
