"""Answers of image servers that follow this project's contract: their numbers, and the bytes of their images."""

from typing import TYPE_CHECKING

from interleavethinker.tools.errors import GeneratorError, InputError
from interleavethinker.tools.images.png import DEFAULT_LIMITS, canonical_png, image_size
from interleavethinker.tools.secrets import without_secrets
from interleavethinker.tools.types import GeneratedImage

from .transport import read_resource

if TYPE_CHECKING:
    from mcp import Client
    from mcp_types import CallToolResult

__all__ = ["check_image", "generated_of", "read_in_chunks", "size_of"]

_CHUNK = 512 * 1024
"""Bytes of an image requested at once. The cost of the stdio client grows with the square of a line's length."""
_ANSWER_FIELDS = frozenset(GeneratedImage.model_fields)


def check_image(data: bytes, generated: GeneratedImage, *, decode: bool) -> None:
    """Checks the bytes that a server of this project's contract sent for its answer.

    Raises:
        GeneratorError: They are no PNG of the stated size.
    """
    try:
        if decode:
            canonical_png(data)
        size = image_size(data)
    except InputError as error:
        raise GeneratorError(f"The image server sent no usable image: {error}", code="no_image") from error
    if size != (generated.width, generated.height):
        raise GeneratorError(
            f"The image server sent an image of {size[0]} x {size[1]} and called it {generated.width} x "
            f"{generated.height}.",
            code="contract",
        )


async def read_in_chunks(client: "Client", sha256: str, size: int | None) -> bytes:
    """Reads an image of the server, in several requests if it is large.

    Raises:
        GeneratorError: It is too large (`contract`), or the server does not give it out.
    """
    if size is not None and size > DEFAULT_LIMITS.max_bytes:
        raise GeneratorError(f"The image server names an image of {size} bytes, which is too large.", code="contract")
    if size is None or size <= _CHUNK:
        return await read_resource(client, f"image://{sha256}")
    parts = [
        await read_resource(client, f"image://{sha256}/{start}/{min(start + _CHUNK, size)}")
        for start in range(0, size, _CHUNK)
    ]
    return b"".join(parts)


def size_of(result: "CallToolResult") -> int | None:
    """Returns the size of the image's bytes, where the server states it; those up to version 0.1 did so in a link."""
    stated = (result.structured_content or {}).get("bytes")
    if isinstance(stated, int):
        return stated
    return next((block.size for block in result.content if block.type == "resource_link"), None)


def generated_of(result: "CallToolResult") -> GeneratedImage:
    """Returns what the server states about its image.

    Raises:
        GeneratorError: The answer does not follow the contract (`contract`).
    """
    # A server of a newer version may state more.
    fields = {key: value for key, value in (result.structured_content or {}).items() if key in _ANSWER_FIELDS}
    fields |= without_secrets({key: fields[key] for key in ("model", "note") if key in fields})
    try:
        return GeneratedImage.model_validate(fields)
    except ValueError as error:
        raise GeneratorError(
            "The image server's answer does not follow this project's contract. If it is a third-party server, map its "
            "tools in the profile: [generator.tools.generate] and [generator.tools.edit].",
            code="contract",
        ) from error
