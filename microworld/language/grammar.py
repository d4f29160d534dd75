"""Sentence patterns of the micro world: turns canonical words into clauses without looking anything up in a scene.

Patterns are regular expressions over words; `{old}` and `{like}` are definite descriptions, `{new}` is an indefinite
one, `{to}` a place. Knows no scene; `parser` resolves what a description refers to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, KINDS, SIZES

from .held_out import INDIRECT_BACKGROUNDS

__all__ = ["Clause", "Noun", "Place", "background_in", "cell_of", "match_clause", "split_clauses"]


@dataclass(frozen=True)
class Noun:
    """An object as described; None where the words leave an attribute open."""

    kind: str
    colour: str | None = None
    size: str | None = None
    cell: int | None = None


@dataclass(frozen=True)
class Place:
    """A cell, named directly or by an offset (rows, columns) from an anchor (None: from the object that moves)."""

    cell: int | None = None
    offset: tuple[int, int] | None = None
    anchor: Noun | None = None


@dataclass(frozen=True)
class Clause:
    """One edit as worded, before its descriptions are resolved."""

    kind: str
    old: Noun | None = None
    new: Noun | None = None
    like: Noun | None = None
    """The object whose color is to be copied."""
    to: Place | None = None
    colour: str | None = None
    size: str | None = None
    background: str | None = None


_ADJECTIVE = f"(?:{'|'.join((*SIZES, *COLOURS))})"
_KIND = f"(?:{'|'.join(KINDS)})"
_SPOT = "(?:top|bottom|left|right|middle|centre)(?: (?:top|bottom|left|right|middle|centre))*(?: (?:corner|side|row))?"
_AT = f"(?:in|on|at|into|onto|to) (?:the )?{_SPOT}"
_BESIDE = {
    (0, -1): "(?:(?:on|at|to) the )?left(?: side)? of",
    (0, 1): "(?:(?:on|at|to) the )?right(?: side)? of",
    (-1, 0): "above|over|on top of",
    (1, 0): "below|under",
}
_STEP = {
    (0, -1): "(?:to the )?left",
    (0, 1): "(?:to the )?right",
    (-1, 0): "up",
    (1, 0): "down",
}
_GROUND = f"(?:(?:in|on|at|by|during|to|into|with|a|an|the) )*(?P<ground>{'|'.join(BACKGROUNDS)})"


def _definite(name: str) -> str:
    return f"(?P<{name}>(?:the|this|that|my|its) (?:{_ADJECTIVE} )*{_KIND}(?: {_AT}(?! of))?)"


def _beside() -> str:
    sides = "|".join(f"(?:{words})" for words in _BESIDE.values())
    return f"(?P<side>{sides}) {_definite('anchor')}"


_SLOTS = {
    "old": _definite("old"),
    "like": _definite("like"),
    "new": f"(?P<new>(?:a|an|one|another) (?:{_ADJECTIVE} )*{_KIND})",
    "to": f"(?P<to>{_AT}|{_beside()})",
    "step": f"(?:(?:one|a) step )(?P<step>{'|'.join(_STEP.values())})",
    "colour": f"(?P<colour>{'|'.join(COLOURS)})",
    "size": f"(?P<size>{'|'.join((*SIZES, 'bigger', 'smaller'))})",
    "ground": _GROUND,
    "stage": "(?:the )?(?:background|scene|picture|image)(?: of the (?:picture|image|scene))?",
}
_PATTERNS: tuple[tuple[str, str], ...] = (
    ("background", "(?:change|set|make|turn|show|put|move|bring) {stage} {ground}"),
    ("background", "(?:let it be|it is|it should be|{stage} (?:should be|is|becomes)|change to|make it) {ground}"),
    ("remove", "(?:remove|delete|erase|drop|take away|get rid of) {old}"),
    ("remove", "take {old} away"),
    ("remove", "nobody wants {old} here any more"),
    ("remove", "{old} has gone(?: home| away)?"),
    ("remove", "{old} should (?:not be (?:here|there)|go away)"),
    ("replace", "(?:replace|swap|exchange|change|turn) {old} (?:with|for|into|to|by) {new}"),
    ("replace", "{old} (?:becomes|turns into|should (?:be|become)) {new}"),
    ("replace", "(?:instead|in place) of {old} (?:i want|we want|put|draw|add|there should be) {new}"),
    ("replace", "{new} should (?:stand|be) where {old} is"),
    ("replace", "(?:put|draw|add|i want) {new} (?:instead|in place) of {old}"),
    ("move", "(?:move|bring|shift|push|put|place|take) {old} {to}"),
    ("move", "(?:move|bring|shift|push|put|place|take) {old} {step}"),
    ("move", "let {old} go {step}"),
    ("move", "let {old} go {to}"),
    ("move", "{old} (?:should go|goes|should move) {step}"),
    ("move", "{old} (?:should (?:go|move|be|stand)|goes|belongs) {to}"),
    ("recolour", "(?:make|turn|paint|colour|recolour|change) {old} (?:(?:in|to|into) )?{colour}"),
    ("recolour", "(?:change|turn|set) the colour of {old} to {colour}"),
    ("recolour", "(?:make|turn|paint|colour) {old} (?:(?:in|to|into) )?the (?:same )?colour (?:of|as) {like}"),
    ("recolour", "{old} should have the (?:same )?colour (?:of|as) {like}"),
    ("recolour", "give {old} the (?:same )?colour (?:of|as) {like}"),
    ("recolour", "{old} (?:should be|becomes|turns) {colour}"),
    ("resize", "(?:make|turn) {old} {size}"),
    ("resize", "resize {old} to {size}"),
    ("resize", "{old} (?:should be|becomes) {size}"),
    ("grow", "let {old} grow|{old2} has grown"),
    ("shrink", "let {old} shrink|{old2} has shrunk"),
    ("add", "(?:add|put|draw|place|paint|include|show|i want|we want|there should be) {new}(?: {to})?"),
    ("add", "{to} (?:there should be|i want|we want|add|put|draw|place) {new}"),
    ("add", "{new} (?:belongs|should be|should stand) {to}"),
)


def _compile(pattern: str) -> re.Pattern[str]:
    filled = pattern.replace("{old2}", _definite("old2"))
    for slot, expression in _SLOTS.items():
        filled = filled.replace(f"{{{slot}}}", expression)
    return re.compile(filled)


_COMPILED = tuple((kind, _compile(pattern)) for kind, pattern in _PATTERNS)
_BACKGROUND_OF_PHRASE = {text: ground for ground, texts in INDIRECT_BACKGROUNDS.items() for text in texts}
_SEPARATOR = re.compile(r"(?: ?, ?and then | ?, ?and | ?, ?then | and then | then | and | ?, )")
_POLITE = re.compile(r"^(?:(?:please|then|now|also|and) )+|(?: (?:please|now|instead))+$")


def split_clauses(words: list[str]) -> list[Clause] | None:
    """Splits a text into clauses at commas, "and" and "then".

    A part without a verb takes over the verb before it: "make the ball red and the cat blue" gives two clauses.

    Returns:
        The clauses, or None if no way of splitting turns every part into a clause.
    """
    text = " ".join(words).strip(" ,")
    return _match_parts(_SEPARATOR.split(text), "")


def _match_parts(parts: list[str], verb: str) -> list[Clause] | None:
    if not parts:
        return []
    for end in range(1, len(parts) + 1):
        text = " and ".join(parts[:end])
        for candidate in (text, f"{verb} {text}") if verb else (text,):
            clause = match_clause(candidate)
            rest = _match_parts(parts[end:], candidate.split(" ", 1)[0]) if clause else None
            if clause and rest is not None:
                return [clause, *rest]
    return None


def match_clause(text: str) -> Clause | None:
    """Matches one clause in canonical words; None if no pattern fits."""
    text = " ".join(text.split())
    if text in _BACKGROUND_OF_PHRASE:
        return Clause("background", background=_BACKGROUND_OF_PHRASE[text])
    text = _POLITE.sub("", text) if text not in _BACKGROUND_OF_PHRASE else text
    for kind, pattern in _COMPILED:
        match = pattern.fullmatch(text)
        if match:
            return _clause(kind, {key: value for key, value in match.groupdict().items() if value})
    return None


def _clause(kind: str, found: dict[str, str]) -> Clause:
    size = {"grow": "big", "shrink": "small", "bigger": "big", "smaller": "small"}
    old = found.get("old") or found.get("old2")
    size_word = found.get("size", kind)
    return Clause(
        kind="resize" if kind in {"grow", "shrink"} else kind,
        old=_noun(old) if old else None,
        new=_noun(found["new"]) if "new" in found else None,
        like=_noun(found["like"]) if "like" in found else None,
        to=_place(found),
        colour=found.get("colour"),
        size=size.get(size_word, size_word) if "size" in found or kind in size else None,
        background=found.get("ground"),
    )


def _noun(text: str) -> Noun:
    words = text.split()
    at = next(index for index, word in enumerate(words) if word in KINDS)
    before, after = words[:at], words[at + 1 :]
    return Noun(
        words[at],
        next((word for word in before if word in COLOURS), None),
        next((word for word in before if word in SIZES), None),
        cell_of(after),
    )


def _place(found: dict[str, str]) -> Place | None:
    if "step" in found:
        return Place(offset=_offset(found["step"], _STEP))
    if "side" in found:
        return Place(offset=_offset(found["side"], _BESIDE), anchor=_noun(found["anchor"]))
    return Place(cell=cell_of(found["to"].split())) if "to" in found else None


def _offset(text: str, expressions: dict[tuple[int, int], str]) -> tuple[int, int]:
    return next(offset for offset, words in expressions.items() if re.fullmatch(words, text))


def cell_of(words: list[str]) -> int | None:
    """Returns the cell that words such as "in the top left corner" name, or None."""
    named = set(words) & {"top", "bottom", "left", "right", "middle", "centre"}
    if not named:
        return None
    row = 0 if "top" in named else 2 if "bottom" in named else 1
    column = 0 if "left" in named else 2 if "right" in named else 1
    return 3 * row + column


def background_in(words: list[str]) -> Iterator[str]:
    """Yields the backgrounds that occur among the words."""
    return (word for word in words if word in BACKGROUNDS)
