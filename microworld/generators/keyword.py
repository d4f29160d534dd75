"""A generator without a model that has learned its words by heart: whatever is said in others, it does not do.

For tests, and for trying data and rewards out without waiting: only other words can mend its failures, never a new
seed. Knows the words that the real generator is trained on from `vocabulary`, and nothing of how they are learned.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from PIL import Image

from interleavethinker.microworld.language.vocabulary import CANONICAL

from .oracle import OracleGenerator

__all__ = ["KeywordGenerator"]


class KeywordGenerator:
    """Has `MicroGenerator`'s methods.

    Attributes:
        made: How many pictures were made.
    """

    def __init__(self) -> None:
        self.made = 0
        self._renderer = OracleGenerator()

    def generate(self, texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        """One picture for each text; an empty meadow where a word is unknown."""
        self.made += len(texts)
        return self._renderer.generate([_heard(text) for text in texts], seeds)

    def edit(self, images: Sequence[Image.Image], texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        """One picture for each instruction; its image again where a word is unknown."""
        self.made += len(texts)
        return self._renderer.edit(images, [_heard(text) for text in texts], seeds)


def _heard(text: str) -> str:
    """The text, or nothing if it has a word that no generator is trained on."""
    return "" if CANONICAL.keys() & set(re.findall(r"\w+", text)) else text
