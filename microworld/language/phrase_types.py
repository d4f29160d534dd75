"""What noun phrases and places say, as data. Knows no words."""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["Ground", "Phrase", "Where"]

_LINES = {
    frozenset({3}): frozenset({0, 3, 6}),
    frozenset({5}): frozenset({2, 5, 8}),
    frozenset({1}): frozenset({0, 1, 2}),
    frozenset({7}): frozenset({6, 7, 8}),
    frozenset({4}): frozenset({1, 3, 4, 5, 7}),
}
"""The row or column of a place that no corner is; both of the middle."""


@dataclass(frozen=True)
class Where:
    """A place: cells, a step from the present place, or a relation to other objects."""

    cells: frozenset[int] = frozenset()
    step: tuple[int, int] | None = None
    relation: str = ""
    """One of `RelationKind`, or `across`: on the other side of the anchor."""
    anchors: tuple[Phrase, ...] = ()
    row: bool = False
    """The words say "in a row" and leave open where."""
    opposite: str = ""
    """The place opposite an object's own: `point` and `side`, or `top`, `bottom`, `left` and `right` for the other
    corner of this side."""
    side: str = ""
    """`left`, `right`, `top` or `bottom`: of several objects the one on this side, "the left cat"."""

    @property
    def line(self) -> Where:
        """The place in a wider sense: "on the left" is anywhere in the left column, if nothing is just there."""
        return replace(self, cells=_LINES.get(self.cells, self.cells))


@dataclass(frozen=True)
class Phrase:
    """Objects as described; attributes that the words leave open are empty."""

    kind: str = ""
    """Empty for pronouns and for "thing"."""
    count: int = 1
    definite: bool | None = False
    """True: an object that was mentioned before; None: either ("her cat")."""
    every: bool = False
    """All objects that fit: "all cats", "both cats", "everything"."""
    pronoun: str = ""
    """`it`, `them`, `one` or `other`; `host`: what was named before the group; `known`: the object with the number
    `count`."""
    each: bool = False
    """The words are "every" or "each"."""
    some: bool = False
    """A plural without a number: at least two."""
    negative: bool = False
    colours: frozenset[str] = frozenset()
    sizes: frozenset[str] = frozenset()
    alike: frozenset[str] = frozenset()
    """Attributes that it has in common with the object named before: `colour`, `size`."""
    like: tuple[Phrase, ...] = ()
    """The object that it has them in common with, if the words name it."""
    distinct: frozenset[str] = frozenset()
    """Attributes in which the objects of the group differ from each other."""
    where: tuple[Where, ...] = ()
    parts: tuple[Phrase, ...] = ()
    """How the objects of a group differ: "one on the left and one on the right"."""
    again: str = ""
    """`another` or `a`: one more of the kind that was named last, "another one", "a red one"."""
    same: bool = False
    """The words are "the same"."""
    excluded: tuple[Phrase, ...] = ()
    """What "everything except the ball" leaves out."""

    @property
    def in_line(self) -> Phrase:
        """The objects anywhere in the row or column of the place that the words name; see `Where.line`."""
        return replace(self, where=tuple(where.line for where in self.where))


@dataclass(frozen=True)
class Ground:
    """A background."""

    name: str
    empty: bool = False
    """The words say that nothing else is there."""
