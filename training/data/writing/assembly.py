"""Puts requests together from the bank files: equally many of every sub-category, none twice.

The order depends on the seed and the files alone, so a larger set begins with the requests of a smaller one.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from interleavethinker.tools.errors import InputError

from .banks import SLOT, Category, normalized

__all__ = ["WrittenRequest", "assemble"]

_TRIES = 50
"""Repeated requests in a row after which a template counts as used up."""


@dataclass(frozen=True)
class WrittenRequest:
    """A request with what it was made from."""

    text: str
    category: str
    subcategory: str
    template: int
    """Number of the template among all, from 1."""


def assemble(categories: Sequence[Category], count: int, seed: int) -> Iterator[WrittenRequest]:
    """Yields requests: categories take turns, in each its sub-categories, in each its templates.

    Args:
        categories: With vocabulary and templates.
        count: How many; fewer come if the files do not have so many different ones.
        seed: Seed of the choice of entries.

    Raises:
        InputError: There is no template.
    """
    generator = random.Random(seed)
    sources = _sources(categories)
    if not sources:
        raise InputError("No template can be used. Edit the files, or delete them to have them written again.")
    seen: set[str] = set()
    made = 0
    while sources and made < count:
        for source in list(sources):
            if made >= count:
                return
            request = source.next(generator, seen)
            if request is None:
                sources.remove(source)
                continue
            made += 1
            yield request


class _Subcategory:
    """One sub-category, whose templates take turns."""

    def __init__(self, category: Category, name: str, templates: list[tuple[int, str]]) -> None:
        self._category = category
        self._name = name
        self._templates = templates
        self._turn = 0

    def next(self, generator: random.Random, seen: set[str]) -> WrittenRequest | None:
        while self._templates:
            self._turn = (self._turn + 1) % len(self._templates)
            number, template = self._templates[self._turn]
            for _ in range(_TRIES):
                text = self._filled(template, generator)
                key = normalized(text)
                if key not in seen:
                    seen.add(key)
                    return WrittenRequest(text, self._category.name, self._name, number)
            del self._templates[self._turn]
        return None

    def _filled(self, template: str, generator: random.Random) -> str:
        text = SLOT.sub(lambda slot: generator.choice(self._category.vocabulary[slot[1]]), template)
        return text[:1].upper() + text[1:]


def _sources(categories: Sequence[Category]) -> list[_Subcategory]:
    """Returns the sub-categories in turn: the first of every category, then the second, and so on."""
    ranked = []
    number = 0
    for place, category in enumerate(categories):
        for rank, (name, templates) in enumerate(category.templates.items()):
            numbered = list(enumerate(templates, number + 1))
            number += len(templates)
            if numbered:
                ranked.append((rank, place, _Subcategory(category, name, numbered)))
    return [source for _, _, source in sorted(ranked, key=lambda one: one[:2])]
