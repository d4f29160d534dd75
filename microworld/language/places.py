"""Reads places and backgrounds: "on the left", "next to the house", "in the top row", "at night".

Knows no scene and no noun phrases; `phrases` reads the objects that places refer to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from interleavethinker.microworld.scenes.sprites import BACKGROUNDS
from interleavethinker.tools.errors import InputError

from .phrase_patterns import (
    ACROSS,
    BARE_PLACE,
    CORNER,
    DESCRIBED_PLACE,
    FILLER_FITS,
    GROUND,
    GROUND_NAME,
    GROUND_WORDS,
    OPPOSITE,
    PLACE,
    RELATIONS,
    ROW,
)
from .phrase_types import Ground, Phrase, Where

__all__ = ["CORNERS", "PlaceReader", "cell_named", "match_end", "side_of"]

_SPOT_CELLS = {"top": (0, 1, 2), "bottom": (6, 7, 8), "left": (0, 3, 6), "right": (2, 5, 8)}
CORNERS = frozenset({0, 2, 6, 8})


def side_of(cell: int) -> frozenset[int]:
    """Returns the cells of a whole side for the cell in its middle; of any other cell, that cell."""
    return frozenset({1: (0, 1, 2), 7: (6, 7, 8), 3: (0, 3, 6), 5: (2, 5, 8)}.get(cell, (cell,)))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{pattern})(?: |$)")


def match_end(pattern: str, text: str, at: int) -> int | None:
    """Returns where a pattern of whole words that begins at this position ends, or None."""
    found = _compiled(pattern).match(text, at)
    return None if found is None else found.end()


_CALLS, _CALLS_PER_WORD = 10_000, 1_000
"""Patterns that are tried for one sentence at most; ordinary sentences need about a hundred per word."""


class PlaceReader:
    """Reads places of one sentence.

    Args:
        words: Its words in canonical spelling; plurals stay.
    """

    def __init__(self, words: tuple[str, ...]) -> None:
        self.text = " ".join(words)
        self._budget = _CALLS_PER_WORD * len(words) + _CALLS

    def phrases(self, at: int) -> list[tuple[Phrase, int]]:
        """Reads one noun phrase; see `phrases.PhraseReader`."""
        raise NotImplementedError

    def end(self, pattern: str, at: int) -> int | None:
        """Returns where a pattern that begins at this position ends, or None.

        Raises:
            InputError: The sentence has so many readings that it must be split (`too_long`).
        """
        self._budget -= 1
        if self._budget < 0:
            msg = "One sentence of the request is too long or too nested to read; split it into shorter sentences."
            raise InputError(msg, code="too_long")
        return match_end(pattern, self.text, at)

    def match(self, pattern: str, at: int) -> re.Match[str] | None:
        """Returns the match of a pattern of whole words at this position."""
        return _compiled(pattern).match(self.text, at)

    def ground(self, at: int, *, bare: bool = False) -> tuple[Ground, int] | None:
        """Reads a background: "at night", "in a meadow"; `bare`: also without a preposition."""
        found = self.match(GROUND, at)
        if found is None or not (found["prep"] or bare or found["stage"]):
            return None
        name = GROUND_WORDS[found["ground"]]
        for word in (found["filler"] or "").split():
            if name not in FILLER_FITS.get(word, BACKGROUNDS):
                return None
        if found["prep"] in {"with ", "in front of "} and not found["stage"] and name not in {"sunset", "forest"}:
            return None
        return Ground(name, bool(found["empty"])), found.end()

    def wheres(self, at: int, *, bare: bool = False, described: bool = False) -> Iterator[tuple[Where, int]]:
        """Reads a place or a relation; `bare`: also "top left"; `described`: not "to the left"."""
        yield from self._relations(at)
        yield from self.opposites(at, bare=False)
        if (found := self.match(ROW, at)) is not None:
            line = found["line"] or found["edge"]
            middle = (1, 4, 7) if found.group().split()[-1] == "column" else (3, 4, 5)
            yield Where(frozenset(_SPOT_CELLS.get(line, middle)), row=found["row"] is not None), found.end()
        if (end := self.end(CORNER, at)) is not None:
            yield Where(CORNERS), end
        pattern = DESCRIBED_PLACE if described else PLACE
        found = self.match(pattern, at) or (self.match(BARE_PLACE, at) if bare else None)
        if found is not None and self._ends_at(found.end()):
            cell = cell_named(found["spots"].split())
            if cell is not None:
                yield Where(frozenset({cell})), found.end()

    def opposites(self, at: int, *, bare: bool) -> Iterator[tuple[Where, int]]:
        """Reads "in the opposite corner", "to the other side"; `bare`: also without a preposition."""
        found = self.match(OPPOSITE, at)
        if found is not None and (bare or found["to"]) and self._ends_at(found.end()):
            kind = "point" if found["point"] else "side" if found["side"] else found["corner"]
            yield Where(opposite=kind), found.end()

    def _ends_at(self, at: int) -> bool:
        """Whether a place ends here: "left of the tree" is a relation, "the middle of a meadow" is a place."""
        return self.end("of (?!the picture|the image|the scene)", at) is None or (
            self.match(rf"of (?:(?:the|a|an|this) )?(?:\w+ )?(?:{GROUND_NAME})", at) is not None
        )

    def _relations(self, at: int) -> Iterator[tuple[Where, int]]:
        if (start := self.end("between", at)) is not None:
            for first, middle in self.phrases(start):
                pair = (first.count == 2 and not first.parts) or (first.every and first.kind)
                if pair or first.pronoun == "them":
                    yield Where(relation="between", anchors=(first,)), middle
                if (second := self.end("and", middle)) is not None:
                    for other, end in self.phrases(second):
                        yield Where(relation="between", anchors=(first, other)), end
        own = self.match("(?:to|on|at|from) (?:its|his|her) (?P<side>left|right)(?: side)?", at)
        if own is not None:
            yield Where(relation=own["side"], anchors=(Phrase(pronoun="it", definite=True),)), own.end()
        if (start := self.end(f"{ACROSS} (?:of|from)", at)) is not None:
            yield from (
                (Where(relation="across", anchors=(one,)), end) for one, end in self.phrases(start) if one.definite
            )
        for relation, pattern in RELATIONS.items():
            if (start := self.end(pattern, at)) is not None:
                for anchor, end in self.phrases(start):
                    yield Where(relation=relation, anchors=(anchor,)), end


def cell_named(words: list[str]) -> int | None:
    """Returns the cell that words such as "top left" name; None if they contradict each other."""
    named = set(words)
    if {"top", "bottom"} <= named or {"left", "right"} <= named:
        return None
    row = 0 if "top" in named else 2 if "bottom" in named else 1
    column = 0 if "left" in named else 2 if "right" in named else 1
    return 3 * row + column
