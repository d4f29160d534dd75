"""Single statements of a story: which of them bring something new, and what they say of a first image.

Knows no wording.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from interleavethinker.microworld.language.phrase_types import Ground, Phrase
from interleavethinker.microworld.language.reader.tagging import tag
from interleavethinker.microworld.language.statements import Statement

__all__ = ["are_moments", "described", "happens", "in_state", "is_moment", "moment_rule"]

_ARRIVES = frozenset({"appear", "come"})
_COMES = ("comes", "arrives", "appears")
_DETAILS = frozenset({"is", "keep", "mention", "only", "absent", "alone", "vacant"})
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


def are_moments(statements: Sequence[Statement]) -> bool:
    """Whether the statements of one sentence tell one event after the other: "a girl, a cat comes, the cat leaves"."""
    return len(statements) > 2 and not statements[0].ordered and all(map(_is_event, statements[1:]))


def moment_rule(
    statements: Sequence[Statement], named: int | None, *, one_by_one: bool
) -> Callable[[Statement], bool] | None:
    """Returns which statements get a picture of their own; None: those that the words put into a new one.

    Args:
        statements: The statements of a request.
        named: The number of pictures that it names.
        one_by_one: Whether they are told one after the other.
    """
    if one_by_one or named == len(statements):
        return happens
    return is_moment if named == sum(map(is_moment, statements)) else None


def _is_event(statement: Statement) -> bool:
    if statement.kind == "scene":
        arrivals = ("VERB", "EXISTS")
        return any(
            token.tag in arrivals and (token.classes & _ARRIVES or token.text.endswith(_COMES))
            for token in tag(tuple(statement.text.split()))
        )
    told = statement.kind not in _DETAILS and not statement.ordered
    return told and not (statement.kind == "background" and statement.stated)


def described(statement: Statement) -> Statement:
    """Returns "the ball is on the left" as the description of a first image."""
    colours, sizes = frozenset(filter(None, (statement.colour,))), frozenset(filter(None, (statement.size,)))
    where = () if statement.where is None else (statement.where,)
    items = tuple(
        replace(one, colours=one.colours or colours, sizes=one.sizes or sizes, where=(*one.where, *where))
        for one in statement.subject
    )
    return replace(statement, kind="scene", items=items, subject=())


def in_state(phrase: Phrase, statement: Statement) -> Phrase:
    """Returns "one" of "one is red" as one that may be red."""
    if phrase.pronoun != "one" or phrase.definite is not False or phrase.colours or phrase.sizes or phrase.where:
        return phrase
    where = () if statement.where is None else (statement.where,)
    colours, sizes = frozenset(filter(None, (statement.colour,))), frozenset(filter(None, (statement.size,)))
    return replace(phrase, colours=colours, sizes=sizes, where=where)
