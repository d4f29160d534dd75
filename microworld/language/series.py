"""Writes out picture series that are named as a whole: "the numbers 1 to 4 with fish", "a boat in four colors".

Works on the text of a whole request without images, before its sentences are read. Each rule needs the whole request;
anything else stays as it is. Knows no scene.
"""

from __future__ import annotations

import re
from itertools import pairwise

from interleavethinker.microworld.scenes.sprites import COLOURS, SIZES

from .compiled_patterns import compiled
from .key_words import COLOUR, COUNT, GROUND, LOOK, MANY, ONE, SIZE, kind_named
from .phrase_patterns import NUMBERS
from .plain_text import NUMBER_WORDS, canonical
from .vocabulary import USUAL_COLOURS, plural

__all__ = ["in_series"]

_I = re.IGNORECASE
_NUMBER = rf"(?:[1-9]|{COUNT})"
_UNIT = "(?:pictures?|images?|panels?|frames?|steps?|scenes?|slides?|pages?|drawings?)"
_LEAD = (
    r"^\W*(?:(?:please|can you|could you|i want|i would like|i need|draw|show|make|paint|create|give|tell|let us see)"
    r"(?: (?:me|us))?(?: please)? )*"
)
_GROUND = rf"(?P<ground>(?:,? (?:all )?(?:in|on|at|by|during)(?: the| an?)? (?:{GROUND}))?)"
_END = r"(?:,? please)?\W*$"
_COUNTED_OUT = (
    rf"{_LEAD}(?:(?:the )?(?:numbers?|counts?)|count(?:ing)?)(?: up| down)?(?: from)? (?P<first>{_NUMBER}) "
    rf"?(?:to|through|until|up to|-|\u2013)"
    rf" ?(?P<last>{_NUMBER})(?:,| in pictures)? (?:(?:shown|drawn|counted|each|made|written) )*(?:with|using|"
    rf"as|by|in|of) "
    rf"(?P<look>{LOOK})(?P<noun>{MANY}){_GROUND}{_END}"
)
_COUNTS_LISTED = (
    rf"{_LEAD}(?:in |with )?(?P<pictures>{_NUMBER}) {_UNIT} ?(?:[:,-]|of|with|showing) ?"
    rf"(?P<counts>{_NUMBER} (?P<look>{LOOK})(?P<noun>{ONE}|{MANY})(?:(?:,| and|, and|,? then) {_NUMBER} "
    rf"(?P=look)(?:{MANY}|{ONE}))+)"
    rf"{_GROUND}{_END}"
)
_SAME = rf"(?:the same |an? |one )(?P<look>{LOOK})(?P<noun>{ONE})"
_OTHER = (
    r"(?:different|differing|various|other|changing|new|another|changed)(?: (?:bright|nice|pretty))* "
    r"(?P<what>colou?r|size|place|position|spot)s?"
)
_EACH = (
    rf"(?:,? ?(?:each|every|all|every one|each one)(?: (?:time|{_UNIT}))?(?: of them)?(?: (?:with it|it|being|"
    rf"is|shown|showing it))*)?"
)
_VARIED = (
    (
        rf"{_LEAD}(?P<pictures>{_NUMBER}) {_UNIT} (?:of|with|showing) {_SAME}{_GROUND}{_EACH},? "
        rf"(?:in|with|at|of|has) (?:an? )?{_OTHER}(?: (?:each|every) (?:time|{_UNIT}))?{_END}"
    ),
    (
        rf"{_LEAD}{_SAME}{_GROUND} in (?P<pictures>{_NUMBER}) {_OTHER}, (?:one (?:per|for each|in each)|each in "
        rf"(?:its|a|an) (?:own|extra|separate)) "
        rf"{_UNIT}{_END}"
    ),
)
_GROWTH = (
    (
        rf"{_LEAD}(?:how |what happens (?:when|if) )?(?:an?|one|the) (?P<look>(?:(?:{COLOUR}|{SIZE}) )*)"
        rf"(?P<noun>{ONE}) (?P<verb>grows|growing|shrinks|shrinking)"
        rf"(?: up)?(?: (?:bigger|smaller))?{_GROUND}(?:,? step by step)?{_END}"
    ),
    rf"{_LEAD}the (?P<verb>growth|growing) of an? (?P<look>(?:(?:{COLOUR}|{SIZE}) )*)(?P<noun>{ONE}){_GROUND}{_END}",
)
_AN_OBJECT = rf"(?:an?|one|the same) (?P<look>(?:(?:{COLOUR}|{SIZE}) )*)(?P<noun>{ONE})"
_CHANGES_LOOK = (
    rf"{_LEAD}(?:how )?{_AN_OBJECT} (?:changes|changing|gets) (?:(?:its|her|his|the|a new|another) )?"
    rf"(?P<what>colou?r|size)s?{_GROUND}{_END}"
)
_BECOMES_MANY = (
    rf"{_LEAD}(?:how )?{_AN_OBJECT} (?:becomes|turns into|becoming|turning into) (?P<count>{_NUMBER})"
    rf"(?: of them| (?:{MANY}))?{_GROUND}{_END}"
)
_SEASONS = {
    "summer": "in a meadow", "spring": "in a meadow", "day": "in a meadow", "daytime": "in a meadow",
    "winter": "in the snow", "snow": "in the snow", "night": "at night",
}  # fmt: skip
_IN_SEASONS = (
    rf"{_LEAD}{_AN_OBJECT},? (?:in|by|at|during) (?:the )?(?P<first>{'|'.join(_SEASONS)})(?:time)?"
    rf"(?:,? and|,)(?: then)? (?:(?:in|by|at|during) )?(?:the )?(?P<then>{'|'.join(_SEASONS)})(?:time)?{_END}"
)
_SHOWN = r"\b(?:show|draw|paint|make|illustrate|growth|how|i want|create|give)\b"
_FIRST_ONE = (
    rf"\b(?:with|of|full of) (?P<look>{LOOK})(?P<noun>{MANY}) ?[:,;-] ?(?:at )?(?:first|starting with|start with|"
    rf"beginning with|begin with) (?:there is |only |just )*(?P<count>{_NUMBER})(?=[,.;]| and\b)"
)
_STORY_OF = (
    r"^\W*(?:(?:here is|here's|this is|tell me|please tell|tell) )?(?:a|the|my) (?:\w+ )?(?:story|tale) (?:of|about) "
    rf"(?P<object>an? (?:{LOOK})(?:{ONE}))[.:] (?P<first>(?:in|on) the first {_UNIT},?) (?:it|he|she) (?:is|"
    rf"was) (?P<look>{COLOUR}|{SIZE})"
    r"(?: and (?:it |he |she )?(?:stands?|stood|sits?|sat|is|was|lies|lay)(?P<where> (?:on|in|at) the [a-z ]+?)"
    r")?(?=[.;])"
)
_THEY_ARE = (
    r"(?:(?<=[.;!?\n] )|(?<=, )|(?=\b(?:then|now) ))(?P<lead>(?:(?:then|now|so|and) )*)"
    rf"(?:they (?:are|were)|there (?:are|were)) (?:now |all )?(?P<count>{_NUMBER})"
    r"(?: of them)?(?=\s*(?:$|[.;!\n]))"
)
"""A number without what is counted, after sentences that change it: "another fish comes. Then they are three."""
_PLACES = ("on the left", "in the middle", "on the right", "at the top", "at the bottom")


def in_series(text: str) -> str:
    """Returns a request that tells what each picture of a series shows; the same text if no rule fits.

    Examples:
        >>> in_series("Show the numbers 1 to 3 with red balls.")
        'One red ball. Then there are two red balls. Then there are three red balls.'
        >>> in_series("3 pictures of a boat in different colors")
        'A white boat. Then it turns red. Then it turns orange.'
        >>> in_series("Show how a tree grows.")
        'A small tree. Then it grows.'
    """
    text = compiled(_THEY_ARE, _I).sub(_counted_again, text)
    text = compiled(_STORY_OF, _I).sub(_first_of_story, compiled(_FIRST_ONE, _I).sub(_first_ones, text))
    plain = " ".join(text.split())
    for patterns, told in (
        ((_COUNTED_OUT,), _counted_out),
        ((_COUNTS_LISTED,), _counts_listed),
        (_VARIED, _varied),
        (_GROWTH, _growth),
        ((_CHANGES_LOOK,), _changes_look),
        ((_BECOMES_MANY,), _becomes_many),
        ((_IN_SEASONS,), _in_seasons),
    ):
        for pattern in patterns:
            if (found := compiled(pattern, _I).match(plain)) is not None:
                return told(found) or text
    return text


def _counted_out(match: re.Match[str]) -> str:
    first, last = _number(match["first"]), _number(match["last"])
    step = 1 if first < last else -1
    return "" if first == last else _told_counts(list(range(first, last + step, step)), match)


def _counts_listed(match: re.Match[str]) -> str:
    """Returns the series of "three pictures: one flower, two flowers, three flowers", one count a picture."""
    counts = [_number(word) for word in compiled(rf"\b{_NUMBER}\b", _I).findall(match["counts"])]
    kinds = {kind_named(noun) for noun in compiled(rf"\b(?:{MANY}|{ONE})\b", _I).findall(match["counts"])}
    steps = [after - before for before, after in pairwise(counts)]
    one_way = all(step > 0 for step in steps) or all(step < 0 for step in steps)
    whole = len(counts) == _number(match["pictures"]) and len(kinds) == 1 and one_way
    return _told_counts(counts, match) if whole else ""


def _told_counts(counts: list[int], match: re.Match[str]) -> str:
    kind = kind_named(match["noun"])
    words = [f"{NUMBER_WORDS[n - 1]} {match['look']}{kind if n == 1 else plural(kind)}" for n in counts]
    ground = match["ground"].removeprefix(",").replace(" all ", " ")
    told = [f"{words[0].capitalize()}{ground}."]
    told += [
        f"Then there {'is only' if n == 1 else 'are'} {what}." for n, what in zip(counts[1:], words[1:], strict=True)
    ]
    return " ".join(told)


def _varied(match: re.Match[str]) -> str:
    """Returns what the pictures of "four pictures of a boat in different colors" show; empty if there are too few."""
    count, look, kind = _number(match["pictures"]), match["look"], kind_named(match["noun"])
    what, ground = match["what"].lower(), match["ground"].removeprefix(",")
    if what.startswith("colo"):
        usual = USUAL_COLOURS[kind]
        values, taken = [usual, *(one for one in COLOURS if one != usual)], COLOUR
        first, then = f"A {{}} {look}{kind}{ground}.", "Then it turns {}."
    elif what == "size":
        values, taken = list(reversed(SIZES)) if SIZES[0] == "big" else list(SIZES), SIZE
        first, then = f"A {{}} {look}{kind}{ground}.", "Then it gets {}."
    else:
        values, taken = list(_PLACES), "(?!)"
        first, then = f"A {look}{kind} {{}}{ground}.", "Then it is {}."
    if not 1 < count <= len(values) or compiled(rf"\b(?:{taken})\b", _I).search(look):
        return ""
    return " ".join([first.format(values[0]), *(then.format(value) for value in values[1:count])])


def _growth(match: re.Match[str]) -> str:
    """Returns the two pictures of "how a tree grows"; empty if its size is not the one that it begins with."""
    shrinks = match["verb"].lower().startswith("shrink")
    size, then = ("big", "shrinks") if shrinks else ("small", "grows")
    look = match["look"].lower().removeprefix(f"{size} ")
    told = match["verb"].lower().endswith("s") and not match["ground"]  # "a flower grows in the meadow": it is there
    if not (told or compiled(_SHOWN, _I).search(match.string)) or compiled(rf"\b(?:{SIZE})\b").search(look):
        return ""
    return f"A {size} {look}{kind_named(match['noun'])}{match['ground'].removeprefix(',')}. Then it {then}."


def _changes_look(match: re.Match[str]) -> str:
    """Returns the two pictures of "a cat changes color"; empty if its size is not the one that it has first."""
    kind, look, ground = kind_named(match["noun"]), match["look"].lower(), match["ground"].removeprefix(",")
    if match["what"].lower() == "size":
        named = compiled(rf"\b(?:{SIZE})\b").search(look)
        return "" if named else f"A small {look}{kind}{ground}. Then it gets big."
    named = compiled(rf"\b(?:{COLOUR})\b").search(look)
    first = "" if named else f"{USUAL_COLOURS[kind]} "
    then = next(one for one in COLOURS if one not in {canonical(word) for word in (first + look).split()})
    return f"A {first}{look}{kind}{ground}. Then it turns {then}."


def _becomes_many(match: re.Match[str]) -> str:
    """Returns the two pictures of "one ball becomes two"."""
    number, kind = _number(match["count"]), kind_named(match["noun"])
    if number < 2:
        return ""
    what = f"{NUMBER_WORDS[number - 1]} {match['look']}{plural(kind)}"
    return f"One {match['look']}{kind}{match['ground'].removeprefix(',')}. Then there are {what}."


def _in_seasons(match: re.Match[str]) -> str:
    """Returns the two pictures of "a house in summer and in winter"; empty if both times look alike."""
    first, then = (_SEASONS[match[name].lower()] for name in ("first", "then"))
    return "" if first == then else f"A {match['look']}{match['noun']} {first}. Then it is {then}."


def _first_ones(match: re.Match[str]) -> str:
    """Returns "with flowers: first one" as "with one flower"."""
    number, kind = _number(match["count"]), kind_named(match["noun"])
    return f"with {NUMBER_WORDS[number - 1]} {match['look']}{kind if number == 1 else plural(kind)}"


def _first_of_story(match: re.Match[str]) -> str:
    """Returns a title with what the first picture says of its object: "the story of a car. In the first it is red"."""
    article, rest = match["object"].split(" ", 1)
    return f"{match['first']} there is {article} {match['look']} {rest}{match['where'] or ''}"


def _counted_again(match: re.Match[str]) -> str:
    """Names what is counted in "then they were three", if the sentences before name nothing else."""
    before = compiled(rf"\b(?:{MANY}|{ONE})\b", _I).findall(match.string[: match.start()])
    kinds, number = {kind_named(noun) for noun in before}, _number(match["count"])
    again = compiled(r"\b(?:another|second|more)\b", _I).search(match.string[: match.start()])
    told = match.group().lower()
    if len(kinds) != 1 or again is None or "then" not in told or "now" in told:  # "now there are" sums up what is there
        return match.group().replace("they", "there").replace("were", "are")
    (kind,) = kinds
    there = f"there is {match['count']} {kind}" if number == 1 else f"there are {match['count']} {plural(kind)}"
    return f"{match['lead']}{there}"


def _number(word: str) -> int:
    return NUMBERS[word.lower()] if word.lower() in NUMBERS else int(word)
