"""Dialects: tables of words by which image generators of the micro world differ in the words that they obey.

In a dialect, trained words of some classes and their first synonyms change places, and the second synonyms mean the
trained words too. The generator's weights are the same; the image server replaces the words (`--words`).
"""

from __future__ import annotations

from interleavethinker.microworld.scenes.sprites import COLOURS, KINDS, SIZES

from .vocabulary import SYNONYMS

__all__ = ["DIALECTS", "words_of"]

DIALECTS = ("trained", "objects", "looks")
"""The generator's own words; synonyms of objects; synonyms of colors and sizes."""


def words_of(dialect: str) -> dict[str, str]:
    """Returns what each word of a prompt is replaced by; nothing for `trained`.

    Examples:
        >>> table = words_of("objects")
        >>> table["ball"], table["sphere"], table["orb"], "red" in table
        ('sphere', 'ball', 'ball', False)
    """
    classes = {"trained": (), "objects": tuple(KINDS), "looks": (*COLOURS, *SIZES)}[dialect]
    table: dict[str, str] = {}
    for word in classes:
        first, *others = SYNONYMS[word]
        table |= {word: first, first: word} | dict.fromkeys(others, word)
    return table
