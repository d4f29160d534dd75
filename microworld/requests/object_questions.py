"""Answers questions about what objects look like, which is largest, what is empty, and how two of them stand.

Rules over plain words; each returns None for questions of other forms.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from interleavethinker.microworld.language.phrase_patterns import GROUND_NAME, GROUND_WORDS
from interleavethinker.microworld.language.places import CORNERS
from interleavethinker.microworld.language.templates import name, place, with_article
from interleavethinker.microworld.language.vocabulary import BACKGROUND_PHRASES, plural
from interleavethinker.microworld.scenes.scene import CELLS, Scene, SceneObject
from interleavethinker.microworld.scenes.sprites import COLOURS, KINDS, SIZES

from .answers import Answer, number_words, yes_no_answer
from .asked_objects import GROUPS, all_of, asked, cells_at, one_of, place_named

__all__ = ["OBJECT_QUESTIONS", "listed"]

_NO_OBJECTS = frozenset(KINDS)
"""Words that an answer about empty cells does not need: a description of the image is none."""


def listed(found: Sequence[tuple[int, SceneObject]]) -> Answer:
    """Lists objects."""
    kinds = {obj.kind for _, obj in found}
    shown = " and ".join(with_article(name(obj)) for _, obj in found)
    required = tuple(frozenset({word}) for _, obj in found for word in (obj.kind, obj.colour))
    return Answer("what", f"{'It is' if len(found) == 1 else 'There are'} {shown}.", required, frozenset(KINDS) - kinds)


def _looks(text: str, scene: Scene) -> Answer | None:
    """Answers "describe the cat", "what does the ball look like"."""
    match = re.fullmatch(
        r"(?:describe|(?:say|tell)(?: me)? (?:(?:everything|more|something|all|a bit) )?"
        r"(?:(?:that )?you (?:know|see) )?about|what (?:do you (?:know|see)|can you (?:say|tell me|see)) (?:about|of)) "
        r"(?P<a>(?:the|my|both|all) .+)|(?:what|how) (?:does|do) (?P<b>(?:the|my|both|all) .+?) look(?: like)?|"
        r"what (?:is|are) (?P<c>(?:the|my) .+?) like",
        text,
    )
    words = None if match is None else next(group for group in match.groups() if group)
    named = None if words is None or re.search(r"\b(?:picture|image|scene|background)s?\b", words) else asked(words)
    if words is None or named is None:
        return None
    found = all_of(words, scene)[1] if named.phrase.every or named.phrase.some else [one_of(words, scene)]
    if not found:
        one_of(words, scene)
    texts = [f"The {obj.kind} {place(cell)} is {obj.size} and {obj.colour}." for cell, obj in found]
    required = tuple(frozenset({word}) for _, obj in found for word in dict.fromkeys((obj.kind, obj.colour, obj.size)))
    return Answer("describe", " ".join(texts), required)


def _superlative(text: str, scene: Scene) -> Answer | None:
    """Answers "which object is the biggest"."""
    group = "|".join(GROUPS)
    match = re.fullmatch(
        rf"(?:what|which|who)(?: of (?:the|these))?(?: (?P<a>{group}|ones?))? (?:is|are) (?:the )?"
        rf"(?P<how>biggest|largest|smallest|tiniest)(?: (?P<b>{group}|one))?"
        r"(?: (?:of all|of them|here|there|in (?:the|this) (?:picture|image|scene)))?",
        text,
    )
    if match is None:
        return None
    word = match["a"] or match["b"] or "thing"
    kinds = GROUPS.get(word, frozenset(KINDS))
    found = [(cell, obj) for cell, obj in scene.objects.items() if obj.kind in kinds]
    size = "big" if match["how"] in {"biggest", "largest"} else "small"
    best = [one for one in found if one[1].size == size]
    if not best:
        return Answer("which", "All of them have the same size.", (frozenset({"same", "all", "none", "equal"}),))
    return listed(best)


def _empty(text: str, scene: Scene) -> Answer | None:
    """Answers "is the top left empty", "which corners are empty"."""
    if re.fullmatch(r"(?:which|what) corners? (?:is|are) (?:empty|free)", text):
        free = [place(cell) for cell in sorted(CORNERS) if scene.cells[cell] is None]
        shown = " and ".join(free) or "none"
        sides = [word for one in free for word in one.split() if word in {"top", "bottom", "left", "right"}]
        required = tuple(frozenset({word}) for word in dict.fromkeys(sides)) or (frozenset({"none", "no"}),)
        return Answer("where", f"Empty: {shown}.", required, _NO_OBJECTS)
    match = re.fullmatch(r"is (?:(?:the|it) )?(?P<at>.+?) (?:empty|free|unoccupied)|is there nothing (?P<on>.+)", text)
    if match is None:
        return None
    words = match["at"] or match["on"]
    leads = ("", "on the ", "in the ", "in ")
    where = next(filter(None, (place_named(f"{lead}{words}") for lead in leads)), None)
    if where is None:
        return None
    found = [scene.cells[cell] for cell in sorted(cells_at(where, scene)) if scene.cells[cell] is not None]
    if not found:
        return yes_no_answer(True, "nothing is there")
    return yes_no_answer(False, f"there is {' and '.join(with_article(name(obj)) for obj in found if obj)}")


def _all_are(text: str, scene: Scene) -> Answer | None:
    """Answers "are all objects big", "is everything red"."""
    values = "|".join((*COLOURS, *SIZES))
    match = re.fullmatch(
        r"(?:is|are) (?P<who>everything|(?:all|both|each|every)(?: of)?(?: the| these)? \w+?) "
        rf"(?:(?:the )?colour )?(?P<how>{values})",
        text,
    )
    if match is None:
        return None
    who = match["who"]
    if who == "everything" or asked(who) is None:
        found = list(scene.objects.items())
        if who != "everything" and not re.search(r"\b(?:things?|objects?|items?)$", who):
            return None
    else:
        found = all_of(who, scene)[1]
    other = [
        f"the {obj.kind} {place(cell)} is {obj.colour} and {obj.size}"
        for cell, obj in found
        if match["how"] not in obj.named
    ]
    if not found or not other:
        return yes_no_answer(bool(found), f"all of them are {match['how']}" if found else "there are none")
    return yes_no_answer(False, " and ".join(other))


def _either(text: str, scene: Scene) -> Answer | None:
    """Answers "is there a cat or a bird"."""
    match = re.fullmatch(
        r"(?:is|are) there (?:either )?(?P<a>(?:an?|any|some) .+?)(?: ,)? or (?P<b>(?:an?|any|some)? ?.+)", text
    )
    if match is None or asked(match["a"]) is None or asked(match["b"]) is None:
        return None
    there = [one for words in (match["a"], match["b"]) for one in all_of(words, scene)[1]]
    shown = " and ".join(f"{with_article(name(obj))} {place(cell)}" for cell, obj in there)
    return yes_no_answer(bool(there), f"there is {shown}" if there else "there is neither")


def _beside(text: str, scene: Scene) -> Answer | None:
    """Answers "is the ball above or below the cat"."""
    side = (
        "above|over|below|under|(?:(?:to|on) the )?left(?: of)?|(?:(?:to|on) the )?right(?: of)?|"
        "higher|lower|top|bottom"
    )
    match = re.fullmatch(
        rf"(?:is|are|does|do) (?P<a>the .+?) (?:sit |stand |lie )?(?P<one>{side}) or (?P<two>{side})"
        r"(?: (?:than|of))? (?P<b>the .+)",
        text,
    )
    if match is None or asked(match["a"]) is None or asked(match["b"]) is None:
        return None
    (first, obj), (second, other) = one_of(match["a"], scene), one_of(match["b"], scene)
    upright = re.search(r"left|right", match["one"]) is None
    one, two = (first // 3, second // 3) if upright else (first % 3, second % 3)
    words = ("above", "below") if upright else ("left", "right")
    if one == two:
        return Answer("where", "Neither: they are level.", (frozenset({"neither", "level", "same"}),))
    word = words[one > two]
    said = word if upright else f"to the {word} of"
    return Answer(
        "where", f"The {obj.kind} is {said} the {other.kind}.", (frozenset({word}),), frozenset(words) - {word}
    )


def _kind_there(text: str, scene: Scene) -> Answer | None:
    """Answers "which animal is on the left"."""
    kinds = "|".join((*GROUPS, *KINDS))
    match = re.fullmatch(
        rf"(?:what|which)(?: (?:kind|sort|type)s? of)? (?P<what>{kinds}) (?:is|are|do you see|can you see|can be seen)"
        r"(?: there)? (?P<at>(?:in|on|at|next|left|right|above|below|between|beside|under|over|to) .+)",
        text,
    )
    if match is None or asked(f"the {match['what']} {match['at']}") is None:
        return None
    named, found = all_of(f"the {match['what']} {match['at']}", scene)
    if not found:
        return Answer("what", f"There is no {named.noun} {match['at']}.", (frozenset({"no", "none", "not"}),))
    return listed(found)


def _farthest(text: str, scene: Scene) -> Answer | None:
    """Answers "which object is the farthest to the right", "what is the leftmost thing"."""
    group = "|".join((*GROUPS, *KINDS))
    match = re.fullmatch(
        rf"(?:what|which|who)(?: (?P<a>{group}|one))? is (?:the )?(?:(?:farthest|furthest|closest|most|nearest|far|"
        r"all the way) (?:to|on|at|towards)(?: the)? )?(?P<side>left|right|top|bottom)(?P<most>most)?"
        rf"(?: (?P<b>{group}|one))?",
        text,
    )
    if match is None or not (
        match["most"] or re.search(r"\b(?:far|farthest|furthest|closest|most|nearest|all the way)\b", text)
    ):
        return None
    word = match["a"] or match["b"] or "thing"
    named, found = all_of(f"the {'thing' if word == 'one' else word}", scene)
    if not found:
        return Answer("what", f"There is no {named.noun}.", (frozenset({"no", "none", "not"}),))
    key = {
        "left": lambda at: at % 3,
        "right": lambda at: -(at % 3),
        "top": lambda at: at // 3,
        "bottom": lambda at: -(at // 3),
    }
    best = min(key[match["side"]](at) for at, _ in found)
    return listed([one for one in found if key[match["side"]](one[0]) == best])


def _empty_cells(text: str, scene: Scene) -> Answer | None:
    """Answers "which cells are empty", "how many places are free"."""
    match = re.fullmatch(
        r"(?P<how>which|what|how many)(?: of the)? (?:cell|place|spot|space|square|field|position)s? (?:is|are)"
        r"(?: still| there)? (?:empty|free|unoccupied|blank|vacant)",
        text,
    )
    if match is None:
        return None
    free = [cell for cell in range(CELLS) if scene.cells[cell] is None]
    if match["how"] == "how many":
        return Answer(
            "count",
            f"{len(free) or 'No'} cells are empty.".replace("1 cells are", "1 cell is"),
            (number_words(len(free)),),
        )
    shown = ", ".join(place(cell) for cell in free) or "none"
    words = dict.fromkeys(
        word for cell in free for word in place(cell).split() if word in {"top", "bottom", "left", "right"}
    )
    return Answer(
        "where",
        f"Empty: {shown}.",
        tuple(frozenset({word}) for word in words) or (frozenset({"none", "no"}),),
        _NO_OBJECTS,
    )


def _alone(text: str, scene: Scene) -> Answer | None:
    """Answers "is the cat alone"."""
    match = re.fullmatch(
        rf"is (?P<a>the .+?) (?:all )?(?:alone|the only (?P<what>one|{'|'.join((*GROUPS, *KINDS))})(?: here| there)?)",
        text,
    )
    if match is None:
        return None
    cell, _ = one_of(match["a"], scene)
    found = all_of(f"the {match['what']}", scene)[1] if match["what"] not in {None, "one"} else [*scene.objects.items()]
    others = [f"{with_article(name(obj))} {place(at)}" for at, obj in found if at != cell]
    only = "it is the only one" if match["what"] in GROUPS or match["what"] in KINDS else "nothing else is there"
    return yes_no_answer(not others, f"there is also {' and '.join(others)}" if others else only)


_OFTEN = r"(?:most(?: often| frequently| common| frequent)?(?: of)?|(?:the )?most (?:common|frequent|used))"
_SEEN = (
    r"(?:appears?|occurs?|comes? up|is(?: (?:used|there|shown|seen|here))?|are(?: there)?|do (?:you|we|i) see|"
    r"can (?:you|we|i) see|(?:the picture|it) (?:has|shows))"
)
_MOST = tuple(
    rf"(?:(?:what|which) (?:is )?(?:the )?)?most (?:common|frequent|used) (?P<what>{noun})(?: (?:here|there|in it))?|"
    rf"(?:what|which) (?P<which>{noun}) {_SEEN} (?:the )?{_OFTEN}(?: (?:here|there|in it))?"
    for noun in ("colour", r"(?:kinds? of )?(?:things?|objects?)|kind")
)
_MOST_OF = rf"what {_SEEN} (?:the )?most of"


def _most(text: str, scene: Scene) -> Answer | None:
    """Answers "which color appears most often", "what is there most of"."""
    text = re.sub(r" (?:in|on) (?:the|this) (?:picture|image|scene)$", "", text)
    by_colour = re.fullmatch(_MOST[0], text) is not None
    if not by_colour and re.fullmatch(_MOST[1], text) is None and re.fullmatch(_MOST_OF, text) is None:
        return None
    counts = Counter(obj.colour if by_colour else obj.kind for obj in scene.objects.values())
    if not counts:
        return Answer("what", "There is nothing.", (frozenset({"nothing", "no", "none"}),))
    number = max(counts.values())
    most = [one for one, count in counts.items() if count == number]
    things = f"{number} object{'' if number == 1 else 's'}"
    told = [one if by_colour else plural(one) for one in most]
    together = " and ".join(filter(None, (", ".join(told[:-1]), told[-1])))
    shown = f"{together}, {things}{' each' if len(most) > 1 else ''}"
    return Answer("what", f"{shown[0].upper()}{shown[1:]}.", tuple(frozenset({one, plural(one)}) for one in most))


def _free(text: str, scene: Scene) -> Answer | None:
    """Answers "is the picture empty"."""
    if re.fullmatch(r"is (?:it|this|(?:the|this) (?:picture|image|scene)) empty", text) is None:
        return None
    count = CELLS - scene.cells.count(None)
    return yes_no_answer(count == 0, f"it shows {count or 'no'} object{'' if count == 1 else 's'}")


def _in_ground(text: str, scene: Scene) -> Answer | None:
    """Answers "what is in the snow"."""
    match = re.fullmatch(
        rf"(?:what|who|which (?:things?|objects?)) (?:is|are) (?:in|on|at|by) (?:(?:the|a) )?(?P<ground>{GROUND_NAME})",
        text,
    )
    if match is None:
        return None
    if GROUND_WORDS[match["ground"]] != scene.background:
        text = f"Nothing: the picture is {BACKGROUND_PHRASES[scene.background][0]}."
        return Answer("what", text, (frozenset({"nothing", "no", "none"}),), frozenset(KINDS))
    return listed(list(scene.objects.items()))


OBJECT_QUESTIONS = (
    _in_ground,
    _free,
    _looks,
    _superlative,
    _most,
    _farthest,
    _empty_cells,
    _empty,
    _all_are,
    _either,
    _beside,
    _kind_there,
    _alone,
)
"""The rules, in the order in which they are tried."""
