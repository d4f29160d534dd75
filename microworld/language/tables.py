"""Says where each object of a list of rows or columns is: "first row: ball, box, star; second row: cat, bird, fish".

Works on the text of a whole request that consists of such a list. Knows no grammar and no scene.
"""

from __future__ import annotations

import re

from .compiled_patterns import compiled
from .key_words import LOOK, ONE
from .quantities import number_of

__all__ = ["RANKS", "told_by_lines"]

_I = re.IGNORECASE
RANKS = {
    "row": {"first": "top", "second": "middle", "third": "bottom", "last": "bottom"},
    "column": {"first": "left", "second": "middle", "third": "right", "last": "right"},
}
"""The rows and columns that ordinal numbers name."""
_ORDINALS = ("first", "second", "third")
_LINE = (
    r"(?:(?:in |on )?the )?(?:(?P<rank>first|second|third|last|top|middle|bottom|left|right) (?P<line>row|column)|"
    r"(?P<numbered>row|column) (?P<number>one|two|three|[123]))"
)
_ITEM = rf"(?:an? )?{LOOK}(?:{ONE})"
_TOLD = rf"\s*{_LINE} ?[:=-] ?(?P<items>{_ITEM}(?:(?:,| and|, and) {_ITEM}){{0,2}})\s*(?:[.;,\n]|$)\s*"
_ALONG = {"row": ("left", "", "right"), "column": ("top", "", "bottom")}


def told_by_lines(text: str) -> str:
    """Returns a list of rows or columns as one sentence about all its objects; any other text unchanged.

    Examples:
        >>> told_by_lines("First row: ball, box, star.")
        'a ball in the top left, a box at the top and a star in the top right.'
    """
    told: list[str] = []
    at = 0
    while at < len(text):
        match = compiled(_TOLD, _I).match(text, at)
        if match is None:
            return text
        told += _placed(match)
        at = match.end()
    return f"{', '.join(told[:-1])} and {told[-1]}." if len(told) > 1 else f"{told[0]}." if told else text


def _placed(match: re.Match[str]) -> list[str]:
    line = (match["line"] or match["numbered"]).lower()
    rank = match["rank"].lower() if match["rank"] else _ORDINALS[number_of(match["number"]) - 1]
    side = RANKS[line].get(rank, rank)
    items = compiled(r"(?:,? and |, ?)").split(match["items"])
    if len(items) < len(_ALONG[line]):
        return [f"{_named(item)} in the {side} {line}" for item in items]
    return [f"{_named(item)} {_cell(side, line, along)}" for item, along in zip(items, _ALONG[line], strict=True)]


def _named(item: str) -> str:
    article = compiled(r"an? ", _I).match(item)
    return item if article else f"a {item}"


def _cell(side: str, line: str, along: str) -> str:
    names = (side, along) if line == "row" else (along, side)
    words = [name for name in names if name not in {"", "middle"}]
    if len(words) == 2:
        return f"in the {' '.join(words)}"
    return "in the middle" if not words else f"{'on' if words[0] in {'left', 'right'} else 'at'} the {words[0]}"
