"""Answers in which of two images something holds, what swapped places, how much changed, and whether they are the same.

Rules over plain words; each returns None for questions of other forms.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from interleavethinker.microworld.language.phrase_patterns import GROUND_NAME, GROUND_WORDS
from interleavethinker.microworld.language.templates import name, place, with_article
from interleavethinker.microworld.language.vocabulary import BACKGROUND_PHRASES
from interleavethinker.microworld.scenes.scene import Scene, SceneObject
from interleavethinker.microworld.scenes.sprites import KINDS
from interleavethinker.tools.errors import InputError

from .answers import Answer, difference_between, number_words, said_yes, yes_no_answer
from .asked_objects import all_of, asked, one_of

__all__ = ["IMAGE_PAIRS", "Change", "change_text", "changes_between", "numbered"]

_ORDINALS = ("first", "second", "third", "fourth")
_PICTURE = "(?:picture|image|one|scene|photo)"
_IN_WHICH = rf"(?:in |on )?which(?: of (?:the|these|them|both)(?: two)?)?(?: {_PICTURE}s?)?"
_TIMES = {**GROUND_WORDS, "dark": "night", "snowing": "snow", "snowy": "snow", "snow": "snow"}
_DAYS = ("day", "daytime", "light", "bright")
_THEY = r"(?:they|these|those|both|the two|it|(?:the|these|those|both)(?: two)? (?:pictures|images|scenes|ones|photos))"
_SAME = "(?:(?:exactly |completely |all )*(?:the )?(?:same|identical|equal|alike)(?: (?:picture|image|scene)s?)?)"
_DIFFERENT = "(?:different|not|other|unequal|not (?:the )?(?:same|identical|equal|alike))"
Change = tuple[tuple[int, SceneObject] | None, tuple[int, SceneObject] | None]
"""An object with its cell in the first image, and what it is in the second; None where it is not there."""


def numbered(fits: Sequence[bool], verb: str, more: str = "") -> Answer:
    """Names the images for which something holds."""
    names = [_ORDINALS[number] for number, one in enumerate(fits) if one and number < len(_ORDINALS)]
    if not names:
        return Answer("which", "None of the pictures does.", (frozenset({"none", "neither", "no"}),))
    others = frozenset(_ORDINALS[: len(fits)]) - set(names)
    if len(names) > 1:
        return Answer(
            "which", f"The {' and the '.join(names)} picture do{more}.", tuple(frozenset({one}) for one in names)
        )
    return Answer("which", f"The {names[0]} picture {verb}{more}.", (frozenset(names),), others)


def _ground_in(text: str, scenes: Sequence[Scene]) -> Answer | None:
    """Answers "in which picture is it night", "in which one does it snow"."""
    match = re.fullmatch(
        rf"{_IN_WHICH} (?:is|was|does) it (?:(?:in|on|at|by|a|an|the|already) )*"
        rf"(?P<ground>{GROUND_NAME}|dark|snow(?:ing|y)?|{'|'.join(_DAYS)})(?: time)?",
        text,
    )
    if match is None:
        return None
    if match["ground"] in _DAYS:
        return numbered([scene.background != "night" for scene in scenes], "shows that")
    return numbered([scene.background == _TIMES[match["ground"]] for scene in scenes], "shows that")


def _sized_in(text: str, scenes: Sequence[Scene]) -> Answer | None:
    """Answers "in which picture is the cat bigger"."""
    match = re.fullmatch(
        rf"{_IN_WHICH} is (?P<what>the .+?) (?:the )?(?P<how>bigger|smaller|biggest|largest|smallest)(?: one)?", text
    )
    if match is None or asked(match["what"]) is None:
        return None
    sizes = [one_of(match["what"], scene)[1].size for scene in scenes]
    if len(set(sizes)) == 1:
        said = f"Both times it is {sizes[0]}: it has the same size."
        return Answer("which", said, (frozenset({"both", "equal", "equally", "same", "neither"}),))
    wanted = "big" if match["how"].startswith(("big", "large")) else "small"
    return numbered([size == wanted for size in sizes], "does")


def _colours_in(text: str, scenes: Sequence[Scene]) -> Answer | None:
    """Answers "which picture has more colours"."""
    match = re.fullmatch(
        rf"{_IN_WHICH} (?:has|have|shows|contains|is|are|uses)(?: there)? "
        r"(?:the )?(?P<how>more|most|fewer|less|fewest)(?: different| of the)? colours?(?: than the other(?: one)?)?",
        text,
    )
    if match is None:
        return None
    counts = [len({obj.colour for obj in scene.objects.values()}) for scene in scenes]
    best = (max if match["how"] in {"more", "most"} else min)(counts)
    shown = " and ".join(map(str, counts))
    if counts.count(best) > 1:
        said = f"Both have the same number of colours in their objects: {best}."
        return Answer("which", said, (frozenset({"both", "equal", "same", "neither"}),))
    return numbered([count == best for count in counts], "has", f" {match['how']} colours in its objects ({shown})")


def _swapped(text: str, scenes: Sequence[Scene]) -> Answer | None:
    """Answers "have the cat and the tree swapped places"."""
    match = re.fullmatch(
        r"(?:have|has|did|do) (?P<what>the .+?) (?:swap(?:ped)?|switch(?:ed)?|exchanged?|trade[d]?|changed?)"
        r" (?:their )?(?:places|positions|place|position)(?: with (?:each other|one another|(?P<with>the .+)))?",
        text,
    )
    if match is None:
        return None
    before, after = scenes[-2:]
    first, *rest = re.split(r" and ", match["what"])
    rest += [match["with"]] if match["with"] else []
    if len(rest) > 1 or (not rest and "each other" not in text and re.search(r"change", text)):
        return None
    if rest:
        other = rest[0] if rest[0].startswith("the ") else f"the {rest[0]}"
        pair = [one_of(words, before) for words in (first, other)]
    else:
        _, pair = all_of(first, before)
    if len(pair) != 2:
        msg = f"Two objects can swap places; the question names {len(pair)}."
        raise InputError(msg, code="ambiguous" if pair else "not_there")
    (one, obj), (two, other_obj) = pair
    if obj.named == other_obj.named:
        msg = "Both look the same; the images do not show whether they swapped places."
        raise InputError(msg, code="ambiguous")
    yes = [scene_obj.kind if scene_obj else "" for scene_obj in (after.cells[one], after.cells[two])] == [
        other_obj.kind,
        obj.kind,
    ]
    if obj.kind == other_obj.kind:
        yes = [cell and cell.named for cell in (after.cells[one], after.cells[two])] == [other_obj.named, obj.named]
    shown = " and ".join(f"the {name(thing)} was {place(cell)}" for cell, thing in pair)
    there = " and ".join(
        f"{with_article(name(thing))} is {place(cell)}"
        for cell in (one, two)
        for thing in [after.cells[cell]]
        if thing is not None
    )
    return yes_no_answer(yes, f"{shown}; now {there or 'nothing is there'}")


_MATCHES: tuple[Callable[[tuple[int, SceneObject], tuple[int, SceneObject]], bool], ...] = (
    lambda one, two: one[0] == two[0] and one[1].named == two[1].named,
    lambda one, two: one[1].named == two[1].named,
    lambda one, two: one[0] == two[0] and one[1].kind == two[1].kind,
    lambda one, two: one[1].kind == two[1].kind,
    lambda one, two: one[0] == two[0],
)
"""How objects of two images correspond, the surest first."""


def changes_between(before: Scene, after: Scene) -> list[Change]:
    """Returns each object that changed with what it became; None for one that is new or gone.

    An object keeps its looks or its place if it can; one that keeps neither is the one of the same kind.
    """
    old, new = list(before.objects.items()), list(after.objects.items())
    changes: list[Change] = []
    for matches in _MATCHES:
        for one in list(old):
            two = next((candidate for candidate in new if matches(one, candidate)), None)
            if two is not None:
                old.remove(one)
                new.remove(two)
                if one[0] != two[0] or one[1].named != two[1].named:
                    changes.append((one, two))
    return [*changes, *((one, None) for one in old), *((None, two) for two in new)]


def change_text(change: Change) -> str:
    """Says what became of an object."""
    one, two = change
    if one is None or two is None:
        found = one or two
        assert found is not None  # noqa: S101 - one of them is always there
        return f"{with_article(name(found[1]))} {place(found[0])} is {'gone' if one else 'new'}"
    was = f"the {name(one[1])} {place(one[0])}"
    if one[1].named == two[1].named:
        return f"{was} is {place(two[0])} now"
    return f"{was} is {with_article(name(two[1]))}{'' if one[0] == two[0] else f' {place(two[0])}'} now"


def _how_many_changed(text: str, scenes: Sequence[Scene]) -> Answer | None:
    """Answers "how many things have changed", "how many differences are there"."""
    match = re.fullmatch(
        r"(?:how many|the number of) (?:things?|objects?|items?|of (?:the|them)(?: (?:things|objects))?) "
        r"(?:that )?(?:(?:have|has|are|is|were|did|do|been) )*(?:changed?|different|differ|altered|modified)"
        r"(?: (?:in|between|from|to|the|two|both|first|second|other|pictures?|images?|and|now|there|here))*|"
        r"how many (?:differences|changes)(?: (?:are|is|do|did|can|there|you|i|we|see|find|spot|have|been|between|in|"
        r"the|these|two|both|pictures|images|they|has|here|made))*",
        text,
    )
    if match is None:
        return None
    before, after = scenes[-2:]
    changes = changes_between(before, after)
    count = len(changes)
    shown = ", ".join(map(change_text, changes))
    said = f"{count or 'No'} object{' has' if count == 1 else 's have'} changed{f': {shown}' if shown else ''}"
    numbers = number_words(count)
    if before.background != after.background:
        said += f"; the background has changed too, it is {after.background} now"
        numbers |= number_words(count + 1)
    return Answer("count", f"{said}.", (numbers,))


def _same_or_different(text: str, scenes: Sequence[Scene]) -> Answer | None:
    """Answers "same or different?", "are the pictures the same or not", "same?"."""
    lead = rf"(?:(?:say|tell me|decide) )?(?:(?:if|whether) )?(?:(?:are|is|do|does) )?(?:{_THEY} )?(?:are |look |is )?"
    again = rf"(?:(?:are|is|do) )?(?:{_THEY} )?"
    either = re.fullmatch(
        rf"{lead}(?:{_SAME}(?: ,)? or {again}{_DIFFERENT}|{_DIFFERENT}(?: ,)? or {again}{_SAME})", text
    )
    single = re.fullmatch(rf"(?:is it |any ?)?(?:(?P<same>{_SAME})|different)", text)
    if either is None and single is None:
        return None
    difference = difference_between(scenes[-2], scenes[-1])
    equal = scenes[-2].named == scenes[-1].named
    if single is not None:
        return said_yes(equal == (single["same"] is not None), difference)
    if equal:
        said = "They are the same: nothing that words can tell is different."
        return Answer("difference", said, (frozenset({"same", "identical", "equal", "alike", "nothing"}),))
    told = f"{difference.text[:1].lower()}{difference.text[1:]}"
    return Answer("difference", f"They are different: {told}", (frozenset({"different", "differ", "differs", "not"}),))


def _only_in(text: str, scenes: Sequence[Scene]) -> Answer | None:
    """Answers "what is only in the second picture" if no kind of object is: other looks, or nothing."""
    match = re.fullmatch(
        rf"(?:what|who|which (?:things?|objects?)) (?:is|are|appears?) (?:there )?(?:only|just) (?:in|on) the "
        rf"(?P<which>first|second)(?: {_PICTURE})?",
        text,
    )
    if match is None:
        return None
    here, there = scenes[-2:] if match["which"] == "first" else scenes[-2:][::-1]
    kinds = [sorted(obj.kind for obj in scene.objects.values()) for scene in (here, there)]
    if any(kinds[0].count(kind) > kinds[1].count(kind) for kind in kinds[0]):
        return None
    left = [obj.named for obj in there.objects.values()]
    found = []
    for cell, obj in here.objects.items():
        if obj.named in left:
            left.remove(obj.named)
        else:
            found.append((cell, obj))
    if not found:
        where = "" if here.background == there.background else f"; but it is {BACKGROUND_PHRASES[here.background][0]}"
        nothing = frozenset({"nothing", "no", "none"})
        return Answer(
            "difference",
            f"Nothing is only in the {match['which']} picture{where}.",
            (nothing if not where else nothing | {here.background},),
        )
    shown = " and ".join(f"{with_article(name(obj))} {place(cell)}" for cell, obj in found)
    return Answer(
        "difference",
        f"{shown[:1].upper()}{shown[1:]} {'is' if len(found) == 1 else 'are'} only in the {match['which']} picture; "
        "the other shows the same kinds of objects with other looks.",
        tuple(frozenset({obj.kind}) for _, obj in found),
        frozenset(KINDS) - {obj.kind for _, obj in found},
    )


IMAGE_PAIRS = (
    _ground_in,
    _sized_in,
    _colours_in,
    _swapped,
    _how_many_changed,
    _same_or_different,
    _only_in,
)
"""The rules, in the order in which they are tried."""
