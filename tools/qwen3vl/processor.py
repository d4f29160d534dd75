"""The Qwen3-VL processor for text and images, which works without torchvision.

The class in transformers requires a video processor, which requires torchvision. Training and serving create and load
processors here, so that a micro model's folder works on any installation.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from transformers import AutoProcessor, AutoTokenizer, Qwen3VLConfig, Qwen3VLProcessor
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

__all__ = ["ImageTextProcessor", "load_processor"]


class ImageTextProcessor(Qwen3VLProcessor):  # type: ignore[misc]
    """A `Qwen3VLProcessor` without video support."""

    def __init__(self, image_processor: Any = None, tokenizer: Any = None, chat_template: str | None = None) -> None:
        super().__init__(image_processor, tokenizer, None, chat_template=chat_template)


def load_processor(path: str | Path) -> Any:
    """Loads the processor that was saved in a model's folder or repository."""
    if find_spec("torchvision") is not None:
        return AutoProcessor.from_pretrained(path)
    tokenizer = AutoTokenizer.from_pretrained(path)
    images = Qwen2VLImageProcessorPil.from_pretrained(path)
    return ImageTextProcessor(images, tokenizer, chat_template=tokenizer.chat_template)


# Without this registration, `AutoProcessor` would silently return a bare tokenizer.
AutoProcessor.register(Qwen3VLConfig, ImageTextProcessor, exist_ok=True)
