"""The micro world's trained planners and critics by name: the weights of each, and which are installed.

A critic that was trained more than once has one entry per training seed; entries of the same `variant` share a recipe
and may be pooled. To add weights, add a line here. Loads nothing, and does not know how weights were trained
(see `results/training-log.md`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from interleavethinker.tools.errors import ModelError
from interleavethinker.tools.qwen3vl.inference import resolve_folder
from interleavethinker.tools.structured_text import parse_json

__all__ = ["CRITICS", "PLANNERS", "AgentWeights", "available", "in_folder", "prompts_folder", "weights_of"]

_CHECKPOINTS = "interleavethinker.microworld:checkpoints"
_PLANNER, _CRITIC = f"qwen3-vl:{_CHECKPOINTS}/planner", f"qwen3-vl:{_CHECKPOINTS}/critic"


@dataclass(frozen=True)
class AgentWeights:
    """A model, possibly with a LoRA adapter."""

    variant: str
    """The training recipe; all training seeds of a recipe share it."""
    model: str
    """As in profiles: `qwen3-vl:` followed by a folder, `package:folder`, or a repository."""
    adapter: str | None = None
    """Folder or `package:folder` of the adapter."""
    seed: int = 0
    """Training seed."""

    @property
    def options(self) -> dict[str, str]:
        """Keyword arguments for `tools.chat.loading.load_chat_model`, in addition to the model's name."""
        return {} if self.adapter is None else {"adapter": self.adapter}

    @property
    def missing(self) -> str | None:
        """Path of the first folder that is missing or incomplete; None if all are installed."""
        model = resolve_folder(self.model.partition("qwen3-vl:")[2])
        if not _is_whole(model, "config.json"):
            return model
        if self.adapter is None:
            return None
        adapter = resolve_folder(self.adapter)
        return None if _is_whole(adapter, "adapter_config.json") else adapter


def _is_whole(folder: str, config: str) -> bool:
    return (Path(folder) / config).is_file() and any(Path(folder).glob("*.safetensors"))


def _critic(variant: str, adapter: str, seed: int = 0) -> AgentWeights:
    return AgentWeights(variant, _CRITIC, f"{_CHECKPOINTS}/adapters/{adapter}", seed)


def _own_run(variant: str, run: str) -> AgentWeights:
    """Weights that are not shipped: the folder that their recipe writes, relative to the working folder."""
    return AgentWeights(variant, f"qwen3-vl:runs/{run}/model")


_ONE_AGENT = AgentWeights("one_agent", f"qwen3-vl:{_CHECKPOINTS}/one-agent")
"""One set of weights for both roles."""

PLANNERS: dict[str, AgentWeights] = {"sft": AgentWeights("sft", _PLANNER), "one_agent": _ONE_AGENT}
"""By name."""

CRITICS: dict[str, AgentWeights] = {
    "sft": AgentWeights("sft", _CRITIC),
    "sft_continued": _critic("sft_continued", "critic-sft-continued"),
    "grpo": _critic("grpo", "critic-grpo"),
    "grpo_seed1": _critic("grpo", "critic-grpo-seed1", seed=1),
    "grpo_without_step_wise": _critic("grpo_without_step_wise", "critic-grpo-no-step"),
    "grpo_without_accuracy": _critic("grpo_without_accuracy", "critic-grpo-no-accuracy"),
    "grpo_noise10": _critic("grpo_noise10", "critic-grpo-noise10"),
    "grpo_noise30": _critic("grpo_noise30", "critic-grpo-noise30"),
    "sft_filtered_unbalanced": _own_run("sft_filtered_unbalanced", "micro-critic-filtered-unbalanced"),
    "sft_unfiltered_balanced": _own_run("sft_unfiltered_balanced", "micro-critic-unfiltered-balanced"),
    "sft_unfiltered_unbalanced": _own_run("sft_unfiltered_unbalanced", "micro-critic-unfiltered-unbalanced"),
    "one_agent": _ONE_AGENT,
}
"""By name."""


def in_folder(folder: str) -> AgentWeights | None:
    """Returns the weights in a run's `model` folder, a whole model or an adapter; None if there are none.

    Raises:
        ModelError: An adapter does not say which model it belongs to.
    """
    if _is_whole(folder, "config.json"):
        return AgentWeights(folder, f"qwen3-vl:{folder}")
    if not _is_whole(folder, "adapter_config.json"):
        return None
    config = parse_json((Path(folder) / "adapter_config.json").read_text(encoding="utf-8"))
    base = config.get("base_model_name_or_path") if isinstance(config, dict) else None
    if not isinstance(base, str) or not base:
        raise ModelError(f"{folder}/adapter_config.json names no base model (base_model_name_or_path).")
    return AgentWeights(folder, f"qwen3-vl:{base}", folder)


def prompts_folder() -> Path:
    """Returns the folder of the short prompts that planners and critics were trained with."""
    return Path(resolve_folder("interleavethinker.microworld:prompts"))


def available(agents: Mapping[str, AgentWeights]) -> dict[str, AgentWeights]:
    """Returns the given agents whose weights are installed, in order."""
    return {name: weights for name, weights in agents.items() if weights.missing is None}


def weights_of(agents: Mapping[str, AgentWeights], name: str) -> AgentWeights:
    """Returns the weights with this name.

    Raises:
        ModelError: The name is unknown, or its weights are not installed.
    """
    weights = agents.get(name) or in_folder(name)
    if weights is None:
        msg = f"Unknown model {name!r}; expected a folder with weights, or one of {', '.join(agents)}."
        raise ModelError(msg)
    if (folder := weights.missing) is not None:
        have = ", ".join(available(agents)) or "none"
        msg = (
            f"The weights of {name!r} are not installed: {folder} is missing or incomplete. Installed: {have}. Use one "
            "of those or a folder of your own, or train these weights with the commands in results/training-log.md."
        )
        raise ModelError(msg)
    return weights
