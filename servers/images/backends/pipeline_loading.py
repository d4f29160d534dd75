"""Loads a diffusers pipeline from a folder. The only place that imports diffusers' classes."""

from pathlib import Path
from typing import Any

__all__ = ["load_pipeline"]


def load_pipeline(folder: Path, dtype: Any) -> Any:
    """Returns the pipeline in a folder, on the CPU, in the given torch dtype."""
    from diffusers import DiffusionPipeline
    from diffusers.utils import logging as diffusers_logging
    from transformers.utils import logging as transformers_logging

    # A server's stderr is a log.
    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()
    return DiffusionPipeline.from_pretrained(str(folder), dtype=dtype, local_files_only=True)
