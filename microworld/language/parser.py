"""Parses the micro world's language: trained texts, synonyms, compound and indirect texts, and some story phrases.

Deterministic rules, no model. With a source scene a text is parsed as edits, without one as a description; either way
the result is a `Task`, whose cell targets say what each cell must hold. Defaults fill what a text leaves open: the
usual color of an object, the first free cell from the center outwards, a meadow. Knows nothing of pixels.
"""

from __future__ import annotations

from dataclasses import replace

from interleavethinker.microworld.scenes.scene import CELLS_FROM_CENTRE, MAX_OBJECTS, POSITIONS, Scene, SceneObject
from interleavethinker.microworld.scenes.sprites import COLOURS, KINDS, SIZES
from interleavethinker.tools.errors import InputError

from .grammar import Clause, Noun, Place, background_in, cell_of, split_clauses
from .lexicon import check_vocabulary, singular, to_words
from .normalization import normalize
from .templates import CellTarget, Edit, Task, cell_targets_of
from .vocabulary import USUAL_COLOURS

__all__ = ["parse"]

_USUAL_BACKGROUND = "meadow"
_NUMBERS = {"a": 1, "an": 1, "another": 1, "one": 1, "two": 2, "three": 3, "four": 4}


def parse(text: str, source: Scene | None = None) -> Task:
    """Parses a text into a task.

    Args:
        text: A description, or one or more edits of the source.
        source: The scene to edit; None for a description.

    Raises:
        InputError: A word is unknown (`unknown_words`), no pattern matches the sentence (`not_understood`), a
            description fits no object or several (`not_there`, `ambiguous`), or there is no room (`occupied`,
            `too_many_things`).
    """
    plain = normalize(text)
    check_vocabulary(plain)
    words = to_words(plain)
    return _parse_description(text, words) if source is None else _parse_edits(text, words, source)


def _parse_edits(text: str, words: list[str], source: Scene) -> Task:
    clauses = split_clauses(words)
    if not clauses:
        msg = (
            f"Could not parse {text!r} as one or more edits. Try, for example, 'make the ball green' or 'add a red "
            "ball on the left'."
        )
        raise InputError(msg, code="not_understood")
    state = _SceneState(source)
    for clause in clauses:
        state.apply_clause(clause)
    kind = state.edits[0].kind if len(state.edits) == 1 else "compound"
    return Task(text, kind, source, state.scene, tuple(state.cell_targets), tuple(state.edits))


class _SceneState:
    """The scene while the clauses of one text are applied in order.

    A description refers to the original scene if it fits exactly one object there, else to the present scene: after
    "swap the ball for a cat", "the ball" of a later clause still means that cell.
    """

    def __init__(self, source: Scene) -> None:
        self.original = source
        self.scene = source
        self.cell_targets: list[CellTarget | None] = list(cell_targets_of(source))
        self.edits: list[Edit] = []
        self._now: dict[int, int | None] = {cell: cell for cell in source.objects}
        """Maps each occupied cell of the original scene to the cell of the same object now (None: removed)."""

    def apply_clause(self, clause: Clause) -> None:
        """Resolves a clause to an edit and applies it to the scene and the cell targets.

        A size that the text leaves open stays open, also when its object moves. In a scene with one ball in cell 4,
        "swap the ball for a blue cat, then move the cat to the left" gives:

            clause 1 -> Edit("replace", cell=4, new=<blue cat>, open_size=True); cell 4 must hold a blue cat of any size
            clause 2 -> Edit("move", cell=4, to=3); cell 3 must hold a blue cat of any size, cell 4 nothing
        """
        edit = self._edit(clause)
        open_size = {
            at
            for at, cell_target in enumerate(self.cell_targets)
            if cell_target is not None and cell_target.size is None
        }
        cell_targets = list(edit.cell_targets(self.scene))
        for at in open_size - {edit.cell, edit.to}:
            cell_target = cell_targets[at]
            cell_targets[at] = cell_target and replace(cell_target, size=None)
        if edit.kind == "move" and edit.to is not None and edit.cell is not None:
            cell_targets[edit.to] = self.cell_targets[edit.cell]
        if edit.kind == "recolour" and edit.cell in open_size and (cell_target := cell_targets[edit.cell]) is not None:
            cell_targets[edit.cell] = replace(cell_target, size=None)
        self.cell_targets, self.scene = cell_targets, edit.apply(self.scene)
        self.edits.append(edit)
        if edit.kind in {"move", "remove"}:
            self._now = {first: edit.to if now == edit.cell else now for first, now in self._now.items()}

    def _edit(self, clause: Clause) -> Edit:
        if clause.kind == "background":
            return Edit("background", background=clause.background)
        if clause.kind == "add":
            assert clause.new is not None  # noqa: S101 - set by every pattern of this kind
            cell = self._destination(clause.to, None)
            return Edit("add", cell=cell, new=_object_from(clause.new), open_size=clause.new.size is None)
        assert clause.old is not None  # noqa: S101 - set by every pattern of these kinds
        cell = self._find(clause.old)
        obj = self.scene.cells[cell]
        assert obj is not None  # noqa: S101 - `_find` returns occupied cells
        if clause.kind == "remove":
            return Edit("remove", cell=cell)
        if clause.kind == "move":
            return Edit("move", cell=cell, to=self._destination(clause.to, cell))
        if clause.kind == "resize":
            return Edit("resize", cell=cell, new=replace(obj, size=clause.size or obj.size))
        if clause.kind == "recolour":
            like = None if clause.like is None else self.scene.cells[self._find(clause.like)]
            colour = clause.colour or (like.colour if like else obj.colour)
            return Edit("recolour", cell=cell, new=replace(obj, colour=colour))
        assert clause.new is not None  # noqa: S101 - only replacements remain, and their patterns set it
        new = _object_from(clause.new, colour=obj.colour, size=obj.size)
        return Edit("replace", cell=cell, new=new, open_size=clause.new.size is None)

    def _find(self, noun: Noun) -> int:
        """Returns the present cell of the one object that a description fits."""
        first = _matching_cells(noun, self.original)
        if len(first) == 1 and (now := self._now[first[0]]) is not None:
            return now
        present = _matching_cells(noun, self.scene)
        if len(present) == 1:
            return present[0]
        described = _noun_text(noun)
        texts = {cell: _noun_text(Noun(*obj.named, cell)) for cell, obj in self.scene.objects.items()}
        if not present:
            held = ", ".join(texts.values()) or "nothing"
            raise InputError(f"The image does not contain {described}; it contains {held}.", code="not_there")
        candidates = " or ".join(texts[cell] for cell in present)
        msg = f'Ambiguous: "{described}" could be {candidates}. Add a color, size or position.'
        raise InputError(msg, code="ambiguous")

    def _destination(self, place: Place | None, moving: int | None) -> int:
        if place is None:
            return self._first_free()
        if place.cell is not None:
            cell = place.cell
        else:
            anchor = moving if place.anchor is None else self._find(place.anchor)
            assert anchor is not None and place.offset is not None  # noqa: S101, PT018 - set by the patterns
            row, column = anchor // 3 + place.offset[0], anchor % 3 + place.offset[1]
            if not (0 <= row < 3 and 0 <= column < 3):
                raise InputError("That place lies outside the image; choose another.", code="occupied")
            cell = 3 * row + column
        if self.scene.cells[cell] is not None and cell != moving:
            msg = f'The {POSITIONS[cell]} cell is occupied; choose another, or say "replace".'
            raise InputError(msg, code="occupied")
        return cell

    def _first_free(self) -> int:
        free = [cell for cell in CELLS_FROM_CENTRE if self.scene.cells[cell] is None]
        if not free:
            raise InputError("All nine cells are occupied; remove or replace an object first.", code="occupied")
        return free[0]


def _matching_cells(noun: Noun, scene: Scene) -> list[int]:
    return [
        cell
        for cell, obj in scene.objects.items()
        if obj.kind == noun.kind
        and noun.colour in {None, obj.colour}
        and noun.size in {None, obj.size}
        and noun.cell in {None, cell}
    ]


def _object_from(noun: Noun, *, colour: str | None = None, size: str = "big") -> SceneObject:
    return SceneObject(noun.kind, noun.colour or colour or USUAL_COLOURS[noun.kind], noun.size or size)


def _noun_text(noun: Noun) -> str:
    words = " ".join(filter(None, ("the", noun.size, noun.colour, noun.kind)))
    return words if noun.cell is None else f"{words} ({POSITIONS[noun.cell]})"


def _parse_description(text: str, words: list[str]) -> Task:
    grounds = list(background_in(words))
    scene = Scene(grounds[0] if grounds else _USUAL_BACKGROUND)
    nouns = _nouns(words)
    if not nouns and not grounds:
        msg = f"Found no object or background in {text!r}. Try, for example, 'a red ball on the left, at night'."
        raise InputError(msg, code="not_understood")
    if len(nouns) > MAX_OBJECTS:
        msg = f"Micro-world images hold at most {MAX_OBJECTS} objects; this text names {len(nouns)}."
        raise InputError(msg, code="too_many_things")
    cell_targets: list[CellTarget | None] = list(cell_targets_of(scene))
    for noun in (*(noun for noun in nouns if noun.cell is not None), *(noun for noun in nouns if noun.cell is None)):
        cell = next(at for at in CELLS_FROM_CENTRE if scene.cells[at] is None) if noun.cell is None else noun.cell
        if scene.cells[cell] is not None:
            msg = f"Each cell holds one object; this text puts two in the {POSITIONS[cell]} cell."
            raise InputError(msg, code="occupied")
        obj = _object_from(noun)
        scene = scene.put(cell, obj)
        cell_targets[cell] = CellTarget(obj.kind, obj.colour, noun.size)
    return Task(text, "draw", None, scene, tuple(cell_targets))


def _nouns(words: list[str]) -> list[Noun]:
    """Finds the objects that a description names.

    Places follow their objects, unless the text begins with a place: then they precede them.
    """
    heads = [index for index, word in enumerate(words) if singular(word) in KINDS]
    starts = [_start(words, head) for head in heads]
    before = cell_of(words[: starts[0]]) if heads else None
    ends = [*starts[1:], len(words)][: len(heads)]
    nouns: list[Noun] = []
    for number, (start, head, end) in enumerate(zip(starts, heads, ends, strict=True)):
        described = words[start:head]
        colour = next((word for word in described if word in COLOURS), None)
        size = next((word for word in described if word in SIZES), None)
        cell = cell_of(words[head + 1 : end])
        if before is not None:
            cell = before if number == 0 else cell_of(words[heads[number - 1] + 1 : start])
        count = next((_NUMBERS[word] for word in described if word in _NUMBERS), 1)
        nouns += [Noun(singular(words[head]), colour, size, cell if count == 1 else None)] * count
    return nouns


def _start(words: list[str], head: int) -> int:
    """Returns the index at which the description of the object named at `head` begins."""
    start = head
    while start > 0 and words[start - 1] in {*COLOURS, *SIZES, *_NUMBERS, "the"}:
        start -= 1
    return start
