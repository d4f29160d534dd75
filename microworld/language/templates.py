"""Templates of the micro world's language: scene descriptions and single edits, in varied simple English.

With a random generator texts vary; without one they are canonical. Generators are trained on this language. The texts
of `held_out` are kept out of training and share no template with this file. Knows nothing of models.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from interleavethinker.microworld.scenes.scene import CELLS, Scene, SceneObject, random_object, random_scene
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, OFFSETS, SIZES, VARIANTS

from .vocabulary import BACKGROUND_PHRASES, POSITION_PHRASES

__all__ = [
    "EDIT_KINDS",
    "MAX_NAMED",
    "CellTarget",
    "Edit",
    "Task",
    "cell_targets_of",
    "count_phrase",
    "describe",
    "edit_task",
    "generation_task",
    "instruct",
    "name",
    "place",
    "random_edit",
    "resample_unspecified",
]

EDIT_KINDS = ("add", "remove", "recolour", "move", "resize", "replace", "background")
MAX_NAMED = 3
"""Largest number of objects in one description that the generator is trained on."""

Rng = np.random.Generator


@dataclass(frozen=True)
class CellTarget:
    """What a text requires of one cell: an object, whose `size` may be left open (None)."""

    kind: str
    colour: str
    size: str | None

    def allows(self, obj: SceneObject | None) -> bool:
        """Whether an object satisfies this target."""
        return obj is not None and (obj.kind, obj.colour) == (self.kind, self.colour) and self.size in {None, obj.size}

    @classmethod
    def of(cls, obj: SceneObject | None) -> CellTarget | None:
        """Returns the target that fixes everything words can state about an object; None for an empty cell."""
        return None if obj is None else cls(*obj.named)


@dataclass(frozen=True)
class Edit:
    """One change of a scene. Which fields are set depends on `kind`."""

    kind: str
    cell: int | None = None
    """Cell of the object that is changed, or to which one is added; None for a change of the background."""
    to: int | None = None
    """Destination cell of a move."""
    new: SceneObject | None = None
    """The object that is added or replaces another, or the object after the change (recolour, resize)."""
    open_size: bool = False
    """The text does not state the new object's size, so any size is right."""
    background: str | None = None

    def apply(self, scene: Scene) -> Scene:
        """Returns the scene after the edit."""
        if self.kind == "background":
            assert self.background is not None  # noqa: S101 - set by construction
            return replace(scene, background=self.background)
        assert self.cell is not None  # noqa: S101 - set by construction
        if self.kind == "move":
            assert self.to is not None  # noqa: S101 - set by construction
            return scene.put(self.cell, None).put(self.to, scene.cells[self.cell])
        return scene.put(self.cell, self.new)

    def cell_targets(self, scene: Scene) -> tuple[CellTarget | None, ...]:
        """Returns what each cell must hold after the edit of the given scene."""
        after = list(cell_targets_of(self.apply(scene)))
        if self.open_size and self.cell is not None and self.new is not None:
            after[self.cell] = CellTarget(self.new.kind, self.new.colour, None)
        return tuple(after)


@dataclass(frozen=True)
class Task:
    """A text, the scene it edits (None: it describes a new one), and what it requires."""

    text: str
    kind: str
    source: Scene | None
    target: Scene
    """One scene that satisfies the text, with everything that the text leaves open sampled."""
    cell_targets: tuple[CellTarget | None, ...]
    """What each cell must hold; an object that is not changed must also keep its looks."""
    edits: tuple[Edit, ...] = ()


def cell_targets_of(scene: Scene) -> tuple[CellTarget | None, ...]:
    """Returns targets that fix everything words can state about a scene's objects."""
    return tuple(CellTarget.of(obj) for obj in scene.cells)


def _choose(rng: Rng | None, options: tuple[str, ...]) -> str:
    """Returns the first option, or a random one if a generator is given."""
    return options[0] if rng is None else options[int(rng.integers(len(options)))]


def place(cell: int, rng: Rng | None = None) -> str:
    """Returns a phrase for a cell, for example "in the top left"."""
    if rng is not None and rng.random() < 0.7:
        return POSITION_PHRASES[cell][0]
    return _choose(rng, POSITION_PHRASES[cell])


def name(obj: SceneObject, *, size: bool = True) -> str:
    """Returns an object's description without article, for example "big red ball"."""
    return f"{obj.size} {obj.colour} {obj.kind}" if size else f"{obj.colour} {obj.kind}"


def count_phrase(count: int) -> str:
    """Returns the sentence that states a number of objects, without the full stop."""
    return "There is 1 thing" if count == 1 else f"There are {count} things"


def with_article(words: str) -> str:
    """Returns the words with their indefinite article."""
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def describe(scene: Scene, rng: Rng | None = None, sizes: tuple[bool, ...] | None = None) -> str:
    """Writes a text-to-image prompt.

    Args:
        scene: The scene to describe, with any number of objects.
        rng: Varies order and wording; without it the text is canonical (row by row).
        sizes: For each object in cell order, whether the text states its size; by default always.
    """
    objects = list(scene.objects.items())
    names_size = dict(zip(scene.objects, sizes or (True,) * len(objects), strict=True))
    if rng is not None:
        rng.shuffle(objects)
    where = _choose(rng, BACKGROUND_PHRASES[scene.background])
    parts = [f"{with_article(name(obj, size=names_size[cell]))} {place(cell, rng)}" for cell, obj in objects]
    if not parts:
        return _choose(rng, (f"nothing {where}", f"an empty picture {where}"))
    listed = parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
    if rng is None:
        return f"{listed}, {where}"
    return _choose(rng, (f"{listed}, {where}", f"{where}, {listed}", f"a picture {where} with {listed}"))


def refer(scene: Scene, cell: int, rng: Rng | None = None) -> str:
    """Writes a definite description of the object in a cell that fits no other object of the scene.

    The canonical description states color and kind if they are unambiguous, else adds the size, else the place. With
    a generator, any unambiguous description is possible.
    """
    obj = scene.cells[cell]
    assert obj is not None  # noqa: S101 - callers refer to occupied cells
    forms = (
        (("colour", "kind"), f"the {obj.colour} {obj.kind}"),
        (("kind",), f"the {obj.kind}"),
        (("size", "kind"), f"the {obj.size} {obj.kind}"),
        (("size", "colour", "kind"), f"the {obj.size} {obj.colour} {obj.kind}"),
    )
    others = [other for at, other in scene.objects.items() if at != cell]
    enough = [
        text
        for fields, text in forms
        if not any(all(getattr(other, field) == getattr(obj, field) for field in fields) for other in others)
    ]
    at_place = (f"the {obj.colour} {obj.kind} {place(cell, rng)}", f"the {obj.kind} {place(cell, rng)}")
    if rng is None:
        return enough[0] if enough and enough[0] == forms[0][1] else (enough or list(at_place))[0]
    return _choose(rng, tuple(enough) + (at_place if rng.random() < 0.3 or not enough else ()))


def instruct(edit: Edit, scene: Scene, rng: Rng | None = None) -> str:
    """Writes the instruction for one edit of a scene; canonical without a generator."""
    if edit.kind == "background":
        assert edit.background is not None  # noqa: S101 - set by construction
        where = _choose(rng, BACKGROUND_PHRASES[edit.background])
        word = edit.background
        options = (f"change the background to {word}", f"set the scene {where}", f"make the background {word}")
        return _choose(rng, options)
    assert edit.cell is not None  # noqa: S101 - set by construction
    if edit.kind == "add":
        assert edit.new is not None  # noqa: S101 - set by construction
        what, where = with_article(name(edit.new, size=not edit.open_size)), place(edit.cell, rng)
        return _choose(rng, (f"add {what} {where}", f"put {what} {where}", f"draw {what} {where}"))
    the = refer(scene, edit.cell, rng)
    if edit.kind == "remove":
        return _choose(rng, (f"remove {the}", f"delete {the}", f"take away {the}", f"erase {the}"))
    if edit.kind == "move":
        assert edit.to is not None  # noqa: S101 - set by construction
        to = POSITION_PHRASES[edit.to][0].split(" ", 1)[1] if rng is None else place(edit.to, rng).split(" ", 1)[1]
        return _choose(rng, (f"move {the} to {to}", f"bring {the} to {to}"))
    assert edit.new is not None  # noqa: S101 - set by construction
    if edit.kind == "recolour":
        colour = edit.new.colour
        return _choose(rng, (f"make {the} {colour}", f"turn {the} {colour}", f"paint {the} {colour}"))
    if edit.kind == "resize":
        size = edit.new.size
        more = "bigger" if size == "big" else "smaller"
        return _choose(rng, (f"make {the} {size}", f"make {the} {more}", f"resize {the} to {size}"))
    what = with_article(name(edit.new, size=not edit.open_size))
    return _choose(rng, (f"replace {the} with {what}", f"swap {the} for {what}", f"exchange {the} for {what}"))


def random_edit(scene: Scene, kind: str, rng: Rng) -> Edit:
    """Samples an edit of the given kind that changes the scene.

    Raises:
        ValueError: The kind is unknown, or the scene allows no such edit (nothing to change, no free cell).
    """
    if kind == "background":
        others = [name for name in BACKGROUNDS if name != scene.background]
        return Edit(kind, background=str(rng.choice(others)))
    occupied, free = list(scene.objects), scene.free
    if kind == "add" and free:
        return Edit(kind, cell=int(rng.choice(free)), new=random_object(rng), open_size=bool(rng.random() < 0.25))
    if kind not in EDIT_KINDS or not occupied or (kind in {"add", "move"} and not free):
        msg = f"The scene allows no edit of kind {kind!r}, or the kind is not among {', '.join(EDIT_KINDS)}."
        raise ValueError(msg)
    cell = int(rng.choice(occupied))
    obj = scene.cells[cell]
    assert obj is not None  # noqa: S101 - occupied
    if kind == "move":
        return Edit(kind, cell=cell, to=int(rng.choice(free)))
    if kind == "recolour":
        colour = str(rng.choice([colour for colour in COLOURS if colour != obj.colour]))
        return Edit(kind, cell=cell, new=replace(obj, colour=colour))
    if kind == "resize":
        return Edit(kind, cell=cell, new=replace(obj, size=SIZES[1 - SIZES.index(obj.size)]))
    if kind == "remove":
        return Edit(kind, cell=cell)
    new = random_object(rng)
    while new.kind == obj.kind:
        new = random_object(rng)
    return Edit(kind, cell=cell, new=new, open_size=bool(rng.random() < 0.25))


def resample_unspecified(obj: SceneObject, rng: Rng, *, size: bool) -> SceneObject:
    """Returns the object with a new variant and offset and, if `size` is set, a new size."""
    return replace(
        obj,
        variant=int(rng.integers(VARIANTS)),
        offset=int(rng.integers(len(OFFSETS))),
        size=str(rng.choice(SIZES)) if size else obj.size,
    )


def generation_task(rng: Rng, objects: int | None = None) -> Task:
    """Samples a text-to-image task with up to `MAX_NAMED` objects, or with the given number."""
    count = int(rng.choice(4, p=[0.06, 0.2, 0.34, 0.4])) if objects is None else objects
    scene = random_scene(rng, count)
    sizes = tuple(bool(rng.random() > 0.2) for _ in range(count))
    cell_targets = list(cell_targets_of(scene))
    for (cell, obj), names_size in zip(scene.objects.items(), sizes, strict=True):
        if not names_size:
            cell_targets[cell] = CellTarget(obj.kind, obj.colour, None)
    return Task(describe(scene, rng, sizes), "draw", None, scene, tuple(cell_targets))


def edit_task(rng: Rng, kind: str, objects: int | None = None) -> Task:
    """Samples a task with one edit, on a scene with up to four objects or with the given number."""
    fewest, most = (0 if kind in {"add", "background"} else 1), (3 if kind == "add" else 4)
    scene = random_scene(rng, int(rng.integers(fewest, most + 1)) if objects is None else objects)
    edit = random_edit(scene, kind, rng)
    return Task(instruct(edit, scene, rng), kind, scene, edit.apply(scene), edit.cell_targets(scene), (edit,))


assert len(POSITION_PHRASES) == CELLS  # noqa: S101 - one tuple of phrases per cell
