"""Compares what two wordings of a request name, as a check of a model that rewords.

It knows words, not sentences. Two wordings that name the same may still mean something else.
"""

from __future__ import annotations

import re
from difflib import get_close_matches

from interleavethinker.microworld.language.plain_text import EMOJI, EXTRA_SYNONYMS, NUMBER_WORDS
from interleavethinker.microworld.language.vocabulary import SYNONYMS, plural, regular_plural
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, KINDS

__all__ = ["named_alike"]

_TAKEN_BACK = re.compile(
    r"\b(?:no|not|nor|neither|without|never|wait|actually|instead|rather|sorry|mean|except|but|anything|nothing|all|"
    r"everything|\w+n[’']?t)\b"
)
"""Words after which a request may name what it does not want, or one word may stand for several."""
_PAIR = re.compile(r"\b(?:pair|couple|both|twins?|double|duo|another|second|more|too|also)\b")
_SIDES = {"left": re.compile(r"left|west|⬅|←|↖|↙"), "right": re.compile(r"right|rigth|east|➡|→|↗|↘")}
_SUN = "sun goes down"
_NUMBER = rf"(?:\d+|{'|'.join(NUMBER_WORDS)})"
_NO_COUNT = re.compile(
    rf"\b(?:turns?|turned|turning|aged?|grade|class|room|chapter|exercise|ticket|number|at) #?{_NUMBER}\b"
    rf"|\b{_NUMBER}[- ](?:years?|months?|weeks?|days?|hours?|minutes?|o'?clock|am|pm)\b|#{_NUMBER}\b"
)
"""Numbers that count no objects: ages, times, names of rooms."""


def _spellings() -> dict[str, str]:
    found = {}
    for word in (*KINDS, *COLOURS):
        others = (other for other, meant in EXTRA_SYNONYMS.items() if meant == word)
        for name in (word, *SYNONYMS[word], *others):
            found[name] = word
            if word in KINDS:
                found[plural(name)] = found[regular_plural(name)] = word
    return found


_SPELLINGS = _spellings()


def named_alike(wording: str, restated: str) -> bool:
    """Whether a restated request names what the request names.

    Objects and colors that only the restated one names were invented, and so are sides, and counts in a request for one
    image. What only the request names was forgotten, unless it takes something back or the restated one is a question.

    Args:
        wording: The request as somebody worded it.
        restated: The same in words that the rules read.
    """
    wording, restated = wording.lower(), restated.lower()
    said, meant = _named(wording), _named(restated)
    if not all(_hinted(word, wording) for word in meant - said) or any(
        side in restated and not sign.search(wording) for side, sign in _SIDES.items()
    ):
        return False
    if not restated.startswith("1. ") and _numbers(restated) - _numbers(_NO_COUNT.sub(" ", wording)):
        return False
    if restated.endswith("?") or restated.startswith("describe") or _TAKEN_BACK.search(wording):
        return True
    return said <= meant and all(
        ground in restated or (ground == "sunset" and _SUN in restated)
        for ground in BACKGROUNDS
        if re.search(rf"\b{ground}\b", wording)
    )


def _hinted(word: str, wording: str) -> bool:
    """Whether a wording has a spelling of its own for a word: "fishies", "birdie", "yelow"."""
    spellings = [spelling for spelling, meant in _SPELLINGS.items() if meant == word]
    return any(
        said.startswith(word) or get_close_matches(said, spellings, n=1, cutoff=_CLOSE)
        for said in re.findall(r"[a-z]{3,}", wording)
    )


_CLOSE = 0.8
"""Least similarity of a misspelt word, as `difflib` measures it."""


def _named(text: str) -> set[str]:
    words = re.findall(r"[a-z]+", text)
    return {_SPELLINGS[word] for word in words if word in _SPELLINGS} | {EMOJI[sign] for sign in text if sign in EMOJI}


def _numbers(text: str) -> set[int]:
    found = {NUMBER_WORDS.index(word) + 1 for word in re.findall(r"[a-z]+", text) if word in NUMBER_WORDS}
    found |= {int(digit) for digit in re.findall(r"[1-9]", text)}
    found |= {text.count(sign) for sign in EMOJI if sign in text}
    return (found | {2} if _PAIR.search(text) else found) - {1}
