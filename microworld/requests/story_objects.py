"""The objects of a story while it is told: what they look like, and which of them a phrase refers to.

Knows no statements; `story` applies those.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from interleavethinker.microworld.language.phrases import Phrase, Where
from interleavethinker.microworld.language.statements import Statement
from interleavethinker.microworld.language.vocabulary import USUAL_COLOURS
from interleavethinker.microworld.scenes.scene import CELLS, CELLS_FROM_CENTRE, Scene
from interleavethinker.microworld.scenes.sprites import COLOURS, SIZES
from interleavethinker.tools.errors import InputError

from .choices import Constraint, Variable
from .required_scene import Relation
from .story_things import (
    SIDE_CELLS,
    Frame,
    Thing,
    as_named,
    as_they_were,
    different,
    is_opposite,
    lies,
    looks_of,
    narrow,
    no_image_error,
    on_side,
    pair_of,
    phrase_text,
    thing_text,
    told_apart,
    wide,
)

__all__ = ["StoryObjects"]

_ACROSS = {"left": "right", "right": "left", "above": "below", "below": "above"}


class StoryObjects:
    """The objects of each image.

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

    def split(self) -> None:
        """Begins a new image because a statement changes what this image has just got."""
        self.frames.append(self.frame.following())

    def create(self, phrase: Phrase) -> list[int]:
        """Adds the objects of a phrase, and those that its places refer to."""
        if phrase.pronoun == "one" and phrase.definite is False:  # "another", "a small one below it"
            kinds = {self.frame.things[one].kind for one in self.last if one in self.frame.things}
            if len(kinds) == 1:
                phrase = replace(phrase, kind=kinds.pop(), pronoun="")
        if (
            phrase.negative
            or phrase.pronoun
            or phrase.excluded
            or not phrase.kind
            or (phrase.every and (phrase.each or self.source is not None))
        ):
            raise InputError(f'It is not clear which object "{phrase_text(phrase)}" is.', code="not_understood")
        ids: list[int] = []
        widened = wide if phrase.count > 1 and not phrase.parts else as_named
        parts: Sequence[Phrase] = [part for part in phrase.parts for _ in range(part.count)] or [phrase] * phrase.count
        host = self.last
        shared = tuple(map(self.with_anchors, phrase.where)) if len(parts) > 1 else phrase.where
        for part in parts:
            colours, sizes = looks_of(part, phrase)
            thing = Thing(
                phrase.kind,
                Variable(set(colours or COLOURS), (USUAL_COLOURS[phrase.kind], *COLOURS)),
                Variable(set(sizes or SIZES), ("big", "small")),
                Variable({at for at in range(CELLS) if at not in self.frame.vacant}, CELLS_FROM_CENTRE),
            )
            if (same := part.alike | phrase.alike) and (phrase.count == 1 or ids):
                others = [one for like in phrase.like for one in self.only(self.resolve(like), like)] or host
                thing = self._alike(thing, same, tuple(others if phrase.count == 1 else ids[:1]))
            for other in ids if phrase.distinct else ():
                pairs = ((thing.colour, self.frame.things[other].colour), (thing.size, self.frame.things[other].size))
                self.conditions.append(Constraint(pairs["size" in phrase.distinct], different))
            new, self.next_id = self.next_id, self.next_id + 1
            before = self.last
            for where in (*map(widened, shared), *(part.where if part is not phrase else ())):
                if len(parts) > 2 and where.relation in _ACROSS and where.anchors[0].pronoun == "known":
                    anchor = self.frame.things[where.anchors[0].count]  # "three stars above a boat"
                    self.conditions.append(Constraint((thing.cell, anchor.cell), lies(where.relation)))
                    continue
                of_host = any(anchor.pronoun == "host" for anchor in where.anchors)
                self.place_object(new, thing, where, before=host if of_host else before, adds=True)
            self.frame.things[new] = thing
            self.frame.touched.add((new, "all"))
            ids.append(new)
            self.last = (new,)
        named = [tuple(self.frame.things[one].cell.allowed) for one in ids]
        if any(len(cells) == 1 and named.count(cells) > 1 for cells in named) and phrase.where:
            words = phrase_text(replace(phrase, count=1))
            msg = f'Each cell holds one object; the request puts {phrase.count} in the same place ("{words}").'
            raise InputError(msg, code="occupied")
        self.last = tuple(ids)
        return ids

    def with_anchors(self, where: Where) -> Where:
        """Returns a place of several objects with its new anchors created once: "two birds above a house"."""
        anchors: list[Phrase] = []
        for anchor in where.anchors:
            new = anchor.definite is False and not anchor.pronoun
            created = self.create(anchor) if new else []
            anchors += [Phrase(pronoun="known", count=one) for one in created] if new else [anchor]
        return replace(where, anchors=tuple(anchors))

    def _alike(self, thing: Thing, attributes: frozenset[str], others: tuple[int, ...]) -> Thing:
        """Returns an object that has attributes in common with the one named before."""
        (one,) = self.only(others, Phrase(pronoun="it"))
        other = self.frame.things[one]
        colour = other.colour if "colour" in attributes else thing.colour
        size = other.size if "size" in attributes else thing.size
        if not (thing.colour.allowed & colour.allowed and thing.size.allowed & size.allowed):
            raise InputError(
                f"The {thing.kind} cannot look like the {other.kind} and differ from it.", code="contradiction"
            )
        return replace(thing, colour=colour, size=size)

    def place_object(
        self, new: int, thing: Thing, where: Where, *, before: tuple[int, ...] = (), adds: bool = False
    ) -> None:
        """Restricts the cell of an object; anchors that do not exist yet are created.

        `adds`: what was said of its place before still holds: "it is above the ball and left of the tree".
        """
        if where.cells or where.side:
            thing.cell.fix(where.cells or {SIDE_CELLS[where.side]})
            return
        if where.opposite:
            (other,) = self.only(before, Phrase(pronoun="it", definite=True))
            self.place_opposite(self.frame.things[other].cell, thing.cell, where.opposite)
            return
        if where.relation == "across":
            where = self.across(where, before)
        anchors: list[int] = []
        for anchor in where.anchors:
            if anchor.pronoun == "known":
                anchors.append(anchor.count)
            elif anchor.pronoun == "them" and len(before) == len(where.anchors) + 1:
                anchors += before
            elif anchor.pronoun in {"it", "host"}:
                hosts = self._host(where, before) if anchor.pronoun == "it" else before
                anchors += self.only(hosts, anchor)
                self.hosts[new] = (where.relation, hosts, self.number)
            elif (anchor.definite is not False and self.certain(anchor)) or (anchor.definite and not self.is_first):
                anchors += self.resolve(anchor)
            else:
                anchors += self.create(anchor)
        if len(anchors) == 1:
            self.hosts.setdefault(new, (where.relation, (anchors[0],), 0))
        needed = 2 if where.relation == "between" else 1
        if len(anchors) != needed:
            raise InputError(f'A place "{where.relation}" needs {needed} object(s) to refer to.', code="not_understood")
        kept = tuple(one for one in self.frame.relations if adds or one[1][0] != new)
        self.frame.relations = (*kept, (where.relation, (new, *anchors)))

    def _host(self, where: Where, before: tuple[int, ...]) -> tuple[int, ...]:
        """Returns what "it" is in "a tree to the left of it and a car to the right of it": the same object twice."""
        relation, hosts, number = self.hosts.get(before[0] if len(before) == 1 else -1, ("", (), 0))
        in_line = where.relation in _ACROSS and where.relation == relation  # "below it … below it": one after the other
        parallel = relation and (number == self.number or where.relation == _ACROSS.get(relation))
        return hosts if parallel and not in_line else before

    def across(self, where: Where, before: tuple[int, ...]) -> Where:
        """Returns what "on the other side of the car" means.

        Raises:
            InputError: No object is known to be on the one side (`not_understood`).
        """
        (anchor,) = where.anchors
        (host,) = self.only(before, anchor) if anchor.pronoun else self.only(self.resolve(anchor), anchor)
        for kind, (first, *others) in reversed(self.frame.relations):
            if kind in _ACROSS and others == [host]:
                return Where(relation=_ACROSS[kind], anchors=(Phrase(pronoun="known", count=host),))
            if kind in _ACROSS and first == host:
                return Where(relation=kind, anchors=(Phrase(pronoun="known", count=host),))
        msg = "It is not clear which side the other side is; say left, right, above or below."
        raise InputError(msg, code="not_understood")

    def place_opposite(self, cell: Variable, new: Variable, kind: str) -> None:
        """Restricts a cell to the place opposite another one."""
        holds = is_opposite(kind)
        new.fix({place for place in range(CELLS) if any(holds(int(old), place) for old in cell.allowed)})
        if not new.allowed:
            raise InputError("There is no such place opposite; name the place.", code="not_understood")
        self.conditions.append(Constraint((cell, new), holds))

    def subjects(self, statement: Statement, attribute: str) -> list[int]:
        """Returns the objects that a change is about; begins a new image if it undoes what this one has got."""
        introduced = [
            phrase
            for phrase in statement.subject
            if phrase.definite is False and phrase.kind and not self.possible(phrase, self.frame.things)
        ]
        if introduced and len(introduced) == len(statement.subject) and not statement.ordered:
            for phrase in introduced:  # "a red ball grows": first there is one
                self.create(phrase)
            self.frame.used = True
        if self.source is None and not self.frame.things and len(self.frames) <= 1:
            raise no_image_error(statement.text)
        ids = list(dict.fromkeys(one for phrase in statement.subject for one in self.resolve(phrase)))
        known = self.frame.touched
        ids = as_they_were(statement, ids, [one for one, changed in known if changed == attribute])
        if any((one, "all") in known or (one, attribute) in known for one in ids) or (
            attribute == "all" and any(one in ids for one, _ in known)
        ):
            self.split()
        self.frame.touched.update((one, attribute) for one in ids)
        return ids

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
        found = self.certain(phrase)
        if not found:
            found = self.possible(phrase, things)
            if len(found) == 1 and not phrase.every:
                narrow(things[found[0]], phrase)
        if not found:
            held = ", ".join(map(thing_text, things.values())) or "nothing"
            where = "The image does not contain" if self.source is not None else "At that point, no picture contains"
            raise InputError(f"{where} {phrase_text(phrase)}; it contains {held}.", code="not_there")
        side = next((where.side for where in phrase.where if where.side), "")
        if side and len(found) > 1:
            placed = on_side(side, {one: things[one] for one in found})
            found = placed or [one for one in found if things[one].cell.allowed == {SIDE_CELLS[side]}] or found
        if phrase.every:
            return self._all_of(phrase, found)
        if phrase.definite is False and len(found) >= phrase.count and self._interchangeable(found):
            return found[: phrase.count]
        return found if len(found) == phrase.count > 1 else self.only(tuple(found), phrase)

    def _meant(self, phrase: Phrase, last: tuple[int, ...]) -> list[int]:
        """Returns the objects of a pronoun."""
        things = self.frame.things
        if phrase.pronoun == "it":
            alone = tuple(things) if len(things) == 1 and self.vacated is None else ()
            return self.only(last or alone, phrase)
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
