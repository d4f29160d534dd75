"""Loads a diffusers pipeline from a folder. The only place that imports diffusers' classes."""

from pathlib import Path
from typing import Any

__all__ = ["load_pipeline"]


def load_pipeline(folder: Path, dtype: Any) -> Any:
    """Returns the pipeline in a folder, on the CPU, in the given torch dtype."""
    from diffusers import DiffusionPipeline

    return DiffusionPipeline.from_pretrained(str(folder), torch_dtype=dtype, local_files_only=True)
