"""Answers questions about sets of objects: several at once, numbers to compare with, extremes, and what is not so.

Rules over plain words; each returns None for questions of other forms.
"""

from __future__ import annotations

import re

from interleavethinker.microworld.language.phrase_patterns import GROUND_NAME, GROUND_WORDS
from interleavethinker.microworld.language.plain_text import NUMBER_WORDS, PLURALS
from interleavethinker.microworld.language.templates import name, place, with_article
from interleavethinker.microworld.language.vocabulary import BACKGROUND_PHRASES, plural
from interleavethinker.microworld.scenes.scene import Scene
from interleavethinker.microworld.scenes.sprites import COLOURS, KINDS, SIZES
from interleavethinker.tools.errors import InputError

from .answers import Answer, colour_answer, count_answer, size_answer, yes_no_answer
from .asked_objects import GROUPS, Asked, Found, all_of, asked, cells_at, one_of, place_named
from .object_questions import listed

__all__ = ["SCENE_QUESTIONS", "whether_seen", "whether_there", "with_extreme"]

_THERE = "(?:is there|are there|do you see|can you see|can i see|do we have|do we see)"
_LOOK = "|".join((*COLOURS, *SIZES))
_THINGS = f"(?:of (?:the |these |those )?)?(?P<noun>{'|'.join((*KINDS, *PLURALS, *GROUPS))})"
_EXTREMES = {
    **dict.fromkeys(("bigger", "biggest", "largest"), "big"),
    **dict.fromkeys(("smaller", "smallest", "tiniest"), "small"),
}
_WHICH_EXTREME = re.compile(
    rf"(?:which|what) {_THINGS} (?:is|are) (?:the )?(?P<how>{'|'.join(_EXTREMES)})(?: one| of (?:all|them))?"
)
_LISTS = re.compile(
    r"(?:what|which|who)(?: of (?:the|these))?(?: (?!colour|size|place)\w+)? (?:is|are) the \w+est\b|"
    r"(?:is|are) (?:the|this|that) .+ the \w+est\b"
)
"""Questions to which several objects are an answer, or that ask whether an object is the extreme."""
_EXTREME = re.compile(
    rf"\bthe (?P<how>biggest|largest|smallest|tiniest) (?P<noun>{'|'.join((*KINDS, *GROUPS))})"
    r"(?: (?:of all|in (?:the|this) (?:picture|image|scene)))?(?=$| )"
)


def _shown(found: Found) -> str:
    return " and ".join(f"{with_article(name(obj))} {place(cell)}" for cell, obj in found)


def _several(text: str, scene: Scene) -> Answer | None:
    """Answers "is there a cat and a ball", each of which must be an object of its own."""
    match = re.fullmatch(rf"{_THERE}(?: both)? (?P<all>(?:an?|one|two|three|four|some|any) .+)", text)
    if match is None or asked(match["all"]) is not None:
        return None
    wanted = [asked(words) for words in re.split(r"(?: ,)? and | , ", match["all"])]
    named = [one for one in wanted if one is not None]
    if len(named) < max(2, len(wanted)) or any(one.phrase.pronoun or one.phrase.again for one in named):
        return None
    if any(one.phrase.definite or one.phrase.negative for one in named):
        return None
    if named[-1].phrase.where and not all(one.phrase.where for one in named):
        msg = f"It is not clear of which of them {text!r} names the place; name the place of each."
        raise InputError(msg, code="ambiguous")
    missing = [one for one in named if len(one.found_in(scene)) < one.phrase.count]
    if missing:
        shown = " and ".join(
            f"no {one.words}" if not (count := len(one.found_in(scene))) else f"only {count} {one.words}"
            for one in missing
        )
        return yes_no_answer(False, f"there is {shown}")
    slots = [one for one in named for _ in range(one.phrase.count)]
    chosen = _assigned(slots, list(scene.objects), scene)
    if chosen is None:
        return yes_no_answer(False, f"there is only {_shown(_union(named, scene))}")
    return yes_no_answer(True, f"there is {_shown([(cell, scene.objects[cell]) for cell in chosen])}")


def _union(named: list[Asked], scene: Scene) -> Found:
    return [(cell, obj) for cell, obj in scene.objects.items() if any(one.fits(cell, obj, scene) for one in named)]


def _assigned(slots: list[Asked], cells: list[int], scene: Scene) -> list[int] | None:
    """Gives each of the asked objects a cell of its own; None if that is impossible."""
    if not slots:
        return []
    for cell in cells:
        if slots[0].fits(cell, scene.objects[cell], scene):
            rest = _assigned(slots[1:], [one for one in cells if one != cell], scene)
            if rest is not None:
                return [cell, *rest]
    return None


def _number(text: str, scene: Scene) -> Answer | None:
    """Answers "are there more than two cats"."""
    match = re.fullmatch(
        rf"{_THERE} (?P<how>(?:more|fewer|less) than|at most|(?:not|no) more than|up to) "
        rf"(?P<number>{'|'.join(NUMBER_WORDS)}) (?P<what>.+?)(?: here| there)?",
        text,
    )
    if match is None:
        return None
    named, found = all_of(match["what"], scene)
    count, number = len(found), NUMBER_WORDS.index(match["number"]) + 1
    noun = named.noun if count == 1 else plural(named.noun)
    how = match["how"]
    yes = (
        count > number
        if how == "more than"
        else count < number
        if how in {"fewer than", "less than"}
        else count <= number
    )
    return yes_no_answer(yes, f"there {'is' if count == 1 else 'are'} {count or 'no'} {noun}")


def _ground(text: str, scene: Scene) -> Answer | None:
    """Answers "is there snow", "do you see a beach"."""
    match = re.fullmatch(rf"{_THERE}(?: (?:any|an?|the|some))* (?P<ground>{GROUND_NAME})(?: here| there)?", text)
    if match is None:
        return None
    where = BACKGROUND_PHRASES[scene.background][0]
    return yes_no_answer(GROUND_WORDS[match["ground"]] == scene.background, f"the picture is {where}")


def _which_extreme(text: str, scene: Scene) -> Answer | None:
    """Answers "which cat is bigger", "which of the cats is the smallest"."""
    match = _WHICH_EXTREME.fullmatch(text)
    if match is None or (match["noun"] in GROUPS and match["how"].endswith("st")):
        return None
    named, found = all_of(f"the {match['noun']}", scene)
    if len(found) < 2:
        msg = f"The image contains {'only one' if found else 'no'} {named.noun}; there is nothing to compare."
        raise InputError(msg, code="not_there")
    size = _EXTREMES[match["how"]]
    best = [one for one in found if one[1].size == size]
    if len(best) in {0, len(found)}:
        return Answer("which", "All of them have the same size.", (frozenset({"same", "all", "both", "equal"}),))
    others = [one for one in found if one not in best]
    if len(best) > 1:
        return listed(best)
    ((cell, obj),) = best
    own, their = ({word for at, one in some for word in (one.kind, *_words(at, one.colour))} for some in (best, others))
    said = f"The {obj.colour} {obj.kind} {place(cell)} is {match['how']}."
    different = frozenset(own - their)
    return Answer("which", said if match["how"].endswith("r") else said.replace(" is ", " is the "), (different,))


def _words(cell: int, colour: str) -> set[str]:
    return {colour, *(word for word in place(cell).split() if word not in {"in", "on", "at", "the"})}


def _not_so(text: str, scene: Scene) -> Answer | None:
    """Answers "what is not red", "which cats are not big", "what is neither red nor blue"."""
    match = re.fullmatch(
        rf"(?:what|who|(?P<lead>which|what|how many) {_THINGS}) (?:is|are) (?:not (?P<how>.+)|"
        rf"neither (?P<one>{_LOOK}) nor (?P<two>{_LOOK}))",
        text,
    )
    if match is None:
        return None
    within = all_of(f"the {match['noun']}", scene)[1] if match["noun"] else list(scene.objects.items())
    values = [match["how"]] if match["how"] else [match["one"], match["two"]]
    if all(re.fullmatch(_LOOK, value) for value in values):
        found = [one for one in within if not {*values} & {*one[1].named}]
    else:
        where = place_named(values[0])
        if where is None:
            return None
        cells = cells_at(where, scene)
        found = [one for one in within if one[0] not in cells]
    if match["lead"] == "how many":
        return count_answer(len(found))
    if not within:
        return Answer("what", "There is no such thing.", (frozenset({"nothing", "no", "none"}),), frozenset(KINDS))
    if not found:
        everything = frozenset({"nothing", "none", "no", "everything", "all", "both"})
        return Answer("what", "Nothing: that holds for all of them.", (everything,))
    return listed(found)


def _of_placed(text: str, scene: Scene) -> Answer | None:
    """Answers "is the cat on the left red", "is the thing on the left a cat or a bird", "is the red thing a ball"."""
    match = re.fullmatch(r"(?P<be>is|are) (?P<rest>(?:the|this|that) .+)", text)
    if match is None:
        return None
    words = match["rest"].split()
    noun = rf"an? (?:{'|'.join((*KINDS, *(group for group in GROUPS if group not in KINDS)))})"
    for at in range(len(words) - 1, 1, -1):
        rest = " ".join(words[at:])
        looks, kinds = (re.fullmatch(rf"({one})(?:(?: ,)? or ({one}))?", rest) for one in (_LOOK, noun))
        together = re.fullmatch(rf"(?:both )?({_LOOK}) and ({_LOOK})", rest)
        found = looks or kinds or together
        named = asked(" ".join(words[:at]))
        if named is None:
            continue
        is_group = named.noun not in KINDS and not (named.phrase.where or named.phrase.pronoun)
        if found is None and is_group and match["be"] == "is" and (where := place_named(rest)) is not None:
            cell, obj = one_of(" ".join(words[:at]), scene)
            return yes_no_answer(cell in cells_at(where, scene), f"the {obj.kind} is {place(cell)}")
        if found is None:
            continue
        if named.phrase.pronoun or not (named.phrase.where or named.noun not in KINDS):
            continue
        values = [re.sub("^an? ", "", value) for value in found.groups() if value]
        if match["be"] == "are":
            return _all_so(named, values, scene) if looks and len(values) == 1 else None
        obj = one_of(" ".join(words[:at]), scene)[1]
        if kinds is not None:
            return _kind_is(obj.kind, with_article(name(obj)), values)
        if together is not None:
            return yes_no_answer({*values} <= {*obj.named}, f"the {obj.kind} is {obj.size} and {obj.colour}")
        if len(values) > 1:
            is_colour = all(value in COLOURS for value in values)
            mixed = not is_colour and any(value in COLOURS for value in values)
            return None if mixed else colour_answer(obj) if is_colour else size_answer(obj)
        return yes_no_answer(
            values[0] in obj.named, f"the {obj.kind} is {obj.colour if values[0] in COLOURS else obj.size}"
        )
    return None


def _kind_is(kind: str, shown: str, values: list[str]) -> Answer:
    if len(values) > 1:
        return Answer("what", f"It is {shown}.", (frozenset({kind}),), frozenset(KINDS) - {kind})
    return yes_no_answer(kind in GROUPS.get(values[0], {values[0]}), f"it is {shown}")


def _all_so(named: Asked, values: list[str], scene: Scene) -> Answer:
    found = named.found_in(scene)
    if not found:
        raise InputError(f"The image does not contain the {named.words}.", code="not_there")
    other = [(cell, obj) for cell, obj in found if values[0] not in obj.named]
    return yes_no_answer(not other, f"there is {_shown(other or found)}")


def with_extreme(text: str, scene: Scene) -> str:
    """Returns a question that names "the biggest thing" with the words for that object.

    Raises:
        InputError: The scene has no such object (`not_there`) or several (`ambiguous`).
    """
    match = _EXTREME.search(text)
    if match is None or _LISTS.match(text):
        return text
    noun = match["noun"]
    named, found = all_of(f"the {noun}", scene)
    best = [one for one in found if one[1].size == _EXTREMES[match["how"]]] if len(found) > 1 else found
    if not found:
        raise InputError(f"The image contains no {named.noun}.", code="not_there")
    if len(best) != 1:
        shown = f"could be {_shown(best)}" if best else "does not exist: all of them have the same size"
        msg = f'Ambiguous: "the {match["how"]} {noun}" {shown}. Add a color or position.'
        raise InputError(msg, code="ambiguous")
    ((cell, obj),) = best
    return f"{text[: match.start()]}the {name(obj)} {place(cell)}{text[match.end() :]}"


_SEEN = re.compile(
    r"(?:do|does|did|can|could) (?:the |both |all |any )*(?P<what>.+?) (?:appear|occur|show up|exist|be seen|be found|"
    r"be spotted) (?P<at>(?:in|on) (?:the (?:first|second|third|last)|both|either|each|all|the (?:two|pictures|images))"
    r"\b.*)"
)
"""Whether an object appears in one or all of the images."""


def whether_seen(text: str) -> str:
    """Returns "does the cat appear in both pictures" as "is there a cat in both pictures"."""
    match = _SEEN.fullmatch(text)
    if match is None or (named := asked(match["what"])) is None or named.phrase.pronoun:
        return text
    *looks, noun = re.sub(r"^an? ", "", match["what"]).split()
    return f"is there a {' '.join([*looks, PLURALS.get(noun, noun)])} {match['at']}"


def whether_there(text: str) -> str:
    """Returns "is the ball", which is left of "is the ball in the second picture", as "is the ball there"."""
    named = asked(text.partition(" ")[2]) if re.match(r"(?:is|are) the ", text) else None
    return text if named is None or named.phrase.where else f"{text} there"


SCENE_QUESTIONS = (_several, _number, _ground, _which_extreme, _not_so, _of_placed)
"""The rules, in the order in which they are tried."""
