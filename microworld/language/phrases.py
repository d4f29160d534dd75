"""Reads noun phrases and places: "two small red balls on the left", "the cat next to the house", "one of each".

A reader yields every way in which the words at a position can be a phrase, longest first; `clauses` chooses the way
that leaves no word over. Results are remembered per position, so reading takes time linear in the text's length. Knows
no scene: what a phrase refers to is decided by `requests.story`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import TypeVar

from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, KINDS, SIZES
from interleavethinker.tools.errors import InputError

from .phrase_patterns import (
    ADJECTIVE,
    BARE_PLACE,
    COLOUR,
    CORNER,
    DESCRIBED_PLACE,
    FILLER_FITS,
    GROUND,
    GROUND_WORDS,
    NUMBERS,
    PLACE,
    POSTURE,
    QUALITY,
    RELATIONS,
    ROW,
    SPOTS,
)
from .phrase_types import Ground, Phrase, Where
from .plain_text import NUMBER_WORDS, PLURALS

__all__ = ["Ground", "Phrase", "PhraseReader", "Where", "match_end"]

_SPOT_CELLS = {"top": (0, 1, 2), "bottom": (6, 7, 8), "left": (0, 3, 6), "right": (2, 5, 8)}
CORNERS = frozenset({0, 2, 6, 8})


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{pattern})(?: |$)")


def match_end(pattern: str, text: str, at: int) -> int | None:
    """Returns where a pattern of whole words that begins at this position ends, or None."""
    found = _compiled(pattern).match(text, at)
    return None if found is None else found.end()


_Found = TypeVar("_Found")
_READINGS, _SAME_END = 3, 60
"""Readings kept for each end, and readings with the same end after which the search stops."""
_CALLS, _CALLS_PER_WORD = 10_000, 1_000
"""Patterns that are tried for one sentence at most; ordinary sentences need about a hundred per word."""


class PhraseReader:
    """Reads phrases of one sentence.

    Args:
        words: Its words in canonical spelling; plurals stay.
    """

    def __init__(self, words: tuple[str, ...]) -> None:
        self.text = " ".join(words)
        self._budget = _CALLS_PER_WORD * len(words) + _CALLS
        self._known_groups: dict[int, list[tuple[tuple[Phrase, ...], int]]] = {}
        self._known: dict[tuple[str, int], list[tuple[Phrase, int]]] = {}

    def end(self, pattern: str, at: int) -> int | None:
        """Returns where a pattern that begins at this position ends, or None.

        Raises:
            InputError: The sentence has so many readings that it must be split (`too_long`).
        """
        self._budget -= 1
        if self._budget < 0:
            msg = "One sentence of the request is too long or too nested to read; split it into shorter sentences."
            raise InputError(msg, code="too_long")
        return match_end(pattern, self.text, at)

    def match(self, pattern: str, at: int) -> re.Match[str] | None:
        """Returns the match of a pattern of whole words at this position."""
        return _compiled(pattern).match(self.text, at)

    def ground(self, at: int, *, bare: bool = False) -> tuple[Ground, int] | None:
        """Reads a background: "at night", "in a meadow"; `bare`: also without a preposition."""
        found = self.match(GROUND, at)
        if found is None or not (found["prep"] or bare or found["stage"]):
            return None
        name = GROUND_WORDS[found["ground"]]
        for word in (found["filler"] or "").split():
            if name not in FILLER_FITS.get(word, BACKGROUNDS):
                return None
        if found["prep"] in {"with ", "in front of "} and not found["stage"] and name not in {"sunset", "forest"}:
            return None
        return Ground(name, bool(found["empty"])), found.end()

    def wheres(self, at: int, *, bare: bool = False, described: bool = False) -> Iterator[tuple[Where, int]]:
        """Reads a place or a relation; `bare`: also "top left"; `described`: not "to the left"."""
        yield from self._relations(at)
        if (found := self.match(ROW, at)) is not None:
            line, column = found["line"], found.group().split()[-1] == "column"
            middle = (1, 4, 7) if column else (3, 4, 5)
            yield Where(frozenset(_SPOT_CELLS.get(line, middle))), found.end()
        if (end := self.end(CORNER, at)) is not None:
            yield Where(CORNERS), end
        pattern = DESCRIBED_PLACE if described else PLACE
        found = self.match(pattern, at) or (self.match(BARE_PLACE, at) if bare else None)
        if found is not None and self.end("of (?!the picture|the image|the scene)", found.end()) is None:
            cell = _cell(found["spots"].split())
            if cell is not None:
                yield Where(frozenset({cell})), found.end()

    def _relations(self, at: int) -> Iterator[tuple[Where, int]]:
        if (start := self.end("between", at)) is not None:
            for first, middle in self.phrases(start):
                if first.count == 2 and not first.parts:
                    yield Where(relation="between", anchors=(first,)), middle
                if (second := self.end("and", middle)) is not None:
                    for other, end in self.phrases(second):
                        yield Where(relation="between", anchors=(first, other)), end
        for relation, pattern in RELATIONS.items():
            if (start := self.end(pattern, at)) is not None:
                for anchor, end in self.phrases(start):
                    yield Where(relation=relation, anchors=(anchor,)), end

    def phrases(self, at: int) -> list[tuple[Phrase, int]]:
        """Reads one noun phrase with everything that belongs to it, longest first."""
        if ("np", at) not in self._known:
            self._known["np", at] = []  # a phrase that contains itself does not exist
            self._known["np", at] = sorted(_first_per_end(self._phrases(at)), key=lambda one: -one[1])
        return self._known["np", at]

    def groups(self, at: int) -> list[tuple[tuple[Phrase, ...], int]]:
        """Reads noun phrases joined by "and", longest first."""
        if at not in self._known_groups:
            self._known_groups[at] = list(_first_per_end(self._groups(at)))
        return self._known_groups[at]

    def _groups(self, at: int) -> Iterator[tuple[tuple[Phrase, ...], int]]:
        for phrase, end in self.phrases(at):
            if (after := self.end("(?:, )?and|,", end)) is not None:
                yield from (((phrase, *others), last) for others, last in self.groups(after))
            yield (phrase,), end

    def _phrases(self, at: int) -> Iterator[tuple[Phrase, int]]:
        for head, end in self._heads(at):
            yield from self._described(head, end)

    def _heads(self, at: int) -> Iterator[tuple[Phrase, int]]:
        for pronoun, pattern in (
            ("it", "it|that one|this one|he|she|him"),
            ("them", "they|them|both of them|all of them|both|these two|the two of them"),
            ("other", "the other one|the other|the others"),
        ):
            if (end := self.end(pattern, at)) is not None:
                yield Phrase(pronoun=pronoun, definite=True, every=pronoun == "them"), end
        if (
            end := self.end("everything|all things|all objects|all of it|all the things|all the objects", at)
        ) is not None:
            yield Phrase(definite=True, every=True), end
        found = self.match(
            rf"(?:everything|all|whatever|anything|if a thing)(?: that)?(?: is| are)? (?P<colour>{COLOUR})|each "
            rf"(?P<other>{COLOUR}) thing",
            at,
        )
        if found is not None:
            yield Phrase(definite=True, every=True, colours=frozenset({found["colour"] or found["other"]})), found.end()
        found = self.match(
            r"(?P<det>no|(?:both|all)(?: of)?(?: the)?|every|each|the|this|that|these|those|my|your|her|his|its|"
            r"their|our)",
            at,
        )
        base, start = Phrase(), at
        if found is not None:
            word, start = found["det"].split()[0], found.end()
            if word in {"both", "all", "every", "each"}:
                base = Phrase(definite=True, every=True, each=word in {"every", "each"})
            elif word == "no":
                base = Phrase(negative=True)
            else:
                base = Phrase(definite=True if word in {"the", "this", "that", "these", "those"} else None)
        counted = self.match(
            rf"(?P<count>a single|a pair of|a couple of|one more|a second|a third|a fourth|yet another|another|a few|"
            rf"several|some|a|an|{'|'.join(NUMBER_WORDS)})",
            start,
        )
        stated: int | None = None
        if counted is not None and not (base.definite and counted["count"] in {"a", "an", "some", "a few", "several"}):
            words = counted["count"]
            some = {"a pair of": 2, "a couple of": 2, "a few": 3, "several": 3, "some": 2}
            stated = some.get(words) or NUMBERS.get(words.split()[0], 1)
            yield from self._noun(replace(base, count=stated), counted.end(), words)
        else:
            yield from self._noun(base, start, "the" if found is not None else "")

    def _noun(self, base: Phrase, at: int, determiner: str) -> Iterator[tuple[Phrase, int]]:
        """Reads adjectives and the noun."""
        described = self._adjectives(base, at)
        if described is None:
            return
        phrase, at = described
        adjectives = bool(phrase.colours or phrase.sizes)
        noun = self.match(r"(?P<noun>\w+)", at)
        word, end = (noun["noun"], noun.end()) if noun is not None else ("", at)
        kind = word if word in KINDS else PLURALS.get(word, "")
        if kind:
            counted = _with_number(phrase, word, determiner)
            if counted is not None:
                yield replace(counted, kind=kind), end
        elif word in {"one", "ones"} and (adjectives or base.definite):
            yield replace(phrase, pronoun="one", every=phrase.every or word == "ones"), end
        elif word in {"thing", "things", "object", "objects"} and (base.definite or base.every):
            yield replace(phrase, every=phrase.every or word.endswith("s")), end
        one = determiner == "one" or (determiner in {"a", "the", "another"} and word and adjectives)
        if not kind and one and (word or adjectives):
            yield replace(phrase, pronoun="one"), at  # "one on the left", "one red and one blue"

    def _adjectives(self, phrase: Phrase, at: int) -> tuple[Phrase, int] | None:
        """Reads colors, sizes and words of judgment; None if two colors or sizes contradict each other."""
        colours: set[str] = set()
        sizes: set[str] = set()
        negated: set[str] = set()
        while (found := self.match(ADJECTIVE, at)) is not None:
            if found.group().startswith((",", "and")) and not (colours or sizes):
                break
            if found["colour"]:
                if colours:
                    return None
                (negated if found["not"] else colours).update(filter(None, (found["colour"], found["or"])))
            if found["size"]:
                if sizes - {found["size"]}:
                    return None
                sizes.add(found["size"])
            at = found.end()
        if negated:
            colours = set(COLOURS) - negated
        return replace(phrase, colours=frozenset(colours), sizes=frozenset(sizes)), at

    def _described(self, phrase: Phrase, at: int) -> Iterator[tuple[Phrase, int]]:
        """Reads what follows the noun, longest first."""
        start = self.end(POSTURE, at) or at
        comma = self.end(",", at)
        starts = [start]
        if comma is not None and not (phrase.where and start == at) and self._ends_after_place(comma):
            starts.append(comma)
        for place_start in starts:
            for where, end in self.wheres(place_start, bare=not phrase.pronoun, described=True):
                if len(phrase.where) < 2:
                    yield from self._described(replace(phrase, where=(*phrase.where, where)), end)
        for places, end in self._several_places(phrase, start):
            yield from self._described(replace(phrase, parts=places), end)
        for described, end in self._qualities(phrase, at):
            yield from self._described(described, end)
        if phrase.every and not phrase.excluded:
            left_out = self.end("(?:, )?(?:except|but|apart from|other than|besides)(?: for)?", at)
            if left_out is not None:
                for others, end in self.groups(left_out):
                    yield replace(phrase, excluded=others), end
        if phrase.count > 1 and not phrase.parts and not phrase.definite:
            opening = self.end(",|:|, namely", at) or at
            for parts, end in self._parts(opening, phrase.count):
                yield replace(phrase, parts=parts), end
        yield phrase, at

    def _qualities(self, phrase: Phrase, at: int) -> Iterator[tuple[Phrase, int]]:
        """Reads a color or size after the noun: "in red", "that is big", "which are not blue"."""
        found = self.match(QUALITY, at)
        if found is None or found.group().split()[0] in {*COLOURS, *SIZES}:
            return
        negated = " not " in f" {found.group()}"
        if found["colour"] and not phrase.colours:
            colours = set(COLOURS) - {found["colour"]} if negated else {found["colour"]}
            yield replace(phrase, colours=frozenset(colours)), found.end()
        if found["size"] and not phrase.sizes:
            sizes = set(SIZES) - {found["size"]} if negated else {found["size"]}
            yield replace(phrase, sizes=frozenset(sizes)), found.end()

    def _ends_after_place(self, at: int) -> bool:
        """Whether a place after a comma belongs to the noun before it: no noun phrase follows."""
        found = self.match(PLACE, at)
        return found is not None and (
            found.end() >= len(self.text) or self.end(r"(?:, )?and|,|in|at|on|during|by", found.end()) is not None
        )

    def _several_places(self, phrase: Phrase, at: int) -> Iterator[tuple[tuple[Phrase, ...], int]]:
        """Reads "on the left and on the right", "on the left and right" or "in the corners" after a group."""
        if phrase.definite is not False or phrase.parts or phrase.where or phrase.negative or not phrase.kind:
            return
        if (
            phrase.count == 1
            and (end := self.end("in (?:each|every|all(?: four)?) (?:of the )?corners?", at)) is not None
        ):
            yield tuple(Phrase(pronoun="one", where=(Where(frozenset({cell})),)) for cell in sorted(CORNERS)), end
        if phrase.count < 2:
            return
        if phrase.count == 4 and (
            end := self.end(r"(?:, )?(?:one )?in (?:the|each|every)(?: (?:four|of the four))? corners?", at)
        ):
            corners = tuple(Phrase(pronoun="one", where=(Where(frozenset({cell})),)) for cell in sorted(CORNERS))
            yield corners, end
        places: list[Phrase] = []
        position = at
        while len(places) < phrase.count:
            found = self.match(PLACE if not places else rf"(?:{PLACE})", position) or (
                self.match(rf"(?:the )?(?P<spots>{SPOTS})(?: corner| side)?", position) if places else None
            )
            cell = _cell(found["spots"].split()) if found is not None else None
            if found is None or cell is None:
                return
            places.append(Phrase(pronoun="one", where=(Where(frozenset({cell})),)))
            if len(places) == phrase.count:
                yield tuple(places), found.end()
                return
            following = self.end("(?:, )?and|,", found.end())
            if following is None:
                return
            position = following

    def _parts(self, at: int, count: int) -> Iterator[tuple[tuple[Phrase, ...], int]]:
        for first, end in self._part(at):
            size = first.count
            if size == count:
                yield (first,), end
            elif size < count and (after := self.end("(?:, )?and|,", end)) is not None:
                yield from (((first, *others), last) for others, last in self._parts(after, count - size))

    def _part(self, at: int) -> Iterator[tuple[Phrase, int]]:
        found = self.match(
            "(?P<count>the first|the second|the third|the last|the other|the others|another|one|two|three|four|a|"
            "an|both|all)(?: of them)?",
            at,
        )
        if found is None or found["count"] in {"both", "all", "the others"}:
            return
        count = NUMBERS.get(found["count"], 1)
        start = found.end()
        start = self.end("(?:one|ones) (?!of)|is|are|one is", start) or start
        for phrase, end in self._noun(Phrase(pronoun="one", count=count), start, "one"):
            if not phrase.kind:
                yield from self._described(replace(phrase, pronoun="one", count=count), end)


def _first_per_end(found: Iterator[tuple[_Found, int]]) -> Iterator[tuple[_Found, int]]:
    """Yields the first readings for each end: what follows depends on the end only."""
    counts: dict[int, int] = {}
    for one, end in found:
        counts[end] = counts.get(end, 0) + 1
        if counts[end] <= _READINGS:
            yield one, end
        elif counts[end] > _SAME_END:
            return


def _with_number(phrase: Phrase, word: str, determiner: str) -> Phrase | None:
    """Applies singular or plural to a phrase; None if determiner and noun do not agree ("a cats")."""
    definite = phrase.definite is not False
    if definite and determiner in NUMBERS:
        phrase = replace(phrase, every=determiner != "one")
    if word not in PLURALS or word in {"fish", "trout"}:
        return phrase
    if determiner in {"a", "an", "another", "a single", "one more", "one"}:
        return None
    if definite and phrase.count == 1:
        return replace(phrase, every=True)
    if not determiner and phrase.count == 1 and not phrase.negative:
        return replace(phrase, count=2, some=True)  # "stars"
    return phrase


def _cell(words: list[str]) -> int | None:
    """Returns the cell that words such as "top left" name; None if they contradict each other."""
    named = set(words)
    if {"top", "bottom"} <= named or {"left", "right"} <= named:
        return None
    row = 0 if "top" in named else 2 if "bottom" in named else 1
    column = 0 if "left" in named else 2 if "right" in named else 1
    return 3 * row + column
