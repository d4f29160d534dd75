"""Changes of looks: new colors and sizes, copies, what two objects exchange, and words that finish a new object."""

from __future__ import annotations

from dataclasses import replace

from interleavethinker.microworld.language.phrases import Where
from interleavethinker.microworld.language.statements import Statement
from interleavethinker.microworld.scenes.scene import CELLS
from interleavethinker.tools.errors import InputError

from .choices import Constraint, Variable
from .story_puzzles import StoryPuzzles
from .story_things import Thing, different

__all__ = ["StoryLooks"]

_FREE_FIRST = (3, 5, 1, 7, 4, 0, 2, 6, 8)
"""Cells in the order in which objects that change places get one: left and right, above and below, the others."""
_LATER = frozenset({"now", "then", "later", "again"})
_NEW = frozenset({"copy", "fill", "replace", "scene"})
"""Statements that bring objects whose looks the words may leave open."""


class StoryLooks(StoryPuzzles):
    """The images of a story, with changes of looks."""

    def finishes(self, statement: Statement) -> bool:
        """Applies "… and make it purple" to the object that the same order has just brought: one image, not two."""
        latest, value = self.latest, statement.colour or statement.size
        if latest is None or latest.kind not in _NEW or statement.kind not in {"recolour", "resize"} or not value:
            return False
        if statement.new_piece or statement.sequenced or not self.frames or self.source is None:
            return False
        if _LATER.intersection(statement.text.split()):
            return False
        alone = len(statement.text.split()) <= 2  # "add another cat, bigger"
        if not (statement.ordered or alone):
            return False
        ids = [one for phrase in statement.subject for one in self.resolve(phrase)]
        if not ids or not set(ids) <= {one for one, changed in self.frame.touched if changed == "all"}:
            return False
        if latest.kind == "copy":
            for one in ids:
                thing = self.frame.things[one]
                colour = Variable({statement.colour}) if statement.colour else thing.colour
                size = Variable({statement.size}) if statement.size else thing.size
                self.frame.things[one] = replace(thing, colour=colour, size=size)
        elif not self._fixed(ids, statement):
            return False
        self.frame.texts.append(statement.text)
        return True

    def _fixed(self, ids: list[int], statement: Statement) -> bool:
        """Gives objects the looks that a statement names; returns False if these are not open."""
        things = [self.frame.things[one] for one in ids]
        looks = [(thing.colour, statement.colour) for thing in things if statement.colour]
        looks += [(thing.size, statement.size) for thing in things if statement.size]
        if any(len(look.allowed) == 1 or value not in look.allowed for look, value in looks):
            return False
        for look, value in looks:
            look.fix({value})
        return True

    def apply_copy(self, statement: Statement) -> None:
        """Adds objects that look like ones that are there.

        Raises:
            InputError: They are not there or not clear (`not_there`, `ambiguous`), or there is no room
                (`too_many_things`).
        """
        assert statement.new is not None  # noqa: S101 - set by every pattern of this kind
        made: list[int] = []
        ids, place = self._originals(statement)
        for one in dict.fromkeys(ids):
            old = self.frame.things[one]
            self.last = (one,)  # "a copy of the cat above it"
            for new in self.create(replace(statement.new, kind=old.kind, definite=False, where=place)):
                thing = self.frame.things[new]
                colour = thing.colour if statement.new.colours else old.colour
                size = thing.size if statement.new.sizes else old.size
                self.frame.things[new] = replace(thing, colour=colour, size=size)
                made.append(new)
        if len(self.frame.things) > CELLS:
            msg = f"An image holds at most {CELLS} objects; this request names more."
            raise InputError(msg, code="too_many_things")
        self.last = tuple(made)

    def apply_fill_up(self, statement: Statement) -> None:
        """Puts an object into each cell that holds nothing."""
        assert statement.new is not None  # noqa: S101 - set by every pattern of this kind
        free = CELLS - len(self.frame.things)
        if not free:
            raise InputError("No cell of the image is empty.", code="occupied")
        if statement.new.count not in {1, 2, free} or (statement.new.count == 2 and not statement.new.some):
            msg = f"The request says {statement.text!r}, but {free} cells are empty."
            raise InputError(msg, code="contradiction")
        self.create(replace(statement.new, count=free, some=False, every=False, definite=False))

    def _originals(self, statement: Statement) -> tuple[list[int], tuple[Where, ...]]:
        """Returns what is copied and where to: the place in "copy the tree on the left" may be that of either."""
        assert statement.new is not None  # noqa: S101 - set by every pattern of this kind
        subject, place = statement.subject, statement.new.where
        try:
            return [one for phrase in subject for one in self.resolve(phrase)], place
        except InputError as error:
            if error.code != "not_there" or place or len(subject) > 1 or not subject[0].where:
                raise
            return self.resolve(replace(subject[0], where=())), subject[0].where

    def apply_recolour(self, statement: Statement) -> None:
        """Gives objects a color, a size or both, stated or those of another object."""
        is_size = statement.kind == "resize" if statement.like else not statement.colour
        ids = self.subjects(statement, "size" if is_size else "colour")
        like = (
            None
            if statement.like is None
            else self.frame.things[self.only(self.resolve(statement.like), statement.like)[0]]
        )
        self.some_differ([self.frame.things[one] for one in ids], statement)
        self.rest_differs(ids, statement)
        for one in ids:
            thing = self.frame.things[one]
            if is_size and like is not None:
                self.differ(thing.size, like.size, f"The {thing.kind} has that size already", one_of=len(ids))
                thing = replace(thing, size=like.size)
            elif statement.colour or like is not None:
                colour = Variable({statement.colour}) if like is None else like.colour
                self.differ(thing.colour, colour, f"The {thing.kind} has that color already", one_of=len(ids))
                thing = replace(thing, colour=colour)
            if statement.size:
                size = Variable({statement.size})
                if not statement.colour:
                    self.differ(thing.size, size, f"The {thing.kind} is already {statement.size}", one_of=len(ids))
                thing = replace(thing, size=size)
            self.frame.things[one] = thing
        self.last = tuple(ids)

    def apply_swap(self, statement: Statement) -> None:
        """Lets two objects change places, or only their colors or sizes."""
        ids = self.subjects(statement, statement.attribute or "cell")
        if len(ids) != 2:
            raise InputError(f"Two objects can be swapped; the request names {len(ids)}.", code="ambiguous")
        first, second = (self.frame.things[one] for one in ids)
        if statement.attribute:
            self._exchange(ids, statement.attribute)
            return
        for thing in (first, second):
            self._place(thing)
        self.frame.things[ids[0]] = replace(first, cell=second.cell)
        self.frame.things[ids[1]] = replace(second, cell=first.cell)
        self.frame.relations = tuple(one for one in self.frame.relations if not set(ids) & set(one[1]))
        self.last = tuple(ids)

    def _place(self, thing: Thing) -> None:
        """Fixes where an object is that may be anywhere: else nothing would tell whether it has changed places."""
        taken = {cell for one in self.frame.things.values() if len(one.cell.allowed) == 1 for cell in one.cell.allowed}
        free = [cell for cell in _FREE_FIRST if cell in thing.cell.allowed - taken]
        if len(thing.cell.allowed) > 1 and free:
            thing.cell.fix({free[0]})

    def _exchange(self, ids: list[int], attribute: str) -> None:
        first, second = (self.frame.things[one] for one in ids)
        old, new = (first.colour, second.colour) if attribute == "colour" else (first.size, second.size)
        if old is new or (len(new.allowed) == 1 and old.allowed == new.allowed):
            words = "color" if attribute == "colour" else attribute
            raise InputError(f"The {first.kind} and the {second.kind} have the same {words}.", code="no_change")
        self.conditions.append(Constraint((old, new), different))
        if attribute == "colour":
            self.frame.things[ids[0]] = replace(first, colour=new)
            self.frame.things[ids[1]] = replace(second, colour=old)
        else:
            self.frame.things[ids[0]] = replace(first, size=new)
            self.frame.things[ids[1]] = replace(second, size=old)
        self.last = tuple(ids)
