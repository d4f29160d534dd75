"""What an operator chooses about a diffusers pipeline, and what can be said about it before anything is loaded."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import JsonValue

from interleavethinker.tools.errors import ProfileError
from interleavethinker.tools.model_catalog import Offload, Quantization

from .acceleration import APPROXIMATE_ATTENTION, Attention, require_attention_package
from .quantization import require_quantization

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
    quantize: Quantization = "none"
    """Stores linear layers of the denoiser and of the text encoders in 8 or 4 bits; images change."""
    gguf: Path | None = None
    """File with a quantized denoiser, which replaces the model's own; images change."""
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
    require_quantization(options.quantize, options.gguf)
    for flag, given in (
        ("--compile", options.compile),
        ("--quantize", options.quantize != "none"),
        ("--gguf", options.gguf is not None),
    ):
        if given and options.offload == "sequential":
            raise ProfileError(
                f"{flag} cannot be combined with --offload sequential, which moves single layers; --offload model can."
            )


def approximations(options: DiffusersOptions) -> dict[str, JsonValue]:
    """Returns the options that change images by more than the last bits, for a backend's fingerprint.

    Empty for the defaults, so that what was stored without these options is still found. Reads a GGUF file as a whole.
    """
    chosen: dict[str, JsonValue] = {}
    if options.attention in APPROXIMATE_ATTENTION:
        chosen["attention"] = options.attention
    if options.quantize != "none":
        chosen["quantization"] = options.quantize
    if options.gguf is not None:
        with options.gguf.open("rb") as file:
            chosen["gguf"] = hashlib.file_digest(file, "sha256").hexdigest()
    return chosen
