"""Puts a background of all images, which a request may name last, in front: "A cat. A bird. Everything at night."."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from interleavethinker.microworld.language.clauses import Statement
from interleavethinker.microworld.language.phrase_types import Ground

__all__ = ["background_of_all_first"]

_ALWAYS = re.compile(
    r"\b(?:everything|always|throughout|all the (?:time|while)|the (?:whole|entire) time|"
    r"(?:in|on|for|of) (?:all|every|each|both)(?: one)?(?: of)?(?: the| these)?(?: \w+)? "
    r"(?:pictures?|images?|steps?|frames?|panels?|scenes?))\b"
)


def background_of_all_first(statements: Sequence[Statement], text: str) -> list[Statement]:
    """Returns the statements of a request without images, with a background of all of them in front.

    Args:
        statements: In the order of the request.
        text: The request; a reader may have dropped words that no statement has, such as "throughout".
    """
    for at, statement in enumerate(statements):
        if statement.ground or any(isinstance(item, Ground) for item in statement.items):
            holds = at > 0 and statement.kind == "background" and statement.stated and not statement.sequenced
            if not holds or not _ALWAYS.search(_with_rest(statement.text, text)):
                break
            first = replace(statements[0], sequenced=False)  # it is the same image as the background
            return [statement, first, *statements[1:at], *statements[at + 1 :]]
    return list(statements)


def _with_rest(words: str, text: str) -> str:
    """Returns the words of a statement with what follows them in their sentence."""
    found = re.search(re.escape(words) + r"[^.!?;\n]*", text)
    return words if found is None else found[0]
