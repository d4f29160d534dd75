"""Brings together what a description says of one object or group in two places: "a cat at the beach, a big one".

Works on the text of a request, before its sentences are read. Knows no scene.
"""

from __future__ import annotations

import re

from interleavethinker.microworld.language.plain_text import canonical
from interleavethinker.microworld.language.templates import with_article
from interleavethinker.microworld.scenes.sprites import COLOURS
from interleavethinker.tools.errors import InputError

from .second_wording import KIND_WORDS, LOOK_WORDS, PLACE_WORDS

__all__ = ["check_one_picture", "told_together"]

_A = "(?:an?|one)"
_VERY = "(?:(?:really|very|quite|rather|pretty|nice|lovely) )*"
_NP = rf"{_A} (?:{LOOK_WORDS} )*(?:{KIND_WORDS})"
_APART = re.compile(
    rf"\b(?P<np>{_A} (?P<looks>(?:{LOOK_WORDS} )*))(?P<kind>{KIND_WORDS})\b"
    rf"(?P<between>(?:(?!\b(?:{KIND_WORDS}|and|or|then)\b)[^,.;:!?\n])*), "
    rf"(?:(?:like|maybe|preferably|ideally|but|please) )*{_A} {_VERY}(?P<look>{LOOK_WORDS}) one"
    r"(?=(?: please)?\s*(?:[.;!?\n]|$))",
    re.IGNORECASE,
)
"""A look that follows the place of its object, at the end of a sentence."""
_SAME = re.compile(
    rf"(?P<first>(?:(?P<a>{_A}) )?(?P<looks>(?:{LOOK_WORDS} )+)(?P<kind>{KIND_WORDS})) "
    rf"(?P<at>{PLACE_WORDS})(?:,| and|, and)"
    rf" (?:the )?same (?P=kind)(?:,? (?:but|only|just|now))?(?: in| painted)?(?: (?P<look>{LOOK_WORDS}))? "
    rf"(?P<there>{PLACE_WORDS})"
    r"(?=\s*(?:[.,;!?\n]|$))",
    re.IGNORECASE,
)
"""Two objects of one image, the second told by the first."""
_BESIDE = re.compile(
    rf"\b(?P<one>{_NP}) and (?P<two>{_NP}),? (?:in|at|on) the (?P<row>top|bottom),? "
    r"(?:(?:right|directly|both) )*(?:next to|beside) (?:each other|one another)|"
    rf"\b(?P<one2>{_NP}) and (?P<two2>{_NP}),? (?:in|at|on) the (?P<row2>top|bottom),? side by side|"
    rf"\b(?P<one3>{_NP}) and (?P<two3>{_NP}),? (?:next to each other|side by side),? "
    r"(?:in|at|on) the (?P<row3>top|bottom)"
    r"(?! (?:left|right))",
    re.IGNORECASE,
)
_EXACTLY = re.compile(
    r",? ?\b(?:no|not) (?:more|fewer|less)(?:,? (?:and|or|but|nor))?,? (?:no|not)? ?(?:more|fewer|less)\b",
    re.IGNORECASE,
)
_ALL_IN_IT = re.compile(r"\b(?:all|everything)(?: that)? (?:stands|is|lies|lives) (?:in|on) it\b", re.IGNORECASE)
_PICTURE = "(?:picture|image|drawing|photo|painting)"
_PICTURES = re.compile(
    rf"\b(?:an?|one) (?:\w+ )?{_PICTURE} (?:of|with|showing)\b.*(?:,|;|\band\b|[.!]) ?(?:and )?"
    rf"(?:(?:an?|one|another|a second) (?:\w+ )?{_PICTURE}|another(?: one)?|the other(?: one)?|a second(?: one)?) "
    r"(?:of|with|showing)\b",
    re.IGNORECASE | re.DOTALL,
)
"""Several pictures, each with its own content."""


def told_together(text: str) -> str:
    """Returns a text in which an object's looks stand before it, and objects beside each other have their row.

    Examples:
        >>> told_together("A pink cat in the snow, a really big one.")
        'A big pink cat in the snow.'
        >>> told_together("A red ball on the left, the same ball in blue on the right.")
        'A red ball on the left and a blue ball on the right.'
    """
    text = _ALL_IN_IT.sub("everything", _EXACTLY.sub("", text))
    return _BESIDE.sub(_in_row, _SAME.sub(_second, _APART.sub(_before_noun, text)))


def _before_noun(match: re.Match[str]) -> str:
    looks, look = match["looks"].split(), match["look"].lower()
    if any(_is_colour(one) == _is_colour(look) for one in looks):
        return match.group()  # "a red ball in the snow, a blue one": another ball
    article = match["np"].split()[0]
    words = " ".join([*looks, look] if _is_colour(look) else [look, *looks])
    named = f"one {words}" if article.lower() == "one" else with_article(words)
    named = named[:1].upper() + named[1:] if article[:1].isupper() else named
    return f"{named} {match['kind']}{match['between']}"


def _second(match: re.Match[str]) -> str:
    looks, look = match["looks"].split(), (match["look"] or "").lower()
    if not look and not any(map(_is_colour, looks)):
        return match.group()  # nothing says that both look alike
    kept = [one.lower() for one in looks if not look or _is_colour(one) != _is_colour(look)]
    words = " ".join(sorted([*kept, *([look] if look else [])], key=_is_colour))
    first = match["first"] if match["a"] else with_article(match["first"].lower())
    second = with_article(f"{words} {match['kind']}")
    return f"{first} {match['at']} and {second} {match['there']}"


def _in_row(match: re.Match[str]) -> str:
    one, two, row = (match[key] or match[f"{key}2"] or match[f"{key}3"] for key in ("one", "two", "row"))
    return f"{one} in the {row} row and {two} in the {row} row next to it"


def _is_colour(word: str) -> bool:
    return canonical(word.lower()) in COLOURS


def check_one_picture(text: str) -> None:
    """Checks that "a picture of a cat and a picture of a bird" is not read as one image, or as a bird added to the cat.

    Raises:
        InputError: The text names several pictures with a content of their own (`not_understood`).
    """
    if _PICTURES.search(text):
        msg = 'The request names several pictures; say what each shows: "1. A cat. 2. The cat goes, and a bird comes.".'
        raise InputError(msg, code="not_understood")
