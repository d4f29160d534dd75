"""Separates words that quick typing has run together: "ontheleft", "pleaseadd", "2cats".

A word is separated only if it is unknown, its letters are exactly those of known words, and one of these is a function
word: "birdhouse" and "bluebird" name other things and stay. Knows single words only.
"""

from __future__ import annotations

import re
from functools import lru_cache

from interleavethinker.microworld.scenes.sprites import COLOURS, KINDS, SIZES

from .empty_words import EMPTY_WORDS
from .plain_text import EXTRA_SYNONYMS, NUMBER_WORDS, PLURALS
from .vocabulary import BACKGROUND_PHRASES, CANONICAL

__all__ = ["separated"]

_FUNCTION = frozenset(
    """
    a an the on in at of to and with is are please draw add put make paint remove show by it atop next
    two three four five six
    """.split()
)
_CONTENT = frozenset(
    {*KINDS, *COLOURS, *SIZES, *BACKGROUND_PHRASES, *CANONICAL, *EXTRA_SYNONYMS, *PLURALS, *NUMBER_WORDS}
) | {"left", "right", "top", "bottom", "middle", "center", "centre", "other"}
_OWN_WORDS = frozenset(
    """
    tonight inbox ashore atone aright alight another inside into onto upon today together toward within without atop
    issue forest offset inset andes their these theme there then thereof added painting
    """.split()
)
"""Words of their own whose letters are those of several others."""
_MOST = 4
"""Words in one."""
_LONGEST = max(map(len, _FUNCTION | _CONTENT))
_COUNTED = re.compile(
    rf"(?<![\w.,])([1-9])(?=(?:{'|'.join(sorted(_CONTENT, key=len, reverse=True))})\b)", re.IGNORECASE
)


def separated(text: str) -> str:
    """Returns a text with a space between words that were run together.

    Examples:
        >>> separated("pleaseadd 2cats ontheleft of the birdhouse")
        'please add 2 cats on the left of the birdhouse'
    """
    return re.sub(r"(?<![\w'])[A-Za-z]{4,}(?![\w'])", _parted, _COUNTED.sub(r"\1 ", text))


def _parted(match: re.Match[str]) -> str:
    word = match.group()
    lengths = _lengths(word.lower())
    if not lengths:
        return word
    parts, at = [], 0
    for length in lengths:
        parts.append(word[at : at + length])
        at += length
    return " ".join(parts)


@lru_cache(maxsize=1024)
def _lengths(word: str) -> tuple[int, ...]:
    """Returns the lengths of the words in a word; empty if it is one word, or several words in more than one way."""
    if len(word) > _MOST * _LONGEST or any(word in known for known in (_CONTENT, _FUNCTION, _OWN_WORDS, EMPTY_WORDS)):
        return ()
    ways = [way for way in _ways(word, _MOST) if len(way) > 1 and _is_certain(word, way)]
    return tuple(map(len, ways[0])) if len(ways) == 1 else ()


def _is_certain(word: str, way: tuple[str, ...]) -> bool:
    """Whether there is a function word, and in a short word an object too: "acat", but not "area"."""
    if word == "anda":
        return True
    return bool(_FUNCTION.intersection(way)) and (len(word) > 4 or way[-1] in KINDS)


def _ways(word: str, most: int) -> list[tuple[str, ...]]:
    if not word:
        return [()]
    if not most:
        return []
    found: list[tuple[str, ...]] = []
    for end in range(1, min(len(word), _LONGEST) + 1):
        if (part := word[:end]) in _FUNCTION or part in _CONTENT:
            found += ((part, *rest) for rest in _ways(word[end:], most - 1))
    return found
