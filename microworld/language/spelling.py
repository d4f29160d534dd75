"""Corrects slips of the keyboard: exchanged, missing and doubled letters.

A word is corrected only if no other known word is as near, and only where the slip makes no other English word: a goat
is no boat. Knows single words; which words are known is for the caller to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, KINDS, SIZES

from .plain_text import EXTRA_SYNONYMS, NUMBER_WORDS, PLURALS
from .vocabulary import SYNONYMS

__all__ = ["corrected"]

_COMMON = frozenset(
    """
    a above add adds after and another appear appears at background becomes behind below beside between bigger
    bottom bring change color colour colors comes corner delete disappear disappears draw every everything falls
    from give goes green grow grows has have how in instead into is leaves left make many middle moves move next of
    on one out paint picture please put remove removed replace right should show shrink shrinks side smaller swap
    take the their then there there's three top turn turns two under what where which with
    """.split()
)
"""Words that requests are made of, besides those that can be drawn."""
_ENGLISH = frozenset(
    """
    act appeal bat bid bin boa boom bot bow brig cast cater chid coat corer cost dingy fie fist form fur horse hose
    hue hug let lie loom losses man nav nay net nigh pace pain pant pin pint roe rout sap shoe sid sol sore sow tan
    tee thee tin tow tress trot tsar wan whit wit
    """.split()
)
"""Words of English that a slip would make of a known word; they stay, because they may be meant."""
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")


@cache
def _targets() -> frozenset[str]:
    drawn = {*KINDS, *COLOURS, *SIZES, *BACKGROUNDS}
    drawn |= {other for word in drawn for other in SYNONYMS[word]}
    return (
        frozenset(word for word in drawn | set(EXTRA_SYNONYMS) | set(PLURALS) | set(NUMBER_WORDS) if " " not in word)
        | _COMMON
    )


def corrected(text: str, is_known: Callable[[str], bool]) -> str | None:
    """Returns a text with its misspelt words corrected; None if one of its unknown words is no slip, or all are known.

    Args:
        text: The text of a request.
        is_known: Whether a word in lower case needs no correction.

    Examples:
        >>> corrected("mkae the car bleu", {"the", "car"}.__contains__)
        'make the car blue'
    """
    found: dict[str, str] = {}
    for word in set(_WORD.findall(text)):
        plain = word.lower()
        if is_known(plain):
            continue
        meant = _meant(plain)
        if meant is None:
            return None
        found[word] = meant
    return _WORD.sub(lambda match: found.get(match.group(), match.group()), text) if found else None


@cache
def _meant(word: str) -> str | None:
    """Returns the known word that a word is a slip of, by the likeliest kind of slip that explains it."""
    if word in _ENGLISH or word.removesuffix("s") in _ENGLISH or len(word) < 2:
        return None
    for slip in (_exchanged, _doubled, _missing):
        near = sorted(one for one in _targets() if slip(word, one))
        if near:
            return near[0] if len(near) == 1 else None
    return None


def _exchanged(word: str, meant: str) -> bool:
    """Whether two neighboring letters of the meant word have changed places: "bleu"."""
    if len(word) != len(meant):
        return False
    apart = [at for at, (one, other) in enumerate(zip(word, meant, strict=True)) if one != other]
    return (
        len(apart) == 2
        and apart[1] == apart[0] + 1
        and word[apart[0]] == meant[apart[1]]
        and word[apart[1]] == meant[apart[0]]
    )


def _doubled(word: str, meant: str) -> bool:
    """Whether the words differ in how often a letter is repeated: "yelow", "forrest", "biiig"."""
    return word[0] == meant[0] and len(meant) > 2 and re.sub(r"(.)\1+", r"\1", word) == re.sub(r"(.)\1+", r"\1", meant)


def _missing(word: str, meant: str) -> bool:
    """Whether one letter of the meant word is missing, but not its first: "brd", "flowr"."""
    return (
        len(word) == len(meant) - 1
        and len(meant) > 3
        and any(meant[:at] + meant[at + 1 :] == word for at in range(1, len(meant)))
    )
