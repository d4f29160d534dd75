"""Words that no image shows, but that tell objects apart: "a happy cat" and "a sad cat", "Tom's ball" and "Ann's ball".

Knows no grammar beyond a noun and the word before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from interleavethinker.microworld.language.compiled_patterns import compiled
from interleavethinker.microworld.language.key_words import COLOUR, ONE, SIZE, kind_of
from interleavethinker.microworld.language.plain_text import NUMBER_WORDS
from interleavethinker.microworld.language.reader.tagging import tag
from interleavethinker.tools.errors import InputError

from .story import Story

__all__ = ["check_told_apart"]

_NAMED = (
    rf"(?:^|(?<=[\s(“\"]))(?:(?P<article>an?|the|one|my|her|his|its|our|their) )?(?P<modifier>[a-z]{{3,15}}(?:[’']s)?) "
    rf"(?P<noun>(?:(?:{COLOUR}|{SIZE}) ){{0,3}}(?:{ONE}))\b(?P<be> (?:is|was)\b)?"
)
_NO_LOOK = frozenset({"OTHER", "GLUE", "DANGER"})
"""Tags of words that say nothing which an image shows."""
_POINTING = frozenset(
    (*NUMBER_WORDS, *"same new single whole final certain very own quite really such just also too even is was".split())
)
"""Words of these tags that tell which object or how many, and not what it is like."""
_OWNED = rf"\b(?P<owner>my|your|his|her|our|their) (?P<noun>{ONE}) (?:is|was|are|were)\b"
"""One of several owners' objects: "my car is red, your car is blue"."""
_SHORT = frozenset(f"{word}'s" for word in ("it", "that", "there", "here", "what", "who", "where", "let", "he", "she"))


def check_told_apart(text: str, story: Story) -> None:
    """Checks that objects which a request tells apart are several in its images.

    Raises:
        InputError: They are one, so nothing shows which of them is meant (`told_apart`).
    """
    owned = {(kind_of(one["noun"]), one["owner"].lower()) for one in compiled(_OWNED, re.IGNORECASE).finditer(text)}
    for kind in sorted({kind for kind, _ in owned}):
        owners = sorted(owner for one, owner in owned if one == kind)
        if len(owners) > 1 and _most(kind, story) < len(owners):
            one, other = (f"{owner} {kind}" for owner in owners[:2])
            msg = f'"{one}" and "{other}" may be one {kind} or two; call the second "another {kind}".'
            raise InputError(msg, code="told_apart")
    first: dict[str, re.Match[str]] = {}
    for found in _modified(text):
        kind, modifier = kind_of(found["noun"]), found["modifier"]
        before = first.setdefault(kind, found)
        both_are = before["article"] == "the" and before["be"] and found["be"]
        if modifier == before["modifier"] or not (found["article"] != "the" or both_are):
            continue
        if _most(kind, story) < 2:
            one, other = (f"{each['modifier']} {each['noun']}" for each in (before, found))
            msg = f'"{one}" and "{other}" may be one {kind} or two; call the second "another {kind}", or name it alike.'
            raise InputError(msg, code="told_apart")


def _most(kind: str, story: Story) -> int:
    """Returns how many objects of a kind one image shows at most."""
    return max(sum(thing.kind == kind for thing in frame.things.values()) for frame in story.frames)


def _modified(text: str) -> Iterator[re.Match[str]]:
    for found in compiled(_NAMED, re.IGNORECASE).finditer(" ".join(text.lower().replace("’", "'").split())):
        word = found["modifier"]
        owner = word.endswith("'s") and word not in _SHORT
        if owner or ("'" not in word and word not in _POINTING and tag((word,))[0].tag in _NO_LOOK):
            yield found
