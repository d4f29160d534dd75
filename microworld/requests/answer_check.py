"""Whether an answer in a planner's words says what the rules answer, and nothing else. Knows no questions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from interleavethinker.microworld.language.plain_text import NUMBER_WORDS, PLURALS, canonical
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, KINDS, SIZES

from .answers import Answer

__all__ = ["answer_faults"]

_PLACES = frozenset({"top", "bottom", "left", "right", "middle"})
_SAID = frozenset({*KINDS, *COLOURS, *SIZES, *BACKGROUNDS, *_PLACES})
_PLAIN = frozenset(
    (
        "yes no not it is are there that this they he she does do has have was were nothing none neither both a an the "
        "all of them same equal equally in to at s"
    ).split()
)
"""Words of an answer that says yes, no, or that there is nothing, and no more."""
_NO_OBJECT = re.compile(rf"\bno (?=(?:objects?|things?|{'|'.join((*KINDS, *PLURALS))})\b)", re.IGNORECASE)
"""Says that there is none, where a plain "no" would be the answer."""
_NONE = re.compile(r"\bthere (?:is|are) no (?:\w+ ){1,3}\w+")
"""Says that nothing has this look and kind, which says nothing of others of the kind."""
_COLOURS_COUNTED = frozenset({"colour", "colours", "color", "colors"})
_NUMBERS = {word: str(number) for number, word in enumerate(NUMBER_WORDS, 1)}


def answer_faults(answer: Answer, text: str) -> list[str]:
    """Returns what is wrong with an answer in words; empty if it is correct.

    It must contain what every correct answer contains. What else it says of objects, looks, places and numbers must be
    said in the correct answer, in the same order, and of several objects each is named: the words of "a green tree on
    the left" all occur in "a white cat on the left and a green tree on the right". A plain yes or no names none, and a
    difference may be told from either side: "blue instead of red".
    """
    words = set(_words(_NO_OBJECT.sub("", text) if text.lower().startswith("yes") else text))
    missing = any(not options & words for options in answer.required)
    said, correct = list(_said(text)), list(_said(answer.text))
    kinds = {word for word in correct if word in KINDS}
    partial = bool(said) and len(kinds) > 1 and not kinds <= set(said)
    empty = bool(correct) and not said and not words <= _PLAIN
    other = answer.kind == "count" and bool(words & _COLOURS_COUNTED) != bool(
        set(_words(answer.text)) & _COLOURS_COUNTED
    )
    follows = set(said) <= set(correct) if answer.kind == "difference" else _in_order(said, correct)
    denied = bool(_NONE.search(answer.text)) and bool(said) and said != correct
    misplaced = answer.kind == "several" and _places(said) != _places(correct)
    if missing or words & answer.forbidden or partial or empty or other or misplaced or denied or not follows:
        return [f"the answer is wrong; a correct one is: {answer.text}"]
    return []


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


def _said(text: str) -> Iterator[str]:
    """Yields the words that state something about an image, in one spelling each."""
    for word in _words(text):
        number = _NUMBERS.get(word, word)
        one = canonical(PLURALS.get(word, "middle" if word in {"centre", "center"} else word))
        if number.isdigit() or one in _SAID:
            yield number if number.isdigit() else one


def _places(said: Sequence[str]) -> list[str]:
    return [word for word in said if word in _PLACES]


def _in_order(said: Sequence[str], correct: Sequence[str]) -> bool:
    rest = iter(correct)
    return all(word in rest for word in said)
