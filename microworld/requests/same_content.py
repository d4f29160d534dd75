"""Compares the content words of two requests: objects, looks, places, backgrounds, and whether things leave.

Stricter than `named_alike`, which every restatement must pass: a restatement of which the model is not sure is used
only if it has every content word of the request and no other.
"""

import re
from collections import Counter

from interleavethinker.microworld.language.plain_text import NUMBER_WORDS, PLURALS, canonical, plain_text
from interleavethinker.microworld.language.vocabulary import SYNONYMS
from interleavethinker.microworld.scenes.sprites import KINDS

from .named_alike import takes_back

__all__ = ["same_content"]

_SIDES = ("left", "right", "top", "bottom", "middle")
_CONTENT = frozenset((*SYNONYMS, *_SIDES))
_OTHER_FORMS = {"bigger": "big", "biggest": "big", "smaller": "small", "smallest": "small", "upper": "top"} | {
    "lower": "bottom", "center": "middle", "centre": "middle", "sundown": "sunset", "snowy": "snow", "grassy": "meadow"
}  # fmt: skip
_BETWEEN = re.compile(r"\bbetween\b")
_ABOVE = re.compile(
    r"\b(?:above|over|atop|below|under(?! (?:a|the) (?:\w+ )?(?:sunset|sky|moon))|underneath|beneath)\b"
)
"""One thing above another one, which is below it."""
_LEAVING = re.compile(r"\b(?:away|gone|leaves?|leaving|vanish\w*|disappear\w*|remov\w+|delet\w+|eras\w+|eliminat\w+)\b")
_SEVERAL = re.compile(rf"\b(?:another|both|also|too|same|{'|'.join(NUMBER_WORDS[1:])})\b")
"""Words with which one size may belong to several objects."""
_ANOTHER = re.compile(rf"\b(?:another|second) (?:\w+ )?({'|'.join(KINDS)})\b")
"""One more object of a kind that was named."""
_SUN = re.compile(r"\bsun (?:goes down|went down|sets)\b")


def same_content(wording: str, restated: str) -> bool:
    """Whether two wordings have the same content words, in any order; synonyms and plurals are equal.

    The restated one may repeat what tells objects apart, but a size only where the request may mean several objects. A
    request that corrects itself ("no wait, on the left") may have words that it takes back.

    Args:
        wording: The request as somebody worded it.
        restated: The same in words that the rules read.
    """
    plain, said, meant = plain_text(wording), _content(wording), _content(restated)
    if not _SEVERAL.search(plain) and any(meant[size] > said[size] for size in ("big", "small")):
        return False
    if meant["leaving"] > said["leaving"]:
        return False
    if any(meant[kind] < 2 for kind in _ANOTHER.findall(plain)) and not _SEVERAL.search(plain_text(restated)):
        return False
    return meant.keys() <= said.keys() and (said.keys() <= meant.keys() or takes_back(wording))


def _content(text: str) -> Counter[str]:
    plain = _SUN.sub("sunset", plain_text(text))
    words = [canonical(PLURALS.get(word, _OTHER_FORMS.get(word, word))) for word in re.findall(r"[a-z]+", plain)]
    found = Counter(word for word in words if word in _CONTENT)
    found.update(
        middle=len(_BETWEEN.findall(plain)), above=len(_ABOVE.findall(plain)), leaving=len(_LEAVING.findall(plain))
    )
    return +found
