"""The edits that turn one scene into another when it is known which object is which.

Knows no language. Removals come first and additions last, so that every edit finds its cell free.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
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
    *,
    step_aside: bool = True,
) -> tuple[Scene, list[Edit]]:
    """Returns the edits, and the scene that they lead to: like `after`, with the looks of `scene`'s objects kept.

    Args:
        scene: The present scene.
        after: The scene to reach.
        before_cells: Cell of each object in `scene`, by an id of the caller.
        after_cells: Cell of each object in `after`, by the same ids.
        open_sizes: Ids of the objects that may have any size.
        step_aside: Objects that trade places use a free cell, if there is one; else they are replaced by each other.
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
    ways = {one: (cell, after_cells[one]) for one, cell in kept.items() if cell != after_cells[one]}
    for edit in _moves(scene, ways, step_aside=step_aside):
        apply(edit)
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


def _moves(scene: Scene, ways: Mapping[int, tuple[int, int]], *, step_aside: bool) -> Iterator[Edit]:
    """Yields the edits that bring objects to their cells.

    Args:
        scene: The present scene.
        ways: Present and final cell of each object, by its id.
        step_aside: See `edits_between`.
    """
    waiting = dict(ways)
    while waiting:
        one = next((one for one, (_, to) in waiting.items() if scene.cells[to] is None), next(iter(waiting)))
        cell, to = waiting.pop(one)
        if scene.cells[to] is not None:
            aside = _free_cell(scene, cell, to) if step_aside else None
            if aside is None:
                yield from _exchange(scene, {cell: to, **dict(waiting.values())})
                return
            waiting[one] = aside, to
            to = aside
        move = Edit("move", cell=cell, to=to)
        scene = move.apply(scene)
        yield move


def _free_cell(scene: Scene, start: int, end: int) -> int | None:
    """Returns the free cell with the shortest way from `start` over it to `end`."""

    def way(cell: int) -> int:
        return sum(abs(cell // 3 - one // 3) + abs(cell % 3 - one % 3) for one in (start, end))

    return min((cell for cell, obj in enumerate(scene.cells) if obj is None), key=way, default=None)


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
