"""What a request requires of an image: objects, background and relations, each attribute with its allowed values.

An attribute that the request leaves open allows every value. Knows nothing of words; `interpretation` makes these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from interleavethinker.microworld.scenes.scene import CELLS, Scene, SceneObject
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, SIZES

__all__ = [
    "ANY_BACKGROUND",
    "ANY_CELL",
    "ANY_COLOUR",
    "ANY_SIZE",
    "LookRelation",
    "Relation",
    "RelationKind",
    "RequiredObject",
    "RequiredScene",
]

ANY_COLOUR = frozenset(COLOURS)
ANY_SIZE = frozenset(SIZES)
ANY_CELL = frozenset(range(CELLS))
ANY_BACKGROUND = frozenset(BACKGROUNDS)

RelationKind = Literal["left", "right", "above", "below", "next_to", "between"]


@dataclass(frozen=True)
class RequiredObject:
    """One object of an image, with the allowed values of each attribute."""

    kind: str
    colours: frozenset[str] = ANY_COLOUR
    sizes: frozenset[str] = ANY_SIZE
    cells: frozenset[int] = ANY_CELL
    """Numbers of the cells that it may lie in."""


@dataclass(frozen=True)
class Relation:
    """A relative place: the first object is, for example, left of the second."""

    kind: RelationKind
    objects: tuple[int, ...]
    """Indices into `RequiredScene.objects`: two, or three for `between` (the first lies between the others)."""

    def holds(self, cells: tuple[int, ...]) -> bool:
        """Whether the relation holds for objects in the given cells, in the order of `objects`.

        "Left" and "right" need the same row, "above" and "below" the same column, "next to" a side in common.
        """
        row, column = divmod(cells[0], 3)
        other_row, other_column = divmod(cells[1], 3)
        if self.kind == "between":
            return cells[1] != cells[2] and cells[1] + cells[2] == 2 * cells[0] and _on_one_line(cells[1], cells[2])
        if self.kind == "next_to":
            return abs(row - other_row) + abs(column - other_column) == 1
        if self.kind in {"left", "right"}:
            return row == other_row and (column < other_column if self.kind == "left" else column > other_column)
        return column == other_column and (row < other_row if self.kind == "above" else row > other_row)


def _on_one_line(first: int, second: int) -> bool:
    """Whether the line between the centers of two cells passes through the center of a third."""
    rows, columns = first // 3 - second // 3, first % 3 - second % 3
    return rows % 2 == 0 and columns % 2 == 0


@dataclass(frozen=True)
class LookRelation:
    """Two objects that must look alike or differ, in an attribute that the request leaves open."""

    attribute: Literal["colour", "size"]
    objects: tuple[int, int]
    """Indices into `RequiredScene.objects`."""
    same: bool

    def holds(self, first: SceneObject, second: SceneObject) -> bool:
        """Whether two objects are as required."""
        values = [obj.colour if self.attribute == "colour" else obj.size for obj in (first, second)]
        return (values[0] == values[1]) == self.same


@dataclass(frozen=True)
class RequiredScene:
    """What one image must show: exactly these objects, on one of these backgrounds."""

    objects: tuple[RequiredObject, ...] = ()
    backgrounds: frozenset[str] = ANY_BACKGROUND
    relations: tuple[Relation, ...] = ()
    looks: tuple[LookRelation, ...] = ()

    @classmethod
    def of(cls, scene: Scene) -> RequiredScene:
        """Returns the requirement that fixes everything that words can state about a scene."""
        objects = (
            RequiredObject(obj.kind, frozenset({obj.colour}), frozenset({obj.size}), frozenset({cell}))
            for cell, obj in scene.objects.items()
        )
        return cls(tuple(objects), frozenset({scene.background}))
