"""Which objects a phrase refers to while a story is told: "the small one", "it", "the others", "one of them".

Knows no statements and creates nothing; `story_objects` does that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from interleavethinker.microworld.language.phrases import Phrase, Where
from interleavethinker.microworld.scenes.scene import CELLS, Scene
from interleavethinker.tools.errors import InputError

from .choices import Constraint, Variable
from .required_scene import Relation
from .story_things import SIDE_CELLS, Frame, Thing, narrow, on_side, pair_of, phrase_text, thing_text, told_apart

__all__ = ["ACROSS", "StoryReferences"]

ACROSS = {"left": "right", "right": "left", "above": "below", "below": "above"}
"""The relations of one side, with the other side."""


class StoryReferences:
    """The objects of each image, as phrases name them.

    Args:
        source: The scene of the image that is given; None: the first image is made from text alone.
    """

    def __init__(self, source: Scene | None) -> None:
        self.source = source
        self.base = Frame()
        if source is not None:
            self.base.ground = Variable({source.background})
            for cell, obj in source.objects.items():
                thing = Thing(obj.kind, Variable({obj.colour}), Variable({obj.size}), Variable({cell}))
                self.base.things[cell] = thing
        self.frames: list[Frame] = []
        self.next_id = CELLS
        self.last: tuple[int, ...] = ()
        self.gone, self.removed = set[str](), dict[int, Thing]()  # kinds removed last; all objects as they then were
        self.vacated: Variable | None = None  # cell of the object that "it" would be, if it has just been removed
        self.place_left: Variable | None = None  # cell that the object had which has just moved
        self.conditions: list[Constraint] = []
        self.hosts: dict[int, tuple[str, tuple[int, ...], int]] = {}
        """How objects lie to what "it" was when they were named: the relation, that object, the statement's number."""
        self.number, self.finders = 0, list[int]()  # of statements; who has found what the last one brought

    @property
    def frame(self) -> Frame:
        """Returns the present image."""
        return self.frames[-1] if self.frames else self.base

    @property
    def is_first(self) -> bool:
        """Whether the first image is being described, from text alone."""
        return self.source is None and len(self.frames) <= 1

    def across(self, where: Where, before: tuple[int, ...]) -> Where:
        """Returns what "on the other side of the car" means.

        Raises:
            InputError: No object is known to be on the one side (`not_understood`).
        """
        (anchor,) = where.anchors
        (host,) = self.only(before, anchor) if anchor.pronoun else self.only(self.resolve(anchor), anchor)
        for kind, (first, *others) in reversed(self.frame.relations):
            if kind in ACROSS and others == [host]:
                return Where(relation=ACROSS[kind], anchors=(Phrase(pronoun="known", count=host),))
            if kind in ACROSS and first == host:
                return Where(relation=kind, anchors=(Phrase(pronoun="known", count=host),))
        msg = "It is not clear which side the other side is; say left, right, above or below."
        raise InputError(msg, code="not_understood")

    def resolve(self, phrase: Phrase) -> list[int]:
        """Returns the objects that a phrase refers to."""
        things = self.frame.things
        if phrase.pronoun in {"known", "finder"}:
            return [phrase.count] if phrase.pronoun == "known" else list(self.finders)
        last = tuple(one for one in self.last if one in things)
        if phrase.pronoun in {"it", "them", "other"} or (phrase.pronoun == "one" and phrase.definite is False):
            return self._meant(phrase, last)
        if phrase.excluded:
            kept = {one for other in phrase.excluded for one in self.resolve(other)}
            return [one for one in self.resolve(replace(phrase, excluded=())) if one not in kept]
        found = self.certain(phrase) or self._guessed(phrase)
        if not found:
            held = ", ".join(map(thing_text, things.values())) or "nothing"
            where = "The image does not contain" if self.source is not None else "At that point, no picture contains"
            raise InputError(f"{where} {phrase_text(phrase)}; it contains {held}.", code="not_there")
        side = next((where.side for where in phrase.where if where.side), "")
        if side and len(found) > 1:
            placed = on_side(side, {one: things[one] for one in found})
            found = placed or [one for one in found if things[one].cell.allowed == {SIDE_CELLS[side]}] or found
        if phrase.pronoun == "one" and len(found) > 1:  # "remove the small cat and make the big one red"
            kinds = {things[one].kind for one in last} or self.gone
            found = [one for one in found if things[one].kind in kinds] or found
        if phrase.every:
            return self._all_of(phrase, found)
        if phrase.definite is False and len(found) >= phrase.count and self._interchangeable(found):
            return found[: phrase.count]
        return found if len(found) == phrase.count > 1 else self.only(tuple(found), phrase)

    def _guessed(self, phrase: Phrase) -> list[int]:
        """Returns the objects that a phrase may fit, or else that stand in the row or column that it names."""
        things = self.frame.things
        found = self.possible(phrase, things)
        one_of_them = phrase.count == 1 and not phrase.every and self.source is None
        if one_of_them and len(found) > 1 and self._interchangeable(found):
            found = found[:1]  # "the red one" of balls in any colors
        if len(found) == 1 and not phrase.every:
            narrow(things[found[0]], phrase)
        return found or (self.certain(phrase.in_line) if phrase.definite else [])

    def _meant(self, phrase: Phrase, last: tuple[int, ...]) -> list[int]:
        """Returns the objects of a pronoun."""
        things = self.frame.things
        if phrase.pronoun == "it":
            return self.only(last or self.alone(), phrase)
        if phrase.pronoun == "them":
            if len(last) < 2 or phrase.count not in {1, len(last)}:
                last = (self.frame.changed() if self.source is not None else ()) or tuple(things)
            if phrase.count == 2 < len(last):
                last = pair_of(things) or last
            if len(last) < 2 or phrase.count not in {1, len(last)}:
                raise InputError('It is not clear which objects "they" or "them" are.', code="ambiguous")
            return list(last)
        if phrase.pronoun == "other":
            return self._others(phrase, last)
        return self._some_of(phrase, last)

    def alone(self) -> tuple[int, ...]:
        """Returns the only object that there is, which "it" may mean before anything is named; else none."""
        things = tuple(self.frame.things)
        return things if len(things) == 1 and self.vacated is None else ()

    def _others(self, phrase: Phrase, last: tuple[int, ...]) -> list[int]:
        """Returns "the other" or "the others": what the last words were not about."""
        plain = replace(phrase, pronoun="one" if not phrase.kind else "", every=False)
        fits = self.certain(plain) or self.possible(plain, self.frame.things)
        if self.vacated is not None:  # other than what has just gone
            others, kinds = fits, self.gone
        else:
            others = [one for one in fits if (last or phrase.colours or phrase.sizes) and one not in last]
            kinds = {self.frame.things[one].kind for one in last}
        if not phrase.kind and len(others) > 1:
            others = [one for one in others if self.frame.things[one].kind in kinds] or others
        return others if phrase.every and others else self.only(others, phrase)

    def _some_of(self, phrase: Phrase, last: tuple[int, ...]) -> list[int]:
        """Returns "one of them" or "another one": objects of a group that look the same."""
        things = self.frame.things
        found = self.certain(phrase) if phrase.colours or phrase.sizes or phrase.where else []
        found = found or self.possible(phrase, things)
        if not phrase.kind:
            kinds = {things[one].kind for one in last} or self.gone
            found = [one for one in found if things[one].kind in kinds] or found
        if phrase.again:
            found = [one for one in found if one not in last]
        if len(found) == phrase.count:
            return found
        if len(found) > phrase.count and self._interchangeable(found):
            for one in found[: phrase.count]:
                narrow(things[one], phrase)
            return found[: phrase.count]
        return self.only(found, phrase)

    def _all_of(self, phrase: Phrase, found: list[int]) -> list[int]:
        others = set(self.possible(phrase, self.frame.things)) - set(found)
        is_clear = len(found) > 1 and phrase.definite and told_apart(phrase, [self.frame.things[one] for one in others])
        if others and not is_clear:
            msg = f'The request does not say which objects "{phrase_text(phrase)}" are; state their colors and sizes.'
            raise InputError(msg, code="ambiguous")
        if phrase.count > 1 and len(found) != phrase.count:
            raise InputError(f"The request says {phrase_text(phrase)}, but there are {len(found)}.", code="not_there")
        return found

    def _interchangeable(self, ids: Sequence[int]) -> bool:
        looks = {
            (thing.kind, frozenset(thing.colour.allowed), frozenset(thing.size.allowed))
            for thing in map(self.frame.things.get, ids)
            if thing
        }
        return len(looks) == 1

    def only(self, ids: tuple[int, ...] | list[int], phrase: Phrase) -> list[int]:
        """Returns the one object, or raises an error that lists the candidates."""
        if len(ids) == 1:
            return list(ids)
        if not ids:
            raise InputError(f'It is not clear which object "{phrase_text(phrase)}" is.', code="ambiguous")
        candidates = " or ".join(thing_text(self.frame.things[one]) for one in ids)
        msg = f'Ambiguous: "{phrase_text(phrase)}" could be {candidates}. Add a color, size or position.'
        raise InputError(msg, code="ambiguous")

    def certain(self, phrase: Phrase) -> list[int]:
        """Returns the objects that a phrase fits for certain.

        If it fitted exactly one object of the image before, that is the one: in "the small fish grows and the big fish
        shrinks", the big fish is the one that was big at first.
        """
        things = self.frame.things
        before = (self.frames[-2] if len(self.frames) > 1 else self.base).things
        first = [one for one, old in before.items() if one in things and self._fits(phrase, one, old, certain=True)]
        if len(first) == 1 and not phrase.every:
            return first
        return [one for one, thing in things.items() if self._fits(phrase, one, thing, certain=True)] or first

    def possible(self, phrase: Phrase, things: dict[int, Thing]) -> list[int]:
        """Returns the objects that a phrase may fit, as far as is known."""
        return [one for one, thing in things.items() if self._fits(phrase, one, thing, certain=False)]

    def _fits(self, phrase: Phrase, one: int, thing: Thing, *, certain: bool) -> bool:
        if phrase.kind and phrase.kind != thing.kind:
            return False
        pairs: list[tuple[frozenset[str] | frozenset[int], Variable]]
        pairs = [(phrase.colours, thing.colour), (phrase.sizes, thing.size)]
        pairs += [(where.cells, thing.cell) for where in phrase.where if where.cells]
        for wanted, variable in pairs:
            if wanted and not (variable.allowed <= wanted if certain else variable.allowed & wanted):
                return False
        return all(self._stands(one, thing, where) for where in phrase.where if where.relation)

    def _stands(self, one: int, thing: Thing, where: Where) -> bool:
        if where.relation == "across":
            where = self.across(where, self.last)
        anchors = [
            other
            for anchor in where.anchors
            for other in ([anchor.count] if anchor.pronoun == "known" else self.resolve(replace(anchor, where=())))
        ]
        if (where.relation, (one, *anchors)) in self.frame.relations:
            return True
        cells = [next(iter(self.frame.things[other].cell.allowed)) for other in anchors]
        known = (
            all(len(self.frame.things[other].cell.allowed) == 1 for other in anchors) and len(thing.cell.allowed) == 1
        )
        numbers = tuple(range(len(cells) + 1))
        return known and Relation(where.relation, numbers).holds((next(iter(thing.cell.allowed)), *cells))  # type: ignore[arg-type]
