"""A generator without a model that follows a text only if all its words are trained ones.

For tests, and for trying out data and rewards without waiting for a model: its failures can be fixed by rewriting the
prompt, but never by a new seed. Knows the vocabulary, and nothing of how a real generator learns it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from PIL import Image

from interleavethinker.microworld.language.vocabulary import CANONICAL

from .oracle import OracleGenerator

__all__ = ["KeywordGenerator"]


class KeywordGenerator:
    """Follows texts of trained words; has the methods of `MicroGenerator`.

    Attributes:
        images_made: Number of images made so far.
    """

    def __init__(self) -> None:
        self.images_made = 0
        self._renderer = OracleGenerator()

    def generate(self, texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        """Generates one image per text; an empty meadow if the text contains a synonym."""
        self.images_made += len(texts)
        return self._renderer.generate([_trained_text(text) for text in texts], seeds)

    def edit(self, images: Sequence[Image.Image], texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        """Returns one image per instruction; the unchanged image if the instruction contains a synonym."""
        self.images_made += len(texts)
        return self._renderer.edit(images, [_trained_text(text) for text in texts], seeds)


def _trained_text(text: str) -> str:
    """Returns the text, or an empty one if it contains a word that generators are not trained on."""
    return "" if CANONICAL.keys() & set(re.findall(r"\w+", text)) else text
