"""Rendered conversations as LangChain messages, with their images in a size and shape that every model takes."""

import base64
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from interleavethinker.tools.images.png import encode_png, image_size, open_rgb
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import Sha256, TextPart

from .rendering import BLANK, Turn

__all__ = ["MAX_PIXELS", "to_messages"]

MAX_PIXELS = 1024 * 1024
"""Larger images are scaled down for the model, as in the paper. The store keeps the originals."""

_MAX_ASPECT = 20
"""Slimmer images are padded with white: the processors of models refuse them, or hosted models their longer side."""


def to_messages(turns: Sequence[Turn], store: ImageStore, blank_like: Sha256 | None = None) -> list[BaseMessage]:
    """Converts a rendered conversation to LangChain messages with the images in them. Blocks: reads and decodes images.

    Args:
        turns: From `rendering`.
        store: Holds the images.
        blank_like: Image whose size a blank image gets; 64 x 64 pixels by default.

    Raises:
        StoreError: An image is missing or damaged.
    """
    messages: list[BaseMessage] = []
    for turn in turns:
        if turn.role == "user":
            content: list[str | dict[Any, Any]] = []
            for part in turn.parts:
                if isinstance(part, TextPart):
                    content.append({"type": "text", "text": part.text})
                else:
                    png = (
                        _blank_png(store, blank_like) if part.sha256 == BLANK else _scaled_down(store.get(part.sha256))
                    )
                    data = base64.b64encode(png).decode()
                    content.append({"type": "image", "base64": data, "mime_type": "image/png"})
            messages.append(HumanMessage(content=content))
        else:
            kind = SystemMessage if turn.role == "system" else AIMessage
            messages.append(kind(content=turn.text))
    return messages


def _blank_png(store: ImageStore, like: Sha256 | None) -> bytes:
    from PIL import Image

    size = (64, 64) if like is None else image_size(store.get(like))
    return _scaled_down(encode_png(Image.new("RGB", size, "white")))


def _scaled_down(png: bytes) -> bytes:
    """Returns the image in a size and shape that every model takes; most are returned unchanged."""
    width, height = image_size(png)
    slim = max(width, height) > _MAX_ASPECT * min(width, height)
    if width * height <= MAX_PIXELS and not slim:
        return png
    image = open_rgb(png)
    if slim:
        from PIL import Image

        padded = Image.new("RGB", (max(width, height // _MAX_ASPECT), max(height, width // _MAX_ASPECT)), "white")
        padded.paste(image)
        image, (width, height) = padded, padded.size
    scale = min(1.0, (MAX_PIXELS / (width * height)) ** 0.5)
    return encode_png(image.resize((max(1, int(width * scale)), max(1, int(height * scale)))))
