"""Reads noun phrases and places: "two small red balls on the left", "the cat next to the house", "one of each".

A reader yields every way in which the words at a position can be a phrase, longest first; `clauses` chooses the way
that leaves no word over. Results are remembered per position, so reading takes time linear in the text's length. Knows
no scene: what a phrase refers to is decided by `requests.story`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar

from interleavethinker.microworld.scenes.sprites import COLOURS, KINDS, SIZES

from .phrase_patterns import (
    ADJECTIVE,
    BARE_PLACE,
    COLOUR,
    COMMA_PLACE,
    IN_PICTURE,
    NUMBERS,
    PLACE,
    POSTURE,
    QUALITY,
    SPOTS,
)
from .phrase_types import Ground, Phrase, Where
from .places import CORNERS, PlaceReader, cell_named, match_end
from .plain_text import NUMBER_WORDS, PLURALS

__all__ = ["Ground", "Phrase", "PhraseReader", "Where", "cell_named", "match_end"]

_Found = TypeVar("_Found")
_READINGS, _SAME_END = 3, 60
"""Readings kept for each end, and readings with the same end after which the search stops."""


class PhraseReader(PlaceReader):
    """Reads phrases of one sentence.

    Args:
        words: Its words in canonical spelling; plurals stay.
    """

    def __init__(self, words: tuple[str, ...]) -> None:
        super().__init__(words)
        self._known_groups: dict[int, list[tuple[tuple[Phrase, ...], int]]] = {}
        self._known: dict[tuple[str, int], list[tuple[Phrase, int]]] = {}

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
            ("it", "it|that one|this one|he|she|him|her(?! \\w+)"),
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
            rf"several|some|a|an|(?:{'|'.join(NUMBER_WORDS)})(?: more| other)?)",
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
        at = self.end(IN_PICTURE, at) or at
        start = self.end(POSTURE, at) or at
        for placed, end in self._with_place(phrase, at, start):
            yield from self._described(placed, end)
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
            for parts, end in self._listed(phrase, opening):
                yield replace(phrase, parts=parts), end
        yield phrase, at

    def _with_place(self, phrase: Phrase, at: int, start: int) -> Iterator[tuple[Phrase, int]]:
        """Reads a place after the noun at `at`, or after its posture at `start`."""
        comma = self.end(",", at)
        starts = [start]
        if comma is not None and not (phrase.where and start == at) and self._ends_after_place(comma):
            starts.append(comma)
        for place_start in starts:
            for where, end in self.wheres(place_start, bare=not phrase.pronoun, described=True):
                named = tuple(one for one in phrase.where if not one.row)
                if len(named) < 2:
                    yield replace(phrase, where=named if named and where.row else (*named, where)), end
        if comma in starts and (beside := self.match(COMMA_PLACE, comma)) is not None and not phrase.where:
            yield replace(phrase, where=(Where(frozenset({5 if beside["spots"] == "right" else 3})),)), beside.end()

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
        found = self.match(PLACE, at) or self.match(BARE_PLACE, at) or self.match(COMMA_PLACE, at)
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
        sides = self.end("on (?:each|either|both|every) (?:side|sides)", at)
        if sides is not None and phrase.count <= 2:
            yield from self._both_sides(sides)
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
            cell = cell_named(found["spots"].split()) if found is not None else None
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

    def _both_sides(self, at: int) -> Iterator[tuple[tuple[Phrase, ...], int]]:
        """Reads whose sides: "on each side of the tree", or of the object that was named last."""
        hosts: list[tuple[Phrase, int]] = [(Phrase(pronoun="host", definite=True), at)]
        if (after := self.end("of", at)) is not None:
            hosts = [(host, end) for host, end in self.phrases(after) if host.definite]
        for host, end in hosts:
            sides = (Where(relation=side, anchors=(host,)) for side in ("left", "right"))
            yield tuple(Phrase(pronoun="one", where=(side,)) for side in sides), end

    def _listed(self, phrase: Phrase, at: int) -> Iterator[tuple[tuple[Phrase, ...], int]]:
        """Reads the colors of a group, "three balls: red, white and blue"; in a row they stand in this order."""
        colours: list[str] = []
        while (found := self.match(rf"(?P<colour>{COLOUR})(?: one)?", at)) is not None:
            colours.append(found["colour"])
            at = found.end()
            if len(colours) == phrase.count:
                break
            at = self.end("(?:, )?and|,", at) or at
        if len(colours) != phrase.count:
            return
        line = next((sorted(where.cells) for where in phrase.where if len(where.cells) == len(colours)), None)
        yield (
            tuple(
                Phrase(
                    pronoun="one",
                    colours=frozenset({colour}),
                    where=() if line is None else (Where(frozenset({line[number]})),),
                )
                for number, colour in enumerate(colours)
            ),
            at,
        )

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
