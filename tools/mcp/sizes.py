"""The size of a generator call, as a third-party tool takes it."""

from pydantic import JsonValue

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.image_sizes import pixels_for, read_size
from interleavethinker.tools.types import GenerationRequest

from .config import ToolTemplate

__all__ = ["mapped_size"]

_MAPPED_AREA = 1024 * 1024
"""Pixels that a tool which takes width and height is asked for, where only an aspect ratio is given."""


def mapped_size(call: GenerationRequest, template: ToolTemplate) -> dict[str | None, JsonValue]:
    """Returns the arguments for the size of a call, as a third-party tool takes it.

    Raises:
        InputError: The tool takes none (`unsupported`).
    """
    if call.size is None:
        return {}
    read = read_size(call.size)
    if template.aspect_ratio is not None and not read.exact:
        return {template.aspect_ratio: call.size}
    if template.width is not None and template.height is not None:
        width, height = pixels_for(call.size, _MAPPED_AREA)
        return {template.width: width, template.height: height}
    if template.aspect_ratio is None:
        raise InputError(
            f"The tool {template.name!r} takes no image size, so {call.size} cannot be asked for. Leave it out, or "
            "map `width` and `height`, or `aspect_ratio`, in the profile.",
            code="unsupported",
        )
    raise InputError(
        f"The tool {template.name!r} takes an aspect ratio, like 16:9, and no size in pixels; got {call.size}.",
        code="unsupported",
    )
