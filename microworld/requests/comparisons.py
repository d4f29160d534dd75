"""Answers questions about two images: which of them has more, how their backgrounds differ, what happened to the cat.

Rules over plain words; each returns None for questions of other forms.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from interleavethinker.microworld.language.templates import name, place, with_article
from interleavethinker.microworld.language.vocabulary import BACKGROUND_PHRASES
from interleavethinker.microworld.scenes.scene import Scene
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS

from .answers import Answer, difference_between
from .asked_objects import Asked, all_of, asked

__all__ = ["COMPARISON", "compare"]

COMPARISON = re.compile(
    r"\b(?:differ\w*|changed?|changes|compar\w*|new in the second|was done|has happened|happened|happens to|"
    r"between the "
    r"(?:two|first)|missing|disappear(?:s|ed)?|appear(?:s|ed)?|vanished|added|removed|same|gone|moved?|still|before)\b|"
    r"\b(?:two|both) (?:pictures|images)\b|\bwhat is new\b"
)
_IMAGE = "(?:picture|image|one|scene)"
_ORDINALS = ("first", "second", "third", "fourth")


def compare(text: str, scenes: Sequence[Scene]) -> Answer | None:
    """Answers a question about several images; None if it is about one of them."""
    for rule in (_which, _more_in, _backgrounds, _of_one_kind):
        if (found := rule(text, scenes)) is not None:
            return found
    return difference_between(scenes[-2], scenes[-1]) if COMPARISON.search(text) else None


def _which(text: str, scenes: Sequence[Scene]) -> Answer | None:
    """Answers "which picture has more balls", "in which picture is there a cat", "which one is at night"."""
    tail = r"(?: ,? ?(?:the )?first (?:one )?or (?:the )?second(?: one)?)?"
    match = re.fullmatch(
        rf"(?:in |on )?which (?:of (?:the|these) (?:two )?)?{_IMAGE}s?(?: (?:has|shows|contains|have|show|are|is)| "
        rf"(?:do you see|can you see|do i see))?(?: there)? (?P<how>more|fewer|less|the most|most|the fewest)? "
        rf"?(?P<rest>.+?)"
        rf"{tail}",
        text,
    )
    if match is None:
        return None
    rest = match["rest"]
    ground = re.fullmatch(rf"(?:(?:in|on|at|by|a|an|the) )*(?P<ground>{'|'.join(BACKGROUNDS)}|dark)", rest)
    if ground is not None:
        wanted = "night" if ground["ground"] == "dark" else ground["ground"]
        return _numbered([scene.background == wanted for scene in scenes], "shows that")
    counts = [len(all_of(rest, scene)[1]) for scene in scenes]
    if match["how"] is None:
        named = asked(rest)
        negative = named is not None and named.phrase.negative
        return _numbered([bool(count) != negative for count in counts], "does")
    best = (max if match["how"] in {"more", "the most", "most"} else min)(counts)
    if counts.count(best) > 1:
        return Answer("which", f"Both have {best}.", (frozenset({"both", "equal", "same", "neither"}),))
    return _numbered([count == best for count in counts], "does", f" ({' and '.join(map(str, counts))})")


def _numbered(fits: Sequence[bool], verb: str, more: str = "") -> Answer:
    names = [_ORDINALS[number] for number, one in enumerate(fits) if one and number < len(_ORDINALS)]
    if not names:
        return Answer("which", "None of the pictures does.", (frozenset({"none", "neither", "no"}),))
    others = frozenset(_ORDINALS[: len(fits)]) - set(names)
    if len(names) > 1:
        return Answer(
            "which", f"The {' and the '.join(names)} picture do{more}.", tuple(frozenset({one}) for one in names)
        )
    return Answer("which", f"The {names[0]} picture {verb}{more}.", (frozenset(names),), others)


def _more_in(text: str, scenes: Sequence[Scene]) -> Answer | None:
    """Answers "are there more cats in the second picture", "does the first one have more balls"."""
    match = re.fullmatch(
        rf"(?:are|is) there (?P<how>more|fewer|less) (?P<what>.+?) (?:in|on) the (?P<which>first|second)(?: {_IMAGE})?"
        rf"(?: than .+)?|"
        rf"(?:does|has) the (?P<other>first|second) {_IMAGE} (?:have |show |contain )?(?P<how2>more|fewer|less) "
        rf"(?P<what2>.+)",
        text,
    )
    if match is None:
        return None
    counts = [len(all_of(match["what"] or match["what2"], scene)[1]) for scene in scenes[-2:]]
    if (match["which"] or match["other"]) == "first":
        counts.reverse()
    yes = counts[1] > counts[0] if (match["how"] or match["how2"]) == "more" else counts[1] < counts[0]
    word = "yes" if yes else "no"
    return Answer("exists", f"{word.capitalize()}: {counts[1]} there, {counts[0]} in the other.", (frozenset({word}),))


def _backgrounds(text: str, scenes: Sequence[Scene]) -> Answer | None:
    """Answers "compare the backgrounds", "is the background the same"."""
    if re.search(r"\b(?:backgrounds?|weather|time of day|setting)\b", text) is None:
        return None
    if re.search(r"\b(?:first|second|third|last)\b", text) is not None and not COMPARISON.search(text):
        return None
    first, second = scenes[-2].background, scenes[-1].background
    where = [BACKGROUND_PHRASES[one][0] for one in (first, second)]
    required = (frozenset({first}), frozenset({second}))
    if first == second:
        return Answer("difference", f"The background is the same: both pictures are {where[0]}.", required)
    return Answer("difference", f"The first picture is {where[0]}, the second {where[1]}.", required)


def _of_one_kind(text: str, scenes: Sequence[Scene]) -> Answer | None:
    """Answers "what happened to the cat", "did the ball move", "is the tree still there", "compare the cats"."""
    match = re.fullmatch(
        r"(?:what (?:has )?(?:happened|happens|changed|changes|is different) (?:to|with|about|in) (?P<a>the .+)|"
        r"(?:did|has|have|does|is|are) (?P<b>the .+?) (?:also )?(?:change|changed|move|moved|disappear|"
        r"disappeared|vanish|"
        r"vanished|gone|grow|grown|shrink|shrunk|the same|still (?:there|the same)|different|missing)(?: (?:its|"
        r"the|their) "
        r"(?:place|colour|size|position))?|"
        r"(?:is|are) (?P<e>(?:the|a) .+?) (?:in|on) both(?: (?:of (?:them|the) ?)?(?:pictures|images)?)?|compare "
        r"(?P<c>the .+)|how (?:has|did|is) (?P<d>the .+?) (?:changed?|different))(?: ,? ?please)?",
        text,
    )
    words = None if match is None else next(group for group in match.groups() if group)
    if words is None or re.search(r"\b(?:picture|image|scene)s?\b", words) or (named := asked(words)) is None:
        return None
    return _change_of(named, scenes[-2], scenes[-1])


def _change_of(named: Asked, before: Scene, after: Scene) -> Answer:
    texts = []
    required: list[frozenset[str]] = []
    for scene, which in ((before, "first"), (after, "second")):
        found = [(cell, obj) for cell, obj in scene.objects.items() if named.fits(cell, obj, scene)]
        listed = " and ".join(f"{with_article(name(obj))} {place(cell)}" for cell, obj in found)
        texts.append(f"in the {which} picture there is {listed or f'no {named.noun}'}")
        required += [frozenset({value}) for cell, obj in found for value in (obj.colour, *place(cell).split()[-1:])]
        if not found:
            required.append(frozenset({"no", "gone", "not", "new", "disappeared", "removed", "appeared", "added"}))
    text = ", ".join(texts)
    if texts[0].partition("is ")[2] == texts[1].partition("is ")[2]:
        return Answer("difference", f"Nothing: {text}.", (frozenset({"nothing", "no", "same", "not"}),))
    return Answer("difference", f"{text[:1].upper()}{text[1:]}.", tuple(required))
