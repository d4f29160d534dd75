"""Compares two prompts word by word, so that a page can mark the words that a rewrite removed and added."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

__all__ = ["Passage", "word_diff"]

_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(rf"(?:[{_UNSPACED}]|(?:(?![{_UNSPACED}])[\w'’-])+|[^\w\s])\s*")
"""One word, one character of a script without spaces, or one punctuation mark, with the white space after it."""
_MAX_COMPARISONS = 4_000_000
"""Words times words; longer prompts count as rewritten completely, since the comparison takes quadratic time."""
_RELATED = 0.3
"""Share of equal words below which marking single words would leave only scraps."""


@dataclass(frozen=True)
class Passage:
    """Part of a comparison, in reading order."""

    kind: Literal["same", "removed", "added"]
    text: str


def word_diff(before: str, after: str) -> tuple[Passage, ...]:
    """Returns passages that give `after` if the removed ones are left out; white space may differ.

    Examples:
        `word_diff("a small kitten", "a small cat")` returns the passages same "a small ", removed "kitten", same " ",
        added "cat".
    """
    old, new = _TOKEN.findall(before.strip()), _TOKEN.findall(after.strip())
    if not old or len(old) * len(new) > _MAX_COMPARISONS:
        return _replaced(old, new)
    matcher = SequenceMatcher(None, [word.strip() for word in old], [word.strip() for word in new], autojunk=False)
    if matcher.ratio() < _RELATED:
        return _replaced(old, new)
    passages: list[Passage] = []
    for kind, start, end, new_start, new_end in matcher.get_opcodes():
        if kind == "equal":
            passages.append(Passage("same", "".join(new[new_start:new_end])))
        else:
            passages += _replaced(old[start:end], new[new_start:new_end])
    return tuple(passages)


def _replaced(old: Sequence[str], new: Sequence[str]) -> tuple[Passage, ...]:
    """Returns the removed and the added words; the white space after them is not marked."""
    removed, added = "".join(old), "".join(new)
    passages: list[Passage] = []
    if removed:
        passages += [Passage("removed", removed.rstrip()), Passage("same", " ")]
    if added:
        passages.append(Passage("added", added.rstrip()))
        if added != added.rstrip():
            passages.append(Passage("same", added[len(added.rstrip()) :]))
    return tuple(passages)
