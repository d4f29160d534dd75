"""What depends on the device that Qwen3-VL runs on: attention kernels, number format, and how answers are decoded."""

import importlib.util
from typing import Any, Literal

from interleavethinker.tools.errors import ModelError

__all__ = ["Attention", "Decoding", "check_options", "dtype_for"]

Attention = Literal["sdpa", "eager", "flash_attention_2"]
"""What reads the prompt and its images: torch's kernels, plain operations, or the package flash-attn."""
Decoding = Literal["eager", "graphs"]
"""`graphs` records the operations of a token as CUDA graphs."""
_SMALL = 50_000_000
"""Models with fewer parameters keep their number format: a GPU gains nothing from fewer bits."""


def check_options(attention: Attention, decoding: Decoding, device: str) -> None:
    """Checks that the device and the installed packages can do what is asked for.

    Args:
        attention: The kernels.
        decoding: How answers are decoded.
        device: As transformers takes it: a torch device, or how to distribute layers over several.

    Raises:
        ModelError: They cannot.
    """
    import torch

    on_gpu = torch.cuda.is_available() and not str(device).startswith(("cpu", "mps"))
    if attention == "flash_attention_2":
        if importlib.util.find_spec("flash_attn") is None:
            raise ModelError(
                "The attention flash_attention_2 needs flash-attn, which is not installed: pip install flash-attn. "
                "sdpa, the default, needs nothing."
            )
        if not on_gpu:
            raise ModelError(
                f"The attention flash_attention_2 needs an NVIDIA GPU; the model is on {device}. Use sdpa."
            )
    if decoding == "graphs" and not on_gpu:
        raise ModelError(
            f"Decoding with graphs needs an NVIDIA GPU; the model is on {device}. Omit the option decoding."
        )


def dtype_for(path: str, commit: str | None, dtype: str, device: str) -> Any:
    """Returns the torch dtype to load weights in, or `auto` for the one that they were saved in.

    `auto` loads the 32-bit weights of a large model in 16 bits on a GPU, where they need half the memory and are read
    twice as fast: in bfloat16, or in float16 on GPUs that lack it.

    Args:
        path: The model's folder or repository.
        commit: Of the repository; None takes the newest one.
        dtype: Name of a torch dtype, or `auto`.
        device: As transformers takes it.
    """
    import torch

    if dtype != "auto":
        return getattr(torch, dtype)
    if not torch.cuda.is_available() or str(device).startswith(("cpu", "mps")):
        return dtype
    from transformers import AutoConfig, Qwen3VLForConditionalGeneration

    config = AutoConfig.from_pretrained(path, revision=commit or "main")
    if getattr(config, "dtype", None) not in {None, torch.float32}:
        return dtype
    with torch.device("meta"):
        parameters = Qwen3VLForConditionalGeneration(config).num_parameters()
    if parameters < _SMALL:
        return dtype
    return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
