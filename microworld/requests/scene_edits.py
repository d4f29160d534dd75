"""The edits that turn one scene into another when it is known which object is which.

Knows no language. Removals come first and additions last, so that every edit finds its cell free.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from interleavethinker.microworld.language.templates import Edit
from interleavethinker.microworld.scenes.scene import Scene, SceneObject

__all__ = ["edits_between"]


def edits_between(
    scene: Scene,
    after: Scene,
    before_cells: Mapping[int, int],
    after_cells: Mapping[int, int],
    open_sizes: Collection[int] = (),
) -> tuple[Scene, list[Edit]]:
    """Returns the edits, and the scene that they lead to: like `after`, with the looks of `scene`'s objects kept.

    Args:
        scene: The present scene.
        after: The scene to reach.
        before_cells: Cell of each object in `scene`, by an id of the caller.
        after_cells: Cell of each object in `after`, by the same ids.
        open_sizes: Ids of the objects that may have any size.
    """
    edits: list[Edit] = []

    def apply(edit: Edit) -> None:
        nonlocal scene
        edits.append(edit)
        scene = edit.apply(scene)

    for one, cell in before_cells.items():
        if one not in after_cells:
            apply(Edit("remove", cell=cell))
    kept = {one: cell for one, cell in before_cells.items() if one in after_cells}
    for one, cell in kept.items():
        for edit in _attribute_edits(cell, _object(scene, cell), _object(after, after_cells[one])):
            apply(edit)
    waiting = {one: cell for one, cell in kept.items() if cell != after_cells[one]}
    while waiting:
        ready = next((one for one in waiting if scene.cells[after_cells[one]] is None), None)
        if ready is None:
            for edit in _exchange(scene, {cell: after_cells[one] for one, cell in waiting.items()}):
                apply(edit)
            break
        apply(Edit("move", cell=waiting.pop(ready), to=after_cells[ready]))
    for one, cell in after_cells.items():
        if one not in before_cells:
            apply(Edit("add", cell=cell, new=_object(after, cell), open_size=one in open_sizes))
    if scene.background != after.background:
        apply(Edit("background", background=after.background))
    return scene, edits


def _attribute_edits(cell: int, now: SceneObject, wanted: SceneObject) -> list[Edit]:
    if now.kind != wanted.kind:
        return [Edit("replace", cell=cell, new=replace(wanted, variant=now.variant, offset=now.offset))]
    found = []
    if now.colour != wanted.colour:
        now = replace(now, colour=wanted.colour)
        found.append(Edit("recolour", cell=cell, new=now))
    if now.size != wanted.size:
        found.append(Edit("resize", cell=cell, new=replace(now, size=wanted.size)))
    return found


def _exchange(scene: Scene, moves: Mapping[int, int]) -> list[Edit]:
    """Lets objects trade places without an empty cell: each becomes the one that should be there."""
    found = []
    for cell, to in moves.items():
        there, new = _object(scene, to), _object(scene, cell)
        if there.kind != new.kind:
            found.append(Edit("replace", cell=to, new=new))
        else:
            found += _attribute_edits(to, there, new)
    return found


def _object(scene: Scene, cell: int) -> SceneObject:
    obj = scene.cells[cell]
    assert obj is not None  # noqa: S101 - callers pass cells of known objects
    return obj
