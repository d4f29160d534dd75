"""The objects of a story while it is told: what they look like, and which of them a phrase refers to.

Knows no statements; `story` applies those.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from interleavethinker.microworld.language.phrases import Phrase, Where
from interleavethinker.microworld.language.statements import Statement
from interleavethinker.microworld.language.vocabulary import USUAL_COLOURS
from interleavethinker.microworld.scenes.scene import CELLS, CELLS_FROM_CENTRE, POSITIONS, Scene
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, SIZES
from interleavethinker.tools.errors import InputError

from .choices import Constraint, Variable
from .required_scene import Relation

__all__ = [
    "Frame",
    "StoryObjects",
    "Thing",
    "different",
    "is_step",
    "no_image_error",
    "phrase_text",
    "shifted",
]


@dataclass(frozen=True)
class Thing:
    """An object in one image."""

    kind: str
    colour: Variable
    size: Variable
    cell: Variable


@dataclass
class Frame:
    """One image: what it holds, and what the statements so far did in it."""

    things: dict[int, Thing] = field(default_factory=dict)
    ground: Variable = field(default_factory=lambda: Variable(set(BACKGROUNDS), BACKGROUNDS))
    relations: tuple[tuple[str, tuple[int, ...]], ...] = ()
    touched: set[tuple[int, str]] = field(default_factory=set)
    """Objects created (`all`) or attributes changed in this image."""
    used: bool = False
    empty: bool = False
    """The words say that the image is empty."""
    texts: list[str] = field(default_factory=list)
    edits: int = 0

    def following(self) -> Frame:
        """Returns the next image, which shows the same so far."""
        return Frame(dict(self.things), self.ground, self.relations)


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
        self.vacated: Variable | None = None
        """Cell of the object that "it" would be, if it has just been removed."""
        self.conditions: list[Constraint] = []

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
        if phrase.negative or phrase.pronoun or not phrase.kind or (phrase.every and self.source is not None):
            raise InputError(f'It is not clear which object "{phrase_text(phrase)}" is.', code="not_understood")
        ids = []
        wide = _wide if phrase.count > 1 and not phrase.parts else _as_named
        parts: Sequence[Phrase] = [part for part in phrase.parts for _ in range(part.count)] or [phrase] * phrase.count
        host = self.last
        for part in parts:
            colours, sizes = part.colours or phrase.colours, part.sizes or phrase.sizes
            usual = (USUAL_COLOURS[phrase.kind], *COLOURS)
            thing = Thing(
                phrase.kind,
                Variable(set(colours or COLOURS), usual),
                Variable(set(sizes or SIZES), ("big", "small")),
                Variable(set(range(CELLS)), CELLS_FROM_CENTRE),
            )
            new, self.next_id = self.next_id, self.next_id + 1
            before = self.last
            for where in (*map(wide, phrase.where), *(part.where if part is not phrase else ())):
                of_host = any(anchor.pronoun == "host" for anchor in where.anchors)
                self.place_object(new, thing, where, before=host if of_host else before)
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

    def place_object(self, new: int, thing: Thing, where: Where, *, before: tuple[int, ...] = ()) -> None:
        """Restricts the cell of an object; anchors that do not exist yet are created."""
        if where.cells:
            thing.cell.fix(where.cells)
            return
        anchors: list[int] = []
        for anchor in where.anchors:
            if anchor.pronoun == "them" and len(before) == len(where.anchors) + 1:
                anchors += before
            elif anchor.pronoun in {"it", "host"}:
                anchors += self.only(before, anchor)
            elif (anchor.definite is not False and self.certain(anchor)) or (anchor.definite and not self.is_first):
                anchors += self.resolve(anchor)
            else:
                anchors += self.create(anchor)
        needed = 2 if where.relation == "between" else 1
        if len(anchors) != needed:
            raise InputError(f'A place "{where.relation}" needs {needed} object(s) to refer to.', code="not_understood")
        kept = tuple(one for one in self.frame.relations if one[1][0] != new)
        self.frame.relations = (*kept, (where.relation, (new, *anchors)))

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
        if any((one, "all") in known or (one, attribute) in known for one in ids) or (
            attribute == "all" and any(one in ids for one, _ in known)
        ):
            self.split()
        self.frame.touched.update((one, attribute) for one in ids)
        return ids

    def resolve(self, phrase: Phrase) -> list[int]:
        """Returns the objects that a phrase refers to."""
        things = self.frame.things
        last = tuple(one for one in self.last if one in things)
        if phrase.pronoun == "it":
            alone = tuple(things) if len(things) == 1 and self.vacated is None else ()
            return self.only(last or alone, phrase)
        if phrase.pronoun == "them":
            if len(last) < 2:
                last = tuple(things)
            if len(last) < 2:
                raise InputError('It is not clear which objects "they" or "them" are.', code="ambiguous")
            return list(last)
        if phrase.pronoun == "other":
            others = tuple(one for one in things if one not in last)
            return self.only(others, phrase)
        if phrase.excluded:
            kept = {one for other in phrase.excluded for one in self.resolve(other)}
            return [one for one in self.resolve(replace(phrase, excluded=())) if one not in kept]
        found = self.certain(phrase)
        if not found:
            found = self.possible(phrase, things)
            if len(found) == 1 and not phrase.every:
                self._narrow_to(phrase, found[0])
        if not found:
            held = ", ".join(self._thing_text(one) for one in things) or "nothing"
            where = "The image does not contain" if self.source is not None else "At that point, no picture contains"
            raise InputError(f"{where} {phrase_text(phrase)}; it contains {held}.", code="not_there")
        if phrase.every:
            return self._all_of(phrase, found)
        if phrase.definite is False and len(found) >= phrase.count and self._interchangeable(found):
            return found[: phrase.count]
        return found if len(found) == phrase.count > 1 else self.only(tuple(found), phrase)

    def _all_of(self, phrase: Phrase, found: list[int]) -> list[int]:
        described = phrase_text(phrase)
        if set(self.possible(phrase, self.frame.things)) - set(found):
            msg = f'The request does not say which objects "{described}" are; state their colors and sizes.'
            raise InputError(msg, code="ambiguous")
        if phrase.count > 1 and len(found) != phrase.count:
            raise InputError(f"The request says {described}, but there are {len(found)}.", code="not_there")
        return found

    def _interchangeable(self, ids: Sequence[int]) -> bool:
        looks = {
            (frozenset(thing.colour.allowed), frozenset(thing.size.allowed))
            for thing in map(self.frame.things.get, ids)
            if thing
        }
        return len(looks) == 1

    def only(self, ids: tuple[int, ...] | list[int], phrase: Phrase) -> list[int]:
        """Returns the one object, or raises an error that lists the candidates."""
        if len(ids) == 1:
            return list(ids)
        described = phrase_text(phrase)
        if not ids:
            raise InputError(f'It is not clear which object "{described}" is.', code="ambiguous")
        candidates = " or ".join(self._thing_text(one) for one in ids)
        msg = f'Ambiguous: "{described}" could be {candidates}. Add a color, size or position.'
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
        anchors = [other for anchor in where.anchors for other in self.resolve(replace(anchor, where=()))]
        if (where.relation, (one, *anchors)) in self.frame.relations:
            return True
        cells = [next(iter(self.frame.things[other].cell.allowed)) for other in anchors]
        known = (
            all(len(self.frame.things[other].cell.allowed) == 1 for other in anchors) and len(thing.cell.allowed) == 1
        )
        numbers = tuple(range(len(cells) + 1))
        return known and Relation(where.relation, numbers).holds((next(iter(thing.cell.allowed)), *cells))  # type: ignore[arg-type]

    def _narrow_to(self, phrase: Phrase, one: int) -> None:
        thing = self.frame.things[one]
        if phrase.colours:
            thing.colour.fix(phrase.colours)
        if phrase.sizes:
            thing.size.fix(phrase.sizes)
        for where in phrase.where:
            if where.cells:
                thing.cell.fix(where.cells)

    def _thing_text(self, one: int) -> str:
        thing = self.frame.things[one]
        words = [next(iter(v.allowed)) for v in (thing.size, thing.colour) if len(v.allowed) == 1]
        at = f" ({POSITIONS[next(iter(thing.cell.allowed))]})" if len(thing.cell.allowed) == 1 else ""  # type: ignore[index]
        return " ".join(map(str, ("the", *words, thing.kind))) + at

    def differ(self, old: Variable, new: Variable, fault: str, *, one_of: int) -> None:
        """States that a change really changes the attribute; of several objects, some may be so already."""
        if old is new or (len(new.allowed) == 1 and old.allowed == new.allowed):
            if one_of > 1:
                return
            raise InputError(f"{fault}.", code="no_change")
        if one_of == 1:
            self.conditions.append(Constraint((old, new), different))


def different(first: str | int, second: str | int) -> bool:
    """Whether two values differ."""
    return first != second


def is_step(step: tuple[int, int]) -> Callable[[int, int], bool]:
    """Returns the condition that a cell lies one step from another."""
    return lambda old, new: new in shifted({old}, step)


def shifted(cells: set[str | int] | set[int], step: tuple[int, int]) -> set[int]:
    """Returns the cells one step from the given ones, inside the image."""
    moved = ((int(cell) // 3 + step[0], int(cell) % 3 + step[1]) for cell in cells)
    return {3 * row + column for row, column in moved if 0 <= row < 3 and 0 <= column < 3}


def _wide(where: Where) -> Where:
    """Returns the place of several objects: "three stars at the top" fill the top row."""
    lines = {1: (0, 1, 2), 7: (6, 7, 8), 3: (0, 3, 6), 5: (2, 5, 8)}
    (cell,) = where.cells if len(where.cells) == 1 else (None,)
    return replace(where, cells=frozenset(lines[cell])) if cell in lines else where


def _as_named(where: Where) -> Where:
    return where


def phrase_text(phrase: Phrase) -> str:
    """Describes a phrase for messages: "the small red ball"."""
    if phrase.pronoun in {"it", "them"}:
        return phrase.pronoun
    article = "the" if phrase.definite is not False else str(phrase.count) if phrase.count > 1 else "a"
    noun = phrase.kind or ("one" if phrase.pronoun else "objects")
    words = [
        article,
        *(" or ".join(sorted(named)) for named in (phrase.sizes, phrase.colours) if len(named) in {1, 2}),
        noun,
    ]
    places = [POSITIONS[cell] for where in phrase.where for cell in where.cells if len(where.cells) == 1]
    return " ".join(words) + "".join(f" ({place})" for place in places)


def no_image_error(text: str) -> InputError:
    """Returns the error for an edit without an image."""
    msg = (
        f'This request edits an image ("{text}"), but no image was given; add --image FILE, or first describe a '
        "picture."
    )
    return InputError(msg, code="no_image")
