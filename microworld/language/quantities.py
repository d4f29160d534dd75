"""Writes out numbers that are told by others: "twice as many", "the rest", "two fewer", "2 + 3", "half of them".

Works on the text of a whole request, before its sentences are read. Each rule needs the whole construction; anything
else stays as it is, and so do numbers that no image holds. Knows no grammar and no scene.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .compiled_patterns import Rule, compiled, rewritten
from .key_words import COLOUR, COUNT, LOOK, MANY, ONE, SIZE, kind_named
from .phrase_patterns import NUMBERS
from .plain_text import NUMBER_WORDS, PLURALS
from .vocabulary import plural

__all__ = ["NUMBER", "PAUSE", "multiplied", "number_of", "with_numbers"]

_I = re.IGNORECASE
NUMBER = rf"(?:[1-9]|{COUNT})"
"""A digit or a number word."""
PAUSE = r"\s*[,:;(\u2013\u2014-]+\s*"
"""What separates two parts of a sentence."""
_STOP = r"\s*[.,:;(\u2013\u2014-]+\s*"
_ARE = r"(?: (?:is|are|was|were|being|should be|shall be|must be))?"
_THERE = "(?:(?:there (?:are|is)|with|and) )*(?:just |only )?"
_VALUE = rf"(?:{COLOUR}|{SIZE})"


def number_of(word: str) -> int:
    """Returns the number that a digit or a number word names."""
    return NUMBERS[word.lower()] if word.lower() in NUMBERS else int(word)


def _each(match: re.Match[str]) -> str:
    number = number_of(match["number"])
    words = (f"{match[f'look_{one}'] or ''}{_counted(number, match[f'noun_{one}'])}" for one in "ab")
    return " and ".join(f"{NUMBER_WORDS[number - 1]} {what}" for what in words)


def _as_many(match: re.Match[str]) -> str:
    """Writes a number that is stated by another one; leaves it if it is none, or is that of something else."""
    count = 1 if match["count"].lower() in {"a", "an"} else number_of(match["count"])
    like = match["like"]
    number = count * _factor(match["how"])
    if len(compiled(rf"\b(?:{ONE}|{MANY})\b", _I).findall(match["before"])) > 1:
        return match.group()  # "two cats and a bird and twice as many balls": as many as which?
    if (like and kind_named(like) != kind_named(match["noun_a"])) or number != int(number) or not 0 < number < 10:
        return match.group()
    return f"{match['before']} {NUMBER_WORDS[int(number) - 1]} {match['look']}{_counted(int(number), match['noun'])}"


def _sum(match: re.Match[str]) -> str:
    """Returns "2 + 3 birds" as "five birds"."""
    first, second = number_of(match["first"]), number_of(match["second"])
    number = first + second if match["sign"].lower() in {"+", "plus"} else first - second
    return _objects(number, match["look"], match["noun"]) or match.group()


def _with_rest(match: re.Match[str]) -> str:
    """Returns "three boxes, one red and the others blue" with the number of the others."""
    count, some = number_of(match["count"]), number_of(match["some"])
    left = count - some
    if left < 1 or (match["single"] is not None and left > 1):
        return match.group()
    what = _objects(count, match["look"], match["noun"])
    return f"{what}{match['where']}, {match['some']} {match['value']} and {NUMBER_WORDS[left - 1]} {match['other']}"


def _as_many_first(match: re.Match[str]) -> str:
    """Returns "twice as many stars as cats. There are two cats" with both numbers."""
    count = number_of(match["count"])
    number = count * _factor(match["how"])
    if kind_named(match["like"]) != kind_named(match["noun_b"]) or number != int(number):
        return match.group()
    many = _objects(int(number), match["look"], match["noun"])
    return f"{_objects(count, match['look_b'], match['noun_b'])} and {many}" if many else match.group()


def _more_first(match: re.Match[str]) -> str:
    """Returns "one more car than boats. There are three boats" with both numbers."""
    count, by = number_of(match["count"]), number_of(match["by"])
    number = count + by if match["how"].lower() == "more" else count - by
    if kind_named(match["like"]) != kind_named(match["noun_b"]):
        return match.group()
    what = _objects(number, match["look"], match["noun"])
    return f"{_objects(count, match['look_b'], match['noun_b'])} and {what}" if what else match.group()


def _more_than(match: re.Match[str]) -> str:
    """Returns "two cats and one more bird than cats" with the number of birds."""
    if len(compiled(rf"\b(?:{ONE}|{MANY})\b", _I).findall(match["before"])) > 1:
        return match.group()
    count = 1 if match["count"].lower() in {"a", "an"} else number_of(match["count"])
    more, like = match["how"].lower() == "more", match["like"]
    number = count + number_of(match["by"]) * (1 if more else -1)
    if (more and not like) or (like and kind_named(like) != kind_named(match["noun_a"])):
        return match.group()  # "two cats and one more bird": one that was not named before
    what = _objects(number, match["look"], match["noun"])
    return f"{match['before']} {what}" if what else match.group()


def _objects(number: int, look: str, noun: str) -> str:
    """Returns objects with their number in words; empty if no image holds as many, or none are left."""
    return f"{NUMBER_WORDS[number - 1]} {look}{_counted(number, noun)}" if 0 < number < 10 else ""


_MANY_AS = (
    r"(?P<how>twice as many|double (?:as many|that many|the (?:number|amount) of)|(?:three|3) times as many|"
    r"half as many|(?:just |exactly )?as many|equally many|(?:exactly )?the same number of)"
)
_RULES: tuple[Rule, ...] = (
    (
        (
            rf"(?<![\d+-] )\b(?P<first>{NUMBER}) ?(?P<sign>\+|plus|minus) ?(?P<second>{NUMBER}) "
            rf"(?P<look>{LOOK})(?P<noun>{MANY})\b(?!\s*=)"
        ),
        _sum,
    ),
    (
        (
            rf"^(?P<first>{NUMBER}) (?P<sign>[-\u2013\u2212]) (?P<second>{NUMBER}) (?P<look>{LOOK})(?P<noun>{MANY})"
            r"(?=\W*$)"
        ),
        _sum,
    ),
    (
        (
            rf"\b(?P<count>{NUMBER}) (?P<look>{LOOK})(?P<noun>{MANY}|{ONE})(?P<where>(?: (?:in|on|at|by) the \w+)?)"
            rf"{_STOP}(?:(?:and|with|of (?:them|these|which)),? )*(?P<some>{NUMBER})(?: of (?:them|these|which))?"
            rf"(?: ones?)?{_ARE} (?P<value>{_VALUE})(?: ones?)?,?(?: (?:and|but|while))? "
            r"(?:all )?(?:the )?(?:others|(?P<single>other)(?: one)?|other ones|rest|remaining(?: ones?)?)(?: of them)?"
            rf"{_ARE}(?: all)? (?P<other>{_VALUE})\b"
        ),
        _with_rest,
    ),
    (
        (
            rf"\b(?:(?:an?|the) )?(?:equal|same) (?:numbers?|amounts?) of "
            rf"(?=(?:{LOOK})(?:{MANY}) and (?:{LOOK})(?:{MANY}){PAUSE}{NUMBER}(?: of)? each\b)"
        ),
        "",
    ),
    (
        (
            rf"\b{_MANY_AS} (?P<look>{LOOK})(?P<noun>{MANY}) as (?:there are )?(?P<like>{MANY}){_STOP}"
            rf"{_THERE}(?P<count>{NUMBER}) (?P<look_b>{LOOK})"
            rf"(?P<noun_b>{MANY}|{ONE})\b"
        ),
        _as_many_first,
    ),
    (
        (
            rf"\b(?P<by>{NUMBER}) (?P<how>more|fewer|less) (?P<look>{LOOK})(?P<noun>{MANY}|{ONE}) than (?:there are )?"
            rf"(?P<like>{MANY}){_STOP}{_THERE}(?P<count>{NUMBER}) (?P<look_b>{LOOK})(?P<noun_b>{MANY}|{ONE})\b"
        ),
        _more_first,
    ),
    (
        (
            rf"(?P<before>\b(?P<count>an?|{NUMBER}) {LOOK}(?P<noun_a>{ONE}|{MANY})\b[^.;:!?\n]{{0,40}}?,? (?:and|"
            rf"with|plus|but)) (?P<by>{NUMBER}) (?P<how>more|fewer|less) (?P<look>{LOOK})(?P<noun>{MANY}|{ONE})\b"
            rf"(?: than (?:there are )?(?:the )?(?P<like>{MANY})\b)?"
        ),
        _more_than,
    ),
    (rf"\b(?:0|zero) (?={LOOK}(?:{MANY}|{ONE})\b)", "no "),
    (
        (
            rf"\bas many (?P<look_a>{LOOK})(?P<noun_a>{MANY}) as (?P<look_b>{LOOK})(?P<noun_b>{MANY}){PAUSE}"
            rf"(?P<number>{NUMBER})(?: of)? each\b(?! (?!please)\w)"
        ),
        _each,
    ),
    (
        (
            rf"(?<!\d )(?<!\w )(?P<look_a>{LOOK})(?P<noun_a>{MANY}) and (?P<look_b>{LOOK})(?P<noun_b>{MANY}){PAUSE}"
            rf"(?P<number>{NUMBER})(?: of)? each\b(?! (?!please)\w)"
        ),
        _each,
    ),
    (
        (
            rf"\b(?:an?|one) (?P<look_a>{LOOK})(?P<noun_a>{ONE}) and (?:an?|one) (?P<look_b>{LOOK})"
            rf"(?P<noun_b>{ONE}){PAUSE}"
            rf"(?P<number>{NUMBER}) of (?:each|both)\b(?! (?!please)\w)"
        ),
        _each,
    ),
    (
        (
            rf"(?P<before>\b(?P<count>an?|{NUMBER}) {LOOK}(?P<noun_a>{ONE}|{MANY})\b[^.;:!?\n]{{0,40}}?,? (?:and|"
            rf"with|plus|but))"
            rf" {_MANY_AS} (?P<look>{LOOK})(?P<noun>{MANY})\b(?: as (?:there are )?(?:the )?(?P<like>{MANY})\b)?"
        ),
        _as_many,
    ),
)


def with_numbers(text: str) -> str:
    """Returns a request that says of all objects how many there are; the same text if no rule fits.

    Examples:
        >>> with_numbers("two cats and twice as many red balls")
        'two cats and four red balls'
        >>> with_numbers("Three boxes, one red, the others blue.")
        'three Boxes, one red and two blue.'
    """
    return rewritten(text, _RULES, _I)


_DOUBLED = (
    (
        rf"^\W*(?:please )?double (?:the )?(?:number|amount|count) of (?:the |all )?(?P<noun>{MANY})"
        r"(?: please)?\W*$"
    ),
    (
        rf"^\W*(?:(?:please|now|make it|make|i want|we need|i need|draw|there should be|add so that there are) )*"
        rf"twice as many (?P<noun>{MANY})(?: as (?:now|before|there are(?: now)?|in the picture))?(?: please)?\W*$"
    ),
)


_AGAIN = "(?: (?:there|please|now|left|here|in (?:it|there|the (?:picture|image))))*"
_HALVED = (
    rf"^\W*(?:(?:please|now|can you|could you) )*(?:halve (?:the )?(?:number|amount|count) of|remove half(?: of)?|"
    rf"(?:delete|erase|take away|get rid of) half(?: of)?|keep (?:only )?half(?: of)?)(?: the)? (?P<noun>{MANY})"
    rf"{_AGAIN}\W*$"
)
_WISH = (
    r"^\W*(?:(?:please|now|can you|could you|make it|make|show|draw|i want|i need|i would like|we need|"
    "there (?:should|must) be|let there be) )*"
)
_LESS = (
    rf"{_WISH}(?P<by>{NUMBER}) (?:fewer|less) (?P<noun>{MANY}|{ONE}){_AGAIN}\W*$",
    rf"{_WISH}(?P<by>{NUMBER}) (?P<noun>{MANY}|{ONE}) (?:fewer|less){_AGAIN}\W*$",
)


def multiplied(text: str, shown: Mapping[str, int] | None) -> str:
    """Returns "double the number of fish" and "two fewer fish" as orders to add or to remove some.

    Args:
        text: A request about an image.
        shown: The number of objects of each kind in the image; None if it is not known.
    """
    found = next(filter(None, (compiled(pattern, _I).match(text) for pattern in _DOUBLED)), None)
    if found is None:
        return _fewer(text, shown)
    kind = kind_named(found["noun"])
    count = 1 if shown is None else shown.get(kind, 0)
    if not 0 < count < 9:
        return text
    return f"Add another {kind}." if count == 1 else f"Add {NUMBER_WORDS[count - 1]} more {plural(kind)}."


def _fewer(text: str, shown: Mapping[str, int] | None) -> str:
    found = compiled(_HALVED, _I).match(text)
    half = found is not None
    found = found or next(filter(None, (compiled(pattern, _I).match(text) for pattern in _LESS)), None)
    if found is None:
        return text
    kind = kind_named(found["noun"])
    count = 2 if shown is None else shown.get(kind, 0)
    number = count / 2 if half else number_of(found["by"])
    if number != int(number) or not number or (shown is not None and number >= count):
        return text
    return f"Remove {_objects(int(number), '', kind)}."


def _factor(how: str) -> float:
    how = how.lower()
    if how.startswith(("three", "3")):
        return 3
    return 2 if how.startswith(("twice", "double")) else 0.5 if how.startswith("half") else 1


def _counted(number: int, noun: str) -> str:
    """Returns a noun in the form that fits a number; a plural that fits already stays in the user's spelling."""
    if number > 1 and noun.lower() in PLURALS:
        return noun
    kind = kind_named(noun)
    return kind if number == 1 else plural(kind)
