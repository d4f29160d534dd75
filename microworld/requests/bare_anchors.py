"""Reads a noun without an article after a relation as the object that is there: "put a bird on top of tree".

Knows no story; the caller says which kinds of objects are there.
"""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import replace

from interleavethinker.microworld.language.clauses import Statement
from interleavethinker.microworld.language.key_words import LOOK
from interleavethinker.microworld.language.phrase_types import Ground, Phrase, Where
from interleavethinker.microworld.language.plain_text import canonical

__all__ = ["with_known_anchors"]


def with_known_anchors(statement: Statement, there: Set[str]) -> Statement:
    """Returns a statement whose places refer to what is there, where the words have no article.

    Args:
        statement: It may place objects by others.
        there: Kinds of the objects that the picture has before.
    """
    text = " ".join(map(canonical, statement.text.split()))

    def known(where: Where) -> Where:
        return replace(where, anchors=tuple(replace(one, definite=True) if bare(one) else one for one in where.anchors))

    def bare(anchor: Phrase) -> bool:
        single = anchor.definite is False and anchor.count == 1 and not (anchor.again or anchor.pronoun)
        return single and anchor.kind in there and _after_relation(anchor.kind, text)

    def placed(item: Phrase) -> Phrase:
        return replace(item, where=tuple(map(known, item.where)))

    items = tuple(item if isinstance(item, Ground) else placed(item) for item in statement.items)
    where = None if statement.where is None else known(statement.where)
    return replace(statement, items=items, where=where)


def _after_relation(kind: str, text: str) -> bool:
    """Whether a noun follows a word of place at once: "next to tree", "between cat and tree"."""
    before = "of|to|on|above|below|over|under|beneath|underneath|beside|by|near|behind|between"
    return re.search(rf"\b(?:{before}|between {LOOK}\w+ and) {LOOK}{kind}\b", text) is not None
