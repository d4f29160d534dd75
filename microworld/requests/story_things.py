"""The objects of an image while its story is told, and conditions on their places. Knows no statements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from interleavethinker.microworld.language.phrases import Phrase, Where
from interleavethinker.microworld.language.statements import Statement
from interleavethinker.microworld.scenes.scene import CELLS, POSITIONS
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, SIZES
from interleavethinker.tools.errors import InputError

from .choices import Variable

__all__ = [
    "LINES",
    "SIDE_CELLS",
    "Frame",
    "Thing",
    "as_named",
    "as_they_were",
    "different",
    "has_room",
    "in_one_row",
    "is_opposite",
    "is_step",
    "lies",
    "looks_of",
    "narrow",
    "no_image_error",
    "on_side",
    "pair_of",
    "phrase_text",
    "shifted",
    "thing_text",
    "told_apart",
    "wide",
]

CENTRE = CELLS // 2
LINES = frozenset(
    frozenset(range(9)[part]) for row in range(3) for part in (slice(3 * row, 3 * row + 3), slice(row, 9, 3))
)
SIDE_CELLS = {"left": 3, "right": 5, "top": 1, "bottom": 7}


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
    vacant: frozenset[int] = frozenset()
    """Cells that the words say are empty."""
    texts: list[str] = field(default_factory=list)
    edits: int = 0

    def changed(self) -> tuple[int, ...]:
        """Returns the objects that the statements so far have brought or changed, if they are several."""
        ids = {one for one, _ in self.touched if one in self.things}
        return tuple(sorted(ids)) if len(ids) > 1 else ()

    def following(self) -> Frame:
        """Returns the next image, which shows the same so far."""
        return Frame(dict(self.things), self.ground, self.relations)


def different(first: str | int, second: str | int) -> bool:
    """Whether two values differ."""
    return first != second


def is_step(step: tuple[int, int]) -> Callable[[int, int], bool]:
    """Returns the condition that a cell lies one step from another."""
    return lambda old, new: new in shifted({old}, step)


def is_opposite(kind: str) -> Callable[[int, int], bool]:
    """Returns the condition that a cell lies opposite another; `kind` is a value of `Where.opposite`."""

    def holds(old: int, new: int) -> bool:
        row, column = divmod(old, 3)
        across, upside_down = 3 * row + 2 - column, 3 * (2 - row) + column
        if kind == "side":
            return old != CENTRE and new == (upside_down if column == 1 else across)
        if row == 1 or column == 1:
            return False
        if kind == "point":
            return new == CELLS - 1 - old
        place = {"top": row == 0, "bottom": row == 2, "left": column == 0, "right": column == 2}[kind]
        return place and new == (across if kind in {"top", "bottom"} else upside_down)

    return holds


def lies(relation: str) -> Callable[[int, int], bool]:
    """Returns the condition that one of several objects lies left of, right of, above or below another object."""

    def holds(cell: int, other: int) -> bool:
        steps = {"left": other % 3 - cell % 3, "right": cell % 3 - other % 3, "above": other // 3 - cell // 3}
        return steps.get(relation, cell // 3 - other // 3) > 0

    return holds


def has_room(relation: str, anchor: Thing) -> bool:
    """Whether two objects can lie straight left of, right of, above or below an object, one behind the other."""
    cells = {(int(cell) // 3, int(cell) % 3) for cell in anchor.cell.allowed}
    far = {"above": (0, 2), "below": (0, 0), "left": (1, 2), "right": (1, 0)}
    axis, place = far[relation]
    return any(cell[axis] == place for cell in cells)


def shifted(cells: set[str | int] | set[int], step: tuple[int, int]) -> set[int]:
    """Returns the cells one step from the given ones, inside the image."""
    moved = ((int(cell) // 3 + step[0], int(cell) % 3 + step[1]) for cell in cells)
    return {3 * row + column for row, column in moved if 0 <= row < 3 and 0 <= column < 3}


def on_side(side: str, things: dict[int, Thing]) -> list[int]:
    """Returns the one object that is farthest on a side: "the left cat"; none if their places do not tell."""
    values = {}
    for one, thing in things.items():
        places = {divmod(int(cell), 3) for cell in thing.cell.allowed}
        known = {column if side in {"left", "right"} else row for row, column in places}
        if len(known) != 1:
            return []
        values[one] = known.pop() * (1 if side in {"right", "bottom"} else -1)
    best = [one for one, value in values.items() if value == max(values.values())]
    return best if len(best) == 1 < len(things) else []


def wide(where: Where) -> Where:
    """Returns the place of several objects: "three stars at the top" fill the top row."""
    lines = {1: (0, 1, 2), 7: (6, 7, 8), 3: (0, 3, 6), 5: (2, 5, 8)}
    (cell,) = where.cells if len(where.cells) == 1 else (None,)
    return replace(where, cells=frozenset(lines[cell])) if cell in lines else where


def as_named(where: Where) -> Where:
    """Returns the place of one object: as the words name it."""
    return where


def as_they_were(statement: Statement, ids: list[int], changed: Sequence[int]) -> list[int]:
    """Returns what "all blue things red" means after "make all red things blue and": those that were blue before."""
    named = any(one.every and (one.colours or one.sizes) for one in statement.subject)
    if statement.kind not in {"recolour", "resize"} or not named or statement.new_piece or statement.sequenced:
        return ids
    return [one for one in ids if one not in changed] or ids


def looks_of(part: Phrase, phrase: Phrase) -> tuple[frozenset[str], frozenset[str]]:
    """Returns the colors and sizes of one object of a group: those of the group hold for each of its parts.

    Raises:
        InputError: The words say something else of the part than of the whole group (`contradiction`).
    """
    found = []
    for own, shared in ((part.colours, phrase.colours), (part.sizes, phrase.sizes)):
        both = own & shared if own and shared else own or shared
        if (own or shared) and not both:
            msg = f"The {phrase.kind} cannot be {' or '.join(sorted(shared))} and {' or '.join(sorted(own))} at once."
            raise InputError(msg, code="contradiction")
        found.append(both)
    return found[0], found[1]


def in_one_row(phrases: Sequence[Phrase]) -> tuple[list[Phrase], Where | None]:
    """Returns the objects of a list and the row that "a ball, a box and a tree in a row" puts all into.

    Raises:
        InputError: One of them has a place of its own (`not_understood`).
    """
    if len(phrases) < 2 or phrases[-1].count > 1:
        return list(phrases), None
    rows = [where for where in phrases[-1].where if where.row or where.cells in LINES]
    shared = not any(one.where for one in phrases[:-1]) and len(phrases[-1].where) == 1
    if rows and not shared and any(where.row for where in rows):
        msg = f'It is not clear which objects are in the row of "{phrase_text(phrases[-1])}"; name the place of each.'
        raise InputError(msg, code="not_understood")
    if not rows or not shared:
        return list(phrases), None
    return [*phrases[:-1], replace(phrases[-1], where=())], rows[0]


def narrow(thing: Thing, phrase: Phrase) -> None:
    """Fixes what a phrase says of an object that it may mean."""
    if phrase.colours:
        thing.colour.fix(phrase.colours)
    if phrase.sizes:
        thing.size.fix(phrase.sizes)
    for where in phrase.where:
        if where.cells:
            thing.cell.fix(where.cells)


def thing_text(thing: Thing) -> str:
    """Describes an object for messages: "the small cat (left)"; what is open is left out."""
    words = [next(iter(v.allowed)) for v in (thing.size, thing.colour) if len(v.allowed) == 1]
    at = f" ({POSITIONS[next(iter(thing.cell.allowed))]})" if len(thing.cell.allowed) == 1 else ""  # type: ignore[index]
    return " ".join(map(str, ("the", *words, thing.kind))) + at


def told_apart(phrase: Phrase, others: Sequence[Thing]) -> bool:
    """Gives the rest the looks that a phrase leaves to it: beside "the small cats", a cat of open size is big.

    Returns False if the words do not tell.
    """
    for thing in others:
        pairs = ((thing.colour, COLOURS, phrase.colours), (thing.size, SIZES, phrase.sizes))
        unsure = [(value, set(every) - named) for value, every, named in pairs if named and not value.allowed <= named]
        if len(unsure) != 1 or phrase.where:
            return False
        value, left = unsure[0]
        value.fix(left)
    return True


def pair_of(things: dict[int, Thing]) -> tuple[int, ...]:
    """Returns the only two objects of one kind: "both" of two cats and a ball; none if that is not clear."""
    kinds = [thing.kind for thing in things.values()]
    found = tuple(one for one, thing in things.items() if kinds.count(thing.kind) > 1)
    return found if len(found) == 2 else ()


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
    places = [where.side for where in phrase.where if where.side]
    places += [POSITIONS[cell] for where in phrase.where for cell in where.cells if len(where.cells) == 1]
    return " ".join(words) + "".join(f" ({place})" for place in places)


def no_image_error(text: str) -> InputError:
    """Returns the error for an edit without an image."""
    msg = (
        f'This request edits an image ("{text}"), but no image was given; add --image FILE, or first describe a '
        "picture."
    )
    return InputError(msg, code="no_image")
