"""Answers questions with yes or no, and questions that name the possible answers: "Is the house big or small?".

Rules over plain words; each returns None for questions of other forms.
"""

from __future__ import annotations

import re

from interleavethinker.microworld.language.phrases import PhraseReader
from interleavethinker.microworld.language.templates import name, place, with_article
from interleavethinker.microworld.language.vocabulary import BACKGROUND_PHRASES, plural
from interleavethinker.microworld.scenes.scene import Scene, SceneObject
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, KINDS, SIZES

from .answers import Answer, background_answer, colour_answer, size_answer, where_answer, yes_no_answer
from .asked_objects import all_of, asked, cells_at, one_of

__all__ = ["YES_NO"]

_STAGE = "(?:it|this|that|here|the (?:picture|image|scene|background)|this (?:picture|image|scene))"
_TIMES = {
    **{word: word for word in BACKGROUNDS},
    **dict.fromkeys(("dark", "night time"), "night"),
    **dict.fromkeys(("snowing", "snowy", "cold"), "snow"),
}
_DAYS = {"day", "daytime", "light", "bright"}


def exists(text: str, scene: Scene) -> Answer | None:
    """Answers "is there a cat", "are there two cats", "is anything red"."""
    match = re.fullmatch(
        r"(?:is there|are there|do you see|can you see|can i see|does (?:the picture|it|this) (?:show|contain|have)|"
        r"do we have|have we|do we see)(?: any| also| only| just)? (?P<rest>.+?)(?: here| there)?",
        text,
    )
    loose = re.fullmatch(
        r"(?:is|are)(?: there)? (?:anything|something|any (?:thing|object)s?|some (?:thing|object)) (?P<rest>.+)", text
    )
    if loose is not None and (answered := _loosely(loose["rest"], scene)) is not None:
        return answered
    if match is None:
        return None
    rest = match["rest"]
    named = asked(rest) or asked(f"a {rest}")
    if named is None or named.phrase.pronoun:
        return None
    found = named.found_in(scene)
    count = named.phrase.count
    if named.phrase.some or rest.split()[0].endswith("s"):
        count = 1
    exact = re.search(r"\b(?:only|just|exactly) ", text) is not None
    if count > 1 or exact:
        yes = len(found) == count if exact else len(found) >= count
        are = "is" if len(found) == 1 else "are"
        return yes_no_answer(yes, f"there {are} {len(found) or 'no'} of them")
    if not found:
        answered = yes_no_answer(False, f"there is no {named.words}")
        return Answer("exists", answered.text, (frozenset({"no", "not", "none"}),), answered.forbidden)
    cell, obj = found[0]
    return yes_no_answer(True, f"there is {with_article(name(obj))} {place(cell)}")


def _loosely(rest: str, scene: Scene) -> Answer | None:
    rest = re.sub(r"^(?:that is|which is|else) ", "", rest)
    found = _described_so(rest, scene)
    if found is None:
        return None
    if not found:
        return yes_no_answer(False, f"nothing is {rest}")
    listed = " and ".join(f"{with_article(name(obj))} {place(cell)}" for cell, obj in found)
    return yes_no_answer(True, f"there is {listed}")


def _described_so(words: str, scene: Scene) -> list[tuple[int, SceneObject]] | None:
    """Returns the objects of a color, a size or at a place; None for other words."""
    if words in COLOURS or words in SIZES:
        return [(cell, obj) for cell, obj in scene.objects.items() if words in obj.named]
    reader = PhraseReader(tuple(words.split()))
    where = next((one for one, end in reader.wheres(0) if end >= len(reader.text)), None)
    if where is None:
        return None
    cells = cells_at(where, scene)
    return [(cell, obj) for cell, obj in scene.objects.items() if cell in cells]


def times(text: str, scene: Scene) -> Answer | None:
    """Answers "is it night", "is this a forest"."""
    match = re.fullmatch(rf"is {_STAGE}(?: (?:in|on|at|by|a|an|the|already|still))* (?P<ground>[a-z ]+)", text)
    if match is None or match["ground"] not in _TIMES | dict.fromkeys(_DAYS, ""):
        return None
    where = BACKGROUND_PHRASES[scene.background][0]
    if match["ground"] in _DAYS:
        return yes_no_answer(scene.background != "night", f"the picture is {where}")
    return yes_no_answer(_TIMES[match["ground"]] == scene.background, f"the picture is {where}")


def alternatives(text: str, scene: Scene) -> Answer | None:
    """Answers "is the house big or small", "is the cat on the left or on the right", "is it day or night"."""
    match = re.fullmatch(
        r"(?:(?:say|tell)(?: me| us)? (?:if|whether) )?(?P<be>is|are|does|do)? ?(?P<rest>.+? or .+)", text
    )
    if match is None:
        return None
    rest = re.sub(r" is (?=.* or )", " ", match["rest"]) if match["be"] is None else match["rest"]
    first, *others = re.split(r" ?,? or | , ", rest)
    last = re.sub(r"^(?:is|are) (?:it|they) |^(?:in|on|at|a|an|the|by) (?=\w+$)", "", others[-1]).strip()
    ground = re.fullmatch(rf"{_STAGE} .+", first)
    if ground is not None and (last in _TIMES or last in _DAYS):
        return background_answer(scene)
    reader = PhraseReader(tuple(first.split()))
    for phrase, end in sorted(reader.phrases(0), key=lambda one: one[1]):
        words = reader.text[end:].strip()
        if not words or phrase.where:
            continue
        subject = reader.text[:end].strip()
        if last in COLOURS and words in COLOURS:
            return colour_answer(one_of(subject, scene)[1])
        if last in SIZES and words in SIZES:
            return size_answer(one_of(subject, scene)[1])
        if _is_kind(last) and _is_kind(words):
            kinds = {re.sub(r"^(?:a|an) ", "", one) for one in (words, last)}
            named = [obj for obj in scene.objects.values() if obj.kind in kinds]
            obj = named[0] if phrase.pronoun and len(named) == 1 else one_of(subject, scene)[1]
            return Answer(
                "what", f"It is {with_article(name(obj))}.", (frozenset({obj.kind}),), frozenset(KINDS) - {obj.kind}
            )
        if any(at >= len(reader.text) for _, at in reader.wheres(end)):
            return where_answer(*one_of(subject, scene))
    return None


def _is_kind(words: str) -> bool:
    return re.sub(r"^(?:a|an) ", "", words) in KINDS


def predicate(text: str, scene: Scene) -> Answer | None:
    """Answers "is the ball red", "is the cat next to the house", "is the cat bigger than the ball"."""
    subject = re.fullmatch(r"(?:is|are) (?P<who>(?:the|this|that) .+)", text)
    if subject is None:
        return None
    who = subject["who"]
    reader = PhraseReader(tuple(who.split()))
    for phrase, end in sorted(reader.phrases(0), key=lambda one: one[1]):
        rest = reader.text[end:].strip()
        if not rest or phrase.where:
            continue
        if rest in {"there", "here", "still there", "in the picture", "visible"}:
            named, found = all_of(reader.text[:end], scene)
            return yes_no_answer(bool(found), f"the {named.words} is {'there' if found else 'not there'}")
        cell, obj = one_of(reader.text[:end], scene)
        if rest in COLOURS or rest in SIZES:
            return yes_no_answer(rest in obj.named, f"the {obj.kind} is {obj.colour if rest in COLOURS else obj.size}")
        compared = re.fullmatch(
            r"(?P<more>bigger|smaller|as big as|the same (?:size|colour) as)(?: than)? (?P<other>.+)", rest
        )
        if compared is not None:
            return _compared(obj, compared["more"], one_of(compared["other"], scene)[1])
        where = next((one for one, last in reader.wheres(end) if last >= len(reader.text)), None)
        if where is not None:
            return yes_no_answer(cell in cells_at(where, scene), f"the {obj.kind} is {place(cell)}")
    return None


def _compared(obj: SceneObject, how: str, other: SceneObject) -> Answer:
    if how == "the same colour as":
        return yes_no_answer(
            obj.colour == other.colour, f"the {obj.kind} is {obj.colour} and the {other.kind} {other.colour}"
        )
    sizes = (obj.size, other.size)
    yes = {"bigger": ("big", "small"), "smaller": ("small", "big")}.get(how) == sizes
    if how in {"as big as", "the same size as"}:
        yes = obj.size == other.size
    return yes_no_answer(yes, f"the {obj.kind} is {obj.size} and the {other.kind} {other.size}")


def same(text: str, scene: Scene) -> Answer | None:
    """Answers "do the cat and the ball have the same colour"."""
    match = re.fullmatch(
        r"(?:do|are) (?P<a>the .+?) and (?P<b>the .+?) (?:have |of )?"
        r"(?:the same (?P<what>colour|size)|equally (?:big|large))",
        text,
    )
    if match is None:
        return None
    pair = one_of(match["a"], scene)[1], one_of(match["b"], scene)[1]
    return _compared(pair[0], "the same colour as" if match["what"] == "colour" else "as big as", pair[1])


def alike(text: str, scene: Scene) -> Answer | None:
    """Answers "do the cats have the same colour"."""
    match = re.fullmatch(
        r"(?:do|are|have) (?P<who>(?:the|all|both)(?: .+?)?) (?:all )?(?:have |of )?the same (?P<what>colour|size)",
        text,
    )
    if match is None or " and " in match["who"]:
        return None
    _, found = all_of(match["who"], scene)
    values = [obj.colour if match["what"] == "colour" else obj.size for _, obj in found]
    listed = " and ".join(f"{value} {place(cell)}" for value, (cell, _) in zip(values, found, strict=True))
    return yes_no_answer(len(set(values)) <= 1, f"they are {listed}" if found else "there are none")


def bigger(text: str, scene: Scene) -> Answer | None:
    """Answers "which is bigger, the cat or the tree"."""
    match = re.fullmatch(
        r"(?:which|what|who)(?: one| thing| object)? is (?:the )?(?P<how>bigger|smaller)(?: one)?(?: ,| :)? "
        r"(?P<a>the .+) or (?P<b>the .+)",
        text,
    )
    if match is None:
        return None
    pair = one_of(match["a"], scene)[1], one_of(match["b"], scene)[1]
    wanted = "big" if match["how"] == "bigger" else "small"
    fits = [obj for obj in pair if obj.size == wanted]
    if len(fits) != 1:
        return Answer("which", f"Both are {pair[0].size}.", (frozenset({"both", "same", "neither", "equal"}),))
    (other,) = (obj for obj in pair if obj is not fits[0])
    return Answer(
        "which", f"The {fits[0].kind} is {match['how']}.", (frozenset({fits[0].kind}),), frozenset({other.kind})
    )


def more(text: str, scene: Scene) -> Answer | None:
    """Answers "are there more cats than birds", "what are there more of, cats or birds"."""
    match = re.fullmatch(
        r"(?:(?:are|is) there|do you see|do we have) (?P<how>more|fewer|less|as many) (?P<a>.+?) (?:than|as) (?P<b>.+)",
        text,
    )
    if match is None:
        return None
    (first, ones), (second, others) = all_of(match["a"], scene), all_of(match["b"], scene)
    counts = len(ones), len(others)
    yes = {"more": counts[0] > counts[1], "as many": counts[0] == counts[1]}.get(match["how"], counts[0] < counts[1])
    words = [
        named.noun if count == 1 else plural(named.noun) for count, named in zip(counts, (first, second), strict=True)
    ]
    numbers = " and ".join(f"{count or 'no'} {noun}" for count, noun in zip(counts, words, strict=True))
    return yes_no_answer(yes, f"there {'is' if counts[0] == 1 else 'are'} {numbers}")


YES_NO = (more, bigger, same, alike, alternatives, times, exists, predicate)
"""The rules, in the order in which they are tried."""
