"""Answers in words about scenes, and the answer to how two scenes differ. Knows no questions."""

from __future__ import annotations

from dataclasses import dataclass

from interleavethinker.microworld.language.templates import name, place, with_article
from interleavethinker.microworld.scenes.scene import Scene

__all__ = ["Answer", "difference_between"]


@dataclass(frozen=True)
class Answer:
    """The answer to a question about given images."""

    kind: str
    """`what`, `where`, `colour`, `size`, `count`, `exists`, `background`, `describe` or `difference`."""
    text: str
    """A correct answer, one sentence."""
    required: tuple[frozenset[str], ...]
    """Each correct answer contains at least one word of every set."""
    forbidden: frozenset[str] = frozenset()
    """Words that make an answer wrong."""


def difference_between(before: Scene, after: Scene) -> Answer:
    """Describes in words how the second scene differs from the first."""
    found = [] if before.background == after.background else [f"the background is {after.background} instead"]
    required: list[frozenset[str]] = [] if not found else [frozenset({after.background})]
    for cell, (old, new) in enumerate(zip(before.cells, after.cells, strict=True)):
        if old and new and old.named != new.named:
            found.append(f"the {name(old)} {place(cell)} has become {with_article(name(new))}")
            changed = [two for one, two in zip(old.named, new.named, strict=True) if one != two]
            required += [
                frozenset({value, *({"bigger"} if value == "big" else {"smaller"} if value == "small" else ())})
                for value in changed
            ]
            required.append(frozenset({old.kind, new.kind}))
        elif old and not new:
            found.append(f"the {name(old)} {place(cell)} is gone")
            required.append(frozenset({old.kind}))
        elif new and not old:
            found.append(f"{with_article(name(new))} {place(cell)} is new")
            required.append(frozenset({new.kind}))
    if not found:
        return Answer(
            "difference", "Nothing that words can tell is different.", (frozenset({"nothing", "no", "same"}),)
        )
    return Answer("difference", f"In the second picture, {', '.join(found)}.", tuple(required))
