"""Says where each object is in "four corners, four stars", "two rows of three balls", and how many "twice as many" are.

Works on the text of a whole request, before its sentences are read. Each rule needs the whole construction; anything
else stays as it is, and so do numbers that no image holds. Knows no grammar and no scene.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .compiled_patterns import Rule, compiled, rewritten
from .key_words import COUNT, GROUND, LOOK, MANY, ONE, kind_of
from .phrase_patterns import NUMBERS
from .plain_text import NUMBER_WORDS, PLURALS, canonical
from .vocabulary import plural

__all__ = ["arranged", "multiplied"]

_I = re.IGNORECASE
_NUMBER = rf"(?:[1-9]|{COUNT})"
_OBJECTS = rf"(?P<look>{LOOK})(?P<noun>{MANY})"
_AT_GROUND = rf"(?P<ground>(?:,? (?:in|on|at|by)(?: the| an?)? (?:{GROUND}))?)(?:,? please)?"
_PER = r"(?:per|for (?:each|every)|(?:in|at|on) (?:each|every)(?: one)?(?: of the)?(?: four| nine)?)"
_CELL = "(?:spots?|cells?|places?|squares?|fields?|positions?)"
_PAUSE = r"\s*[,:;(\u2013\u2014-]+\s*"


def _in_corners(match: re.Match[str]) -> str:
    return f"four {match['look']}{match['noun']} in the corners{match.groupdict().get('ground') or ''}"


def _rows(match: re.Match[str]) -> str:
    """Returns a block of objects as the rows or columns that it has in the grid."""
    rows, columns = (_number(match[name]) for name in ("rows", "columns"))
    if (match.groupdict().get("line") or "").lower().startswith("col"):
        rows, columns = columns, rows
    what = f"{match['look']}{match['noun']}"
    if (rows, columns) == (3, 3):
        return f"nine {what}"
    if (rows, columns) == (2, 2):
        return f"four {what} in the corners"
    first, last, line = ("top", "bottom", "row") if (rows, columns) == (2, 3) else ("left", "right", "column")
    return f"three {what} in the {first} {line} and three {what} in the {last} {line}"


def _each(match: re.Match[str]) -> str:
    number = _number(match["number"])
    words = (f"{match[f'look_{one}'] or ''}{_counted(number, match[f'noun_{one}'])}" for one in "ab")
    return " and ".join(f"{NUMBER_WORDS[number - 1]} {what}" for what in words)


def _as_many(match: re.Match[str]) -> str:
    """Writes a number that is stated by another one; leaves it if it is none, or is that of something else."""
    count = 1 if match["count"].lower() in {"a", "an"} else _number(match["count"])
    like = match["like"]
    number = count * _factor(match["how"])
    if len(compiled(rf"\b(?:{ONE}|{MANY})\b", _I).findall(match["before"])) > 1:
        return match.group()  # "two cats and a bird and twice as many balls": as many as which?
    if (like and _kind(like) != _kind(match["noun_a"])) or number != int(number) or not 0 < number < 10:
        return match.group()
    return f"{match['before']} {NUMBER_WORDS[int(number) - 1]} {match['look']}{_counted(int(number), match['noun'])}"


_MANY_AS = (
    r"(?P<how>twice as many|double (?:as many|that many|the (?:number|amount) of)|(?:three|3) times as many|"
    r"half as many|(?:just |exactly )?as many|equally many|(?:exactly )?the same number of)"
)
_RULES: tuple[Rule, ...] = (
    (rf"\b(?:in )?(?:the |all )?(?:four|4) corners{_PAUSE}(?:four|4) {_OBJECTS}\b(?! in\b)", _in_corners),
    (rf"\b(?:four|4) {_OBJECTS}{_PAUSE}(?:four|4) corners\b", _in_corners),
    (rf"\b(?:four|4) {_OBJECTS}{_AT_GROUND}{_PAUSE}(?:with )?one {_PER} corners?\b\)?", _in_corners),
    (
        rf"\b(?:an?|one) (?P<look>{LOOK})(?P<noun>{ONE}) (?:per|for (?:each|every)) corner\b",
        r"a \g<look>\g<noun> in each corner",
    ),
    (
        rf"\b(?:nine|9) {_OBJECTS}{_AT_GROUND}{_PAUSE}(?:with )?one {_PER} {_CELL}\b\)?",
        r"nine \g<look>\g<noun>\g<ground>",
    ),
    (
        (
            rf"\b(?P<rows>two|three|2|3) (?P<line>rows|lines|columns) (?:of|with) (?P<columns>two|three|2|3) "
            rf"{_OBJECTS}\b"
            r"(?: each| per (?:row|line|column))?"
        ),
        _rows,
    ),
    (
        (
            rf"\b(?P<rows>two|three|2|3) (?P<line>rows|lines|columns){_PAUSE}(?:(?:of|with) )?(?P<columns>two|"
            rf"three|2|3) "
            rf"{_OBJECTS} (?:each|per (?:row|line|column)|in (?:each|every) (?:row|line|column|one))\b"
        ),
        _rows,
    ),
    (
        (
            r"\b(?:an? )?(?P<rows>[23]|two|three) ?(?:x|by|\u00d7) ?(?P<columns>[23]|two|three)"
            rf"(?: (?:grid|block|square|rectangle|pattern|matrix))? of {_OBJECTS}\b"
        ),
        _rows,
    ),
    (
        (
            rf"\bas many (?P<look_a>{LOOK})(?P<noun_a>{MANY}) as (?P<look_b>{LOOK})(?P<noun_b>{MANY}){_PAUSE}"
            rf"(?P<number>{_NUMBER})(?: of)? each\b(?! (?!please)\w)"
        ),
        _each,
    ),
    (
        (
            rf"(?<!\d )(?<!\w )(?P<look_a>{LOOK})(?P<noun_a>{MANY}) and (?P<look_b>{LOOK})(?P<noun_b>{MANY}){_PAUSE}"
            rf"(?P<number>{_NUMBER})(?: of)? each\b(?! (?!please)\w)"
        ),
        _each,
    ),
    (
        (
            rf"\b(?:an?|one) (?P<look_a>{LOOK})(?P<noun_a>{ONE}) and (?:an?|one) (?P<look_b>{LOOK})"
            rf"(?P<noun_b>{ONE}){_PAUSE}"
            rf"(?P<number>{_NUMBER}) of (?:each|both)\b(?! (?!please)\w)"
        ),
        _each,
    ),
    (
        (
            rf"(?P<before>\b(?P<count>an?|{_NUMBER}) {LOOK}(?P<noun_a>{ONE}|{MANY})\b[^.;:!?\n]{{0,40}}?,? (?:and|"
            rf"with|plus|but))"
            rf" {_MANY_AS} (?P<look>{LOOK})(?P<noun>{MANY})\b(?: as (?:there are )?(?:the )?(?P<like>{MANY})\b)?"
        ),
        _as_many,
    ),
)


def arranged(text: str) -> str:
    """Returns a request that says of every object where it is and how many there are; the same text if no rule fits.

    Examples:
        >>> arranged("Four corners, four stars.")
        'four stars in the corners.'
        >>> arranged("two cats and twice as many red balls")
        'two cats and four red balls'
    """
    return _without_it(_with_digits(rewritten(text, _RULES, _I)))


_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii")
_ROMAN_MARK = r"(?<![\w.,])\(?(?P<number>i{1,3}|iv|vi{0,3})[.)](?=\s)"
_OF_PICTURE = rf"\b(?P<said>there (?:is|are) (?:an?|{_NUMBER}) {LOOK}(?:{ONE}|{MANY})) (?:in|on) it\b"


def _with_digits(text: str) -> str:
    """Writes the marks of a list that counts in Roman numerals from one on as digits."""
    marks = list(compiled(_ROMAN_MARK, _I).finditer(text))
    if len(marks) < 2 or tuple(one["number"].lower() for one in marks) != _ROMAN[: len(marks)]:
        return text
    for number, one in reversed(list(enumerate(marks, 1))):
        text = f"{text[: one.start()]}{number}){text[one.end() :]}"
    return text


def _without_it(text: str) -> str:
    """Leaves out "in it" where only the picture can be meant: nothing else was named before."""
    found = compiled(_OF_PICTURE, _I).search(text)
    if found is None or compiled(rf"\b(?:{ONE}|{MANY})\b", _I).search(text[: found.start()]):
        return text
    return f"{text[: found.start()]}{found['said']}{text[found.end() :]}"


_MULTIPLIED = (
    (
        rf"^\W*(?:please )?double (?:the )?(?:number|amount|count) of (?:the |all )?(?P<noun>{MANY})"
        r"(?: please)?\W*$"
    ),
    (
        rf"^\W*(?:(?:please|now|make it|make|i want|we need|i need|draw|there should be|add so that there are) )*"
        rf"twice as many (?P<noun>{MANY})(?: as (?:now|before|there are(?: now)?|in the picture))?(?: please)?\W*$"
    ),
)


def multiplied(text: str, shown: Mapping[str, int] | None) -> str:
    """Returns "double the number of fish" as the order to add as many as there are.

    Args:
        text: A request about an image.
        shown: The number of objects of each kind in the image; None if it is not known.
    """
    found = next(filter(None, (compiled(pattern, _I).match(text) for pattern in _MULTIPLIED)), None)
    if found is None:
        return text
    kind = _kind(found["noun"])
    count = 1 if shown is None else shown.get(kind, 0)
    if not 0 < count < 9:
        return text
    return f"Add another {kind}." if count == 1 else f"Add {NUMBER_WORDS[count - 1]} more {plural(kind)}."


def _number(word: str) -> int:
    return NUMBERS[word.lower()] if word.lower() in NUMBERS else int(word)


def _factor(how: str) -> float:
    how = how.lower()
    if how.startswith(("three", "3")):
        return 3
    return 2 if how.startswith(("twice", "double")) else 0.5 if how.startswith("half") else 1


def _kind(noun: str) -> str:
    return PLURALS.get(noun.lower(), canonical(noun.lower()))


def _counted(number: int, noun: str) -> str:
    """Returns a noun in the form that fits a number; a plural that fits already stays in the user's spelling."""
    if number > 1 and noun.lower() in PLURALS:
        return noun
    kind = kind_of(PLURALS.get(noun.lower(), noun))
    return kind if number == 1 else plural(kind)
