"""What the generator must meet untrained: four families of texts, each with an oracle's rewording in trained language.

| gap | text | rewording |
| --- | --- | --- |
| compound | two or three edits in one instruction | one edit at a time |
| indirect | an edit said by relation, comparison or story | the plain edit |
| more_things | four things in one description | three, then the fourth added |
| synonyms | a trained text with content words replaced by `vocabulary.SYNONYMS` | the trained words |

Texts come from templates and spellings that `language.py` lacks, so that they are held out by construction; closing
these gaps is the planner's and the critic's work. Everything is a pure function of the random generator given. Knows
nothing of models.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from interleavethinker.microworld.scenes.scene import MAX_THINGS, Scene, SceneObject, random_object, random_scene
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, SIZES

from .templates import (
    EDIT_KINDS,
    MAX_NAMED,
    CellTarget,
    Edit,
    Task,
    a,
    cell_targets_of,
    describe,
    draw_task,
    edit_task,
    instruct,
    name,
    random_edit,
    refer,
)
from .vocabulary import SYNONYMS

__all__ = ["FALLS", "GAPS", "GapTask", "Rng", "gap_task", "indirect_edit", "with_synonyms"]

Rng = np.random.Generator

GAPS = ("compound", "indirect", "more_things", "synonyms")

FALLS: dict[str, tuple[str, ...]] = {
    "meadow": ("let morning come over green grass", "we are out among fields now"),
    "night": ("let the moon rise", "it is dark now"),
    "sunset": ("let evening come", "the sun is going down"),
    "beach": ("let us go to the coast", "we are by the sea now"),
    "snow": ("let everything freeze", "it is icy cold now"),
    "forest": ("let us walk under thick leaves", "we are deep in the jungle now"),
}
"""Indirect ways to ask for each background."""

_SIDES = {"left of": (0, -1), "right of": (0, 1), "above": (-1, 0), "below": (1, 0)}
"""Relative places as (rows, columns)."""
_STEPS = {"to the left": (0, -1), "to the right": (0, 1), "up": (-1, 0), "down": (1, 0)}


@dataclass(frozen=True)
class GapTask:
    """A task that the generator was not trained for, and how an oracle says the same in trained language."""

    task: Task
    rewording: tuple[str, ...]
    """Texts to be carried out in turn, each on the previous one's picture; the first draws if the task draws."""


def gap_task(gap: str, rng: Rng) -> GapTask:
    """A task of one of the `GAPS`."""
    return _MAKERS[gap](rng)


def indirect_edit(source: Scene, kind: str, rng: Rng) -> tuple[str, Edit] | None:
    """An edit of the given kind, said by relation, comparison or story; None where this draw finds none.

    Args:
        source: The scene to be edited; holds at least two things.
        kind: One of `EDIT_KINDS`.
        rng: Decides everything.
    """
    return _INDIRECT[kind](source, rng)


def _one(rng: Rng, options: tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]


def _compound(rng: Rng) -> GapTask:
    source = random_scene(rng, int(rng.integers(2, MAX_THINGS)))
    edits = _disjoint_edits(source, 2 if rng.random() < 0.6 else 3, rng)
    said = [instruct(edit, source, rng) for edit in edits]
    last = _one(rng, (" and ", ", then ", " and then ")) + said[-1]
    text = ", ".join(said[:-1]) + last
    scene, rewording = source, []
    for edit in edits:
        rewording.append(instruct(edit, scene))
        scene = edit.apply(scene)
    wishes = list(cell_targets_of(scene))
    for edit in edits:
        if edit.open_size and edit.cell is not None and edit.new is not None:
            wishes[edit.cell] = CellTarget(edit.new.kind, edit.new.colour, None)
    return GapTask(Task(text, "compound", source, scene, tuple(wishes), tuple(edits)), tuple(rewording))


def _disjoint_edits(source: Scene, count: int, rng: Rng) -> list[Edit]:
    """Edits of different kinds that touch different cells, and whose order therefore does not matter."""
    edits: list[Edit] = []
    touched: set[int] = set()
    kinds = [str(kind) for kind in rng.permutation(EDIT_KINDS)]
    while len(edits) < count:
        kind = kinds[len(edits)]
        edit = random_edit(source, kind, rng)
        cells = {cell for cell in (edit.cell, edit.to) if cell is not None}
        if cells & touched:
            kinds = [*kinds[: len(edits)], *(str(other) for other in rng.permutation(kinds[len(edits) :]))]
            continue
        touched |= cells
        edits.append(edit)
    return edits


def _more_things(rng: Rng) -> GapTask:
    task = draw_task(rng, MAX_THINGS)
    cells = list(task.target.things)
    later = cells[MAX_NAMED:]
    scene = task.target
    for cell in later:
        scene = scene.put(cell, None)
    said = tuple(_says_size(task.wishes[cell]) for cell in cells[:MAX_NAMED])
    rewording = [describe(scene, sizes=said)]
    for cell in later:
        edit = Edit("add", cell=cell, new=task.target.cells[cell], open_size=not _says_size(task.wishes[cell]))
        rewording.append(instruct(edit, scene))
        scene = edit.apply(scene)
    return GapTask(replace(task, kind="more_things"), tuple(rewording))


def _says_size(wish: CellTarget | None) -> bool:
    return wish is not None and wish.size is not None


def _synonyms(rng: Rng) -> GapTask:
    if rng.random() < 0.5:
        task = draw_task(rng, int(rng.integers(1, MAX_NAMED + 1)))
        sizes = tuple(_says_size(task.wishes[cell]) for cell in task.target.things)
        plain = describe(task.target, sizes=sizes)
    else:
        task = edit_task(rng, _one(rng, EDIT_KINDS))
        assert task.source is not None  # noqa: S101 - edits have a source
        plain = instruct(task.edits[0], task.source)
    text = with_synonyms(task.text, rng)
    return GapTask(replace(task, text=text, kind="synonyms"), (plain,))


def with_synonyms(text: str, rng: Rng, share: float = 0.8) -> str:
    """The text with about this share of its content words, and at least one, replaced; articles follow."""
    words = re.findall(r"\w+|,", text)
    content = [index for index, word in enumerate(words) if word in SYNONYMS]
    chosen = [index for index in content if rng.random() < share] or [int(rng.choice(content))]
    for index in chosen:
        words[index] = _one(rng, SYNONYMS[words[index]])
    for index, word in enumerate(words[:-1]):
        if word in {"a", "an"}:
            words[index] = "an" if words[index + 1][0] in "aeiou" else "a"
    return " ".join(words).replace(" ,", ",")


def _indirect(rng: Rng) -> GapTask:
    while True:
        source = random_scene(rng, int(rng.integers(2, MAX_THINGS)))
        kind = _one(rng, EDIT_KINDS)
        drawn = _INDIRECT[kind](source, rng)
        if drawn is not None:
            break
    text, edit = drawn
    task = Task(text, "indirect", source, edit.apply(source), edit.wishes(source), (edit,))
    return GapTask(task, (instruct(edit, source),))


_Drawn = tuple[str, Edit] | None


def _beside(source: Scene, cell: int, offset: tuple[int, int]) -> int | None:
    """The free cell at an offset from another one, if there is one."""
    row, column = cell // 3 + offset[0], cell % 3 + offset[1]
    beside = 3 * row + column
    return beside if 0 <= row < 3 and 0 <= column < 3 and source.cells[beside] is None else None


def _add_beside(source: Scene, rng: Rng) -> _Drawn:
    anchor, side = int(rng.choice(list(source.things))), _one(rng, tuple(_SIDES))
    cell = _beside(source, anchor, _SIDES[side])
    if cell is None:
        return None
    new, by = random_object(rng), refer(source, anchor, rng)
    what = a(name(new))
    text = _one(
        rng, (f"{side} {by} there should be {what}", f"I want {what} {side} {by}", f"{what} belongs {side} {by}")
    )
    return text, Edit("add", cell=cell, new=new)


def _move_by_step(source: Scene, rng: Rng) -> _Drawn:
    cell, step = int(rng.choice(list(source.things))), _one(rng, tuple(_STEPS))
    to = _beside(source, cell, _STEPS[step])
    if to is None:
        return None
    the = refer(source, cell, rng)
    text = _one(
        rng, (f"{the} should go one step {step}", f"let {the} go one step {step}", f"push {the} one step {step}")
    )
    return text, Edit("move", cell=cell, to=to)


def _colour_like(source: Scene, rng: Rng) -> _Drawn:
    cell, other = (int(at) for at in rng.choice(list(source.things), size=2, replace=False))
    thing, model = source.cells[cell], source.cells[other]
    if thing is None or model is None or thing.colour == model.colour:
        return None
    the, like = refer(source, cell, rng), refer(source, other, rng)
    text = _one(rng, (f"{the} should have the colour of {like}", f"give {the} the same colour as {like}"))
    return text, Edit("recolour", cell=cell, new=replace(thing, colour=model.colour))


def _let_grow(source: Scene, rng: Rng) -> _Drawn:
    cell, thing = _some_thing(source, rng)
    the, size = refer(source, cell, rng), SIZES[1 - SIZES.index(thing.size)]
    verbs = ("grow", "grown") if size == "big" else ("shrink", "shrunk")
    text = _one(rng, (f"let {the} {verbs[0]}", f"{the} has {verbs[1]}"))
    return text, Edit("resize", cell=cell, new=replace(thing, size=size))


def _send_away(source: Scene, rng: Rng) -> _Drawn:
    cell, _ = _some_thing(source, rng)
    the = refer(source, cell, rng)
    text = _one(rng, (f"nobody wants {the} here any more", f"{the} has gone home", f"{the} should not be here"))
    return text, Edit("remove", cell=cell)


def _become(source: Scene, rng: Rng) -> _Drawn:
    cell, thing = _some_thing(source, rng)
    new = random_object(rng)
    if new.kind == thing.kind:
        return None
    the, what = refer(source, cell, rng), a(name(new))
    text = _one(
        rng, (f"{the} becomes {what}", f"instead of {the} I want {what}", f"{what} should stand where {the} is")
    )
    return text, Edit("replace", cell=cell, new=new)


def _let_fall(source: Scene, rng: Rng) -> _Drawn:
    ground = _one(rng, tuple(other for other in BACKGROUNDS if other != source.background))
    return _one(rng, FALLS[ground]), Edit("background", background=ground)


def _some_thing(source: Scene, rng: Rng) -> tuple[int, SceneObject]:
    cells = list(source.things.items())
    return cells[int(rng.integers(len(cells)))]


_INDIRECT: dict[str, Callable[[Scene, Rng], _Drawn]] = {
    "add": _add_beside,
    "remove": _send_away,
    "recolour": _colour_like,
    "move": _move_by_step,
    "resize": _let_grow,
    "replace": _become,
    "background": _let_fall,
}
_MAKERS: dict[str, Callable[[Rng], GapTask]] = {
    "compound": _compound,
    "indirect": _indirect,
    "more_things": _more_things,
    "synonyms": _synonyms,
}
