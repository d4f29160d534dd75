"""Finds the choices that a request leaves to the program: "either a cat or a bird", "a red or a blue ball".

Pure functions over the text of a request; the caller reads each alternative. Knows no grammar and no scene.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from interleavethinker.microworld.language.compiled_patterns import compiled
from interleavethinker.microworld.language.key_words import COLOUR, COUNT, GROUND, LOOK, MANY, ONE, SIZE, SPOT

__all__ = ["Choice", "choice_in", "with_or"]

_I = re.IGNORECASE
_ARTICLE = rf"(?:(?:an?|the|one|some|my|{COUNT}|[1-9]) )"
_NAMED = rf"{_ARTICLE}{LOOK}(?:{ONE}|{MANY})"
_BARE = rf"{_ARTICLE}?{LOOK}(?:{ONE}|{MANY})"
_PLACE = rf"(?:(?:in|on|at|to) )?(?:the )?(?:{SPOT})(?: (?:corner|side))?"
_TIME = rf"(?:(?:in|on|at|by) )?(?:(?:the|an?) )?(?:{GROUND})"
_ALTERNATIVES = (
    (_NAMED, _BARE),
    (rf"{_ARTICLE}?(?:{COLOUR})", rf"(?:{_ARTICLE})?(?:{COLOUR})"),
    (rf"{_ARTICLE}?(?:{SIZE})", rf"(?:{_ARTICLE})?(?:{SIZE})"),
    (_PLACE, _PLACE),
    (_TIME, _TIME),
    (rf"(?:{COUNT}|[1-9])", rf"(?:{COUNT}|[1-9])"),
)
"""Pairs of the same class; two nouns without an article ("bird or cat") may be a description, and need one."""
_NO_CHOICE = re.compile(
    r"\b(?:no|not|nor|neither|never|without|whether|if|unless|whichever|any|every|each|all|only|or else|"
    r"otherwise|\w+n['\u2019]t)\b|"
    r"\bor\b.*\bor\b|\?\s*$",
    _I | re.DOTALL,
)
"""Words with which "or" offers no choice: "no cat or bird" wants neither."""


@dataclass(frozen=True)
class Choice:
    """A request with one choice, made both ways."""

    words: str
    """The words that offer it."""
    first: str
    """The alternative that the program chooses, in the request's words."""
    text: str
    """The request with the first alternative."""
    other: str
    """The request with the other one, which must make sense as well."""


_MAYBE = (
    rf"\b(?:maybe|perhaps) (?P<one>(?:{_ARTICLE})?{LOOK}(?:{ONE}|{MANY})),? (?:or )?(?:maybe|perhaps) "
    rf"(?P<other>(?:{_ARTICLE})?{LOOK}(?:{ONE}|{MANY}))(?=[.,;!]|$)"
    "(?:,? (?:you (?:decide|choose|pick)|as you (?:like|wish)))?"
)


def with_or(text: str) -> str:
    """Returns "maybe a cat, maybe a bird" as the choice that it offers; the same text if it offers none."""
    return compiled(_MAYBE, _I).sub(r"\g<one> or \g<other>", text)


def choice_in(text: str) -> Choice | None:
    """Returns the only choice that a request offers; None if it offers none, or "or" may mean something else.

    Examples:
        >>> choice_in("Draw either a red ball or a cat.").text
        'Draw a red ball.'
    """
    if _NO_CHOICE.search(text) or len(re.findall(r"\bor\b", text, _I)) != 1:
        return None
    for one, other in _ALTERNATIVES:
        found = compiled(rf"(?:\beither )?\b(?P<one>{one})(?:,| either)? or (?:else )?(?P<other>{other})\b", _I).search(
            text
        )
        if found is not None:
            before, after = text[: found.start()], text[found.end() :]
            first, second = found["one"], found["other"]
            return Choice(found.group(), first, f"{before}{first}{after}", f"{before}{second}{after}")
    return None
