"""What an operator chooses about a diffusers pipeline, and what can be said about it before anything is loaded."""

from dataclasses import dataclass
from typing import Literal

from interleavethinker.tools.errors import ProfileError
from interleavethinker.tools.model_catalog import Offload

from .acceleration import APPROXIMATE_ATTENTION, Attention, require_attention_package

__all__ = ["DEFAULT_PROMPT_CACHE", "DiffusersOptions", "approximations", "check_options"]

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
    attention: Attention = "auto"
    """Attention kernels of the denoiser."""
    channels_last: bool = False
    """Stores convolutions in the order that GPUs prefer; images change in the last bits."""
    compile: bool = False
    """Lets torch compile the denoiser while the model is loaded; images change in the last bits."""


def check_options(options: DiffusersOptions) -> None:
    """Checks what can be checked without a model and without heavy imports.

    Raises:
        ProfileError: Two options exclude each other, or a package is missing.
    """
    require_attention_package(options.attention)
    if options.compile and options.offload == "sequential":
        raise ProfileError("--compile cannot be combined with --offload sequential, which moves single layers.")


def approximations(options: DiffusersOptions) -> dict[str, str]:
    """Returns the options that change images by more than the last bits, for a backend's fingerprint.

    Empty for the defaults, so that what was stored without these options is still found.
    """
    return {"attention": options.attention} if options.attention in APPROXIMATE_ATTENTION else {}
