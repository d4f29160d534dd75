"""Reads how the objects of a group differ: "one red and one blue", "red, white and blue", "in the four corners".

Knows no scene; `phrases` reads the group itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from interleavethinker.microworld.scenes.sprites import COLOURS, SIZES

from .phrase_patterns import COLOUR, NUMBERS, PLACE, SPOTS
from .phrase_types import Phrase, Where
from .places import CORNERS, PlaceReader, cell_named

__all__ = ["GroupReader"]

_IN_CORNERS = tuple(Phrase(pronoun="one", where=(Where(frozenset({cell})),)) for cell in sorted(CORNERS))


class GroupReader(PlaceReader):
    """Reads the parts of groups; see `phrases.PhraseReader`."""

    def _noun(self, base: Phrase, at: int, determiner: str) -> Iterator[tuple[Phrase, int]]:
        raise NotImplementedError

    def _described(self, phrase: Phrase, at: int) -> Iterator[tuple[Phrase, int]]:
        raise NotImplementedError

    def _several_places(self, phrase: Phrase, at: int) -> Iterator[tuple[tuple[Phrase, ...], int]]:
        """Reads "on the left and on the right", "on the left and right" or "in the corners" after a group."""
        if phrase.definite is not False or phrase.parts or phrase.where or phrase.negative or not phrase.kind:
            return
        if phrase.some or (phrase.count == 1 and self.end("in the corner", at) is None):
            corners = "in (?:each|every|all|the)(?: single)?(?: one)?(?: of)?(?: the| its)?(?: four)? corners?"
            if (end := self.end(corners, at)) is not None:
                yield _IN_CORNERS, end
        sides = self.end("on (?:each|either|both|every) (?:side|sides)", at)
        if sides is not None and phrase.count <= 2:
            yield from self._both_sides(sides)
        if phrase.count < 2:
            return
        if phrase.count == 4 and (
            end := self.end(r"(?:, )?(?:one )?in (?:the|each|every)(?: (?:four|of the four))? corners?", at)
        ):
            yield _IN_CORNERS, end
        places: list[Phrase] = []
        position = at
        while len(places) < phrase.count:
            found = self.match(PLACE, position) or (
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
            elif size < count and end >= len(self.text) and (first.colours or first.sizes):  # "three houses, one red"
                colours, sizes = (frozenset(COLOURS) - first.colours, frozenset(SIZES) - first.sizes)
                rest = Phrase(pronoun="one", count=count - size)
                yield (
                    (
                        first,
                        replace(
                            rest,
                            colours=colours if first.colours else rest.colours,
                            sizes=sizes if first.sizes else rest.sizes,
                        ),
                    ),
                    end,
                )
            elif size < count and (after := self.end("(?:, )?and|,", end)) is not None:
                yield from (((first, *others), last) for others, last in self._parts(after, count - size))

    def _part(self, at: int) -> Iterator[tuple[Phrase, int]]:
        found = self.match(
            "(?P<count>the first|the second|the third|the last|the other|the others|another|one|two|three|four|a|an|"
            "both|all)(?: of them)?",
            at,
        )
        if found is None or found["count"] in {"both", "all", "the others"}:
            return
        count = NUMBERS.get(found["count"], 1)
        start = found.end()
        start = self.end("(?:one|ones) (?!of)|is|are|one is", start) or start
        for phrase, end in self._noun(Phrase(pronoun="one", count=count), start, "one"):
            if not phrase.kind:
                described = self._described(replace(phrase, pronoun="one", count=count), end)
                yield from (
                    one for one in described if not one[0].parts
                )  # "three red, two yellow": two parts of a group
