"""Applies statements to objects, one image after the other, and keeps open what the words leave open.

An attribute that a statement does not change stays the same variable, so that "a ball … then make it red" also says
that the ball was not red before. Knows objects and statements, and no wording.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from interleavethinker.microworld.language.phrases import Ground, Phrase
from interleavethinker.microworld.language.statements import Statement
from interleavethinker.microworld.language.vocabulary import USUAL_COLOURS
from interleavethinker.microworld.scenes.scene import CELLS, CELLS_FROM_CENTRE
from interleavethinker.microworld.scenes.sprites import COLOURS, SIZES
from interleavethinker.tools.errors import InputError

from .choices import Constraint, Variable
from .moments import described, in_state
from .story_looks import StoryLooks
from .story_things import Thing, in_one_row, is_step, no_image_error, phrase_text, shifted, wide

__all__ = ["Story"]

_CHANGED = frozenset({"now", "then", "later", "again", "becomes", "turns"})
"""Words that tell a change in one sentence with what was there before."""
_STAGE = frozenset({"background", "backdrop", "setting", "scenery"})
"""Words that describe a picture in a sentence of their own, where "it is night" tells what happens."""
_LIVING = frozenset({"bird", "cat", "fish", "girl"})


class Story(StoryLooks):
    """The images that the statements of a request describe, told statement by statement."""

    told_in_full = False
    """Whether a picture was described with what was there before: "a tree and a house" after a tree."""

    def apply(self, statement: Statement) -> None:
        """Applies one statement.

        Raises:
            InputError: It fits no object or several (`not_there`, `ambiguous`), changes nothing (`no_change`), or
                contradicts what was said before (`contradiction`, `occupied`).
        """
        self.number += 1
        if statement.kind in _WITHOUT_CHANGE:
            _WITHOUT_CHANGE[statement.kind](self, statement)
            return
        grounds = [item.name for item in statement.items if isinstance(item, Ground) and not item.empty]
        if statement.kind == "scene" and len(grounds) == len(statement.items) == 1 and self.frames:
            statement = replace(statement, kind="background", ground=grounds[0], stated=True)
        if statement.kind == "is" and self.source is None and not self.frames:
            statement = described(statement)
        told = statement.stated or " should be " in statement.text
        if told and statement.kind == "background" and self._refines_ground(statement):
            return
        if (statement.kind == "is" and self._refines_object(statement)) or self.only_says_what_is_left(statement):
            return
        if self.finishes(statement):
            return
        self._check_place(statement)
        if any(one.pronoun == "finder" for one in statement.subject):
            statement = replace(statement, new_piece=True)  # "she finds a flower and goes home": first she has it
        vacated = self.vacated
        statement = self.in_place_left(statement)
        self._open(statement)
        _APPLY[statement.kind](self, statement)
        if self.vacated is vacated:
            self.vacated = None
        if statement.kind not in {"move", "is"}:
            self.place_left = None
        self.frame.texts.append(statement.text)
        self.frame.edits += 1
        self.frame.used = True
        self.latest = statement

    def _check_place(self, statement: Statement) -> None:
        """Checks that a place alone told where the last object is, and that a finder is there."""
        if statement.kind == "is" and statement.stated:
            msg = f"It is not clear what belongs {statement.text!r}; name the object in the same sentence."
            raise InputError(msg, code="not_understood")
        if statement.kind == "scene":
            found = [one for phrase in statement.subject for one in self.resolve(phrase)]
            self.finders = found or self.finders  # "the girl finds a flower and goes home": the girl goes

    def _open(self, statement: Statement) -> None:
        if self.frames and self.says_more(statement):
            return
        if not self.frames or (statement.new_piece and self.frame.used):
            if self.frames and self._merges_with_ground(statement):
                return
            self.frames.append(self.frame.following())

    def _merges_with_ground(self, statement: Statement) -> bool:
        """Whether a first sentence named only the background of the picture that this statement describes."""
        frame = self.frame
        return (
            len(self.frames) == 1
            and self.source is None
            and not frame.things
            and not frame.empty
            and not statement.sequenced
            and statement.kind == "scene"
        )

    # Statements

    def _apply_mention(self, statement: Statement) -> None:
        if statement.subject:
            self.last = tuple(one for phrase in statement.subject for one in self.resolve(phrase))

    def _apply_scene(self, statement: Statement) -> None:
        frame = self.frame
        phrases = [item for item in statement.items if isinstance(item, Phrase) and not self.is_same(item)]
        for item in statement.items:
            if isinstance(item, Ground) and item.name:
                self.set_ground(item.name, describes=not frame.used and self.is_first)
            if isinstance(item, Ground) and item.empty:
                if frame.things or phrases:
                    raise InputError(
                        "The request asks for an empty picture, but also names objects.", code="contradiction"
                    )
                frame.empty = True
        phrases, line = in_one_row(phrases)
        created: list[int] = []
        for named in phrases:
            phrase = self.named_again(named) if named.again else named
            if phrase.definite and self.is_first and (self._describes_again(phrase) or self._is_heading(phrase)):
                continue
            if phrase.definite and not self.is_first and self.certain(phrase):
                known = phrase_text(phrase)
                msg = f'The picture already contains {known}; say how it changes, or "another {phrase.kind}".'
                raise InputError(msg, code="not_understood")
            if phrase.definite and not self.is_first:
                self.resolve(phrase)  # raises: there is none
            created += self.create(phrase)
        if len(self.frame.things) > CELLS:
            raise InputError(
                f"An image holds at most {CELLS} objects; this request names more.", code="too_many_things"
            )
        if created:
            self.last = tuple(created)
        if line is not None:
            self.line_up(created, line)

    def _describes_again(self, phrase: Phrase) -> bool:
        """Applies "the cat sits on the left" to the one cat that the picture has; returns False if it has none."""
        ids = self.possible(replace(phrase, where=()), self.frame.things)
        if not ids or phrase.count > 1 or phrase.every or not phrase.where:
            return False
        (one,) = self.only(ids, phrase)
        for where in phrase.where:
            self.place_object(one, self.frame.things[one], where, before=self.last, adds=True)
        self.last = (one,)
        return True

    def _is_heading(self, phrase: Phrase) -> bool:
        """Whether "the house" of "draw a house: first the house, then a tree" is the house named before."""
        ids = [] if phrase.where or phrase.count > 1 or phrase.every else self.certain(phrase)
        self.last = tuple(ids) if len(ids) == 1 else self.last
        return len(ids) == 1

    def _apply_remove(self, statement: Statement) -> None:
        ids = self.subjects(statement, "all")
        if not ids and not statement.stated:  # not "so that only the fish remains"
            raise InputError(f"Nothing is left to remove: {statement.text!r}.", code="no_change")
        cells = [self.frame.things[one].cell for one in ids]
        self.gone = {self.frame.things[one].kind for one in ids}
        for one in ids:
            self.removed[one] = self.frame.things.pop(one)
        self.departed = tuple(ids)
        gone = set(ids)
        self.vacated = cells[-1] if cells else None
        self.frame.relations = tuple(one for one in self.frame.relations if not gone & set(one[1]))
        self.last = tuple(one for one in self.last if one not in gone)

    def _apply_move(self, statement: Statement) -> None:
        where = statement.where
        assert where is not None  # noqa: S101 - set by every pattern of this kind
        if where.step is None and all(map(self._is_new, statement.subject)):
            items = tuple(replace(one, where=(*one.where, where)) for one in statement.subject)
            self._apply_scene(replace(statement, kind="scene", items=items))  # "a bird flies to the top": it is new
            return
        ids = self.subjects(statement, "cell")
        where = wide(self.with_anchors(where)) if len(ids) > 1 else where
        for one in ids:
            thing = self.frame.things[one]
            cell = Variable(set(range(CELLS)), CELLS_FROM_CENTRE)
            self.frame.relations = tuple(known for known in self.frame.relations if one not in known[1])
            if where.step is not None:
                cell.fix(shifted(thing.cell.allowed, where.step))
                self.conditions.append(Constraint((thing.cell, cell), is_step(where.step)))
                if not cell.allowed:
                    raise InputError("That place lies outside the image; choose another.", code="occupied")
            elif where.cells:
                cell.fix(where.cells)
            elif where.opposite:
                self.place_opposite(thing.cell, cell, where.opposite)
            else:
                self.place_object(one, thing, where, before=self.last)
            self.differ(thing.cell, cell, f"The {thing.kind} is already there", one_of=len(ids))
            self.frame.things[one] = replace(thing, cell=cell)
            self.place_left = thing.cell if len(ids) == 1 else None
        self.last = tuple(ids)

    def _is_new(self, phrase: Phrase) -> bool:
        """Whether a phrase can only mean an object that is not there yet."""
        fits = self.possible(phrase, self.frame.things)
        if phrase.again:
            kinds = {self.frame.things[one].kind for one in self.last if one in self.frame.things}
            fits = [one for one in fits if one not in self.last and self.frame.things[one].kind in kinds]
        return phrase.definite is False and bool(phrase.kind or phrase.again) and not fits

    def _apply_replace(self, statement: Statement) -> None:
        new = statement.new
        assert new is not None  # noqa: S101 - set by every pattern of this kind
        ids = self.subjects(statement, "all")
        if new.where and len(ids) == 1 and new.definite is False and new.count == 1 and not new.negative:
            self.replace_elsewhere(ids[0], new)
            return
        each = len(ids) == 1 or any(phrase.each for phrase in statement.subject)
        fits = new.some or new.count == len(ids) or (new.count == 1 and each)
        if not fits or new.where or new.negative:
            msg = "One object is replaced by one other in the same place; say the rest in a sentence of its own."
            raise InputError(msg, code="not_understood")
        if new.definite is True:
            raise InputError(f'Say "a {new.kind}" for the new object, or "swap" two objects.', code="not_understood")
        for one in ids:
            thing = self.frame.things[one]
            kind = new.kind or thing.kind  # "it is replaced by a red one"
            order = (USUAL_COLOURS[kind], *COLOURS)
            colour = Variable(set(new.colours or COLOURS), order, follow=thing.colour)
            size = Variable(set(new.sizes or SIZES), ("big", "small"), follow=thing.size)
            colour, size = self.as_alike(new, thing, colour, size)
            if thing.kind == kind:
                if not (new.colours or new.sizes):
                    raise InputError(f"The object is a {kind} already; say how it changes.", code="no_change")
                if new.colours:
                    self.differ(thing.colour, colour, f"The {thing.kind} has that color already", one_of=len(ids))
            self.frame.things[one] = Thing(kind, colour, size, thing.cell)
        self.last = tuple(ids)

    def _apply_fill(self, statement: Statement) -> None:
        """Puts an object where another one has just been removed, or from where it has just moved away."""
        assert statement.new is not None  # noqa: S101 - set by every pattern of this kind
        cell = self.vacated or self.place_left
        if cell is None:
            raise InputError(f"It is not clear where {statement.text!r} is; name the place.", code="not_understood")
        (one,) = self.create(replace(statement.new, count=1))
        self.frame.things[one] = replace(self.frame.things[one], cell=cell)

    def _apply_background(self, statement: Statement) -> None:
        if (-1, "ground") in self.frame.touched:
            self.split()
        self.set_ground(statement.ground, describes=False)

    def _refines_ground(self, statement: Statement) -> bool:
        if not self.frames or statement.sequenced:
            return False
        ground = self.frame.ground
        if ground.allowed == {statement.ground}:
            return True
        if self.is_first and statement.ground in ground.allowed:
            ground.fix({statement.ground})
            self.frame.texts.append(statement.text)
            return True
        if self._told_at_once(statement) and len(ground.allowed) == 1:
            (known,) = ground.allowed
            msg = f"The request names two backgrounds, {known} and {statement.ground}; an image has one."
            raise InputError(msg, code="contradiction")
        return False

    def _told_at_once(self, statement: Statement) -> bool:
        """Whether a statement describes the first image together with what was said of it just before."""
        words = re.findall(r"\w+", statement.text)
        same = not statement.new_piece or (statement.kind == "background" and bool(_STAGE.intersection(words)))
        return self.is_first and same and not statement.sequenced and not _CHANGED.intersection(words)

    def _refines_object(self, statement: Statement) -> bool:
        """Applies "the ball is red" to a ball whose color is open; returns False if it is a change."""
        if not self.frames and self.source is None:
            raise no_image_error(statement.text)
        ids = [one for phrase in statement.subject for one in self.resolve(in_state(phrase, statement))]
        if len(ids) > 1 and statement.where is not None and statement.where.relation and not statement.sequenced:
            return self.place_rows(ids, statement.where)
        where = None if statement.where is None else wide(statement.where) if len(ids) > 1 else statement.where
        refined = False
        for one in ids:
            thing = self.frame.things[one]
            for value, variable in ((statement.colour, thing.colour), (statement.size, thing.size)):
                if not value:
                    continue
                if value not in variable.allowed and self._told_at_once(statement):
                    msg = f"The {thing.kind} cannot be {value} and {' or '.join(map(str, variable.allowed))} at once."
                    raise InputError(msg, code="contradiction")
                if variable.allowed == {value} or (value in variable.allowed and not statement.sequenced):
                    variable.fix({value})
                    refined = True
            if where is not None and where.cells and (thing.cell.allowed & where.cells) and not statement.sequenced:
                thing.cell.fix(where.cells)
                refined = True
            elif where is not None and where.cells and self._told_at_once(statement):
                msg = f"The {thing.kind} cannot be in two places of one image; say which holds, or what happens then."
                raise InputError(msg, code="contradiction")
            elif where is not None and where.relation and not statement.sequenced and len(thing.cell.allowed) > 1:
                self.place_object(one, thing, where, before=self.last, adds=True)
                refined = True
        if refined:
            self.last = tuple(ids)
            self.frame.texts.append(statement.text)
        return refined

    def _apply_likewise(self, statement: Statement) -> None:
        """Applies the last change to another object: "so does the other one"."""
        latest = self.latest
        if latest is None or latest.kind not in {"remove", "move", "recolour", "resize", "replace", "is"}:
            msg = f"It is not clear what {statement.text!r} means; say what happens."
            raise InputError(msg, code="not_understood")
        self.apply(
            replace(
                latest,
                subject=statement.subject,
                text=statement.text,
                new_piece=statement.new_piece,
                sequenced=statement.sequenced,
            )
        )

    def _apply_alone(self, statement: Statement) -> None:
        """Removes the company of "the cat is alone again"; checks that of "the cat is not alone"."""
        ids = [one for phrase in statement.subject for one in self.resolve(phrase)]
        things = self.frame.things
        own = {things[one].kind for one in ids}
        kinds = own if own - _LIVING else _LIVING
        company = {thing.kind for one, thing in things.items() if one not in ids and thing.kind in kinds}
        if statement.stated and len(things) == len(ids):
            msg = f"The request says {statement.text!r}, but nothing else is there."
            raise InputError(msg, code="contradiction")
        if company and not statement.stated:
            if not statement.new_piece:
                msg = f"The request says {statement.text!r}, but others are there; say that they leave."
                raise InputError(msg, code="contradiction")
            gone = (Phrase(kind, definite=True, every=True, excluded=statement.subject) for kind in sorted(company))
            self.apply(replace(statement, kind="remove", subject=tuple(gone)))
        self.last = tuple(ids)

    def _apply_is(self, statement: Statement) -> None:
        if statement.where is not None:
            self._apply_move(statement)
        else:
            self.apply_recolour(statement)

    def _apply_absence(self, statement: Statement) -> None:
        (phrase,) = statement.subject
        if phrase.pronoun:
            raise InputError(f"It is not clear which object must be absent: {statement.text!r}.", code="not_understood")
        found = self.certain(replace(phrase, every=True, definite=True))
        if not found:
            if self.frames or self.source is not None:
                return
            raise InputError(f"The request only says what is absent: {statement.text!r}.", code="not_understood")
        if self.frames and not statement.new_piece and any((one, "all") in self.frame.touched for one in found):
            msg = f"The request asks for {phrase_text(phrase)} and for none."
            raise InputError(msg, code="contradiction")
        removal = replace(statement, kind="remove", subject=(replace(phrase, every=True, definite=True),))
        self.apply(removal)


_APPLY: dict[str, Callable[[Story, Statement], None]] = {
    "scene": Story._apply_scene,  # noqa: SLF001 - the table of this class's own methods
    "remove": Story._apply_remove,  # noqa: SLF001
    "move": Story._apply_move,  # noqa: SLF001
    "recolour": Story.apply_recolour,
    "resize": Story.apply_recolour,
    "replace": Story._apply_replace,  # noqa: SLF001
    "fill": Story._apply_fill,  # noqa: SLF001
    "copy": Story.apply_copy,
    "fill_up": Story.apply_fill_up,
    "swap": Story.apply_swap,
    "background": Story._apply_background,  # noqa: SLF001
    "row": Story.apply_row,
    "hours": Story.apply_hours,
    "return": Story.apply_return,
    "is": Story._apply_is,  # noqa: SLF001
}
_WITHOUT_CHANGE: dict[str, Callable[[Story, Statement], None]] = {
    "keep": Story.apply_keep,
    "mention": Story._apply_mention,  # noqa: SLF001
    "only": Story.apply_only,
    "vacant": Story.apply_vacant,
    "likewise": Story._apply_likewise,  # noqa: SLF001
    "alone": Story._apply_alone,  # noqa: SLF001
    "absent": Story._apply_absence,  # noqa: SLF001
}
