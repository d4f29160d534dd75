"""Messages with several images: an error says which one it is about."""

import base64
from pathlib import Path

import pytest
from langchain_core.messages import HumanMessage

from interleavethinker import illustrate
from interleavethinker.graph.message_blocks import message_parts
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.testing.generator import fake_image
from interleavethinker.tools.types import GenerationRequest

PNG = fake_image(GenerationRequest(prompt="mine", seed=1))


def block(data: bytes) -> dict[str, str]:
    return {"type": "image", "base64": base64.b64encode(data).decode(), "mime_type": "image/png"}


def test_an_image_of_a_message_that_cannot_be_used_is_named_by_its_place(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    mixed = HumanMessage([block(PNG), {"type": "text", "text": "and"}, block(b"no image")])
    with pytest.raises(InputError, match=r"^Image 2 of the message: Not an image"):
        message_parts(mixed, store)
    with pytest.raises(InputError, match=r"^Not an image"):
        message_parts(HumanMessage([block(b"no image")]), store)


def test_an_image_that_illustrate_cannot_use_is_named_by_its_place(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^Image 2 of 2: "):
        illustrate("compare", images=[PNG, b"no image"], workspace=tmp_path)
