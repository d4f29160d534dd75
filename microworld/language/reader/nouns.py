"""Reads noun phrases, places and backgrounds over tags.

Every method takes a position and returns what it read with the position after it, or None. A place belongs to the
nearest noun that can take it. Knows no scene.
"""

from __future__ import annotations

from dataclasses import replace

from interleavethinker.microworld.language.phrase_types import Ground, Phrase, Where

from .groups import GroupReader

__all__ = ["FINDER", "IT", "THEM", "NounReader"]

IT = Phrase(pronoun="it", definite=True)
FINDER = Phrase(pronoun="finder", definite=True)
"""Who has found or met what the last statement brought."""
THEM = Phrase(pronoun="them", definite=True, every=True)
_GROUND_COLOURS = {
    "meadow": {"green"},
    "forest": {"green"},
    "snow": {"white"},
    "sunset": {"orange", "red", "pink"},
    "beach": {"yellow"},
    "night": {"blue"},
}
"""Colors that say nothing new of a background."""
_GROUND_PREPOSITIONS = frozenset(
    "in on at by near under with beneath against during deep out covered to before".split()
)


class NounReader(GroupReader):
    """Reads phrases of one sentence."""

    def nouns(self, at: int, *, definite: bool = False) -> tuple[tuple[Phrase, ...], int] | None:
        """Reads noun phrases joined by "and" or commas; `definite`: a bare noun means what is there."""
        first = self.noun(at, definite=definite)
        if first is None:
            return None
        phrases, at = [first[0]], first[1]
        while (start := self.joint(at)) is not None and (other := self.noun(start, definite=definite)) is not None:
            if (
                other[0].pronoun == "one"
                and other[0].definite is False
                and not other[0].again
                and phrases[-1].count > 1
            ):
                break
            phrases.append(other[0])
            at = other[1]
        return tuple(phrases), at

    def noun(self, at: int, *, definite: bool = False, bare: bool = False) -> tuple[Phrase, int] | None:
        """Reads one noun phrase with what belongs to it; `bare`: without what follows the noun."""
        found = self._pronoun(at) or self._head(at, definite=definite)
        if found is None or bare:
            return found
        return self._following(*found)

    def _pronoun(self, at: int) -> tuple[Phrase, int] | None:  # noqa: PLR0911 - one branch for each form
        name, value = self.tag(at), self.value(at)
        if name == "PRO" and value == "everything":
            return self._everything(at + 1)
        if name == "PRO":
            return (IT if value == "it" else THEM), at + 1
        if name == "HIS" and self._head(at + 1, definite=False) is None and self.text(at) == "her":
            return IT, at + 1
        if name == "ALL":
            following = at + 1
            if self.text(following) == "of" and self.text(following + 1) in {"them", "these", "those"}:
                count = 2 if value == "both" else 1
                return replace(THEM, count=count), following + 2
            if (
                self.tag(following) == "NUM"
                and int(self.value(following)) > 1
                and self._look_or_noun(following + 1) is None
            ):
                end = following + 3 if self.text(following + 1) == "of" else following + 1
                return replace(THEM, count=int(self.value(following))), end
            if value == "both" and self._head(following, definite=True) is None:
                return replace(THEM, count=2), following
        if name == "DET" and value == "the" and self.tag(at + 1) == "ELSE" and self._look_or_noun(at + 2) is None:
            if self.tag(at + 2) == "NUM" and self.value(at + 2) == "1":
                return Phrase(pronoun="other", definite=True), at + 3
            return Phrase(pronoun="other", definite=True), at + 2
        if name == "DET" and self.text(at + 1) == "others":
            return Phrase(pronoun="other", definite=True, every=True), at + 2
        two = name == "DET" and self.tag(at + 1) == "NUM" and self.value(at + 1) == "2"
        if two and self._look_or_noun(at + 2) is None:
            end = at + 4 if self.text(at + 2) == "of" and self.text(at + 3) == "them" else at + 2
            return replace(THEM, count=2), end
        return None

    def _everything(self, at: int) -> tuple[Phrase, int]:
        phrase = Phrase(definite=True, every=True)
        if self.text(at) in {"except", "but", "besides"} or (self.text(at), self.text(at + 1)) == ("apart", "from"):
            start = at + 2 if self.text(at) == "apart" else at + 1
            start += self.text(start) in {"for", "from"}
            if (others := self.nouns(start, definite=True)) is not None:
                return replace(phrase, excluded=others[0]), others[1]
        return phrase, at

    def _following(self, phrase: Phrase, at: int) -> tuple[Phrase, int]:
        while True:
            found = (
                self._placed(phrase, at)
                or self._coloured(phrase, at)
                or self._relative(phrase, at)
                or self._doing(phrase, at)
                or self._grouped(phrase, at)
                or self._apposition(phrase, at)
                or self._alike(phrase, at)
            )
            if found is None:
                return phrase, at
            phrase, at = found

    def where(self, at: int, *, goal: bool = False) -> tuple[Where, int] | None:
        """Reads a place or a relation; `goal`: also where something goes."""
        at = self.glue(at)
        if self.tag(at) == "STEP" and self.text(at) in {"up", "down"} and self.tag(at + 1) in {"PLACE", "RELATION"}:
            at += 1
        token = self.tokens[at] if at < len(self.tokens) else None
        if token is None:
            return None
        if token.tag == "PLACE" and (goal or token.value not in {"GOAL", "FROM"}) and token.value != "FROM":
            assert token.where is not None  # noqa: S101 - set by the tagger
            return token.where, at + 1
        if token.tag == "OWN":
            return Where(relation=token.value, anchors=(IT,)), at + 1
        if token.tag == "RELATION":
            return self._relation(token.value, at + 1)
        if token.tag == "PREP" and token.text in {"on", "onto", "by"}:  # "a bird on the house"
            anchor = self.noun(at + 1, definite=False, bare=True)
            if anchor is not None and anchor[0].kind and not anchor[0].negative and self.tag(at + 1) != "NOUN":
                relation = "next_to" if token.text == "by" else "above"
                return Where(relation=relation, anchors=(anchor[0],)), anchor[1]
        return None

    def _relation(self, name: str, at: int) -> tuple[Where, int] | None:
        first = self.noun(at, bare=True, definite=self.edits)
        if first is None:
            return None
        if name != "between":
            return Where(relation=name, anchors=(first[0],)), first[1]
        if (first[0].count == 2 and not first[0].parts) or first[0].pronoun == "them":
            return Where(relation=name, anchors=(first[0],)), first[1]
        if self.tag(first[1]) != "AND" or (second := self.noun(first[1] + 1, bare=True, definite=self.edits)) is None:
            return None
        return Where(relation=name, anchors=(first[0], second[0])), second[1]

    def _placed(self, phrase: Phrase, at: int) -> tuple[Phrase, int] | None:
        if phrase.pronoun in {"it", "them"} or len(phrase.where) > 1:
            return None
        if (sides := self._sides(phrase, at)) is not None:
            return sides
        comma = self.tag(at) in {"COMMA", "COLON"}
        if (
            phrase.where
            and self.tag(at) == "AND"
            and self.value(at) == "and"
            and self.tag(at + 1) in {"RELATION", "OWN"}
        ):
            beside = self.where(at + 1)  # "above a ball and to the left of a tree"
            if beside is not None and self._ends_phrase(beside[1]):
                return replace(phrase, where=(*phrase.where, beside[0])), beside[1]
        start = at + comma
        start += comma and self.tag(start) == "GLUE"
        placed = self.text(start) in {"to the left", "to the right"} and phrase.definite is False and bool(phrase.kind)
        found = self.where(start, goal=placed and not self.edits)
        if found is None or (comma and (phrase.where or not self._ends_phrase(found[1]))):
            return None
        if self.tag(start) == "PLACE" and self.value(start) == "BARE" and self._begins_noun(found[1]) and comma:
            return None
        return replace(phrase, where=(*phrase.where, found[0])), found[1]

    def _begins_noun(self, at: int) -> bool:
        return self.tag(at) == "COLON" or self.noun(at, bare=True) is not None

    def ground(self, at: int, *, bare: bool = True) -> tuple[Ground, int] | None:
        """Reads a background: "in the snow", "at night", "snowy meadow"; `bare`: also without a preposition."""
        start = self.glue(at)
        begin = start
        if self.tag(start) == "GROUND_CHANGE" and self.text(start).split()[0] in _GROUND_PREPOSITIONS:
            return Ground(self.value(start)), start + 1
        while (
            self.tag(start) == "PREP"
            or self.text(start) in {"with", "under", "out", "up", "over", "across", "near", "along"}
            or (self.tag(start) == "RELATION" and self.tag(start + 1) in {"DET", "GROUND", "OTHER", "GLUE"})
        ):
            if self.text(start) in {"of", "for", "from", "as"} and start == begin and self.tag(start - 1) != "PLACE":
                return None
            start += 1
        if start == begin and not bare:
            return None
        start += self.tag(start) in {"DET", "HIS", "SOME"} or (
            self.tag(start) == "PRO" and self.tag(start + 1) == "GROUND"
        )
        empty = False
        while self._is_ground_adjective(start):
            empty |= self.text(start) == "empty"
            start += 1
        if self.tag(start) != "GROUND":
            return None
        name, end = self.value(start), start + 1
        if self.tag(end) == "GROUND" and self.value(end) == name:
            end += 1
        if self.tag(end) in {"NOUN", "ONES"}:
            return None
        while self.text(end) in {
            "sky",
            "time",
            "themed",
            "theme",
            "background",
            "backdrop",
            "setting",
            "landscape",
            "scene",
            "scenery",
            "light",
        }:
            end += 1
        return Ground(name, empty), end

    def _is_ground_adjective(self, at: int) -> bool:
        if self.tag(at) == "EMPTY" and self.text(at) == "empty":
            return True
        if self.tag(at) in {"OTHER", "GLUE"} and not self.value(at):
            return self.tag(at + 1) in {"GROUND", "OTHER", "GLUE", "COLOUR", "SIZE"}
        if self.tag(at + 1) != "GROUND":
            return False
        return self.tag(at) == "SIZE" or self.value(at) in _GROUND_COLOURS.get(self.value(at + 1), ())
