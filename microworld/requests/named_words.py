"""The objects, colors, backgrounds and numbers that a text names, each by one word. Knows no sentences."""

from __future__ import annotations

import re

from interleavethinker.microworld.language.plain_text import EMOJI, EXTRA_SYNONYMS, NUMBER_WORDS, canonical
from interleavethinker.microworld.language.vocabulary import SYNONYMS, plural, regular_plural
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, KINDS

__all__ = ["SPELLINGS", "grounds_named", "named", "numbers_named"]

_PAIR = re.compile(r"\b(?:pair|couple|both|twins?|double|duo|another|second|more|too|also)\b")


def _spellings() -> dict[str, str]:
    found = {}
    for word in (*KINDS, *COLOURS):
        others = (other for other, meant in EXTRA_SYNONYMS.items() if meant == word)
        for name in (word, *SYNONYMS[word], *others):
            found[name] = word
            if word in KINDS:
                found[plural(name)] = found[regular_plural(name)] = word
    return found


SPELLINGS = _spellings()
"""The meant word of each spelling of an object or a color, plurals included."""


def named(text: str) -> set[str]:
    """Returns the objects and colors that a text in lower case names, also by emoji."""
    words = re.findall(r"[a-z]+", text)
    return {SPELLINGS[word] for word in words if word in SPELLINGS} | {EMOJI[sign] for sign in text if sign in EMOJI}


def grounds_named(text: str) -> set[str]:
    """Returns the backgrounds that a text in lower case names."""
    found = {canonical(word) for word in re.findall(r"[a-z]+", text)}
    return found & set(BACKGROUNDS)


def numbers_named(text: str) -> set[int]:
    """Returns the numbers from 2 on that a text in lower case names, also by emoji and words such as "both"."""
    found = {NUMBER_WORDS.index(word) + 1 for word in re.findall(r"[a-z]+", text) if word in NUMBER_WORDS}
    found |= {int(digit) for digit in re.findall(r"[1-9]", text)}
    found |= {text.count(sign) for sign in EMOJI if sign in text}
    return (found | {2} if _PAIR.search(text) else found) - {1}
