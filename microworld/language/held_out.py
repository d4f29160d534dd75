"""Texts that generators are never trained on: four families, each with an equivalent in trained language.

| family | text | rewritten |
| --- | --- | --- |
| compound | two or three edits in one instruction | one edit at a time |
| indirect | an edit expressed by relation, comparison or story | the plain edit |
| more_things | four objects in one description | three, then the fourth is added |
| synonyms | a trained text with content words replaced by `vocabulary.SYNONYMS` | the trained words |

The templates and spellings here do not occur in `templates`, so the texts are held out by construction. Closing the gap
between the two languages is the job of planner and critic. Everything is a pure function of the random generator. Knows
nothing of models.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from interleavethinker.microworld.scenes.scene import MAX_OBJECTS, Scene, SceneObject, random_object, random_scene
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, SIZES

from .templates import (
    EDIT_KINDS,
    MAX_NAMED,
    CellTarget,
    Edit,
    Task,
    cell_targets_of,
    describe,
    edit_task,
    generation_task,
    instruct,
    name,
    random_edit,
    refer,
    with_article,
)
from .vocabulary import SYNONYMS

__all__ = [
    "HELD_OUT_FAMILIES",
    "INDIRECT_BACKGROUNDS",
    "HeldOutTask",
    "Rng",
    "held_out_task",
    "indirect_edit",
    "with_synonyms",
]

Rng = np.random.Generator

HELD_OUT_FAMILIES = ("compound", "indirect", "more_things", "synonyms")

INDIRECT_BACKGROUNDS: dict[str, tuple[str, ...]] = {
    "meadow": ("let morning come over green grass", "we are out among fields now"),
    "night": ("let the moon rise", "it is dark now"),
    "sunset": ("let evening come", "the sun is going down"),
    "beach": ("let us go to the coast", "we are by the sea now"),
    "snow": ("let everything freeze", "it is icy cold now"),
    "forest": ("let us walk under thick leaves", "we are deep in the jungle now"),
}
"""Indirect ways to ask for each background. No word of them names it."""

_SIDES = {"left of": (0, -1), "right of": (0, 1), "above": (-1, 0), "below": (1, 0)}
"""Relative places as offsets (rows, columns)."""
_STEPS = {"to the left": (0, -1), "to the right": (0, 1), "up": (-1, 0), "down": (1, 0)}


@dataclass(frozen=True)
class HeldOutTask:
    """A task that the generator is not trained for, and its equivalent in trained language."""

    task: Task
    rewritten: tuple[str, ...]
    """Texts to execute in order, each on the image of the one before; the first describes a scene if the task does."""


def held_out_task(family: str, rng: Rng) -> HeldOutTask:
    """Samples a task of one of the `HELD_OUT_FAMILIES`."""
    return _BUILDERS[family](rng)


def indirect_edit(source: Scene, kind: str, rng: Rng) -> tuple[str, Edit] | None:
    """Samples an edit of the given kind, worded by relation, comparison or story.

    Args:
        source: The scene to edit, with at least two objects.
        kind: One of `EDIT_KINDS`.
        rng: Source of all randomness.

    Returns:
        The text and the edit; None if the sampled combination is impossible in this scene (sample again).
    """
    return _INDIRECT[kind](source, rng)


def _choose(rng: Rng, options: tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]


def _compound(rng: Rng) -> HeldOutTask:
    source = random_scene(rng, int(rng.integers(2, MAX_OBJECTS)))
    edits = _disjoint_edits(source, 2 if rng.random() < 0.6 else 3, rng)
    texts = [instruct(edit, source, rng) for edit in edits]
    last = _choose(rng, (" and ", ", then ", " and then ")) + texts[-1]
    text = ", ".join(texts[:-1]) + last
    scene, rewritten = source, []
    for edit in edits:
        rewritten.append(instruct(edit, scene))
        scene = edit.apply(scene)
    cell_targets = list(cell_targets_of(scene))
    for edit in edits:
        if edit.open_size and edit.cell is not None and edit.new is not None:
            cell_targets[edit.cell] = CellTarget(edit.new.kind, edit.new.colour, None)
    return HeldOutTask(Task(text, "compound", source, scene, tuple(cell_targets), tuple(edits)), tuple(rewritten))


def _disjoint_edits(source: Scene, count: int, rng: Rng) -> list[Edit]:
    """Samples edits of different kinds that touch different cells, so that their order does not matter."""
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


def _more_objects(rng: Rng) -> HeldOutTask:
    task = generation_task(rng, MAX_OBJECTS)
    cells = list(task.target.objects)
    later = cells[MAX_NAMED:]
    scene = task.target
    for cell in later:
        scene = scene.put(cell, None)
    sizes = tuple(_names_size(task.cell_targets[cell]) for cell in cells[:MAX_NAMED])
    rewritten = [describe(scene, sizes=sizes)]
    for cell in later:
        edit = Edit("add", cell=cell, new=task.target.cells[cell], open_size=not _names_size(task.cell_targets[cell]))
        rewritten.append(instruct(edit, scene))
        scene = edit.apply(scene)
    return HeldOutTask(replace(task, kind="more_things"), tuple(rewritten))


def _names_size(cell_target: CellTarget | None) -> bool:
    return cell_target is not None and cell_target.size is not None


def _synonyms(rng: Rng) -> HeldOutTask:
    if rng.random() < 0.5:
        task = generation_task(rng, int(rng.integers(1, MAX_NAMED + 1)))
        sizes = tuple(_names_size(task.cell_targets[cell]) for cell in task.target.objects)
        plain = describe(task.target, sizes=sizes)
    else:
        task = edit_task(rng, _choose(rng, EDIT_KINDS))
        assert task.source is not None  # noqa: S101 - edits have a source
        plain = instruct(task.edits[0], task.source)
    text = with_synonyms(task.text, rng)
    return HeldOutTask(replace(task, text=text, kind="synonyms"), (plain,))


def with_synonyms(text: str, rng: Rng, share: float = 0.8) -> str:
    """Replaces about this share of a text's content words, and at least one, by synonyms; adapts the articles."""
    words = re.findall(r"\w+|,", text)
    content = [index for index, word in enumerate(words) if word in SYNONYMS]
    chosen = [index for index in content if rng.random() < share] or [int(rng.choice(content))]
    for index in chosen:
        words[index] = _choose(rng, SYNONYMS[words[index]])
    for index, word in enumerate(words[:-1]):
        if word in {"a", "an"}:
            words[index] = "an" if words[index + 1][0] in "aeiou" else "a"
    return " ".join(words).replace(" ,", ",")


def _indirect(rng: Rng) -> HeldOutTask:
    while True:
        source = random_scene(rng, int(rng.integers(2, MAX_OBJECTS)))
        kind = _choose(rng, EDIT_KINDS)
        worded = _INDIRECT[kind](source, rng)
        if worded is not None:
            break
    text, edit = worded
    task = Task(text, "indirect", source, edit.apply(source), edit.cell_targets(source), (edit,))
    return HeldOutTask(task, (instruct(edit, source),))


_WordedEdit = tuple[str, Edit] | None


def _free_cell_beside(source: Scene, cell: int, offset: tuple[int, int]) -> int | None:
    """Returns the cell at an offset from another one if it exists and is free, else None."""
    row, column = cell // 3 + offset[0], cell % 3 + offset[1]
    beside = 3 * row + column
    return beside if 0 <= row < 3 and 0 <= column < 3 and source.cells[beside] is None else None


def _add_beside(source: Scene, rng: Rng) -> _WordedEdit:
    anchor, side = int(rng.choice(list(source.objects))), _choose(rng, tuple(_SIDES))
    cell = _free_cell_beside(source, anchor, _SIDES[side])
    if cell is None:
        return None
    new, by = random_object(rng), refer(source, anchor, rng)
    what = with_article(name(new))
    text = _choose(
        rng, (f"{side} {by} there should be {what}", f"I want {what} {side} {by}", f"{what} belongs {side} {by}")
    )
    return text, Edit("add", cell=cell, new=new)


def _move_by_step(source: Scene, rng: Rng) -> _WordedEdit:
    cell, step = int(rng.choice(list(source.objects))), _choose(rng, tuple(_STEPS))
    to = _free_cell_beside(source, cell, _STEPS[step])
    if to is None:
        return None
    the = refer(source, cell, rng)
    text = _choose(
        rng, (f"{the} should go one step {step}", f"let {the} go one step {step}", f"push {the} one step {step}")
    )
    return text, Edit("move", cell=cell, to=to)


def _colour_like(source: Scene, rng: Rng) -> _WordedEdit:
    cell, other = (int(at) for at in rng.choice(list(source.objects), size=2, replace=False))
    obj, model = source.cells[cell], source.cells[other]
    if obj is None or model is None or obj.colour == model.colour:
        return None
    the, like = refer(source, cell, rng), refer(source, other, rng)
    text = _choose(rng, (f"{the} should have the colour of {like}", f"give {the} the same colour as {like}"))
    return text, Edit("recolour", cell=cell, new=replace(obj, colour=model.colour))


def _let_grow(source: Scene, rng: Rng) -> _WordedEdit:
    cell, obj = _random_occupied(source, rng)
    the, size = refer(source, cell, rng), SIZES[1 - SIZES.index(obj.size)]
    verbs = ("grow", "grown") if size == "big" else ("shrink", "shrunk")
    text = _choose(rng, (f"let {the} {verbs[0]}", f"{the} has {verbs[1]}"))
    return text, Edit("resize", cell=cell, new=replace(obj, size=size))


def _send_away(source: Scene, rng: Rng) -> _WordedEdit:
    cell, _ = _random_occupied(source, rng)
    the = refer(source, cell, rng)
    text = _choose(rng, (f"nobody wants {the} here any more", f"{the} has gone home", f"{the} should not be here"))
    return text, Edit("remove", cell=cell)


def _become(source: Scene, rng: Rng) -> _WordedEdit:
    cell, obj = _random_occupied(source, rng)
    new = random_object(rng)
    if new.kind == obj.kind:
        return None
    the, what = refer(source, cell, rng), with_article(name(new))
    text = _choose(
        rng, (f"{the} becomes {what}", f"instead of {the} I want {what}", f"{what} should stand where {the} is")
    )
    return text, Edit("replace", cell=cell, new=new)


def _change_background(source: Scene, rng: Rng) -> _WordedEdit:
    ground = _choose(rng, tuple(other for other in BACKGROUNDS if other != source.background))
    return _choose(rng, INDIRECT_BACKGROUNDS[ground]), Edit("background", background=ground)


def _random_occupied(source: Scene, rng: Rng) -> tuple[int, SceneObject]:
    cells = list(source.objects.items())
    return cells[int(rng.integers(len(cells)))]


_INDIRECT: dict[str, Callable[[Scene, Rng], _WordedEdit]] = {
    "add": _add_beside,
    "remove": _send_away,
    "recolour": _colour_like,
    "move": _move_by_step,
    "resize": _let_grow,
    "replace": _become,
    "background": _change_background,
}
_BUILDERS: dict[str, Callable[[Rng], HeldOutTask]] = {
    "compound": _compound,
    "indirect": _indirect,
    "more_things": _more_objects,
    "synonyms": _synonyms,
}
