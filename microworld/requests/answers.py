"""Answers in words about scenes, and the answer to how two scenes differ. Knows no questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from interleavethinker.microworld.language.plain_text import NUMBER_WORDS
from interleavethinker.microworld.language.templates import name, place, with_article
from interleavethinker.microworld.language.vocabulary import BACKGROUND_PHRASES
from interleavethinker.microworld.scenes.scene import POSITIONS, Scene, SceneObject
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, SIZES

__all__ = [
    "COUNT_WORDS",
    "Answer",
    "background_answer",
    "colour_answer",
    "count_answer",
    "difference_between",
    "joined",
    "number_words",
    "said_yes",
    "size_answer",
    "where_answer",
    "yes_no_answer",
]


@dataclass(frozen=True)
class Answer:
    """The answer to a question about given images."""

    kind: str
    """`what`, `where`, `colour`, `size`, `count`, `exists`, `background`, `describe`, `difference`, `which` (of the
    images) or `several` (questions)."""
    text: str
    """A correct answer, one sentence."""
    required: tuple[frozenset[str], ...]
    """Each correct answer contains at least one word of every set."""
    forbidden: frozenset[str] = frozenset()
    """Words that make an answer wrong."""


COUNT_WORDS = ("no", *NUMBER_WORDS)
"""The numbers from 0 on."""


def yes_no_answer(yes: bool, text: str) -> Answer:
    """Answers yes or no and says why."""
    word, other = ("yes", "no") if yes else ("no", "yes")
    return Answer("exists", f"{word.capitalize()}, {text}.", (frozenset({word}),), frozenset({other}))


def said_yes(yes: bool, answer: Answer) -> Answer:
    """Puts yes or no before an answer."""
    word = "yes" if yes else "no"
    return Answer(answer.kind, f"{word.capitalize()}: {answer.text[:1].lower()}{answer.text[1:]}", (frozenset({word}),))


def number_words(count: int) -> frozenset[str]:
    """Returns the words that state a count."""
    return frozenset({str(count), *COUNT_WORDS[count : count + 1], *({"zero", "none"} if count == 0 else ())})


def count_answer(count: int) -> Answer:
    """States how many of the objects in question there are."""
    return Answer("count", f"There {'is' if count == 1 else 'are'} {count or 'none'}.", (number_words(count),))


def colour_answer(obj: SceneObject) -> Answer:
    """States an object's color."""
    text = f"The {obj.kind} is {obj.colour}."
    return Answer("colour", text, (frozenset({obj.colour}),), frozenset(COLOURS) - {obj.colour})


def size_answer(obj: SceneObject) -> Answer:
    """States an object's size."""
    return Answer("size", f"The {obj.kind} is {obj.size}.", (frozenset({obj.size}),), frozenset(SIZES) - {obj.size})


def where_answer(cell: int, obj: SceneObject) -> Answer:
    """States an object's place."""
    words = POSITIONS[cell].split()
    others = {"top", "bottom", "left", "right", "middle", "centre"} - set(words)
    if cell in {3, 5, 1, 7}:
        others -= {"middle", "centre"}
    required = tuple(frozenset({word, *({"centre", "center"} if word == "middle" else ())}) for word in words)
    return Answer("where", f"The {obj.kind} is {place(cell)}.", required, frozenset(others))


def background_answer(scene: Scene) -> Answer:
    """States a background."""
    text = f"The picture is {BACKGROUND_PHRASES[scene.background][0]}."
    return Answer("background", text, (frozenset({scene.background}),), frozenset(BACKGROUNDS) - {scene.background})


def _moved(before: Scene, after: Scene) -> dict[int, int]:
    """Maps cells that lost an object to cells that got one that looks the same."""
    moved: dict[int, int] = {}
    for cell, obj in before.objects.items():
        for to, other in after.objects.items():
            free = after.cells[cell] is None and before.cells[to] is None and to not in moved.values()
            if free and obj.named == other.named and cell not in moved:
                moved[cell] = to
    return moved


def joined(answers: Sequence[Answer]) -> Answer:
    """Joins the answers to several questions: what one of them requires, the others do not forbid."""
    required = tuple(one for found in answers for one in found.required)
    forbidden = frozenset[str]().union(*(found.forbidden for found in answers)) - frozenset[str]().union(*required)
    return Answer("several", " ".join(found.text for found in answers), required, forbidden)


def difference_between(before: Scene, after: Scene) -> Answer:
    """Describes in words how the second scene differs from the first."""
    found = [] if before.background == after.background else [f"the background is {after.background} instead"]
    required: list[frozenset[str]] = [] if not found else [frozenset({after.background})]
    moved = _moved(before, after)
    for cell, (old, new) in enumerate(zip(before.cells, after.cells, strict=True)):
        if old and new and old.named != new.named:
            found.append(f"the {name(old)} {place(cell)} has become {with_article(name(new))}")
            changed = [two for one, two in zip(old.named, new.named, strict=True) if one != two]
            required += [
                frozenset({value, *({"bigger"} if value == "big" else {"smaller"} if value == "small" else ())})
                for value in changed
            ]
            required.append(frozenset({old.kind, new.kind}))
        elif old and not new and cell in moved:
            found.append(f"the {name(old)} has moved from {place(cell)} to {place(moved[cell])}")
            required.append(frozenset({old.kind}))
        elif old and not new:
            found.append(f"the {name(old)} {place(cell)} is gone")
            required.append(frozenset({old.kind}))
        elif new and not old and cell not in moved.values():
            found.append(f"{with_article(name(new))} {place(cell)} is new")
            required.append(frozenset({new.kind}))
    if not found:
        return Answer(
            "difference", "Nothing that words can tell is different.", (frozenset({"nothing", "no", "same"}),)
        )
    return Answer("difference", f"In the second picture, {', '.join(found)}.", tuple(required))
