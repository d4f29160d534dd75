"""What an operator chooses about a diffusers pipeline. Data, no behavior."""

from dataclasses import dataclass
from typing import Literal

from interleavethinker.tools.model_catalog import Offload

__all__ = ["DEFAULT_PROMPT_CACHE", "DiffusersOptions"]

DEFAULT_PROMPT_CACHE = 32
"""Prompts whose embeddings are kept."""


@dataclass(frozen=True)
class DiffusersOptions:
    """Where and how to run a pipeline."""

    device: str = "auto"
    """A torch device; `auto` takes a GPU where there is one."""
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    offload: Offload = "none"
    """Keeps idle parts in main memory: `model` moves whole models, `sequential` moves layers."""
    max_batch: int | None = None
    """None takes the model's own setting; 1 makes results bit-identical regardless of concurrent calls."""
    threads: int | None = None
    """CPU threads; None takes the model's own setting. Process-wide, as torch's setting is."""
    prompt_cache: int = DEFAULT_PROMPT_CACHE
    """Prompts whose embeddings are kept in main memory for calls with an equal one; 0 keeps none."""
