"""Reads sentences in the patterns of `grammar`, as statements.

`clauses` reads most of them too; this catches the rest, such as "a big tree should stand where the ball is".
"""

from __future__ import annotations

import re
from dataclasses import replace

from .clauses import Statement
from .grammar import Clause, Noun, Place, split_clauses
from .lexicon import to_words
from .phrases import Phrase, Where, match_end
from .statements import SEQUENCE

__all__ = ["read_trained"]

_RELATIONS = {(0, -1): "left", (0, 1): "right", (-1, 0): "above", (1, 0): "below"}
_LEAD = re.compile(r"^(?:and |then |next |afterwards |finally |last |also |at the end |, )+")


def read_trained(words: tuple[str, ...]) -> list[Statement] | None:
    """Reads one sentence; returns None if it does not follow the patterns of `grammar`."""
    plain = " ".join(words)
    text = _LEAD.sub("", plain)
    while (end := match_end(SEQUENCE, text, 0)) is not None and end < len(text):
        text = text[end:]
    clauses = split_clauses(to_words(text))
    if not clauses:
        return None
    statements = [_statement(clause, text) for clause in clauses]
    return [replace(statements[0], new_piece=True, sequenced=text != plain), *statements[1:]]


def _statement(clause: Clause, text: str) -> Statement:
    if clause.kind == "add" and clause.new is not None:
        where = () if clause.to is None else (_where(clause.to),)
        return Statement("scene", items=(replace(_phrase(clause.new, definite=False), where=where),), text=text)
    return Statement(
        clause.kind,
        subject=() if clause.old is None else (_phrase(clause.old, definite=True),),
        new=None if clause.new is None else _phrase(clause.new, definite=False),
        like=None if clause.like is None else _phrase(clause.like, definite=True),
        where=None if clause.to is None else _where(clause.to),
        colour=clause.colour or "",
        size=clause.size or "",
        ground=clause.background or "",
        text=text,
    )


def _phrase(noun: Noun, *, definite: bool) -> Phrase:
    return Phrase(
        noun.kind,
        definite=definite,
        colours=frozenset({noun.colour} if noun.colour else ()),
        sizes=frozenset({noun.size} if noun.size else ()),
        where=() if noun.cell is None else (Where(frozenset({noun.cell})),),
    )


def _where(place: Place) -> Where:
    if place.cell is not None:
        return Where(frozenset({place.cell}))
    if place.anchor is not None and place.offset is not None:
        return Where(relation=_RELATIONS[place.offset], anchors=(_phrase(place.anchor, definite=True),))
    return Where(step=place.offset)
