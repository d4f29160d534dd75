"""Reads what describes an object after its noun, and how the objects of a group differ. Knows no scene."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from interleavethinker.microworld.language.phrase_types import Phrase, Where
from interleavethinker.microworld.language.places import CORNERS, cell_named
from interleavethinker.microworld.language.statements import Statement
from interleavethinker.microworld.scenes.sprites import COLOURS, SIZES

from .heads import LOOKS, HeadReader

__all__ = ["GroupReader", "stand_in_corners"]

_LAST = Phrase(pronoun="it", definite=True)
_CORNERS = tuple(Phrase(pronoun="one", where=(Where(frozenset({cell})),)) for cell in sorted(CORNERS))


class GroupReader(HeadReader):
    """Reads descriptions after nouns of one sentence."""

    def _sides(self, phrase: Phrase, at: int) -> tuple[Phrase, int] | None:
        """Reads "on both sides of the house", and two places of two objects."""
        if phrase.definite is not False or phrase.parts or phrase.where:
            return None
        if self.tag(at) == "SIDES" and phrase.count <= 2:
            hosts: tuple[Phrase, int] | None = (Phrase(pronoun="host", definite=True), at + 1)
            if self.value(at) == "of":
                hosts = self.noun(at + 1, bare=True, definite=self.edits)
            if hosts is None:
                return None
            sides = (Where(relation=side, anchors=(hosts[0],)) for side in ("left", "right"))
            return replace(
                phrase, count=2, some=False, parts=tuple(Phrase(pronoun="one", where=(side,)) for side in sides)
            ), hosts[1]
        if (corners := self._in_corners(phrase, at)) is not None:
            return corners
        if phrase.count < 2:
            return None
        if (end := self._stacked(at)) is not None:
            below = Phrase(pronoun="one", where=(Where(relation="below", anchors=(_LAST,)),))
            return replace(phrase, parts=(Phrase(pronoun="one"), *[below] * (phrase.count - 1))), end
        return self._several_places(phrase, at)

    def _several_places(self, phrase: Phrase, at: int) -> tuple[Phrase, int] | None:
        """Reads "on the left and on the right" of two objects."""
        places, position = [], at
        while self.tag(position) == "PLACE" and self.value(position) != "GOAL":
            where = self.tokens[position].where
            assert where is not None  # noqa: S101 - set by the tagger
            places.append(Phrase(pronoun="one", where=(where,)))
            position += 1
            if len(places) == phrase.count:
                return replace(phrase, parts=tuple(places)), position
            following = self.joint(position)
            if following is None:
                return None
            position = following
        return None

    def _in_corners(self, phrase: Phrase, at: int) -> tuple[Phrase, int] | None:
        """Reads "in the corners", "in each of the two top corners"."""
        if self.tag(at) == "CORNERS" and (phrase.count == 2 or "both" in self.text(at) or "each" in self.text(at)):
            corners = (Phrase(pronoun="one", where=(where,)) for where in _corners_of(self.value(at)))
            return replace(phrase, count=2, some=False, parts=tuple(corners)), at + 1
        if self.text(at) == "in" and self.tag(at + 1) in {"DET", "ALL"}:
            end = at + 2
            while self.text(end) in {"of", "the", "four", "single"} or (
                self.tag(end) == "NUM" and self.value(end) == "4"
            ):
                end += 1
            if self.text(end) in {"corner", "corners"} and (
                phrase.some or phrase.count == 4 or self.tag(at + 1) == "ALL"
            ):
                return replace(phrase, count=4, some=False, parts=_CORNERS), end + 1
        return None

    def _stacked(self, at: int) -> int | None:
        """Returns the end of "on top of each other" or ", one above the other"; None if they do not lie so."""
        at += self.tag(at) == "COMMA"
        start = at + (self.tag(at) == "NUM" and self.value(at) == "1")
        if self.tag(start) != "RELATION" or self.value(start) not in {"above", "below"}:
            return None
        if self.text(start + 1) == "the other":
            return start + 2
        each_other = self.tag(start + 1) in {"DET", "ALL"} and self.tag(start + 2) == "ELSE"
        return start + 3 if each_other and self._look_or_noun(start + 3) is None else None

    def _coloured(self, phrase: Phrase, at: int) -> tuple[Phrase, int] | None:
        """Reads "in red", "painted blue", "ball red" and ", red, on the left"."""
        if phrase.pronoun in {"it", "them"} or (phrase.definite and not phrase.kind):
            return None
        start = at
        if self.tag(start) == "COMMA":
            end = self._plain_looks(start + 1)
            if end == start + 1 or not self._ends_phrase(end) or self.tag(end) == "GROUND":
                return None
            start += 1
        elif (
            (self.tag(start) == "COLON" and self.tag(start + 1) in {*LOOKS, "COLOURED"})
            or self.text(start) in {"in", "of"}
            or (self.tag(start) == "VERB" and "paint" in self.tokens[start].classes and self.tokens[start].form == "ed")
        ):
            start += 1
        if self.tag(start) == "DET" and self.tag(start + 1) == "COLOURED":
            start += 1
        bare = start == at and self.tag(start) in LOOKS
        if bare and phrase.definite is not False:
            return None
        start += self.tag(start) == "COLOURED"
        if self.tag(start) not in LOOKS or self._noun_after(start):
            return None
        if self.text(start - 1) in {"in", "of"} and self.tag(start) == "SIZE" and self.text(start + 1) != "size":
            return None
        return self._with_looks(phrase, start)

    def _relative(self, phrase: Phrase, at: int) -> tuple[Phrase, int] | None:
        """Reads "that is red", "which sits on the left", "who is small"."""
        start = at + (self.tag(at) == "COMMA")
        if not (
            self.tag(start) == "WHO"
            or (self.text(start) == "what" and self.is_verb(start + 1, "be", "stay"))
            or (self.text(start) == "that" and self.is_verb(start + 1, "be", "stay"))
        ):
            return None
        start += 1
        verb = self.is_verb(start, "be")
        start = self.glue(start + verb)
        if self.tag(start) == "NOT":
            return self._not_so(phrase, start + 1)
        if self.tag(start) in LOOKS and not self._noun_after(start):
            return self._with_looks(phrase, start)
        if self.is_verb(start, "stay"):
            start, verb = self.glue(start + 1), True
        if verb and (found := self.where(start)) is not None:
            return replace(phrase, where=(*phrase.where, found[0])), found[1]
        if verb and self.is_verb(start - 1, "stay"):
            return phrase, start
        if self.tag(at) != "COMMA" and verb and self._is_adjective(start) and self._ends_phrase(start + 1):
            return phrase, start + 1
        return None

    def _not_so(self, phrase: Phrase, at: int) -> tuple[Phrase, int] | None:
        if self.tag(at) == "COLOUR" and not phrase.colours:
            return replace(phrase, colours=frozenset(COLOURS) - {self.value(at)}), at + 1
        if self.tag(at) == "SIZE" and not phrase.sizes:
            return replace(phrase, sizes=frozenset(SIZES) - {self.value(at)}), at + 1
        return None

    def _doing(self, phrase: Phrase, at: int) -> tuple[Phrase, int] | None:
        """Skips "sitting", "floating" after a noun."""
        start = at + (self.tag(at) == "COMMA")
        if phrase.pronoun in {"it", "them"}:
            return None
        if self.tag(start) == "OTHER" and self.text(start).endswith(("ing", "ed")) and not self.value(start):
            return (
                (phrase, start + 1)
                if self.where(start + 1) is not None or self.tag(start + 1) in {"COMMA", "COLON"}
                else None
            )
        if not self.is_verb(start, "stay", "go", "grow") or self.tokens[start].form != "ing":
            return None
        return phrase, self.glue(start + 1)

    def _apposition(self, phrase: Phrase, at: int) -> tuple[Phrase, int] | None:
        """Reads "a cat, an orange one" as one cat."""
        start = at + (self.tag(at) == "COMMA")
        if (
            phrase.count > 1
            or phrase.definite
            or not phrase.kind
            or self.tag(start) != "DET"
            or self.value(start) != "a"
        ):
            return None
        other = self._head(start, definite=False)
        if (
            other is None
            or other[0].kind
            or other[0].again != "a"
            or (phrase.colours and other[0].colours)
            or (phrase.sizes and other[0].sizes)
        ):
            return None
        return replace(phrase, colours=phrase.colours or other[0].colours, sizes=phrase.sizes or other[0].sizes), other[
            1
        ]

    def _alike(self, phrase: Phrase, at: int) -> tuple[Phrase, int] | None:
        """Reads "in the same color", "of the same size as the house"."""
        start = at + (self.tag(at) == "COMMA")
        if phrase.definite is not False or phrase.alike or self.tag(start) not in {"SAME", "SAME_AS"}:
            return None
        alike = replace(phrase, alike=frozenset({self.value(start)}))
        if self.tag(start) == "SAME":
            return alike, start + 1
        like = self.noun(start + 1, bare=True)
        if like is None or not like[0].definite or not like[0].kind or phrase.count > 1:
            return None
        return replace(alike, like=(like[0],)), like[1]

    def _grouped(self, phrase: Phrase, at: int) -> tuple[Phrase, int] | None:
        """Reads how the objects of a group differ: ", one red and one blue", ": red, white and blue", ", both big"."""
        if phrase.count < 2 or phrase.parts or phrase.definite:
            return None
        at = self.glue(at) if self.tag(self.glue(at)) in {"COMMA", "COLON"} else at
        start = at + (self.tag(at) in {"COMMA", "COLON"})
        start = self.glue(start)
        if self.tag(start) == "ALL" and (
            start > at or self.tag(start + 1) in LOOKS or self.text(start + 1) in {"in", "of"}
        ):
            end = start + 1
            end += self.tag(end) == "NUM" and self.value(end) == "1"
            if self.text(end) == "of" and self.tag(end + 1) in {"PRO", "DET"}:
                end += 2
            end += self.is_verb(end, "be")
            end += self.text(end) in {"in", "coloured"}
            if self.tag(end) in LOOKS and not self._noun_after(end):
                return self._with_looks(phrase, end)
        parts: list[Phrase] = []
        while sum(part.count for part in parts) < phrase.count:
            part = self._part(start, len(parts), listed=start > at or bool(parts))
            if part is None:
                return None
            parts.append(part[0])
            end = part[1]
            if sum(one.count for one in parts) == phrase.count:
                return replace(phrase, parts=tuple(parts)), end
            following = self.joint(end)
            if following is None and self.tag(end) not in {"NUM", *LOOKS}:
                return None
            start = following or end
        return None

    def _part(self, at: int, number: int, *, listed: bool) -> tuple[Phrase, int] | None:
        head = self._part_head(at, number, listed=listed)
        if head is None:
            return None
        part, start = head
        named = start > at
        start += self.is_verb(start, "be")
        start += self.text(start) in {"in", "coloured"} and self.tag(start + 1) in LOOKS
        end = start
        if self.tag(start) in LOOKS:
            looks = self._with_looks(part, start)
            if looks is None:
                return None
            part, end = looks
            end += (self.tag(end) == "NUM" and self.value(end) == "1") or self.tag(end) == "ONES"
        while (named or end > start) and (found := self.where(end)) is not None:
            part, end = replace(part, where=(*part.where, found[0])), found[1]
        if end == start or self.tag(end) == "NOUN" or self._noun_after(end):
            return None
        return part, end

    def _part_head(self, at: int, number: int, *, listed: bool) -> tuple[Phrase, int] | None:
        """Reads "one", "two of them", "the other", "the left one" before what tells this part from the others."""
        count, start, side = 1, at, None
        if self.tag(start) == "NUM":
            count, start = int(self.value(start)), start + 1
            start += 2 if self.text(start) == "of" and self.tag(start + 1) == "PRO" else 0
        elif self.tag(start) == "ELSE" and self.tag(start + 1) == "NUM" and number:
            count, start = int(self.value(start + 1)), start + 2
        elif self.tag(start) == "DET" and self.tag(start + 1) == "ELSE" and number:
            start += 2
            start += self.tag(start) == "NUM"
        elif self.tag(start) == "MORE" and number:
            start += 1
        elif self.tag(start) == "DET" and self.text(start + 1) in {"first", "second", "third", "last", "fourth"}:
            start += 2
            start += self.tag(start) == "NUM"
        elif self.tag(start) == "DET" and self.tag(start + 1) in LOOKS:
            start += 1
        elif self.tag(start) == "PLACE" and self.text(start).startswith("the ") and self.value(start + 1) == "1":
            side, start = self.tokens[start].where, start + 2  # "the left one red"
        elif not listed or self.tag(start) not in LOOKS:
            return None
        return Phrase(pronoun="one", count=count, where=() if side is None else (side,)), start


def _corners_of(edge: str) -> tuple[Where, Where]:
    """Returns the two corners at the top, at the bottom, on the left or on the right."""
    ends = ("left", "right") if edge in {"top", "bottom"} else ("top", "bottom")
    first, second = (cell_named([edge, end]) for end in ends)
    assert first is not None and second is not None  # noqa: S101, PT018 - corners have names
    return Where(frozenset({first})), Where(frozenset({second}))


def stand_in_corners(statements: Iterable[Statement]) -> bool:
    """Whether some statement names a group of which each stands in a corner."""
    return any(item.parts == _CORNERS for one in statements for item in one.items if isinstance(item, Phrase))
