"""Reads a person's message as parts of a request: texts and images, in the block forms that chat clients send.

LangChain's own forms and its translations of OpenAI's, Anthropic's and Google's are understood, and so are forms that
it leaves as they are, such as the camel-case one of agent-chat-ui. An image is the bytes in base64, or the address of
an image that was stored here; other addresses are not fetched.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from langchain_core.messages import HumanMessage

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.data_uris import decode_base64, decode_data_uri, is_data_uri
from interleavethinker.tools.images.png import canonical_png
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import ImagePart, Part, Sha256, TextPart
from interleavethinker.tools.which_one import which

__all__ = ["message_parts"]

_STORED = re.compile(r"(?:image://|https?://\S*/images/)([0-9a-f]{64})(?:\.png)?")
_IMAGE_TYPES = {"image", "image_url", "input_image"}
_TEXT_TYPES = {"text", "input_text"}
_ENCODED = ("base64", "data", "url", "image", "image_url", "file_data", "bytes", "uri")
"""Keys under which clients put an image's bytes in base64, a data URI, or an address."""
_NESTED = ("source", "image_url", "image", "inline_data", "inlineData", "file")
"""Keys under which some clients put the keys of `_ENCODED`."""
_MEDIA_TYPES = ("mime_type", "mimeType", "media_type", "mediaType")


def message_parts(message: HumanMessage, store: ImageStore | None) -> tuple[Part, ...]:
    """Returns a message as the parts of a request, and puts its images into the store. Blocks; call it in a thread.

    Args:
        message: With any number of text and image blocks, in LangChain's form or a provider's.
        store: Where images go.

    Raises:
        InputError: A block is neither text nor a usable image. Addresses of other servers are not fetched.
    """
    content = [message.content] if isinstance(message.content, str) else message.content
    parts: list[Part] = []
    number = 0
    for block in content:
        fields: Mapping[str, Any] = {"type": "text", "text": block} if isinstance(block, str) else block
        if fields.get("type") == "non_standard" and isinstance(fields.get("value"), Mapping):
            fields = fields["value"]  # LangChain's form of a block that it does not know
        if fields.get("type") in _TEXT_TYPES:
            text = _text_of(fields)
            if text.strip():
                parts.append(TextPart(text=text))
        elif _is_image(fields):
            number += 1
            with which(f"Image {number} of the message", among=len(content)):
                parts.append(ImagePart(sha256=_stored_image(fields, store)))
        else:
            kind = fields.get("type") or ", ".join(map(str, fields)) or "nothing"
            media = next(iter(_values(fields, _MEDIA_TYPES)), None)
            raise InputError(
                f"A message may contain texts and images; found a block of the type {str(kind)!r}"
                f"{f' with {media}' if media else ''}. Remove it.",
                code="unsupported",
            )
    return tuple(parts)


def _text_of(block: Mapping[str, Any]) -> str:
    text = block.get("text")
    if not isinstance(text, str):
        raise InputError(f"A text block of a message needs a `text`; found {str(dict(block))[:100]}.")
    return text


def _is_image(block: Mapping[str, Any]) -> bool:
    if block.get("type") in _IMAGE_TYPES:
        return True
    return any(str(media).startswith("image/") for media in _values(block, _MEDIA_TYPES))


def _values(block: Mapping[str, Any], keys: tuple[str, ...]) -> Iterator[str]:
    """Yields the texts under these keys, of the block and of the mappings in which clients nest them."""
    nested = (block.get(key) for key in _NESTED)
    for fields in (block, *(each for each in nested if isinstance(each, Mapping))):
        yield from (value for key in keys if isinstance(value := fields.get(key), str) and value)


def _stored_image(block: Mapping[str, Any], store: ImageStore | None) -> Sha256:
    data = next(_values(block, _ENCODED), "")
    if stored := _STORED.fullmatch(data):
        if store is not None and stored.group(1) not in store:
            raise InputError(
                f"Image {stored.group(1)} is not in the store of this graph. Send its bytes.", code="unknown_image"
            )
        return stored.group(1)
    if not data or "://" in data[:20]:
        raise InputError(
            "An image in a message must be base64 data or the address of an image that was put here; other addresses "
            "are not fetched.",
            code="invalid_image",
        )
    if store is None:
        raise InputError(
            "This graph has no store for images in messages. Pass `Components(…, store=ImageStore(…))`.",
            code="unsupported",
        )
    encoded = decode_data_uri(data) if is_data_uri(data) else decode_base64(data)
    return store.put(canonical_png(encoded))
