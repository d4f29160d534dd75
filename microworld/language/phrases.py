"""Reads noun phrases and places: "two small red balls on the left", "the cat next to the house", "one of each".

A reader yields every way in which the words at a position can be a phrase, longest first; `clauses` chooses the way
that leaves no word over. Results are remembered per position, so reading takes time linear in the text's length. Knows
no scene: what a phrase refers to is decided by `requests.story`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar

from interleavethinker.microworld.scenes.sprites import COLOURS, KINDS, SIZES

from .phrase_groups import GroupReader
from .phrase_patterns import (
    ADJECTIVE,
    ALL_OF_THEM,
    BARE_PLACE,
    COLOUR,
    COMMA_PLACE,
    DISTINCT,
    IN_PICTURE,
    KIND,
    NOUN_WORD,
    NUMBERS,
    PLACE,
    POSTURE,
    QUALITY,
    SAME,
    SIDE,
)
from .phrase_types import Ground, Phrase, Where
from .places import cell_named, match_end, side_of
from .plain_text import NUMBER_WORDS, PLURALS

__all__ = ["Ground", "Phrase", "PhraseReader", "Where", "cell_named", "match_end"]

_AGAIN = frozenset(
    f"{words}{one}" for one in ("", " more", " other") for words in (*NUMBER_WORDS[1:], "one") if one
) | {"another", "yet another", "a second", "a third", "a fourth", "a fifth"}
"""Determiners that need no noun: "then another", "two more"."""
_Found = TypeVar("_Found")
_EXCEPT = "(?:, )?(?:except|excepting|excluding|but|bar|save|minus|apart from|aside from|other than|besides)(?: for)?"
_WHOSE = frozenset("my your her his its their our".split())
_READINGS, _SAME_END = 3, 60
"""Readings kept for each end, and readings with the same end after which the search stops."""


class PhraseReader(GroupReader):
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
                for others, last in self.groups(after):
                    if others[0] != Phrase(pronoun="one") and others[0].pronoun != "them":
                        yield (phrase, *others), last  # not "a cat and a tree, and both", nor "two cats, one"
            yield (phrase,), end

    def _phrases(self, at: int) -> Iterator[tuple[Phrase, int]]:
        for head, end in self._heads(at):
            yield from self._described(head, end)

    def _heads(self, at: int) -> Iterator[tuple[Phrase, int]]:
        at = self.end(rf"(?:only|just|exactly)(?= (?:a|an|the|{'|'.join(NUMBER_WORDS)}) )", at) or at
        for pronoun, pattern in (
            ("it", f"it|that one|this one|he|she|him|her(?! (?:{NOUN_WORD}))"),
            (
                "them",
                (
                    "they both|they all|they|them|both of them|all of them|both|these two|the two of them|"
                    "the two(?= (?:is|are|were|was|swap|trade|change))"
                ),
            ),
            ("other", "the other one|the other|the others"),
        ):
            if (end := self.end(pattern, at)) is not None:
                count = 2 if pronoun == "them" and re.search(r"both|two", self.text[at:end]) else 1
                every = pronoun == "them" or self.text.startswith("the others", at)
                yield Phrase(pronoun=pronoun, definite=True, every=every, count=count), end
        if (found := self.match(ALL_OF_THEM, at)) is not None:
            yield Phrase(pronoun="them", definite=True, every=True, count=NUMBERS.get(found["count"], 1)), found.end()
        yield from self._parts_of_groups(at)
        if (
            end := self.end("everything|all things|all objects|all of it|all the things|all the objects", at)
        ) is not None:
            yield Phrase(definite=True, every=True), end
        found = self.match(
            rf"(?:everything|all|whatever|anything|if a thing)(?: that)?(?: is| are)? (?P<colour>{COLOUR})|"
            rf"each (?P<other>{COLOUR}) thing",
            at,
        )
        if found is not None:
            yield Phrase(definite=True, every=True, colours=frozenset({found["colour"] or found["other"]})), found.end()
        found = self.match(
            (
                r"(?P<det>no|the (?:very )?same|(?:both|all)(?: of)?(?: the)?|every|each|the|this|that|these|those|my|"
                r"your|her|his|its|their|our)"
            ),
            at,
        )
        base, start = Phrase(), at
        if found is not None:
            word, start = found["det"].split()[0], found.end()
            if word in {"both", "all", "every", "each"}:
                base = Phrase(
                    definite=True, every=True, each=word in {"every", "each"}, count=2 if word == "both" else 1
                )
            elif word == "no":
                base = Phrase(negative=True)
            else:
                definite = True if word in {"the", "this", "that", "these", "those"} else None
                base = Phrase(definite=definite, same=found["det"].endswith("same"))
        counted = self.match(
            (
                r"(?P<count>a single|a pair of|a couple of|one more|a (?:second|third|fourth|fifth)(?! later)|"
                rf"yet another|another|a few|several|some|a|an|(?:{'|'.join(NUMBER_WORDS)})(?: more| other)?)"
            ),
            start,
        )
        stated: int | None = None
        if (
            counted is not None
            and found is not None
            and found["det"] in _WHOSE
            and counted["count"] in {"a", "an", "some"}
        ):
            return  # "next to her a box"
        if counted is not None and not (base.definite and counted["count"] in {"a", "an", "some", "a few", "several"}):
            words = counted["count"]
            some = {"a pair of": 2, "a couple of": 2, "a few": 3, "several": 3, "some": 2}
            stated = some.get(words) or NUMBERS.get(words.split()[0], 1)
            yield from self._noun(replace(base, count=stated), counted.end(), words)
        else:
            yield from self._noun(base, start, "the" if found is not None else "")

    def _parts_of_groups(self, at: int) -> Iterator[tuple[Phrase, int]]:
        """Reads a part of a group that was named before: "one of them", "two of the cats", "the other star"."""
        some = self.match(rf"(?P<count>{'|'.join(NUMBER_WORDS)}|another)(?: more)? of", at)
        if some is not None:
            count = NUMBERS.get(some["count"], 1)
            again = "another" if some["count"] == "another" else ""
            part = Phrase(pronoun="one", count=count, again=again)
            if (
                end := self.end(f"(?:them|these|those|the (?:{'|'.join(NUMBER_WORDS)}))(?= |$)", some.end())
            ) is not None:
                yield part, end
            group = self.match(rf"(?:the|these|those)(?: (?:{'|'.join(NUMBER_WORDS)}))?", some.end())
            for noun, end in () if group is None else self._noun(Phrase(definite=True), group.end(), "the"):
                if noun.kind and noun.every:
                    yield replace(noun, pronoun="one", count=count, every=False, definite=False, again=again), end
        if (start := self.end("the other", at)) is not None:
            for noun, end in self._noun(Phrase(pronoun="other", definite=True), start, "the"):
                if noun.kind or noun.colours or noun.sizes:
                    yield replace(noun, pronoun="other"), end

    def _noun(self, base: Phrase, at: int, determiner: str) -> Iterator[tuple[Phrase, int]]:
        """Reads adjectives and the noun."""
        described = self._adjectives(base, at)
        if described is None:
            return
        phrase, at = described
        adjectives = bool(phrase.colours or phrase.sizes)
        if base.definite and not phrase.where:
            yield from self._at_side(phrase, at, determiner)
        noun = self.match(r"(?P<noun>\w+)", at)
        word, end = (noun["noun"], noun.end()) if noun is not None else ("", at)
        kind = word if word in KINDS else PLURALS.get(word, "")
        if kind:
            counted = _with_number(phrase, word, determiner)
            if counted is not None:
                yield replace(counted, kind=kind), end
        elif word in {"one", "ones"} and (adjectives or base.definite or determiner in _AGAIN):
            yield replace(phrase, pronoun="one", every=phrase.every or word == "ones", again=_again(determiner)), end
        elif word in {"thing", "things", "object", "objects"} and (base.definite or base.every):
            yield replace(phrase, every=phrase.every or word.endswith("s")), end
        one = determiner in {"one", *_AGAIN} or (determiner in {"a", "the"} and word and adjectives)
        if not kind and one and (word or adjectives or determiner in _AGAIN):
            again = _again(determiner) if determiner in _AGAIN else ""
            yield replace(phrase, pronoun="one", again=again), at  # "one on the left", "one red and one blue"

    def _at_side(self, phrase: Phrase, at: int, determiner: str) -> Iterator[tuple[Phrase, int]]:
        """Reads a place before the noun: "the left cat", "the top right star", "the one"."""
        found = self.match(SIDE, at)
        spots = [] if found is None else found["spots"].replace("most", "").split()
        cell = cell_named(spots) if spots else None
        if found is None or cell is None or self.match(rf"(?:one|ones|{KIND})", found.end()) is None:
            return
        side = spots[0] if len(spots) == 1 and spots[0] in {"left", "right", "top", "bottom"} else ""
        where = Where(side=side) if side else Where(frozenset({cell}))
        yield from self._noun(replace(phrase, where=(where,)), found.end(), determiner)

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
        start = at if phrase.pronoun in {"it", "them"} else self.end(POSTURE, at) or at
        for placed, end in self._with_place(phrase, at, start):
            yield from self._described(placed, end)
        for places, end in self._several_places(phrase, start):
            yield from self._described(replace(phrase, parts=places), end)
        for compared, end in self._comparisons(phrase, at):
            yield from self._described(compared, end)
        for placed, end in self._not_there(phrase, at):
            yield from self._described(placed, end)
        for described, end in self._qualities(phrase, at):
            yield from self._described(described, end)
        yield from self._excepted(phrase, at)
        if phrase.count > 1 and not phrase.parts and not phrase.definite:
            opening = self.end(",|:|, namely", at) or at
            for parts, end in self._parts(opening, phrase.count):
                yield replace(phrase, parts=parts), end
            for parts, end in self._listed(phrase, opening):
                yield replace(phrase, parts=parts), end
        yield phrase, at

    def _excepted(self, phrase: Phrase, at: int) -> Iterator[tuple[Phrase, int]]:
        """Reads what "everything except the ball" leaves out."""
        if phrase.every and not phrase.excluded:
            left_out = self.end(_EXCEPT, at)
            if left_out is not None:
                for others, end in self.groups(left_out):
                    yield replace(phrase, excluded=others), end

    def _comparisons(self, phrase: Phrase, at: int) -> Iterator[tuple[Phrase, int]]:
        """Reads "in the same color", "of the same size as the house" or "in different colors"."""
        if phrase.definite is not False:
            return
        if (same := self.match(SAME, at)) is not None and not phrase.alike:
            alike = replace(phrase, alike=frozenset(filter(None, (same["same"], same["also"]))))
            other = self.end("as", same.end())
            for like, end in self.phrases(other) if other is not None and phrase.count == 1 else ():
                if like.definite and like.kind and not like.every:
                    yield replace(alike, like=(like,)), end
            yield alike, same.end()
        if phrase.count > 1 and not phrase.distinct and (found := self.match(DISTINCT, at)) is not None:
            yield replace(phrase, distinct=frozenset({found["same"]})), found.end()

    def _with_place(self, phrase: Phrase, at: int, start: int) -> Iterator[tuple[Phrase, int]]:
        """Reads a place after the noun at `at`, or after its posture at `start`."""
        comma = self.end(",", at)
        starts = [start]
        if comma is not None and not (phrase.where and start == at) and self._ends_after_place(comma):
            starts.append(comma)
        for place_start in starts:
            for where, end in self.wheres(place_start, bare=phrase.pronoun in {"", "one"}, described=True):
                named = tuple(one for one in phrase.where if not one.row)
                if len(named) < 2 and not (phrase.count == 1 and named and len(named) < len(phrase.where)):
                    if phrase.count == 1 and named and where.row:
                        if len(named[0].cells) == 1:  # "and a ball at the top, next to each other"
                            line = replace(where, cells=side_of(min(named[0].cells)))
                            yield replace(phrase, where=(line,)), end
                        continue
                    if phrase.count == 1 and len(named) < len(phrase.where) and len(where.cells) == 1:
                        where = replace(where, cells=side_of(min(where.cells)), row=True)  # noqa: PLW2901 - "side by side at the top"
                    yield replace(phrase, where=named if named and where.row else (*named, where)), end
        if comma in starts and (beside := self.match(COMMA_PLACE, comma)) is not None and not phrase.where:
            yield replace(phrase, where=(Where(frozenset({5 if beside["spots"] == "right" else 3})),)), beside.end()

    def _qualities(self, phrase: Phrase, at: int) -> Iterator[tuple[Phrase, int]]:
        """Reads a color or size after the noun: "in red", "that is big", "which are not blue"."""
        found = self.match(QUALITY, at)
        if found is None or found.group().split()[0] in {*COLOURS, *SIZES}:
            return
        words = found.group().split()
        if phrase.count != 2 if "both" in words else "all" in words and not phrase.every:
            return  # "a cat and a tree, all red": `clauses` reads it as a statement about both
        negated = "not" in words
        if found["colour"] and not phrase.colours:
            colours = set(COLOURS) - {found["colour"]} if negated else {found["colour"]}
            yield replace(phrase, colours=frozenset(colours)), found.end()
        if found["size"] and not phrase.sizes:
            sizes = set(SIZES) - {found["size"]} if negated else {found["size"]}
            yield replace(phrase, sizes=frozenset(sizes)), found.end()

    def _not_there(self, phrase: Phrase, at: int) -> Iterator[tuple[Phrase, int]]:
        """Reads where an object is not: "a ball that is not on the left" is in none of the cells of that side."""
        start = self.end(
            "(?:, )?(?:but )?(?:(?:that|which|who) )?(?:(?:is|are|stands?|sits?|lies|should be|must be) )?not", at
        )
        if start is None or phrase.where or phrase.pronoun in {"it", "them"}:
            return
        for where, end in self.wheres(start, described=True):
            if len(where.cells) == 1:
                yield replace(phrase, where=(Where(frozenset(range(9)) - side_of(min(where.cells))),)), end

    def _ends_after_place(self, at: int) -> bool:
        """Whether a place after a comma belongs to the noun before it: no noun phrase follows."""
        found = self.match(PLACE, at) or self.match(BARE_PLACE, at) or self.match(COMMA_PLACE, at)
        return found is not None and (
            found.end() >= len(self.text) or self.end(r"(?:, )?and|,|in|at|on|during|by", found.end()) is not None
        )


def _again(determiner: str) -> str:
    """Returns how a phrase without a noun asks for a new object of the kind that was named last."""
    return "another" if determiner in _AGAIN else "a" if determiner in {"a", "an"} else ""


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
