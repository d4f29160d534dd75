"""Images that stand where a sentence needs words: "Is there a cat in <image> or in <image>?" Pure functions."""

from __future__ import annotations

import re

from interleavethinker.tools.types import Part, Request, TextPart

__all__ = ["with_images_in_words"]

_NEEDS_WORDS = re.compile(
    r"\b(?:above|and|are|as|at|behind|between|compare|describe|does|for|from|has|have|in|into|is|like|look at|of|on|or|"
    r"take|than|that|to|use|versus|vs|with),?\s*$",
    re.IGNORECASE,
)
"""The end of a text that is no sentence without the image after it."""
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")


def with_images_in_words(request: Request) -> Request:
    """Returns a request whose images inside sentences come before the sentence, which calls them by their number.

    Rules read texts, and "Is there a cat in … or in …?" without its images asks something else. An image before or
    after a whole sentence, or with a name, stays where it is.

    Examples:
        >>> marked = (TextPart(text="What is in"), ImagePart(sha256="a" * 64), TextPart(text="?"))
        >>> with_images_in_words(Request(parts=marked)).text
        'What is in the picture?'
    """
    count = len(request.images)
    parts: list[Part] = []
    words: str | None = None
    """A text that goes on with the next part."""
    number = 0
    for part in request.parts:
        if isinstance(part, TextPart):
            words = part.text if words is None else _joined(words, part.text)
            continue
        number += 1
        if part.name is None and words is not None and _NEEDS_WORDS.search(words) and number <= len(_ORDINALS):
            words = f"{words.rstrip()} the {'' if count == 1 else f'{_ORDINALS[number - 1]} '}picture"
        elif words is not None:
            parts.append(TextPart(text=words))
            words = None
        parts.append(part)
    if words is not None:
        parts.append(TextPart(text=words))
    return request.model_copy(update={"parts": tuple(parts)})


def _joined(before: str, after: str) -> str:
    """Joins two texts, without a space before a mark of punctuation."""
    return f"{before}{'' if re.match(r'[.,;:!?]', after.lstrip()) else ' '}{after.lstrip()}"
