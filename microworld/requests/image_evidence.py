"""What images must show for single words of a request: that something goes, that one differs, that several change.

Each function has the story's images and the place of a word in the request's plain text, and tells whether the images
bear that word out. Knows no sentences.
"""

from __future__ import annotations

import re

from interleavethinker.microworld.language.compiled_patterns import compiled
from interleavethinker.microworld.language.plain_text import NUMBER_WORDS, canonical
from interleavethinker.microworld.scenes.scene import CELLS
from interleavethinker.microworld.scenes.sprites import KINDS

from .story_changes import StoryChanges
from .story_things import LINES

__all__ = [
    "all_else_goes",
    "anything_changes",
    "are_two",
    "changes_first",
    "compares",
    "counts",
    "goes",
    "happens_often",
    "is_beside",
    "is_denied",
    "is_one",
    "is_sized",
    "lies_in_line",
    "lies_there",
    "moves",
    "never",
    "one_differs",
    "one_joins",
    "only_some_change",
    "others_change",
    "recurs",
    "several_change",
    "several_images",
    "something_goes",
]

_DENIAL = (
    r"\b(?:no|zero|not|\w{2,6}n['\u2019]t|never|without|w/o|nor|neither|none|nobody|instead of|rather than|except|but|"
    r"forget|cannot)\b"
    r"[^.!?;\n]*$"
)
_NUMBERED = "row|column|cell|line|picture|image|page|panel|frame|scene|step|part|chapter|slide|number|day|act|shot"
_PLANTS = frozenset({"tree", "flower"})
"""Kinds that grow where they are drawn."""
_REACH = 40
"""Characters before a word that tell what it belongs to."""
_CELLS = {"left": {0, 3, 6}, "right": {2, 5, 8}, "top": {0, 1, 2}, "bottom": {6, 7, 8}, "corner": {0, 2, 6, 8}}


def is_denied(match: re.Match[str]) -> bool:
    """Whether the words before a word deny it: "no cars"."""
    before = match.string[max(0, match.start() - _REACH) : match.start()]
    return compiled(_DENIAL, re.IGNORECASE).search(before) is not None


def never(_: StoryChanges, __: re.Match[str]) -> bool:
    """No image bears such words out."""
    return False


def counts(told: StoryChanges, match: re.Match[str]) -> bool:
    """Whether some number of objects or images is the one that the words name, unless they number a picture."""
    if compiled(rf"\b(?:{_NUMBERED})s?(?: one and| two and)? $").search(
        match.string, max(0, match.start() - _REACH), match.start()
    ):
        return True
    number = NUMBER_WORDS.index(match["word"]) + 1
    changed = [len(change.changed) for change in told.changes]
    if number in {len(told.frames), len(told.changes), sum(changed), *changed}:
        return True
    bare = compiled(r"\s*(?:[.,;!?]|$)").match(match.string, match.end()) is not None  # "now she has two"
    for frame in told.frames:
        things = frame.things.values()
        looks: list[list[object]] = [
            [thing.kind for thing in things],
            [(thing.kind, thing.colour.allowed) for thing in things],
            [(thing.kind, thing.size.allowed) for thing in things],
            [(thing.kind, thing.cell.allowed) for thing in things],
            [(thing.kind, thing.colour.allowed, thing.size.allowed) for thing in things],
        ]
        if not bare:
            looks += [
                [True for _ in things],
                [thing.colour.allowed for thing in things],
                [thing.size.allowed for thing in things],
            ]
        if any(one.count(look) == number for one in looks for look in one):
            return True
    return False


def something_goes(told: StoryChanges, _: re.Match[str]) -> bool:
    """Whether something goes."""
    return not told.changes or told.happens(lambda change: change.removed) > 0


def all_else_goes(told: StoryChanges, match: re.Match[str]) -> bool:
    """Whether something goes, or the words are of the first picture, in which nothing else is yet."""
    is_first = not told.is_edit and compiled(r"[.!?;\n]").search(match.string, 0, match.start()) is None
    return is_first or something_goes(told, match)


def only_some_change(told: StoryChanges, match: re.Match[str]) -> bool:
    """Whether something goes, or changes where others do not."""
    return something_goes(told, match) or any(
        (change.others or len(change.before.things) < 2) and bool(change.changed) != change.of_ground
        for change in told.changes
    )


def others_change(told: StoryChanges, match: re.Match[str]) -> bool:
    """Whether other objects change than before, or several, or some go."""
    if is_denied(match):
        return True
    if not told.changes:
        return len(told.things) > 1
    changed = [change.changed for change in told.changes if change.changed]
    return len(changed) > 1 or any(len(one) > 1 for one in changed) or something_goes(told, match)


def several_change(told: StoryChanges, _: re.Match[str]) -> bool:
    """Whether several objects change, at once or one after the other, or all that there are."""
    if not told.changes:
        return len(told.things) != 1
    at_once = any(
        len(change.changed) > 1 or change.of_ground or change.changed >= change.before.things.keys()
        for change in told.changes
    )
    return at_once or len({change.changed for change in told.changes}) > 1


def one_joins(told: StoryChanges, match: re.Match[str]) -> bool:
    """Whether several change, or something comes to what is there."""
    return several_change(told, match) or any(change.added and change.before.things for change in told.changes)


def several_images(told: StoryChanges, _: re.Match[str]) -> bool:
    """Whether there are several images."""
    return len(told.frames) > 1


def changes_first(told: StoryChanges, match: re.Match[str]) -> bool:
    """Whether the first change, or the first image, is one of the kind that the words name."""
    kind = canonical(match["noun"])
    named = [{**one.before.things, **one.after.things}[at] for one in told.changes for at in one.changed][:1]
    first = named or [thing for frame in told.frames[:1] for thing in frame.things.values()]
    return kind not in KINDS or any(thing.kind == kind for thing in first)


def recurs(told: StoryChanges, _: re.Match[str]) -> bool:
    """Whether something is as it was before but not in between, or something comes that is there already."""
    seen: set[object] = set()
    gone: set[object] = set()
    for frame in told.frames:
        present: set[object] = {("ground", frozenset(frame.ground.allowed))}
        for one, thing in frame.things.items():
            looks = (frozenset(value.allowed) for value in (thing.colour, thing.size, thing.cell))
            present |= {one, thing.kind, (one, thing.kind), *((one, look) for look in looks)}
        if present & gone:
            return True
        seen |= present
        gone = seen - present
    return any(
        {change.after.things[one].kind for one in change.added}
        & {thing.kind for thing in change.before.things.values()}
        for change in told.changes
    )


def happens_often(told: StoryChanges, _: re.Match[str]) -> bool:
    """Whether something happens more than once."""
    return sum(bool(change.changed or change.of_ground) for change in told.changes) > 1


def compares(told: StoryChanges, _: re.Match[str]) -> bool:
    """Whether a place or a size is told."""
    return told.has_relations or any(
        len(thing.size.allowed) == 1 or len(thing.cell.allowed) < CELLS for thing in told.things
    )


def goes(told: StoryChanges, match: re.Match[str]) -> bool:
    """Whether something goes, which may be the snow."""
    gone = told.happens(lambda change: change.removed) or any(change.of_ground for change in told.changes)
    return bool(gone) or is_denied(match)


def anything_changes(told: StoryChanges, _: re.Match[str]) -> bool:
    """Whether anything changes."""
    return any(change.changed or change.of_ground for change in told.changes)


def is_sized(told: StoryChanges, _: re.Match[str]) -> bool:
    """Whether a size is told, changes or comes."""
    sized = any(len(thing.size.allowed) == 1 or thing.kind in _PLANTS for thing in told.things)
    return sized or told.happens(lambda change: change.of("size") | change.added) > 0


def moves(told: StoryChanges, _: re.Match[str]) -> bool:
    """Whether something moves, comes or goes, or its place is told by another object."""
    return told.has_relations or told.happens(lambda change: change.of("cell") | change.removed | change.added) > 0


def one_differs(told: StoryChanges, _: re.Match[str]) -> bool:
    """Whether one object alone changes, or two of a kind look different."""
    looks = [
        {(one.kind, *map(frozenset, (one.colour.allowed, one.size.allowed))) for one in frame.things.values()}
        for frame in told.frames
    ]
    kinds = [{one.kind for one in frame.things.values()} for frame in told.frames]
    differ = any(len(look) > len(kind) for look, kind in zip(looks, kinds, strict=True))
    return differ or any(len(change.changed) == 1 for change in told.changes)


def is_beside(told: StoryChanges, match: re.Match[str]) -> bool:
    """Whether a place is told that was not given: by another object, or by a cell."""
    given = told.frames[0].things.keys() if told.is_edit else set()
    placed = any(
        len(thing.cell.allowed) < CELLS
        for frame in told.frames
        for one, thing in frame.things.items()
        if one not in given
    )
    return placed or told.has_relations or is_denied(match) or told.happens(lambda change: change.of("cell")) > 0


def are_two(told: StoryChanges, match: re.Match[str]) -> bool:
    """Whether some image shows two of the kind, unless both are described alike."""
    kind, named = canonical(match["noun"]), match.groupdict()
    alike = "look" in named and named["look"].split() == named["other"].split()
    several = (sum(thing.kind == kind for thing in frame.things.values()) > 1 for frame in told.frames)
    return kind not in KINDS or alike or any(several)


def lies_in_line(told: StoryChanges, match: re.Match[str]) -> bool:
    """Whether the place of an object is told by a row or a column."""
    return is_denied(match) or any(thing.cell.allowed <= line for thing in told.things for line in LINES)


def is_one(told: StoryChanges, match: re.Match[str]) -> bool:
    """Whether an image shows one object of the kind, which no image shows without words for it."""
    counts = (sum(thing.kind == canonical(match["noun"]) for thing in frame.things.values()) for frame in told.frames)
    return canonical(match["noun"]) not in KINDS or 1 in counts


def lies_there(told: StoryChanges, match: re.Match[str]) -> bool:
    """Whether an object lies on the side that the words name, or moves."""
    cells = _CELLS[match["word"].rstrip("s")]
    lies = told.has_relations or any(thing.cell.allowed <= cells for thing in told.things)
    return lies or is_denied(match) or told.happens(lambda change: change.of("cell") | change.removed) > 0
