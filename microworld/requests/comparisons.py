"""Answers questions about two images: which of them has more, how their backgrounds differ, what happened to the cat.

Rules over plain words; each returns None for questions of other forms.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from interleavethinker.microworld.language.plain_text import PLURALS
from interleavethinker.microworld.language.templates import name, place, with_article
from interleavethinker.microworld.language.vocabulary import BACKGROUND_PHRASES
from interleavethinker.microworld.scenes.scene import Scene
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, KINDS, SIZES
from interleavethinker.tools.errors import InputError

from .answers import Answer, difference_between, number_words, said_yes, yes_no_answer
from .asked_objects import Asked, all_of, asked
from .change_questions import changes_asked
from .compared_objects import COMPARED_OBJECTS, alike
from .image_pairs import IMAGE_PAIRS, numbered

__all__ = ["COMPARISON", "compare", "in_all"]

COMPARISON = re.compile(
    r"\b(?:differ\w*|changed?|changes|compar\w*|new in the second|was done|has happened|happened|happens to|"
    r"between the (?:two|first)|missing|disappear(?:s|ed)?|appear(?:s|ed)?|vanished|added|removed|same|gone|moved?|"
    r"still|before)\b|\b(?:two|both) (?:pictures|images)\b|\bwhat is new\b"
)
_OBJECT = re.compile(rf"\b(?:{'|'.join((*KINDS, *PLURALS, *COLOURS, *SIZES))}|how many|number|common)\b")
"""What a question about the whole images does not name."""
_RESTRICTED = re.compile(
    r"\b(?:top|bottom|left|right|middle|centre|center|corner|side|row|colours?|sizes?|places?|positions?|except|besides|"
    r"apart|but|before|how (?:many|much|big|far)|when|why|if|only|not(?! (?:the same|identical|equal|alike))|"
    r"animals?|plants?|person|people|toys?|kinds?|shapes?)\b"
)
"""Words that ask for a part of the difference, which the whole difference does not answer."""
_KINDS_OF_CHANGE = tuple(
    re.compile(rf"\b(?:{words})\b")
    for words in ("added|new|appear\\w*", "removed|gone|missing|disappear\\w*|vanish\\w*", "moved?")
)
_CONTRAST = re.compile(r"(?=.*\b(?:common|stay\w*|remain\w*)\b).*\b(?:differ\w*|chang\w*)\b")
_IMAGE = "(?:picture|image|one|scene)"


def compare(text: str, scenes: Sequence[Scene]) -> Answer | None:
    """Answers a question about several images; None if it is about one of them."""
    for rule in (
        changes_asked,
        *IMAGE_PAIRS,
        _which,
        _more_in,
        _both_at,
        _backgrounds,
        *COMPARED_OBJECTS,
        _of_one_kind,
    ):
        if (found := rule(text, scenes)) is not None:
            return found
    if not COMPARISON.search(text):
        return None
    if _RESTRICTED.search(text) or _asks_several(text):
        raise InputError(f"Could not understand the comparison {text!r}.", code="not_understood")
    if _OBJECT.search(text) and not re.search(
        r"\b(?:added|removed|new|missing|gone|differ\w*|disappear\w*|appear\w*|vanish\w*)\b", text
    ):
        raise InputError(f"Could not understand the comparison {text!r}.", code="not_understood")
    return difference_between(scenes[-2], scenes[-1])


_TOGETHER = re.compile(r"(?: (?:are|is) there)?,? (?:in (?:total|all)|altogether|all together|combined)\b")


def in_all(text: str, scenes: Sequence[Scene], count: Callable[[str, Scene], Answer | None]) -> Answer | None:
    """Answers how many there are in two images together, by a rule that counts those of one."""
    plain = _TOGETHER.sub("", text)
    answers = [count(plain, scene) for scene in scenes[-2:]] if plain != text else []
    counts = [re.search(r"\b(?:no|none|\d+)\b", found.text) for found in answers if found is not None]
    numbers = [0 if found[0] in {"no", "none"} else int(found[0]) for found in counts if found is not None]
    if len(numbers) != 2:
        return None
    total = sum(numbers)
    shown = f"There {'is' if total == 1 else 'are'} {total or 'none'} in all: {numbers[0]} in the first picture and"
    return Answer("count", f"{shown} {numbers[1]} in the second.", (number_words(total),))


def _asks_several(text: str) -> bool:
    """Whether a text asks for several kinds of changes, one after the other."""
    several = sum(bool(one.search(text)) for one in _KINDS_OF_CHANGE) > 1 or _CONTRAST.match(text) is not None
    return several and len(re.findall(r"\b(?:what|which)\b", text)) > 1


def _which(text: str, scenes: Sequence[Scene]) -> Answer | None:
    """Answers "which picture has more balls", "in which picture is there a cat", "which one is at night"."""
    tail = r"(?: ,? ?(?:the )?first (?:one )?or (?:the )?second(?: one)?)?"
    match = re.fullmatch(
        rf"(?:in |on )?which(?: of (?:the|these|them|both)(?: two)?(?: {_IMAGE}s?)?| {_IMAGE}s?|"
        r"(?= (?:has|shows|contains)))(?: (?:has|shows|contains|have|show|are|is|was taken|takes place|is set|plays|"
        r"was made)| (?:do you see|can you see|do i see))?(?: there)? "
        rf"(?P<how>more|fewer|less|the most|most|the fewest)? ?(?P<rest>.+?){tail}",
        text,
    )
    if match is None:
        return None
    rest = re.sub(rf"^the (\w+) ({'|'.join((*COLOURS, *SIZES))})$", r"the \2 \1", match["rest"])
    sized = re.fullmatch(r"the (?P<how>bigger|smaller) (?P<what>\w+)", rest)
    if sized is not None:
        rest = f"the {'big' if sized['how'] == 'bigger' else 'small'} {sized['what']}"
    ground = re.fullmatch(
        rf"(?:(?:in|on|at|by|a|an|the) )*(?P<ground>{'|'.join(BACKGROUNDS)}|dark|snowy|snowing)"
        r"(?: (?:background|scene|landscape|setting|picture|sky))?",
        rest,
    )
    if ground is not None:
        wanted = {"dark": "night", "snowy": "snow", "snowing": "snow"}.get(ground["ground"], ground["ground"])
        return numbered([scene.background == wanted for scene in scenes], "shows that")
    counts = [len(all_of(rest, scene)[1]) for scene in scenes]
    if sized is not None and len(set(counts)) == 1:
        return Answer("which", "Both are equally big.", (frozenset({"both", "equal", "same", "neither"}),))
    if match["how"] is None:
        named = asked(rest)
        if named is not None and (named.phrase.count > 1 or re.match(r"(?:only |just |exactly )?(?:one|1) ", rest)):
            return numbered([count == named.phrase.count for count in counts], "does")
        negative = named is not None and named.phrase.negative
        return numbered([bool(count) != negative for count in counts], "does")
    best = (max if match["how"] in {"more", "the most", "most"} else min)(counts)
    if counts.count(best) > 1:
        return Answer("which", f"Both have {best}.", (frozenset({"both", "equal", "same", "neither"}),))
    return numbered([count == best for count in counts], "does", f" ({' and '.join(map(str, counts))})")


def _more_in(text: str, scenes: Sequence[Scene]) -> Answer | None:
    """Answers "are there more cats in the second picture", "does the first one have more balls"."""
    match = re.fullmatch(
        rf"(?:are|is) there (?P<how>more|fewer|less) (?P<what>(?!than ).+?) (?:in|on) the (?P<which>first|second)"
        rf"(?: {_IMAGE})?(?: than .+)?|(?:does|has) the (?P<other>first|second) {_IMAGE} (?:have |show |contain )?"
        r"(?P<how2>more|fewer|less) (?P<what2>.+)",
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
    if (
        re.search(
            r"\b(?:backgrounds?|weather|time of day|setting|season|landscape|location|scenery|"
            r"(?:set|taken|play) (?:in|at) the same (?:place|time))\b",
            text,
        )
        is None
    ):
        return None
    if re.search(r"\b(?:first|second|third|last)\b", text) is not None and not COMPARISON.search(text):
        return None
    first, second = scenes[-2].background, scenes[-1].background
    where = [BACKGROUND_PHRASES[one][0] for one in (first, second)]
    required = (frozenset({first}), frozenset({second}))
    text_ = f"The first picture is {where[0]}, the second {where[1]}."
    if first == second:
        text_ = f"The background is the same: both pictures are {where[0]}."
    answer = Answer("difference", text_, required)
    if re.match(r"(?:is|are|do|does|did|has|have)\b", text):
        return said_yes((first == second) == (re.search(r"\b(?:same|identical|equal)\b", text) is not None), answer)
    return answer


def _both_at(text: str, scenes: Sequence[Scene]) -> Answer | None:
    """Answers "are both pictures at night", "do they both take place in a forest"."""
    match = re.fullmatch(
        rf"(?:are|do|is|does)(?: (?:the|these|those|both|two|all|of|each|they|pictures|images|scenes|picture|image))+"
        r"(?: (?:set|taken|play|show|take|place|happen|have))*(?: (?:in|on|at|by|a|an|the))*"
        rf" (?P<ground>{'|'.join(BACKGROUNDS)}|dark)(?: (?:background|scene|landscape))?|"
        rf"is it(?: (?:in|on|at|by|a|an|the))* (?P<other>{'|'.join(BACKGROUNDS)}|dark) (?:in|on) both\b.*",
        text,
    )
    if match is None or not re.search(r"\b(?:both|pictures|images|scenes|they|each)\b", text):
        return None
    ground = match["ground"] or match["other"]
    wanted = {"dark": "night"}.get(ground, ground)
    where = [BACKGROUND_PHRASES[scene.background][0] for scene in scenes[-2:]]
    alike_ = where[0] == where[1]
    shown = f"both are {where[0]}" if alike_ else f"the first is {where[0]}, the second {where[1]}"
    return yes_no_answer(all(scene.background == wanted for scene in scenes), shown)


def _of_one_kind(text: str, scenes: Sequence[Scene]) -> Answer | None:
    """Answers "what happened to the cat", "did the ball move", "is the tree still there", "compare the cats"."""
    match = re.fullmatch(
        r"(?:what (?:has )?(?:happened|happens|changed|changes|is different) (?:to|with|about|in) (?P<a>the .+)|"
        r"(?:did|has|have|does|is|are) (?P<b>the .+?) (?:also )?(?:change|changed|move|moved|disappear|disappeared|"
        r"vanish|vanished|gone|grow|grown|shrink|shrunk|the same|still (?:there|the same)|different|missing)"
        r"(?: (?:its|the|their) (?:place|colour|size|position))?|"
        r"(?:is|are) (?P<e>(?:the|a) .+?) (?:in|on) both(?: (?:of (?:them|the) ?)?(?:pictures|images)?)?|"
        r"compare (?P<c>the .+)|how (?:has|did|is) (?P<d>the .+?) (?:changed?|different))(?: ,? ?please)?",
        text,
    )
    words = None if match is None else next(group for group in match.groups() if group)
    if (
        match is None
        or words is None
        or re.search(r"\b(?:picture|image|scene)s?\b", words)
        or (named := asked(words)) is None
    ):
        return None
    answer = _change_of(named, scenes[-2], scenes[-1])
    if match["b"] is None:
        return answer
    before, after = (named.found_in(scene) for scene in scenes[-2:])
    what = re.search(r"\b(colour|size|place|position|move|grow|shr[iu]nk)", text)
    sizes = {"grow": "big", "shrink": "small", "shrunk": "small"}
    said = None if what is None else {"move": "place", **dict.fromkeys(sizes, "size")}.get(what[1], what[1])
    if re.search(r"\bstill\b", text):
        yes = bool(after) if text.endswith("there") else alike(before, after, said)
    elif re.search(r"\b(?:disappear\w*|vanish\w*|gone|missing)\b", text):
        yes = bool(before) and len(after) < len(before)
    elif said is not None and len(before) != len(after):
        return answer  # neither yes nor no: which of them are which is not known, or they are gone
    elif what is not None and what[1] in sizes:
        yes = not alike(before, after, "size") and all(obj.size == sizes[what[1]] for _, obj in after)
    else:
        yes = alike(before, after, said) == ("the same" in text)
    return said_yes(yes, replace(answer, text=answer.text.removeprefix("Nothing: ")))


def _change_of(named: Asked, before: Scene, after: Scene) -> Answer:
    texts = []
    required: list[frozenset[str]] = []
    for scene, which in ((before, "first"), (after, "second")):
        found = named.found_in(scene)
        listed = " and ".join(f"{with_article(name(obj))} {place(cell)}" for cell, obj in found)
        texts.append(f"in the {which} picture there is {listed or f'no {named.noun}'}")
        required += [frozenset({value}) for cell, obj in found for value in (obj.colour, *place(cell).split()[-1:])]
        if not found:
            required.append(frozenset({"no", "gone", "not", "new", "disappeared", "removed", "appeared", "added"}))
    text = ", ".join(texts)
    if texts[0].partition("is ")[2] == texts[1].partition("is ")[2]:
        return Answer("difference", f"Nothing: {text}.", (frozenset({"nothing", "no", "same", "not"}),))
    return Answer("difference", f"{text[:1].upper()}{text[1:]}.", tuple(required))
