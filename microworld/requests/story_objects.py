"""The objects of a story while it is told: what they look like and where they lie.

Knows no statements; `story` applies those.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from interleavethinker.microworld.language.phrases import Phrase, Where
from interleavethinker.microworld.language.statements import Statement
from interleavethinker.microworld.language.vocabulary import USUAL_COLOURS
from interleavethinker.microworld.scenes.scene import CELLS, CELLS_FROM_CENTRE
from interleavethinker.microworld.scenes.sprites import COLOURS, SIZES
from interleavethinker.tools.errors import InputError

from .choices import Constraint, Variable
from .story_references import ACROSS, StoryReferences
from .story_things import (
    SIDE_CELLS,
    Thing,
    as_named,
    as_they_were,
    different,
    has_room,
    is_opposite,
    lies,
    looks_of,
    no_image_error,
    phrase_text,
    wide,
)

__all__ = ["StoryObjects"]


class StoryObjects(StoryReferences):
    """The objects of each image: how a phrase adds some, and where they lie."""

    def split(self) -> None:
        """Begins a new image because a statement changes what this image has just got."""
        self.frames.append(self.frame.following())

    def create(self, phrase: Phrase) -> list[int]:
        """Adds the objects of a phrase, and those that its places refer to; one for each of "a star above each car"."""
        places = self._at_each(phrase.where[0]) if phrase.count == 1 and len(phrase.where) == 1 else []
        if len(places) > 1:
            self.last = tuple(one for where in places for one in self._create(replace(phrase, where=(where,))))
            return list(self.last)
        return self._create(phrase)

    def _at_each(self, where: Where) -> list[Where]:
        each = self.resolve(where.anchors[0]) if len(where.anchors) == 1 and where.anchors[0].each else []
        return [replace(where, anchors=(Phrase(pronoun="known", count=one),)) for one in each]

    def _create(self, phrase: Phrase) -> list[int]:
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
        if (
            phrase.every and phrase.count == 1 and not phrase.parts
        ):  # "a bird over the trees", of which nothing was said before
            phrase = replace(phrase, count=2, every=False)
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
                if len(parts) > 1 and where.relation in ACROSS and where.anchors[0].pronoun == "known":
                    anchor = self.frame.things[where.anchors[0].count]
                    if len(parts) > 2 or (ids and not has_room(where.relation, anchor)):  # "three stars above a boat"
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
        """Returns a place of several objects with the anchors that it names once: "two birds above a house"."""
        anchors: list[Phrase] = []
        for anchor in where.anchors:
            if anchor.pronoun == "it":
                known = self.only(self._host(where, self.last), anchor)
            elif anchor.definite is False and not anchor.pronoun:
                known = self.create(anchor)
            else:
                known = self.certain(anchor) if anchor.definite and anchor.kind else []
                known = known if len(known) == 1 else []
            anchors += [Phrase(pronoun="known", count=one) for one in known] if known else [anchor]
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
        anchors = self._anchors(new, thing, where, before)
        if len(anchors) == 1:
            self.hosts.setdefault(new, (where.relation, (anchors[0],), 0))
        needed = 2 if where.relation == "between" else 1
        for other in anchors[1:] if needed == 1 and where.relation in ACROSS else ():  # "a bird above two trees"
            self.conditions.append(Constraint((thing.cell, self.frame.things[other].cell), lies(where.relation)))
            anchors = anchors[:1]
        if len(anchors) != needed:
            raise InputError(f'A place "{where.relation}" needs {needed} object(s) to refer to.', code="not_understood")
        kept = tuple(one for one in self.frame.relations if adds or one[1][0] != new)
        self.frame.relations = (*kept, (where.relation, (new, *anchors)))

    def _anchors(self, new: int, thing: Thing, where: Where, before: tuple[int, ...]) -> list[int]:
        """Returns the objects that a place refers to; those that do not exist yet are created."""
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
        if new in anchors:
            msg = f'It is not clear whether there is one {thing.kind} or another beside it; say "another {thing.kind}".'
            raise InputError(msg, code="not_understood")
        return anchors

    def _host(self, where: Where, before: tuple[int, ...]) -> tuple[int, ...]:
        """Returns what "it" is in "a tree to the left of it and a car to the right of it": the same object twice."""
        before = before or self.alone()
        relation, hosts, number = self.hosts.get(before[0] if len(before) == 1 else -1, ("", (), 0))
        in_line = where.relation in ACROSS and where.relation == relation  # "below it … below it": one after the other
        parallel = relation and (number == self.number or where.relation == ACROSS.get(relation))
        return hosts if parallel and not in_line else before

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
