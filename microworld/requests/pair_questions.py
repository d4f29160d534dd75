"""Answers what is there besides an object, and what two objects of an image have in common or not.

Rules over plain words; each returns None for questions of other forms.
"""

from __future__ import annotations

import re

from interleavethinker.microworld.language.templates import place
from interleavethinker.microworld.scenes.scene import Scene, SceneObject
from interleavethinker.microworld.scenes.sprites import KINDS

from .answers import Answer, count_answer, yes_no_answer
from .asked_objects import all_of, asked, one_of
from .object_questions import listed

__all__ = ["PAIR_QUESTIONS"]

_BESIDES = "(?:besides|apart from|aside from|other than|except(?: for)?|in addition to)"


def _besides(text: str, scene: Scene) -> Answer | None:
    """Answers "what else is there besides the cat", "how many things are there apart from the tree"."""
    match = re.fullmatch(
        r"(?P<lead>what|who|which (?:things?|objects?)|how many (?P<what>\w+))(?: else)?(?: (?:is|are|do|can|you|we|i|"
        rf"see|there|here|shown|visible|in the picture))*(?: else)? {_BESIDES} (?P<a>(?:the|both|all) .+)",
        text,
    )
    if match is None or asked(match["a"]) is None:
        return None
    named, left_out = all_of(match["a"], scene)
    if not left_out and not named.phrase.every:
        one_of(match["a"], scene)
    among = all_of(f"the {match['what']}", scene)[1] if match["what"] else [*scene.objects.items()]
    others = [one for one in among if one not in left_out]
    if match["what"]:
        return count_answer(len(others))
    if not others:
        return Answer(
            "what", "There is nothing else.", (frozenset({"nothing", "no", "none"}),), frozenset(KINDS) - {named.noun}
        )
    return listed(others)


def _differ(text: str, scene: Scene) -> Answer | None:
    """Answers "what is the difference between the cat and the ball", "what do the cat and the ball have in common"."""
    match = re.fullmatch(
        r"(?:what (?:is|are) the differences? between|how (?:do|are)|compare|what do) (?P<a>the .+?) and (?P<b>the .+?)"
        r"(?P<what> have in common| share| differ| different)?",
        text,
    )
    if (
        match is None
        or re.search(r"\b(?:picture|image|scene)s?\b", text)
        or not (match["what"] or "between" in text or "compare" in text)
    ):
        return None
    if asked(match["a"]) is None or asked(match["b"]) is None:
        return None
    pair = one_of(match["a"], scene), one_of(match["b"], scene)
    (_, one), (_, other) = pair
    if match["what"] in {" have in common", " share"}:
        return _shared(one, other)
    required = tuple(frozenset({word}) for _, obj in pair for word in (obj.kind, obj.size, obj.colour))
    shown = [f"the {obj.kind} {place(cell)} is {obj.size} and {obj.colour}" for cell, obj in pair]
    return Answer("difference", f"{' and '.join(shown)}.".capitalize(), required)


def _shared(one: SceneObject, other: SceneObject) -> Answer:
    both = [mine for mine, its in zip(one.named[1:], other.named[1:], strict=True) if mine == its]
    if not both:
        return Answer(
            "difference", "They share neither color nor size.", (frozenset({"nothing", "neither", "no", "none"}),)
        )
    return Answer("difference", f"Both are {' and '.join(both)}.", tuple(frozenset({value}) for value in both))


def _alike_ones(text: str, scene: Scene) -> Answer | None:
    """Answers "are there two things of the same size", "which things have the same color"."""
    match = re.fullmatch(
        r"(?P<lead>are there|are|do|have|which|what)(?: (?P<number>two|three|four|any two|any|some))? (?P<what>\w+)"
        r"(?: (?:that|which|of|with|have|has|are|is|in))* the same (?P<how>colour|size)",
        text,
    )
    if match is None or (named := asked(f"all {match['what']}")) is None:
        return None
    by_look: dict[str, list[str]] = {}
    for cell, obj in named.found_in(scene):
        look = obj.colour if match["how"] == "colour" else obj.size
        by_look.setdefault(look, []).append(f"the {obj.kind} {place(cell)}")
    least = {"three": 3, "four": 4}.get(match["number"] or "", 2)
    groups = {look: shown for look, shown in by_look.items() if len(shown) >= least}
    how = "color" if match["how"] == "colour" else "size"
    said = " and ".join(f"{' and '.join(shown)} are {look}" for look, shown in groups.items())
    if match["lead"] in {"which", "what"}:
        required = tuple(frozenset({look}) for look in groups) or (frozenset({"none", "no"}),)
        return Answer("which", f"{said[:1].upper()}{said[1:]}." if groups else f"None have the same {how}.", required)
    return yes_no_answer(bool(groups), said or f"they differ in {how}")


def _like_another(text: str, scene: Scene) -> Answer | None:
    """Answers "what has the same color as the car", "does anything have the same size as the cat"."""
    match = re.fullmatch(
        r"(?P<lead>what|which|who|do(?:es)?|is there|are there)(?: (?:else|other|any|anything|something|"
        r"things?|objects?|"
        r"else|that))*(?: (?:is|are|has|have|of|with))* the same (?P<how>colour|size) as (?P<a>the .+)",
        text,
    )
    if match is None or asked(match["a"]) is None:
        return None
    cell, one = one_of(match["a"], scene)
    look = match["how"]
    others = [
        (at, obj)
        for at, obj in scene.objects.items()
        if at != cell and (obj.colour == one.colour if look == "colour" else obj.size == one.size)
    ]
    if match["lead"] in {"what", "which", "who"} and others:
        return listed(others)
    value = one.colour if look == "colour" else one.size
    if not others:
        return yes_no_answer(False, f"nothing else is {value}")
    shown = " and ".join(f"the {obj.kind} {place(at)}" for at, obj in others)
    return yes_no_answer(True, f"{shown} {'is' if len(others) == 1 else 'are'} {value} as well")


PAIR_QUESTIONS = (_besides, _differ, _alike_ones, _like_another)
"""The rules, in the order in which they are tried."""
