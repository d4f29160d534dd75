"""Divides changes of several objects that happen one after the other: "the cats leave one by one"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from interleavethinker.microworld.language.phrase_types import Ground, Phrase
from interleavethinker.microworld.language.statements import Statement

from .story import Story
from .story_things import wide

__all__ = ["in_turn"]

_CHANGES = frozenset({"move", "recolour", "remove", "resize", "return"})


def in_turn(statement: Statement, story: Story) -> Iterator[Statement]:
    """Yields a statement as it is, or if its change happens in turn, once for each object in the order of their names.

    The caller applies each statement before it asks for the next one.
    """
    if not statement.in_turn or statement.kind not in {"scene", *_CHANGES}:
        yield statement
        return
    if statement.kind == "scene":
        yield from _arrivals(statement)
        return
    new = all(one.definite is False and one.kind for one in statement.subject)
    if new and not story.frames and story.source is None:  # "three cats leave one by one": first they are there
        yield replace(statement, kind="scene", items=statement.subject, subject=(), where=None)
        ids = list(story.last)
    else:
        ids = _meant(statement, story)
    where = wide(statement.where) if statement.where is not None and len(ids) > 1 else statement.where
    for one in ids:
        known = (Phrase(pronoun="known", count=one, definite=True),)
        yield replace(statement, subject=known, where=where, new_piece=True)


def _meant(statement: Statement, story: Story) -> list[int]:
    gone = story.gone_before(statement) if statement.kind == "return" else None
    found = (story.resolve(one) if gone is None else story.returning(one, gone) for one in statement.subject)
    return list(dict.fromkeys(chain.from_iterable(found)))


def _arrivals(statement: Statement) -> Iterator[Statement]:
    phrases = [one for one in statement.items if isinstance(one, Phrase)]
    if not phrases or any(one.alike or one.distinct for one in phrases):
        yield statement
        return
    others = tuple(one for one in statement.items if not isinstance(one, Phrase))
    singles: list[Phrase] = []
    for phrase in phrases:
        parts = [
            replace(phrase, count=1, parts=(replace(part, count=1),))
            for part in phrase.parts
            for _ in range(part.count)
        ]
        singles += parts or [replace(phrase, count=1)] * phrase.count
    for at, phrase in enumerate(singles):
        items: tuple[Phrase | Ground, ...] = (phrase,) if at else (phrase, *others)
        yield replace(statement, items=items, new_piece=statement.new_piece or at > 0)
