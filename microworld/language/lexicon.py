"""Which words the parser knows, and their canonical spellings. Knows single words and nothing of sentences."""

import re
from collections.abc import Sequence

from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, KINDS, SIZES
from interleavethinker.tools.errors import InputError

from .held_out import INDIRECT_BACKGROUNDS
from .vocabulary import CANONICAL, known_words

__all__ = ["check_vocabulary", "near_words", "singular", "to_words", "unknown_words_text"]

_SPELLINGS = {
    "center": "centre",
    "central": "centre",
    "color": "colour",
    "colored": "coloured",
    "larger": "bigger",
    "lower": "bottom",
    "photo": "picture",
    "upper": "top",
}
_PLURALS = {f"{kind}s": kind for kind in KINDS} | {"boxes": "box", "girls": "girl", "fish": "fish"}
_FUNCTION = """
also and any another as be become becomes belongs below beside by colour coloured did does down drop everything fields
for four from get give go goes gone green grow grown has have here home i image include instead into is it its let like
me middle more my next no nobody not now of off one only onto or other over please push rid row same shift should shrink
shrunk side stand step than that their them then there three turns two under up us want wants was we where which will
with without
""".split()
_INDIRECT_WORDS = {word for texts in INDIRECT_BACKGROUNDS.values() for text in texts for word in text.split()}
_KNOWN = known_words() | set(_FUNCTION) | set(_PLURALS) | set(_SPELLINGS) | _INDIRECT_WORDS | {"above", "bottom", "top"}
_TRAINED = [*KINDS, *COLOURS, *SIZES, *BACKGROUNDS]
_CONTENT = [*_TRAINED, *CANONICAL]
"""Candidates for suggestions when a word is unknown."""
_NAMED, _LONGEST = 6, 30
"""Unknown words listed in one message, and letters shown of each."""


def to_words(text: str) -> list[str]:
    """Splits a text into lower-case words and commas; synonyms become trained words, plurals stay.

    Examples:
        >>> to_words("Add two crimson balls; then stop.")
        ['add', 'two', 'red', 'balls', ',', 'then', 'stop', ',']
    """
    plain = re.findall(r"[a-z]+|[,.;]", text.lower().replace("’", "'").replace("'s ", " "))
    return ["," if word in ".;" else CANONICAL.get(word, _SPELLINGS.get(word, word)) for word in plain]


def check_vocabulary(text: str, extra: frozenset[str] = frozenset()) -> None:
    """Raises an error if a text contains words that the micro world does not know.

    Args:
        text: A request, description or instruction.
        extra: Further allowed words, in lower case.

    Raises:
        InputError: The text has no words (`empty_text`) or unknown ones (`unknown_words`); the message suggests the
            nearest known words for each.
    """
    words = re.findall(r"[^\W_]+", text.lower().replace("’", "'").replace("'s", ""))
    if not words:
        raise InputError("The text has no words.", code="empty_text")
    unknown = [word for word in dict.fromkeys(words) if word not in _KNOWN and word not in extra]
    if not unknown:
        return
    raise InputError(unknown_words_text(unknown), code="unknown_words")


def unknown_words_text(unknown: Sequence[str]) -> str:
    """Returns the message for unknown words, with the known words near each and what the micro world draws."""
    listed = "; ".join(_named(word) for word in unknown[:_NAMED])
    if len(unknown) > _NAMED:
        listed += f"; and {len(unknown) - _NAMED} more"
    return (
        f"The micro world does not know these words: {listed}. It knows the objects {', '.join(KINDS)}; the colors "
        f"{', '.join(COLOURS)}; the sizes {' and '.join(SIZES)}; and the backgrounds {', '.join(BACKGROUNDS)}. "
        "All words: interleavethinker micro words."
    )


def _named(word: str) -> str:
    shown = word if len(word) <= _LONGEST else f"{word[:_LONGEST]}…"
    near = near_words(word)
    return f"{shown!r} (nearest: {', '.join(near)})" if near else repr(shown)


def near_words(word: str) -> list[str]:
    """Returns at most three known content words that differ from a word by a typing error, nearest first.

    Words of four or five letters may differ by one letter (inserted, left out, replaced or swapped with its neighbor),
    longer ones by two; shorter ones have no neighbors.

    Examples:
        >>> near_words("purpel"), near_words("finds")
        (['purple'], [])
    """
    allowed = 0 if len(word) < 4 else 1 if len(word) < 6 else 2
    if not allowed or len(word) > _LONGEST:
        return []
    found = [(_distance(word, other), other) for other in _CONTENT if abs(len(word) - len(other)) <= allowed]
    return [other for distance, other in sorted(found) if distance <= min(allowed, len(other) // 3)][:3]


def _distance(first: str, second: str) -> int:
    """Returns the number of insertions, deletions, replacements and swaps of neighbors between two words."""
    rows = [list(range(len(second) + 1))]
    for at, letter in enumerate(first, 1):
        row = [at]
        for to, other in enumerate(second, 1):
            cost = min(rows[-1][to] + 1, row[-1] + 1, rows[-1][to - 1] + (letter != other))
            if at > 1 and to > 1 and letter == second[to - 2] and first[at - 2] == other:
                cost = min(cost, rows[-2][to - 2] + 1)
            row.append(cost)
        rows.append(row)
    return rows[-1][-1]


def singular(word: str) -> str:
    """Returns the kind of object that a plural names; any other word unchanged."""
    return _PLURALS.get(word, word)
