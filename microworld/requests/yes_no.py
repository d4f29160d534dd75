"""Answers questions with yes or no, and questions that name the possible answers: "Is the house big or small?".

Rules over plain words; each returns None for questions of other forms.
"""

from __future__ import annotations

import re
from dataclasses import replace

from interleavethinker.microworld.language.phrases import PhraseReader, Where
from interleavethinker.microworld.language.templates import name, place, with_article
from interleavethinker.microworld.language.vocabulary import BACKGROUND_PHRASES, plural
from interleavethinker.microworld.scenes.scene import Scene, SceneObject
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, KINDS, SIZES

from .answers import Answer, background_answer, colour_answer, size_answer, where_answer, yes_no_answer
from .asked_objects import all_of, anchors_of, asked, cells_at, one_of, place_named
from .story_things import lies

__all__ = ["YES_NO"]

_STAGE = "(?:it|this|that|here|the (?:picture|image|scene|background)|this (?:picture|image|scene))"
_TIMES = {
    **{word: word for word in BACKGROUNDS},
    **dict.fromkeys(("dark", "night time"), "night"),
    **dict.fromkeys(("snowing", "snowy", "cold"), "snow"),
}
_LOOK = "|".join((*COLOURS, *SIZES))
_DAYS = {"day", "daytime", "light", "bright", "sunny"}


def exists(text: str, scene: Scene) -> Answer | None:
    """Answers "is there a cat", "are there two cats", "is anything red"."""
    match = re.fullmatch(
        r"(?:is there|are there|do you see|can you see|can i see|does (?:the picture|it|this) (?:show|contain|have)|"
        r"do we have|have we|do we see)(?: any| also| only| just)? (?P<rest>.+?)(?: here| there)?",
        text,
    )
    absent = re.fullmatch(
        r"(?:(?:is|are) there|(?:do|can) you see) (?:no|not an?|not any) (?P<rest>.+?)(?: here| there)?", text
    )
    if absent is not None and (named := asked(f"a {absent['rest']}") or asked(absent["rest"])) is not None:
        there = named.found_in(scene)
        if not there:
            return Answer("exists", f"Yes, there is no {named.words}.", (frozenset({"yes", "no"}),))
        (cell, obj), *_ = there
        return yes_no_answer(False, f"there is {with_article(name(obj))} {place(cell)}")
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
        placed = any(where.relation or len(where.cells) > 1 for where in named.phrase.where)
        words = re.sub("^(?:an?|any|some|one) ", "", rest) if placed else named.words
        answered = yes_no_answer(False, f"there is no {words}")
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
    where = place_named(words)
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
        return _which_ground([first, *others], scene)
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


def _which_ground(options: list[str], scene: Scene) -> Answer | None:
    """Says which of the named times and backgrounds an image shows; None for one that no image tells ("warm")."""
    named = [next((word for word in (*_TIMES, *_DAYS) if re.search(rf"\b{word}$", one)), "") for one in options]
    answer = background_answer(scene)
    shown = f"{answer.text[:1].lower()}{answer.text[1:]}"
    if any(_TIMES.get(word) == scene.background for word in named):
        return answer
    if _DAYS & {*named} and scene.background not in {"night", "sunset"}:
        return replace(answer, text=f"It is day: {shown}")
    return replace(answer, text=f"Neither: {shown}") if all(named) else None


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
        if extreme := re.fullmatch(
            r"(?:the )?(biggest|largest|smallest|tiniest)(?: (\w+))?(?: of (?:all|them))?", rest
        ):
            return _is_extreme(obj, cell, extreme[1], extreme[2] or "thing", scene)
        if (looks := _looks_so(rest, obj)) is not None:
            return looks
        compared = re.fullmatch(
            r"(?P<more>bigger|smaller|as big as|the same (?:size|colour) as)(?: than)? (?P<other>.+)", rest
        )
        if compared is not None:
            return _compared(obj, compared["more"], one_of(compared["other"], scene)[1])
        if (several := _several_so(rest, cell, obj, scene)) is not None:
            return several
        where = next((one for one, last in reader.wheres(end) if last >= len(reader.text)), None)
        if where is not None:
            yes = cell in cells_at(where, scene)
            return yes_no_answer(yes, ("" if yes else _askew(cell, where, scene)) + f"the {obj.kind} is {place(cell)}")
    return None


def _several_so(rest: str, cell: int, obj: SceneObject, scene: Scene) -> Answer | None:
    """Answers "white and on the left"; None for other words."""
    parts = re.split(r" , and | and | , ", rest)
    found = [None if part in COLOURS or part in SIZES else place_named(part) for part in parts]
    if len(parts) < 2 or any(
        one is None and part not in {*COLOURS, *SIZES} for one, part in zip(found, parts, strict=True)
    ):
        return None
    looks = {part for one, part in zip(found, parts, strict=True) if one is None}
    yes = looks <= {*obj.named} and all(cell in cells_at(one, scene) for one in found if one is not None)
    return yes_no_answer(yes, f"the {obj.kind} {place(cell)} is {obj.size} and {obj.colour}")


def _looks_so(rest: str, obj: SceneObject) -> Answer | None:
    """Answers "red", "not red", "red and small"; None for other words."""
    match = re.fullmatch(rf"(?:both |(?P<no>not ))?({_LOOK})(?:(?: and | , )({_LOOK}))?", rest)
    if match is None:
        return None
    named = [*filter(None, match.groups()[1:])]
    own = dict.fromkeys(obj.colour if look in COLOURS else obj.size for look in named)
    return yes_no_answer(({*named} <= {*own}) != bool(match["no"]), f"the {obj.kind} is {' and '.join(own)}")


def _is_extreme(obj: SceneObject, cell: int, how: str, noun: str, scene: Scene) -> Answer | None:
    """Answers "is the tree the biggest thing": no other one of these may be of its size."""
    if asked(f"the {noun}") is None:
        return None
    size = "big" if how in {"biggest", "largest"} else "small"
    others = [(at, one) for at, one in all_of(f"the {noun}", scene)[1] if at != cell]
    as_well = [f"the {name(one)} {place(at)}" for at, one in others if one.size == size]
    if obj.size != size:
        return yes_no_answer(False, f"the {obj.kind} is {obj.size}")
    also = f"; so {'is' if len(as_well) == 1 else 'are'} {' and '.join(as_well)}" if as_well else ""
    return yes_no_answer(not as_well, f"the {obj.kind} is {size}{also}")


def _askew(cell: int, where: Where, scene: Scene) -> str:
    """Returns "not directly: " for what lies below another object, but in another column."""
    if where.relation not in {"left", "right", "above", "below"}:
        return ""
    return "not directly: " if any(lies(where.relation)(cell, other) for other in anchors_of(where, scene)) else ""


def _compared(obj: SceneObject, how: str, other: SceneObject) -> Answer:
    if how == "the same colour as":
        return yes_no_answer(
            obj.colour == other.colour, f"the {obj.kind} is {obj.colour} and the {other.kind} {other.colour}"
        )
    sizes = (obj.size, other.size)
    yes = {"bigger": ("big", "small"), "smaller": ("small", "big")}.get(how) == sizes
    if how in {"as big as", "the same size as"}:
        yes = obj.size == other.size
    one, two = (f"{each.colour} {each.kind}" if obj.kind == other.kind else each.kind for each in (obj, other))
    return yes_no_answer(yes, f"the {one} is {obj.size} and the {two} {other.size}")


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


def both(text: str, scene: Scene) -> Answer | None:
    """Answers "are the cat and the ball both small"."""
    match = re.fullmatch(
        rf"(?:is|are) (?P<a>the .+?) and (?P<b>the .+?) (?:(?:both|all) )?(?P<one>{_LOOK})(?: and (?P<two>{_LOOK}))?",
        text,
    )
    if match is None:
        return None
    pair = one_of(match["a"], scene)[1], one_of(match["b"], scene)[1]
    values = {match["one"], *filter(None, [match["two"]])}
    shown = (
        [f"the {obj.kind} is {obj.size} and {obj.colour}" for obj in pair]
        if len(values) > 1
        else [f"the {obj.kind} is {obj.colour if values <= {*COLOURS} else obj.size}" for obj in pair]
    )
    return yes_no_answer(all(values <= {*obj.named} for obj in pair), " and ".join(shown))


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
    pair = one_of(match["a"], scene), one_of(match["b"], scene)
    wanted = "big" if match["how"] == "bigger" else "small"
    fits = [one for one in pair if one[1].size == wanted]
    if len(fits) != 1:
        return Answer("which", f"Both are {pair[0][1].size}.", (frozenset({"both", "same", "neither", "equal"}),))
    ((cell, one),), (other,) = fits, (obj for _, obj in pair if obj.size != wanted)
    if one.kind != other.kind:
        words, apart, wrong = one.kind, one.kind, other.kind
    elif one.colour != other.colour:
        words, apart, wrong = f"{one.colour} {one.kind}", one.colour, other.colour
    else:
        words, apart, wrong = f"{one.kind} {place(cell)}", one.kind, ""
    return Answer("which", f"The {words} is {match['how']}.", (frozenset({apart}),), frozenset({wrong} - {""}))


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
        " ".join(
            (
                *sorted(named.phrase.sizes),
                *sorted(named.phrase.colours),
                named.noun if count == 1 else plural(named.noun),
            )
        )
        for count, named in zip(counts, (first, second), strict=True)
    ]
    numbers = " and ".join(f"{count or 'no'} {noun}" for count, noun in zip(counts, words, strict=True))
    return yes_no_answer(yes, f"there {'is' if counts[0] == 1 else 'are'} {numbers}")


YES_NO = (more, bigger, same, alike, both, alternatives, times, exists, predicate)
"""The rules, in the order in which they are tried."""
