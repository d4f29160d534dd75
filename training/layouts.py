"""How much memory the layouts of the 8 B recipes need on each GPU, computed from parameter counts and batch shapes.

An upper estimate, not a measurement: weights, gradients and AdamW's moments are exact; activations, logits and gathered
layers are counted at the longest sequence that the recipe allows. Knows nothing of TRL's own buffers and of
fragmentation, for which `FREE_SHARE` of a GPU stays free.
"""

from __future__ import annotations

from dataclasses import dataclass

from interleavethinker.tools.model_catalog import memory_need
from interleavethinker.training.recipe import GrpoRecipe, SftRecipe

__all__ = ["FREE_SHARE", "GPU_GIB", "QWEN3_VL_8B", "GpuMemory", "ModelShape", "colocated_gib", "memory_of"]

GPU_GIB = 79.0
"""What a GPU of 80 GB has."""
FREE_SHARE = 0.05
_GIB = 2**30
_FULL_BYTES = 4
_HALF_BYTES = 2
_MOMENT_BYTES = 8
"""AdamW's two float32 moments."""
_LAYER_BYTES = 34
"""Bytes of activations per token and hidden unit of the layer that is computed again, in bfloat16 with flash attention
(Korthikanti et al. 2022, equation 2 without its quadratic term)."""
_LOGIT_BYTES = 10
"""Per logit: bfloat16, float32 for the loss, and its gradient."""
_IMAGE_TOKENS = 1024
"""Of an image of 1024 x 1024 pixels: patches of 16 pixels, four of them a token."""
_TEXT_TOKENS = 600
"""The critic's instructions with both prompts."""
_CRITIC_IMAGES = 2


@dataclass(frozen=True)
class ModelShape:
    """The sizes of a Qwen3-VL that decide its memory."""

    layers: int
    hidden: int
    heads: int
    key_value_heads: int
    head_size: int
    intermediate: int
    vocabulary: int
    vision: int
    """Parameters of vision tower and projectors."""

    @property
    def _matrices(self) -> tuple[tuple[int, int], ...]:
        """Input and output size of a layer's linear maps."""
        queries, keys = self.heads * self.head_size, self.key_value_heads * self.head_size
        attention = (self.hidden, queries), (self.hidden, keys), (self.hidden, keys), (queries, self.hidden)
        wide = self.hidden, self.intermediate
        return (*attention, wide, wide, wide[::-1])

    @property
    def layer(self) -> int:
        """Parameters of a layer of the language model."""
        return sum(a * b for a, b in self._matrices) + 2 * self.hidden + 2 * self.head_size

    @property
    def ends(self) -> int:
        """Parameters of the embedding and the output matrix."""
        return 2 * self.vocabulary * self.hidden

    @property
    def language(self) -> int:
        """Parameters of the language model, embedding and output matrix included."""
        return self.layers * self.layer + self.ends + self.hidden

    @property
    def total(self) -> int:
        """All parameters."""
        return self.language + self.vision

    def adapter(self, rank: int) -> int:
        """Returns the parameters of a LoRA adapter on all linear maps of the layers."""
        return self.layers * rank * sum(a + b for a, b in self._matrices)


QWEN3_VL_8B = ModelShape(
    layers=36,
    hidden=4096,
    heads=32,
    key_value_heads=8,
    head_size=128,
    intermediate=12_288,
    vocabulary=151_936,
    vision=576_388_336,
)


@dataclass(frozen=True)
class GpuMemory:
    """Memory of one training GPU, in GiB."""

    states: float
    """Weights, gradients and moments, and the frozen reference model of GRPO."""
    gathered: float
    """Weights and gradients of the units that FSDP holds whole for a moment."""
    activations: float
    logits: float
    beside: float = 0.0
    """What else runs on the same GPU."""

    @property
    def total(self) -> float:
        """The sum."""
        return self.states + self.gathered + self.activations + self.logits + self.beside

    @property
    def fits(self) -> bool:
        """Whether a GPU of 80 GB has enough."""
        return self.total <= GPU_GIB * (1 - FREE_SHARE)


def memory_of(recipe: SftRecipe | GrpoRecipe, shape: ModelShape, gpus: int, beside: float = 0.0) -> GpuMemory:
    """Returns what a recipe needs on each training GPU.

    Args:
        recipe: Trains the language model, or a LoRA adapter of its layers; activations are checkpointed.
        shape: The model's.
        gpus: GPUs that share the states; a LoRA adapter is for one.
        beside: GiB of other processes on the same GPU.
    """
    arguments = recipe.arguments
    rows = _number(arguments.get("per_device_train_batch_size"), 8)
    if isinstance(recipe, GrpoRecipe):
        answer = _number(arguments.get("max_completion_length"), 256)
        tokens, scored = _CRITIC_IMAGES * _IMAGE_TOKENS + _TEXT_TOKENS + answer, answer
    else:
        tokens = scored = _number(arguments.get("max_length"), 1024)
    if recipe.lora is None:
        trained_bytes = 2 * _FULL_BYTES + _MOMENT_BYTES
        states = trained_bytes * shape.language + _FULL_BYTES * shape.vision
        if isinstance(recipe, GrpoRecipe) and arguments.get("beta"):
            states += _FULL_BYTES * shape.total
        states = states // gpus
        gathered = 0 if gpus == 1 else 2 * _HALF_BYTES * (shape.ends + shape.layer)
    else:
        states = _HALF_BYTES * shape.total + (2 * _FULL_BYTES + _MOMENT_BYTES) * shape.adapter(recipe.lora.rank)
        gathered = 0
    activations = rows * tokens * shape.hidden * (_HALF_BYTES * shape.layers + _LAYER_BYTES)
    logits = rows * scored * shape.vocabulary * _LOGIT_BYTES
    return GpuMemory(states / _GIB, gathered / _GIB, activations / _GIB, logits / _GIB, beside)


def colocated_gib(recipe: GrpoRecipe, image_model: str) -> float:
    """Returns the GiB of vLLM inside the training process and of the image server, on the training GPU.

    Args:
        recipe: With `vllm_mode = "colocate"`.
        image_model: Name in the model catalog.
    """
    share = recipe.arguments.get("vllm_gpu_memory_utilization")
    assert isinstance(share, float)  # noqa: S101 - as the shipped recipe has it
    return GPU_GIB * share + (memory_need(image_model) or 0.0)


def _number(value: object, default: int) -> int:
    return value if isinstance(value, int) else default
