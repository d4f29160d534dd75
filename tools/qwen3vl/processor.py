"""The Qwen3-VL processor for images and text alone, which needs no torchvision.

The stock class insists on a video processor, which insists on torchvision. Training and serving make and load
processors here, so that a micro model's folder works on any installation.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from transformers import AutoProcessor, AutoTokenizer, Qwen3VLConfig, Qwen3VLProcessor
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

__all__ = ["ImageTextProcessor", "load_processor"]


class ImageTextProcessor(Qwen3VLProcessor):  # type: ignore[misc]
    """A `Qwen3VLProcessor` without videos."""

    def __init__(self, image_processor: Any = None, tokenizer: Any = None, chat_template: str | None = None) -> None:
        super().__init__(image_processor, tokenizer, None, chat_template=chat_template)


def load_processor(path: str | Path) -> Any:
    """Loads the processor saved in a model's folder or repository."""
    if find_spec("torchvision") is not None:
        return AutoProcessor.from_pretrained(path)
    tokenizer = AutoTokenizer.from_pretrained(path)
    images = Qwen2VLImageProcessorPil.from_pretrained(path)
    return ImageTextProcessor(images, tokenizer, chat_template=tokenizer.chat_template)


# Unregistered, `AutoProcessor` would silently return a bare tokenizer.
AutoProcessor.register(Qwen3VLConfig, ImageTextProcessor, exist_ok=True)
