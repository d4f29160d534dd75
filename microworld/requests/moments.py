"""Single statements of a story: which of them bring something new, and what they say of a first image.

Knows no wording.
"""

from __future__ import annotations

from dataclasses import replace

from interleavethinker.microworld.language.phrase_types import Ground, Phrase
from interleavethinker.microworld.language.statements import Statement

__all__ = ["described", "happens", "is_moment"]

_DETAILS = frozenset({"is", "keep", "mention", "only", "absent", "alone"})
"""Statements that bring nothing new into a picture."""


def happens(statement: Statement) -> bool:
    """Whether a statement tells a change, which gets a picture of its own where they are told one by one."""
    if statement.kind == "scene" and any(isinstance(one, Phrase) and one.definite for one in statement.items):
        return False  # "a scene with a house: the house on the left": it says more of what is there
    return statement.kind not in {*_DETAILS, "scene"} or bool(statement.span[0])


def is_moment(statement: Statement) -> bool:
    """Whether a statement brings something new: a change or an object, not a detail of what was told before."""
    if statement.kind == "scene":
        return any(not isinstance(item, Ground) for item in statement.items)
    return statement.kind not in _DETAILS


def described(statement: Statement) -> Statement:
    """Returns "the ball is on the left" as the description of a first image."""
    colours, sizes = frozenset(filter(None, (statement.colour,))), frozenset(filter(None, (statement.size,)))
    where = () if statement.where is None else (statement.where,)
    items = tuple(
        replace(one, colours=one.colours or colours, sizes=one.sizes or sizes, where=(*one.where, *where))
        for one in statement.subject
    )
    return replace(statement, kind="scene", items=items, subject=())
