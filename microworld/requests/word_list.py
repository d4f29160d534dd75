"""What requests may say, as data for `micro words`: words with their synonyms, forms of sentences, and limits."""

from __future__ import annotations

from dataclasses import dataclass

from interleavethinker.microworld.language.plain_text import EXTRA_SYNONYMS
from interleavethinker.microworld.language.vocabulary import SYNONYMS
from interleavethinker.microworld.scenes.scene import CELLS, POSITIONS
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, KINDS, SIZES

from .families import MAX_STEPS

__all__ = ["WordList", "word_list"]


@dataclass(frozen=True)
class WordList:
    """The words of requests."""

    objects: dict[str, tuple[str, ...]]
    """Each object with its synonyms."""
    colors: dict[str, tuple[str, ...]]
    sizes: dict[str, tuple[str, ...]]
    backgrounds: dict[str, tuple[str, ...]]
    places: tuple[str, ...]
    relations: tuple[str, ...]
    changes: tuple[str, ...]
    """One example for each kind of change."""
    questions: tuple[str, ...]
    """One example for each kind of question about an image."""
    limits: tuple[str, ...]


def word_list() -> WordList:
    """Returns the words that the rules understand."""
    return WordList(
        objects={word: _synonyms(word) for word in KINDS},
        colors={word: _synonyms(word) for word in COLOURS},
        sizes={word: _synonyms(word) for word in SIZES},
        backgrounds={word: _synonyms(word) for word in BACKGROUNDS},
        places=POSITIONS,
        relations=("left of", "right of", "above", "below", "next to", "between"),
        changes=(
            "add a cat",
            "a cat appears",
            "remove the cat",
            "the cat goes away",
            "make the cat red",
            "the cat turns red",
            "make the cat big",
            "the cat grows",
            "the cat shrinks",
            "move the cat to the right",
            "the cat walks to the top",
            "swap the cat and the ball",
            "replace the cat with a bird",
            "the cat becomes a bird",
            "make it night",
            "night falls",
            "the sun goes down",
            "it starts to snow",
        ),
        questions=(
            "What is on the left?",
            "Where is the cat?",
            "Which color is the cat?",
            "How big is the cat?",
            "How many cats are there?",
            "Is there a cat?",
            "Describe the picture.",
            "What has changed?",
        ),
        limits=(
            f"one object in each of {CELLS} cells",
            "counts from one to nine",
            f"up to {MAX_STEPS} steps are tested",
            "edits and questions need an image: --image FILE",
        ),
    )


def _synonyms(word: str) -> tuple[str, ...]:
    return (*SYNONYMS[word], *(other for other, meant in EXTRA_SYNONYMS.items() if meant == word))
