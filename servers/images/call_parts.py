"""The parts of a call: its size, the names of references in its prompt, its mask, and what its digest is made of."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import JsonValue

from interleavethinker.servers.images.backends.base import ImageRequest
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.image_regions import check_mask
from interleavethinker.tools.image_sizes import check_image_size
from interleavethinker.tools.images.png import image_size
from interleavethinker.tools.plain_text import valid_unicode

if TYPE_CHECKING:
    from .service import ServiceLimits

__all__ = [
    "check_local_edit",
    "check_note",
    "check_request",
    "checked_size",
    "digest_parts",
    "prompt_with_names",
]

_MAX_ACCEPTED_SEED = 2**63 - 1
"""Older clients, and images stored for them, have larger seeds."""


def check_note(note: str, request: ImageRequest) -> None:
    """Checks that a call takes an image with this note, which may have been generated for an equal call.

    Raises:
        InputError: It takes an error instead.
    """
    if note and not request.may_cut:
        raise InputError(f"{note} Shorten it.", code="prompt_too_long")


def prompt_with_names(prompt: str, names: Sequence[str | None], *, after: bool) -> str:
    """Returns a prompt that says which image shows what.

    Args:
        prompt: The prompt.
        names: The name of each reference, in the order in which the model gets them; None for one without a name.
        after: Whether the model gets the source as its first image.

    Examples:
        >>> prompt_with_names("tom in a garden", ["tom", None], after=True)
        'tom in a garden (Image 2 shows tom.)'
    """
    shown = [f"image {number} shows {name}" for number, name in enumerate(names, 2 if after else 1) if name]
    if not shown:
        return prompt
    words = ", ".join(shown)
    return f"{prompt} ({words[:1].upper()}{words[1:]}.)"


def check_local_edit(source: bytes | None, mask: bytes | None, *, resized: bool) -> None:
    """Checks that a mask, if there is one, belongs to the source.

    Args:
        source: PNG bytes of the image to edit.
        mask: PNG bytes of the mask.
        resized: Whether the call asks for a size.

    Raises:
        InputError: There is no source, or the mask does not fit it, or the result is to have another size.
    """
    if mask is None:
        return
    if source is None:
        raise InputError("A mask needs an image to edit: call edit_image with `image`.", code="invalid_image")
    if resized:
        raise InputError("With a mask the size stays as it is: leave out size, width and height.", code="invalid_image")
    check_mask(mask, image_size(source))


def checked_size(size: str | None, width: int | None, height: int | None) -> str | None:
    """Returns a size in canonical form. An empty one, which some clients send for no value, is none."""
    if size is None or not size.strip():
        return None
    if width is not None or height is not None:
        raise InputError("Give either size, or width and height, which may be rounded; not both.")
    return check_image_size(size)


def _check_range(name: str, value: float | None, low: float, high: float) -> None:
    """Checks a number of a call.

    Raises:
        InputError: It is out of range.
    """
    # This form of the comparison refuses NaN too.
    if value is not None and not low <= value <= high:
        raise InputError(f"{name} must be between {low} and {high}; got {value}.")


def digest_parts(
    fingerprint: Mapping[str, JsonValue], request: ImageRequest, arguments: Mapping[str, JsonValue]
) -> dict[str, JsonValue]:
    """Returns everything that a call's digest is made of."""
    # Calls without the newer parts keep the digests of earlier versions.
    newer: dict[str, JsonValue] = {"references": list(request.references)} if request.references else {}
    if request.mask is not None:
        newer["mask"] = request.mask
    return {
        **newer,
        **fingerprint,
        "operation": "generate" if request.source is None else "edit",
        "prompt": request.prompt,
        "source": request.source,
        "seed": request.seed,
        "arguments": dict(arguments),
    }


def check_request(
    limits: "ServiceLimits",
    prompt: str,
    seed: int | None,
    width: int | None,
    height: int | None,
    steps: int | None,
    guidance: float | None,
) -> None:
    """Checks a request's prompt and numbers.

    Raises:
        InputError: One is outside the limits.
    """
    if not prompt.strip():
        raise InputError("The prompt is empty. Describe the image.", code="invalid_prompt")
    if valid_unicode(prompt) != prompt:
        raise InputError("The prompt is not valid Unicode: it holds half a character.", code="invalid_prompt")
    if len(prompt) > limits.max_prompt:
        raise InputError(
            f"The prompt is too long: {len(prompt)} characters, at most {limits.max_prompt} are allowed.",
            code="invalid_prompt",
        )
    _check_range("seed", seed, 0, _MAX_ACCEPTED_SEED)
    _check_range("width", width, limits.min_side, limits.max_side)
    _check_range("height", height, limits.min_side, limits.max_side)
    _check_range("steps", steps, 1, limits.max_steps)
    _check_range("guidance", guidance, 0.0, limits.max_guidance)
