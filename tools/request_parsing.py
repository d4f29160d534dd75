"""Converts what users pass as a request into a `Request`, and finds the number of steps that a request asks for.

Pure functions of text; images are never read.
"""

import re
from collections.abc import Mapping, Sequence

from pydantic import TypeAdapter, ValidationError

from .errors import InputError
from .plain_text import clean, valid_unicode
from .types import ImagePart, Part, Request, Sha256, TextPart

__all__ = ["MAX_NAMED_STEPS", "RequestLike", "as_request", "check_length", "named_step_count", "place_images"]

RequestLike = str | Request | Sequence[Part | str]
"""A text, a request, or the parts of one, in which a plain string is a text part."""

MAX_NAMED_STEPS = 60
"""A larger number before "steps" is taken as part of the story, not as a requirement for the plan."""

_MAX_CHARACTERS = 200_000
"""Of one request, all texts together: a short novel, and more than most models read."""
_MARK = "<image>"
_NUMBERS = [
    *("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
]
_COUNT = re.compile(
    rf"(?<![\w.-])(\d{{1,2}}|{'|'.join(_NUMBERS)})[ -](?:(?!per\b|each\b|every\b)\w+[ -]){{0,2}}?"
    r"(?:steps?|images?|pictures?|panels?|frames?)\b",
    re.IGNORECASE,
)
_EXISTING = re.compile(
    r"\b(?:(?:these|those|both|between|given|your|my|how many)\s{1,9}(?:the\s{1,9})?|"
    r"(?:are|is|do|does|did|has|have|compare|which of)\s{1,9}(?:the|these|those)\s{1,9})$",
    re.IGNORECASE,
)
"""Before a number: it counts things that exist already, not the steps of the answer."""
_PACE = re.compile(r"(?:1|one)[ -](?:\w+[ -])?step$", re.IGNORECASE)
"""A distance or a pace, unless it follows "in": "one step left", "one step at a time"."""
_HOW_MANY = re.compile(r"\bhow many\b", re.IGNORECASE)
"""In the same sentence before a number, it makes the number one of things that exist."""
_EACH = re.compile(r"\s{1,9}(?:for (?:each|every|all)|per|each|at a time)\b", re.IGNORECASE)
"""After a number: a pace, "one picture for each line"."""
_IN = re.compile(r"\bin\s{1,9}$")
_NEAR, _SENTENCE = 40, 500
"""Characters before a number that are looked at; without a bound, long requests would take quadratic time."""
_PARTS: TypeAdapter[tuple[Part, ...]] = TypeAdapter(tuple[Part, ...])


def as_request(value: RequestLike) -> Request:
    """Returns the request in canonical form.

    Raises:
        InputError: The value is not a request, or it contains neither text nor an image.
    """
    if isinstance(value, Mapping):  # The JSON form of a request.
        value = value.get("parts", ())
    if isinstance(value, Request):
        request = value
    elif isinstance(value, str):
        request = Request(parts=(_text_part(value),))
    else:
        try:
            parts = [_text_part(part) if isinstance(part, str) else part for part in value]
            request = Request(parts=_PARTS.validate_python(parts))
        except (ValidationError, TypeError) as error:
            raise InputError(
                "Not a request. Pass a text, or a list of texts, {'kind': 'text', 'text': …} and "
                "{'kind': 'image', 'sha256': …} parts."
            ) from error
    if not any(isinstance(part, ImagePart) or clean(part.text).strip() for part in request.parts):
        raise InputError("The request is empty. Describe what to show, or add an image.")
    return request


def check_length(request: Request) -> None:
    """Checks a request that comes from outside; stored ones are read at any length.

    Raises:
        InputError: Its texts are longer than any model can use.
    """
    length = len(request.text)
    if length > _MAX_CHARACTERS:
        raise InputError(
            f"The request has {length:,} characters; at most {_MAX_CHARACTERS:,} are accepted. Shorten it."
        )


def _text_part(text: str) -> TextPart:
    if valid_unicode(text) != text:
        raise InputError("The request is not valid Unicode: it holds half a character. Check its encoding (UTF-8).")
    return TextPart(text=text)


def place_images(text: str, images: Sequence[Sha256 | ImagePart]) -> tuple[Part, ...]:
    """Returns the parts of a request whose text marks the places of images with `<image>`.

    Images without a mark come first, in order.

    Raises:
        InputError: The text has more marks than there are images.

    Examples:
        >>> [part.kind for part in place_images("Compare <image> with <image>.", ["a" * 64, "b" * 64])]
        ['text', 'image', 'text', 'image', 'text']
    """
    if not isinstance(text, str):
        raise InputError(f"A prompt must be a text; got {type(text).__name__}.")
    pieces = text.split(_MARK)
    marks = len(pieces) - 1
    if marks > len(images):
        raise InputError(f"The text has {marks} {_MARK} marks, but only {len(images)} images were given.")
    placed = [image if isinstance(image, ImagePart) else ImagePart(sha256=image) for image in images]
    unplaced = len(placed) - marks
    parts: list[Part] = [*placed[:unplaced]]
    for piece, following in zip(pieces, [*placed[unplaced:], None], strict=True):
        if clean(piece).strip():
            parts.append(TextPart(text=piece.strip()))
        if following is not None:
            parts.append(following)
    return tuple(parts)


def named_step_count(text: str) -> int | None:
    """Returns the number of steps that a request asks for ("in 3 steps", "four pictures"), or None.

    A request with two different numbers gives None: leaving the decision to the planner is better than guessing.
    """
    found = set()
    for match in _COUNT.finditer(text):
        if _counts_something_else(text, match):
            continue
        word = match.group(1).lower()
        found.add(int(word) if word.isdigit() else _NUMBERS.index(word) + 1)
    if len(found) != 1:
        return None
    (count,) = found
    return count if 1 <= count <= MAX_NAMED_STEPS else None


def _counts_something_else(text: str, match: re.Match[str]) -> bool:
    before = text[max(0, match.start() - _SENTENCE) : match.start()]
    near = before[-_NEAR:]
    sentence = before[max(before.rfind(end) for end in ".?!") + 1 :]
    asks = before[-1:].isspace() and _HOW_MANY.search(sentence)
    each = _EACH.match(text, match.end())
    return bool(asks or each or _EXISTING.search(near) or (_PACE.match(match.group()) and not _IN.search(near)))
