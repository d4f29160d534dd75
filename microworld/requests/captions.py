"""Compares the text beside an image with the scene that the image is to show.

A text is wrong if it names an object, a place of an object or a background that the scene does not have. Objects that
the step changed or removed may be named as they were before. Texts may leave everything out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from interleavethinker.microworld.language.grammar import Noun, background_in, cell_of
from interleavethinker.microworld.language.lexicon import singular, to_words
from interleavethinker.microworld.language.templates import CellTarget, place, with_article
from interleavethinker.microworld.language.vocabulary import BACKGROUND_PHRASES
from interleavethinker.microworld.scenes.scene import Scene
from interleavethinker.microworld.scenes.sprites import COLOURS, KINDS, SIZES

__all__ = ["caption_faults"]

_NAMES = frozenset("top bottom left right middle centre".split())
_PLACE_WORDS = _NAMES.union("a an at in is are now of on side corner the to was were".split())
"""Words between an object and its place, and those of the place itself."""


def caption_faults(text: str, cells: Sequence[CellTarget | None], background: str, before: Scene | None) -> list[str]:
    """Returns what a text says that the image is not to show; nothing if they agree.

    Args:
        text: The text.
        cells: What each of the nine cells of the image must hold.
        background: The background that the image must have.
        before: The scene that the step starts from; None if it generates from text alone.
    """
    words = to_words(text)
    faults = [
        f"the text says {_described(noun)!r}, which the image is not to show"
        for noun in _nouns(words)
        if not any(_fits(noun, cell, wanted) for cell, wanted in enumerate(cells)) and not _was_there(noun, before)
    ]
    if before is not None and words[:1] == ["now"]:
        faults += [
            f"the text says that now {_described(noun)!r} is there, which was there before"
            for noun in _nouns(words)
            if noun.cell is not None
            and (obj := before.cells[noun.cell]) is not None
            and _fits(noun, noun.cell, CellTarget.of(obj))
        ]
    allowed = {background} if before is None else {background, before.background}
    named = dict.fromkeys(ground for ground in background_in(words) if ground not in allowed)
    return faults + [
        f"the text says {BACKGROUND_PHRASES[ground][0]!r}, but the background is {background}" for ground in named
    ]


def _nouns(words: list[str]) -> Iterator[Noun]:
    """Yields the objects that a text names, each with a place only if the place follows at once."""
    for at, word in enumerate(words):
        if singular(word) not in KINDS:
            continue
        start = at
        while start > 0 and words[start - 1] in {*COLOURS, *SIZES}:
            start -= 1
        described = words[start:at]
        end = next((end for end in range(at + 1, len(words)) if words[end] not in _PLACE_WORDS), len(words))
        if "to" in words[at + 1 : end] and _NAMES.intersection(words[at + 1 : words.index("to", at)]):
            end = words.index("to", at)  # "the bird at the top to the left" says where it was and where it goes
        yield Noun(
            singular(word),
            next((one for one in described if one in COLOURS), None),
            next((one for one in described if one in SIZES), None),
            None if "of" in words[at + 1 : end] else cell_of(words[at + 1 : end]),
        )


def _fits(noun: Noun, cell: int, wanted: CellTarget | None) -> bool:
    return (
        wanted is not None
        and noun.kind == wanted.kind
        and noun.colour in {None, wanted.colour}
        and (noun.size is None or wanted.size in {None, noun.size})
        and noun.cell in {None, cell}
    )


def _was_there(noun: Noun, before: Scene | None) -> bool:
    return before is not None and any(_fits(noun, cell, CellTarget.of(obj)) for cell, obj in before.objects.items())


def _described(noun: Noun) -> str:
    words = with_article(" ".join(filter(None, (noun.size, noun.colour, noun.kind))))
    return words if noun.cell is None else f"{words} {place(noun.cell)}"
