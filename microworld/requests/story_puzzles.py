"""Changes of a story that must be inferred: the gap in a row, and what a place looks like twelve hours later."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from interleavethinker.microworld.language.phrases import Phrase, Where
from interleavethinker.microworld.language.places import side_of
from interleavethinker.microworld.language.statements import Statement
from interleavethinker.microworld.scenes.scene import CELLS
from interleavethinker.tools.errors import InputError

from .choices import Constraint, Variable
from .story_returns import StoryReturns
from .story_things import Thing, different, no_image_error, phrase_text

__all__ = ["StoryPuzzles"]

_OLD_PLACE = re.compile(r"\b(?:place|spot|position|cell|stead|old|before|was|were|stood|sat|had been|used to)\b")


class StoryPuzzles(StoryReturns):
    """The images of a story, with what words leave to be inferred."""

    latest: Statement | None = None
    """The change that was applied last."""

    def apply_row(self, statement: Statement) -> None:
        """Adds the third of three alike objects in a row."""
        if self.source is None:
            raise no_image_error(statement.text)
        things = self.frame.things
        found = []
        for row in range(3):
            line = [3 * row + column for column in range(3)]
            inside = [thing for thing in things.values() if thing.cell.allowed <= set(line)]
            looks = {(thing.kind, *thing.colour.allowed, *thing.size.allowed) for thing in inside}
            if len(inside) == 2 and len(looks) == 1:
                taken = {cell for thing in inside for cell in thing.cell.allowed}
                found.append((inside[0], (set(line) - taken).pop()))
        if len(found) != 1:
            raise InputError("The image shows no row of two alike objects with one gap.", code="not_there")
        thing, cell = found[0]
        self.frame.things[self.next_id] = replace(thing, cell=Variable({cell}))
        self.last, self.next_id = (self.next_id,), self.next_id + 1

    def as_alike(self, new: Phrase, old: Thing, colour: Variable, size: Variable) -> tuple[Variable, Variable]:
        """Returns color and size of what replaces an object, as "of the same color", "of the size of the cat" say."""
        likes = [one for like in new.like for one in self.only(self.resolve(like), like)]
        other = self.frame.things[likes[0]] if likes else old
        for name, own, same in (("colour", colour, other.colour), ("size", size, other.size)):
            if name in new.alike and not own.allowed & same.allowed:
                msg = f"The {new.kind} cannot look like the {other.kind} and differ from it."
                raise InputError(msg, code="contradiction")
        return other.colour if "colour" in new.alike else colour, other.size if "size" in new.alike else size

    def line_up(self, ids: Sequence[int], line: Where) -> None:
        """Puts objects into one line; two "in a row" are side by side."""
        for one in ids:
            self.frame.things[one].cell.fix(line.cells)
        if line.row and len(ids) == 2:
            self.frame.relations += (("next_to", (ids[0], ids[1])),)

    def apply_hours(self, statement: Statement) -> None:
        """Changes day to night, and night or sunset to the other half of the day."""
        if self.source is None and not self.frame.things:
            raise no_image_error(statement.text)
        now = self.frame.ground.allowed
        later = (
            {"meadow": "night", "night": "meadow", "sunset": "night"}.get(str(next(iter(now))))
            if len(now) == 1
            else None
        )
        if later is None:
            raise InputError(
                "Only a meadow, night or sunset looks different twelve hours later.", code="not_understood"
            )
        self.set_ground(later, describes=False)

    def replace_elsewhere(self, one: int, new: Phrase) -> None:
        """Replaces an object by one at another place: "the box becomes a ball at the top"."""
        old = self.frame.things.pop(one)
        self.removed[one] = old
        self.frame.relations = tuple(known for known in self.frame.relations if one not in known[1])
        (other,) = self.create(new)
        thing = self.frame.things[other]
        thing.colour.follow, thing.size.follow = old.colour, old.size

    def some_differ(self, before: Sequence[Thing], statement: Statement) -> None:
        """States that a change of several objects changes at least one, where the words leave open how they were."""
        if len(before) < 2 or bool(statement.colour) == bool(statement.size):
            return
        value = statement.colour or statement.size
        olds = [thing.colour if statement.colour else thing.size for thing in before]
        if all(value in old.allowed for old in olds) and any(len(old.allowed) > 1 for old in olds):
            self.conditions.append(
                Constraint(tuple(dict.fromkeys(olds)), lambda *values: any(one != value for one in values))
            )

    def rest_differs(self, ids: Sequence[int], statement: Statement) -> None:
        """States that of five balls of which "two of them turn red" none was red before, and three are not."""
        value = statement.colour or statement.size
        plain = all(not (one.colours or one.sizes or one.where) for one in statement.subject)
        kinds = {self.frame.things[one].kind for one in ids}
        alike = [thing for thing in self.frame.things.values() if thing.kind in kinds]
        if not value or not plain or len(ids) == len(alike):
            return
        for thing in alike:
            old = thing.colour if statement.colour else thing.size
            if len(old.allowed) > 1:
                old.allowed -= {value}

    def apply_vacant(self, statement: Statement) -> None:
        """Keeps a place of the first image free: "nothing on the left"."""
        where = statement.where
        if where is None or not where.cells:
            raise InputError(f"Name the place that stays empty: {statement.text!r}.", code="not_understood")
        if not self.frames or not self.is_first:
            msg = f"{statement.text!r} does not say what changes; say what to remove."
            raise InputError(msg, code="not_understood")
        cells = frozenset[int]().union(*map(side_of, where.cells)) if len(where.cells) == 1 else where.cells
        self.frame.vacant |= cells
        for thing in self.frame.things.values():
            thing.cell.fix(set(range(CELLS)) - cells)
            if not thing.cell.allowed:
                msg = f"The request puts the {thing.kind} where it says that nothing is: {statement.text!r}."
                raise InputError(msg, code="contradiction")

    def set_ground(self, name: str, *, describes: bool) -> None:
        """Changes the background; `describes`: the first image has it from the beginning."""
        frame = self.frame
        if frame.ground.allowed == {name}:
            if not describes and (-1, "ground") not in frame.touched and frame.used is False and len(frame.things) == 0:
                return
            if describes or (-1, "ground") in frame.touched:
                return
            raise InputError(f"The background is {name} already.", code="no_change")
        first = self.source is None and len(self.frames) == 1 and not frame.things
        if describes or first:
            if name not in frame.ground.allowed:
                known = " or ".join(map(str, sorted(frame.ground.allowed, key=str)))
                msg = f"The request names two backgrounds, {known} and {name}; an image has one."
                raise InputError(msg, code="contradiction")
            frame.ground.fix({name})
        else:
            frame.ground.allowed -= {name}
            frame.ground = Variable({name})
        frame.touched.add((-1, "ground"))

    def place_rows(self, ids: list[int], where: Where) -> bool:
        """Applies "two stars, one top left and one top right, over a boat": the boat lies below both.

        Returns:
            Whether the words say this; otherwise nothing has changed.
        """
        named = [self.frame.things[one].cell.allowed for one in ids]
        if where.relation not in {"above", "below"} or any(len(cells) != 1 for cells in named) or not self.is_first:
            return False
        (anchor,) = where.anchors
        known = self.resolve(anchor) if anchor.definite else self.create(anchor)
        rows = [int(cell) // 3 for cells in named for cell in cells]
        for one in known:
            cell = self.frame.things[one].cell
            if where.relation == "above":
                cell.fix(range(3 * max(rows) + 3, CELLS))
            else:
                cell.fix(range(3 * min(rows)))
            if not cell.allowed:
                raise InputError("These places contradict each other.", code="contradiction")
        self.last = tuple(known)
        return True

    def apply_keep(self, statement: Statement) -> None:
        """Checks that what stays is still there: not "replace the ball with a box, but keep the ball".

        With the attribute `all`, it has not changed either: not "make everything red, but not the ball".
        """
        before = (self.frames[-2] if len(self.frames) > 1 else self.base).things
        for phrase in statement.subject:
            if not self.possible(phrase, self.frame.things) and self.possible(phrase, before):
                msg = f"The request keeps {phrase_text(phrase)} and takes it away; say which holds."
                raise InputError(msg, code="contradiction")
            kept = set(self.resolve(phrase))
            if statement.attribute != "all":
                self.last = tuple(sorted(kept))  # "keep the cars, but make them white"
            elif kept & {one for one, _ in self.frame.touched} & set(before):
                msg = f"The request changes {phrase_text(phrase)} and says not to; say which holds."
                raise InputError(msg, code="contradiction")

    def apply_only(self, statement: Statement) -> None:
        """Checks that nothing else has changed: "make the house yellow, only the house"."""
        ids = {one for phrase in statement.subject for one in self.resolve(phrase)}
        changed = {one for one, _ in self.frame.touched}
        if not self.frames or not changed:
            raise InputError(f"It is not clear what {statement.text!r} is about.", code="not_understood")
        if changed != ids:
            msg = f"The request says {statement.text!r}, but changes something else."
            raise InputError(msg, code="contradiction")

    def in_place_left(self, statement: Statement) -> Statement:
        """Returns "put a flower in its place" as an object for the cell that another one has just left.

        Raises:
            InputError: After a change of an object, "there" may be its place or another (`ambiguous`).
        """
        if statement.kind != "replace" or (self.place_left is None and not statement.stated):
            return statement
        if self.vacated is not None or (self.place_left is not None and _OLD_PLACE.search(statement.text)):
            return replace(statement, kind="fill")
        changed = self.latest is not None and self.latest.kind in {"move", "is", "recolour", "resize"}
        if statement.stated and (self.place_left is not None or (changed and statement.text.endswith(" there"))):
            msg = f"It is not clear which place {statement.text!r} means; name the place, or say what is replaced."
            raise InputError(msg, code="ambiguous")
        return statement

    def is_same(self, phrase: Phrase) -> bool:
        """Whether "the same house" names an object that is there, without changing anything."""
        if not phrase.same or phrase.where or self.is_first:
            return False
        self.last = tuple(self.resolve(phrase))
        if set(self.last) != set(self.frame.things):
            msg = f"Is {phrase_text(phrase)} alone in that picture? Say what happens with the other objects."
            raise InputError(msg, code="ambiguous")
        return True

    def named_again(self, phrase: Phrase) -> Phrase:
        """Returns "another yellow one" with the kind of the object that was named last."""
        there = [one for one in self.last if one in self.frame.things] or list(self.frame.things)
        kinds = {self.frame.things[one].kind for one in there}
        if len(kinds) != 1 or (phrase.again == "a" and len(self.last) > 1):
            msg = f'It is not clear which kind of object "{phrase_text(phrase)}" is; name it.'
            raise InputError(msg, code="not_understood")
        return replace(phrase, kind=kinds.pop(), pronoun="", again="")

    def says_more(self, statement: Statement) -> bool:
        """Whether "the cat on the left, the ball on the right" tells where the objects of the first picture are."""
        return (
            self.is_first
            and statement.kind == "scene"
            and not statement.sequenced
            and all(isinstance(one, Phrase) and one.definite and one.where for one in statement.items)
        )

    def differ(self, old: Variable, new: Variable, fault: str, *, one_of: int) -> None:
        """States that a change really changes the attribute; of several objects, some may be so already."""
        if old is new or (len(new.allowed) == 1 and old.allowed == new.allowed):
            if one_of > 1:
                return
            raise InputError(f"{fault}.", code="no_change")
        if one_of == 1:
            self.conditions.append(Constraint((old, new), different))

    def only_says_what_is_left(self, statement: Statement) -> bool:
        """Whether "only the cat is left" repeats what is there anyway."""
        if statement.kind != "remove" or not statement.stated or not self.frames:
            return False
        return all(one.excluded and not self.resolve(one) for one in statement.subject)
