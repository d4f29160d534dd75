"""Fills in the noun that a list leaves out: "two big trees and a small one", "a red and a blue ball".

Works on the plain words of one sentence. A list that says how the objects of a group differ ("two trees, a big one and
a small one") and a word that says more of one object ("a cat, an orange one") stay as they are. Knows no scene.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, takewhile

from interleavethinker.microworld.scenes.sprites import COLOURS, KINDS, SIZES

from .plain_text import NUMBER_WORDS, PLURALS, Sentence, canonical
from .vocabulary import plural

__all__ = ["in_full", "with_nouns"]

_ANOTHER = re.compile(rf"\b(?P<noun>{'|'.join(KINDS)}) (?:with|holding) [^,;:]+?,? and another(?= with\b| holding\b)")
"""Company of one object and then of another one: "a girl with a cat and another with a ball"."""
_COUNTS = {"a": 1, "an": 1, "another": 1} | {word: number for number, word in enumerate(NUMBER_WORDS, 1)}
_ENDS = frozenset({"", ",", ":", "and", "in", "on", "at", "by", "during", "with", "under", "over"})
"""What may follow a description whose noun is left out: "two big trees and one small"."""


@dataclass(frozen=True)
class _Head:
    """A number or an article, looks and perhaps a noun."""

    begin: int
    end: int
    """After the noun, "one" or the looks."""
    count: int
    colours: frozenset[str]
    sizes: frozenset[str]
    kind: str = ""
    noun: str = ""
    """`noun`, `one` or empty."""

    def contradicts(self, other: _Head) -> bool:
        """Whether one object cannot have the looks of both."""
        return _differ(self.colours, other.colours) or _differ(self.sizes, other.sizes)


_PRECISELY = re.compile(r"(?: ,)? (?:to be (?:precise|exact|clear|specific)|that is|i mean|precisely)$")


def in_full(sentences: Sequence[Sentence]) -> list[Sentence]:
    """Returns sentences with the nouns that they leave out; an object that is only named again is one object.

    Examples:
        >>> [" ".join(one.words) for one in in_full([Sentence(("a", "cat")), Sentence(("a", "white", "cat"))])]
        ['a white cat']
    """
    found: list[Sentence] = []
    for sentence in map(with_nouns, sentences):
        words = tuple(_PRECISELY.sub("", " ".join(sentence.words)).split())
        again = _head(words, 0) if words else None
        if again is None or again.end != len(words) or again.count != 1 or not (again.colours or again.sizes):
            found.append(sentence)
        elif found and (start := _named_before(found[-1].words, again)) is not None:
            found[-1] = replace(found[-1], words=(*found[-1].words[:start], *words))
        else:
            found.append(sentence)
    return found


def _named_before(words: Sequence[str], again: _Head) -> int | None:
    """Returns where a sentence ends with the same object in fewer words: "a cat" before "an orange cat"."""
    heads = _heads(words)
    if not heads or heads[-1].end != len(words) or not again.kind:
        return None
    last = heads[-1]
    same = last.kind == again.kind and last.count == 1 and words[last.begin] in {"a", "an", "one"}
    less = last.colours <= again.colours and last.sizes <= again.sizes
    more = (last.colours, last.sizes) != (again.colours, again.sizes)
    return last.begin if same and less and more else None


def with_nouns(sentence: Sentence) -> Sentence:
    """Returns a sentence with every noun that a list leaves out.

    Examples:
        >>> " ".join(with_nouns(Sentence(tuple("two big trees and a small one".split()))).words)
        'two big trees and a small tree'
    """
    words = list(sentence.words)
    heads = _heads(words)
    missing = {**_shared(heads, words), **_repeated(heads, words)}
    for head in reversed(heads):
        if head.begin in missing:
            kind = missing[head.begin]
            start = head.end - (head.noun == "one")
            noun = [] if not kind else [kind if head.count == 1 else plural(kind)]
            words[start : head.end] = noun
            words[head.begin] = "one" if not kind and head.count == 1 else words[head.begin]
    text = _ANOTHER.sub(r"\g<0> \g<noun>", " ".join(words))
    return replace(sentence, words=tuple(text.split()))


def _heads(words: Sequence[str]) -> list[_Head]:
    found, at = [], 0
    while at < len(words):
        head = _head(words, at)
        if head is not None:
            found.append(head)
            at = head.end
        else:
            at += 1
    return found


def _head(words: Sequence[str], at: int) -> _Head | None:
    """Reads "two big trees", "a small one" or "one blue"; also looks with a noun and without a number."""
    count = _COUNTS.get(words[at], 0)
    start = at + bool(count)
    end, colours, sizes = start, set[str](), set[str]()
    while end < len(words) and (look := canonical(words[end])) in {*COLOURS, *SIZES}:
        (colours if look in COLOURS else sizes).add(look)
        end += 1
    word = words[end] if end < len(words) else ""
    kind = PLURALS.get(word) or (canonical(word) if canonical(word) in KINDS else "")
    one = bool(count) and end > start and word in {"one", "ones"}
    if not kind and not one and not (count and end > start):
        return None
    return _Head(
        at,
        end + bool(kind or one),
        count or (2 if word in PLURALS else 1),
        frozenset(colours),
        frozenset(sizes),
        kind,
        "noun" if kind else "one" if one else "",
    )


def _shared(heads: Sequence[_Head], words: Sequence[str]) -> dict[int, str]:
    """Returns nouns that stand only at the end of a list: "a red, a blue and a green ball"."""
    found: dict[int, str] = {}
    for at, last in enumerate(heads):
        if not last.kind or not (last.colours or last.sizes) or words[last.begin] not in _COUNTS:
            continue
        first = at
        while first and not heads[first - 1].noun and _joined(heads[first - 1], heads[first], words):
            first -= 1
        if first < at and words[last.begin - 1] == "and" and not _divides(heads[:first], heads[first : at + 1]):
            found |= {head.begin: last.kind for head in heads[first:at]}
    return found


def _divides(before: Sequence[_Head], listed: Sequence[_Head]) -> bool:
    """Whether a list gives the looks of the objects of a group: "two cars, one red and one blue …"."""
    return bool(before) and before[-1].count > 1 and sum(one.count for one in listed) == before[-1].count


def _repeated(heads: Sequence[_Head], words: Sequence[str]) -> dict[int, str]:
    """Returns nouns that stand only at the beginning of a list: "two big trees and a small one".

    They are empty where the list says how the objects of a group differ, which needs no "one".
    """
    found: dict[int, str] = {}
    named: _Head | None = None
    for at, head in enumerate(heads):
        if head.kind:
            named = head
            continue
        if named is None or head.begin in found:
            continue
        following = words[head.end] if head.end < len(words) else ""
        if not head.noun and following not in _ENDS:
            continue
        parts = list(takewhile(lambda one: not one.kind, heads[at:]))
        if named.count == sum(one.count for one in parts) > 1 and not any(map(named.contradicts, parts)):
            if all(_joined(*pair, words) for pair in pairwise(parts)):
                found |= {one.begin: "" for one in parts if one.noun}  # "two trees, a big one and a small one"
            named = None
            continue
        listed = [head]
        for other in heads[at + 1 :]:
            if other.kind or not _joined(listed[-1], other, words):
                break
            listed.append(other)
        contradicts = any(map(named.contradicts, listed))
        if not contradicts and (not head.noun or named.count == sum(one.count for one in listed)):
            continue  # the same object: "a cat, an orange one"
        before = words[head.begin - 1]
        if before not in {"and", ","} and not (head.noun and before in _BETWEEN) and not contradicts:
            continue
        found |= {one.begin: named.kind for one in listed if one.noun or contradicts}
    return found


_BETWEEN = frozenset("to of above below beside near under over between with by from for than".split())
"""Words before an object that another one is placed by: "a red ball next to a blue one"."""


def _joined(first: _Head, second: _Head, words: Sequence[str]) -> bool:
    return {*words[first.end : second.begin]} <= {",", "and"} and first.end < second.begin


def _differ(one: frozenset[str], other: frozenset[str]) -> bool:
    return bool(one and other and one != other)
