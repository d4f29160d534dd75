"""Loads diffusers pipelines from folders onto a device. The only place that imports diffusers' classes."""

import contextlib
import ctypes
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interleavethinker.tools.structured_text import parse_json

from .acceleration import check_compiler, compile_denoiser, set_attention, unusable, use_channels_last
from .options import DiffusersOptions
from .quantization import gguf_denoiser, quantization_config

__all__ = ["LoadedPipelines", "best_device", "download", "free_memory", "inpainting_pipeline", "load_pipeline"]


@dataclass(frozen=True)
class LoadedPipelines:
    """Pipelines that are ready to be called; both are the same object where one does both."""

    edit: Any
    generate: Any
    device: str
    dtype: str
    inpaint: Any = None
    """Edits with a mask; None if the model is not called in that way."""


def inpainting_pipeline(pipeline: Any, name: str) -> Any:
    """Returns a pipeline of another class with the parts of a loaded one, which are not copied.

    Args:
        pipeline: The loaded one, without offloading.
        name: Class of diffusers that takes the same parts.
    """
    import inspect

    import diffusers

    kind = getattr(diffusers, name)
    wanted = inspect.signature(kind.__init__).parameters.keys() - {"self"}
    parts = {part: value for part, value in pipeline.components.items() if part in wanted}
    settings = {key: pipeline.config[key] for key in wanted - parts.keys() if key in pipeline.config}
    inpainting = kind(**parts, **settings)
    inpainting.set_progress_bar_config(disable=True)
    return inpainting


def load_pipeline(folder: Path, device: str, dtype: str, options: DiffusersOptions) -> Any:
    """Returns the pipeline in a folder, ready to be called.

    Args:
        folder: A diffusers pipeline's folder.
        device: A torch device's name.
        dtype: A torch dtype's name.
        options: How to run it; device and dtype in them are ignored.

    Raises:
        GeneratorError: A library or this device cannot do what the options ask for.
    """
    import torch
    from diffusers import DiffusionPipeline
    from diffusers.utils import logging as diffusers_logging
    from transformers.utils import logging as transformers_logging

    # A server's stderr is a log.
    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()
    if options.compile:
        check_compiler(device)
    parts = parse_json((folder / "model_index.json").read_text(encoding="utf-8"))
    replaced = {} if options.gguf is None else gguf_denoiser(options.gguf, folder, dtype, parts)
    remaining = {name: part for name, part in parts.items() if name not in replaced}
    try:
        pipeline = DiffusionPipeline.from_pretrained(
            str(folder),
            dtype=getattr(torch, dtype),
            local_files_only=True,
            use_safetensors=True,
            quantization_config=quantization_config(options.quantize, dtype, remaining),
            **replaced,
        )
    except (ImportError, RuntimeError, ValueError) as error:
        if options.quantize == "none":
            raise
        raise unusable(f"--quantize {options.quantize} does not work on {device}", error) from error
    pipeline.set_progress_bar_config(disable=True)
    set_attention(pipeline, options.attention, device, dtype)
    if options.channels_last:
        use_channels_last(pipeline)
    if options.offload == "model":
        pipeline.enable_model_cpu_offload(device=device)
    elif options.offload == "sequential":
        pipeline.enable_sequential_cpu_offload(device=device)
    else:
        pipeline.to(device)
    if options.compile:
        compile_denoiser(pipeline)
    return pipeline


def free_memory() -> None:
    """Returns the memory of pipelines that nothing refers to any more to the device and to the system."""
    import gc

    import torch

    gc.collect()  # Pipelines and their hooks refer to each other.
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)  # glibc keeps freed memory for itself otherwise.


def best_device() -> str:
    """Returns the name of the fastest torch device of this machine."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def download(repository: str, commit: str | None = None) -> Path:
    """Downloads a repository unless it is in the cache, and returns its snapshot's folder.

    Args:
        repository: Its name on the hub.
        commit: None takes the newest one.
    """
    from diffusers import DiffusionPipeline

    return Path(DiffusionPipeline.download(repository, revision=commit, use_safetensors=True))
