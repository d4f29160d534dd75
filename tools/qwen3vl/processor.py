"""The Qwen3-VL processor for text and images, which works without torchvision.

The class in transformers requires a video processor, which requires torchvision. Training and serving create and load
processors here, so that a micro model's folder works on any installation.
"""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from transformers import AutoProcessor, AutoTokenizer, Qwen3VLConfig, Qwen3VLProcessor
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from interleavethinker.tools.files import atomic_write

__all__ = ["ImageTextProcessor", "load_processor"]


class ImageTextProcessor(Qwen3VLProcessor):  # type: ignore[misc]
    """A `Qwen3VLProcessor` without video support."""

    def __init__(self, image_processor: Any = None, tokenizer: Any = None, chat_template: str | None = None) -> None:
        super().__init__(image_processor, tokenizer, None, chat_template=chat_template)

    def save_pretrained(self, save_directory: str | Path, **options: Any) -> Any:
        """Saves the processor under the name of its class in transformers, with a video processor of the same patches.

        Programs without this package (vLLM, plain transformers) then load it: under an unknown name, `AutoProcessor`
        silently returns the tokenizer alone.
        """
        saved = super().save_pretrained(save_directory, **options)
        folder = Path(save_directory)
        for name in ("processor_config.json", "tokenizer_config.json"):
            config = json.loads((folder / name).read_text(encoding="utf-8"))
            config["processor_class"] = Qwen3VLProcessor.__name__
            if (images := config.get("image_processor")) is not None and "video_processor" not in config:
                shared = {key: value for key, value in images.items() if not key.startswith("image_processor")}
                config["video_processor"] = {"video_processor_type": "Qwen3VLVideoProcessor"} | shared
            atomic_write(folder / name, (json.dumps(config, indent=2) + "\n").encode())
        return saved


def load_processor(path: str | Path, commit: str | None = None) -> Any:
    """Loads the processor that was saved in a model's folder or repository.

    Args:
        path: The folder, or the repository's name.
        commit: Of the repository; None takes the newest one.
    """
    revision = commit or "main"
    if find_spec("torchvision") is not None:
        return AutoProcessor.from_pretrained(path, revision=revision)
    tokenizer = AutoTokenizer.from_pretrained(path, revision=revision)
    images = Qwen2VLImageProcessorPil.from_pretrained(path, revision=revision)
    return ImageTextProcessor(images, tokenizer, chat_template=tokenizer.chat_template)


# Without this registration, `AutoProcessor` would silently return a bare tokenizer.
AutoProcessor.register(Qwen3VLConfig, ImageTextProcessor, exist_ok=True)
