"""Extracts images and errors from MCP tool results, of this project's contract and of third-party tools.

Pure functions of results, except that a linked resource is read through a callback. The bytes come from outside: the
caller passes them through `canonical_png` before they enter a store.
"""

import base64
import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from interleavethinker.tools.errors import GeneratorError, InputError, InterleaveError, RefusalError
from interleavethinker.tools.images.data_uris import decode_base64, find_image
from interleavethinker.tools.plain_text import quotation
from interleavethinker.tools.refusals import is_refusal
from interleavethinker.tools.retry_after import retry_after_seconds
from interleavethinker.tools.secrets import redact

from .config import ToolTemplate

if TYPE_CHECKING:
    from mcp_types import CallToolResult

__all__ = ["ERROR_KEY", "LONG_PROMPT_KEY", "error_of", "image_of", "small_png", "text_of"]

ERROR_KEY = "interleavethinker/error"
"""Key in an error result's `_meta`, for `{code, message, retryable}`: structured content would have to fit the tool's
output schema."""
LONG_PROMPT_KEY = "interleavethinker/long_prompt"
"""Key in a call's `_meta`; `note` asks for an image with a note where the model reads only a part of the prompt.
Servers that do not know it refuse such a prompt, or cut it silently, as they would without it."""

ReadResource = Callable[[str], Awaitable[bytes]]
_INPUT_CODES = {
    "invalid_input",
    "invalid_image",
    "image_too_large",
    "invalid_prompt",
    "invalid_request",
    "refused",
    "unsupported",
}
_LONGEST_QUOTE = 300
"""Characters of a server's words in a message."""
_LONGEST_OWN_ERROR = 1000
"""The same, of a server that follows this project's contract: the remedy is at the end."""
_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")


def small_png(result: "CallToolResult") -> bytes | None:
    """Returns a result's preview if it is a PNG. A small image is its own preview, which its hash proves."""
    for block in result.content:
        if block.type == "image" and block.mime_type == "image/png":
            try:
                return base64.b64decode(block.data)
            except ValueError:
                return None
    return None


def text_of(result: "CallToolResult") -> str:
    """Returns all text blocks of a result, joined by line breaks."""
    return "\n".join(block.text for block in result.content if block.type == "text")


def error_of(result: "CallToolResult") -> InterleaveError:
    """Returns the exception for an `is_error` result, with code and retryability where the server states them."""
    error = (result.meta or {}).get(ERROR_KEY)
    if error is None and isinstance(result.structured_content, Mapping):
        error = result.structured_content.get("error")  # Servers up to version 0.1 put it there.
    if isinstance(error, Mapping):
        code = str(error.get("code", ""))[:_LONGEST_QUOTE]
        code = code if _CODE.fullmatch(code) else GeneratorError.code
        message = quotation(redact(str(error.get("message", ""))), _LONGEST_OWN_ERROR) or "no reason given"
        # Servers of version 0.1 call every rejected request `refused`.
        if code in {RefusalError.code, "prompt_too_long"} or (code == "refused" and is_refusal("", message)):
            return RefusalError(message)
        if code in _INPUT_CODES:
            return InputError(message, code=code)
        return GeneratorError(
            message,
            code=code,
            retryable=bool(error.get("retryable", False)),
            exhausted=bool(error.get("exhausted", False)),
            retry_after=_pause_in(error),
        )
    words = redact(text_of(result))  # Before they are cut: half of a key is not recognized.
    message = quotation(words, _LONGEST_QUOTE) or "no reason given"
    if is_refusal("", words[:_LONGEST_OWN_ERROR]):
        return RefusalError(f"The image server refused the content: {message}")
    return GeneratorError(f"The image server refused the call: {message}", code="generator", retryable=False)


def _pause_in(error: Mapping[str, object]) -> float | None:
    pause = error.get("retry_after")
    return retry_after_seconds(str(pause)) if isinstance(pause, int | float) and not isinstance(pause, bool) else None


async def image_of(result: "CallToolResult", template: ToolTemplate, read: ReadResource) -> bytes:
    """Returns the encoded image in a third-party tool's result.

    Args:
        result: A result that is not an error.
        template: Where the image is.
        read: Reads a resource of the same server by its URI.

    Raises:
        GeneratorError: There is no image in that place, or it is too large (`no_image`).
    """
    try:
        return await _image_of(result, template, read)
    except InputError as error:
        raise GeneratorError(
            f"The image in the answer of the tool {template.name!r} cannot be used: {error}", code="no_image"
        ) from error


async def _image_of(result: "CallToolResult", template: ToolTemplate, read: ReadResource) -> bytes:
    places = ("content", "resource", "structured", "text") if template.result == "auto" else (template.result,)
    for place in places:
        if place == "content":
            found = _in_content(result)
        elif place == "resource":
            found = await _in_resources(result, read)
        elif place == "structured":
            found = await _in_structured(result, template.field, read)
        else:
            found = _in_text(result)
        if found is not None:
            return found
    kinds = ", ".join(block.type for block in result.content) or "nothing"
    words = quotation(redact(text_of(result)), _LONGEST_QUOTE)
    raise GeneratorError(
        f"Found no image in the answer of the tool {template.name!r} (looked in: {template.result}); it holds {kinds}"
        + (f" and says: {words!r}" if words else "")
        + f". {_advice(words)}",
        code="no_image",
    )


def _advice(words: str) -> str:
    if "://" in words or words.startswith(("/", "./", "~")):
        return "Addresses and paths are not fetched. Have the server return the image itself, or map another tool."
    return "Correct `result` and `field` in the profile."


def _decoded(data: str) -> bytes | None:
    try:
        return decode_base64(data)
    except InputError as error:
        if error.code == "image_too_large":
            raise
        return None


def _in_content(result: "CallToolResult") -> bytes | None:
    for block in result.content:
        if block.type == "image":
            return _decoded(block.data)
    return None


async def _in_resources(result: "CallToolResult", read: ReadResource) -> bytes | None:
    for block in result.content:
        if block.type == "resource":
            blob = getattr(block.resource, "blob", None)
            if isinstance(blob, str):
                return _decoded(blob)
    for block in result.content:
        if block.type == "resource_link" and (block.mime_type or "image/").startswith("image/"):
            return await _linked(str(block.uri), read)
    return None


async def _linked(uri: str, read: ReadResource) -> bytes:
    try:
        return await read(uri)
    except GeneratorError as error:
        if error.retryable or error.code not in {"contract", "no_image"}:
            raise
        raise GeneratorError(
            f"The answer links the image {quotation(uri, _LONGEST_QUOTE)} instead of holding it, and the server "
            f"does not give it out. {error}",
            code="no_image",
        ) from error


async def _in_structured(result: "CallToolResult", field: str | None, read: ReadResource) -> bytes | None:
    values = [_at(result.structured_content, field)] if field else list(_strings(result.structured_content))
    for value in values:
        if not isinstance(value, str):
            continue
        found = find_image(value)
        if found is not None:
            return found
        if field and "://" in value:
            return await _linked(value, read)
    return None


def _in_text(result: "CallToolResult") -> bytes | None:
    text = text_of(result)
    found = find_image(text)
    if found is not None or not text.lstrip().startswith(("{", "[")):
        return found
    try:
        values = list(_strings(json.loads(text)))
    except (ValueError, RecursionError):
        return None
    return next((image for image in map(find_image, values) if image is not None), None)


def _at(value: object, path: str) -> object:
    for word in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(word)
        elif isinstance(value, Sequence) and not isinstance(value, str) and word.isdigit() and int(word) < len(value):
            value = value[int(word)]
        else:
            return None
    return value


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, Sequence):
        for item in value:
            yield from _strings(item)
