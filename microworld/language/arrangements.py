"""Says where each object is in "four corners, four stars" or "two rows of three balls".

Works on the text of a whole request, before its sentences are read. Each rule needs the whole construction; anything
else stays as it is, and so do numbers that no image holds. Knows no grammar and no scene.
"""

from __future__ import annotations

import re

from .compiled_patterns import Rule, compiled, rewritten
from .key_words import GROUND, LOOK, MANY, ONE, kind_of
from .plain_text import NUMBER_WORDS, PLURALS
from .quantities import NUMBER, PAUSE, number_of
from .tables import RANKS, told_by_lines

__all__ = ["arranged"]

_I = re.IGNORECASE
_OBJECTS = rf"(?P<look>{LOOK})(?P<noun>{MANY})"
_AT_GROUND = rf"(?P<ground>(?:,? (?:in|on|at|by)(?: the| an?)? (?:{GROUND}))?)(?:,? please)?"
_PER = r"(?:per|for (?:each|every)|(?:in|at|on) (?:each|every)(?: one)?(?: of the)?(?: four| nine)?)"
_SIDE = "(?:left|right|middle|top|bottom)"
_CELL = "(?:spots?|cells?|places?|squares?|fields?|positions?)"


def _in_corners(match: re.Match[str]) -> str:
    return f"four {match['look']}{match['noun']} in the corners{match.groupdict().get('ground') or ''}"


def _rows(match: re.Match[str]) -> str:
    """Returns a block of objects as the rows or columns that it has in the grid."""
    rows, columns = (number_of(match[name]) for name in ("rows", "columns"))
    if (match.groupdict().get("line") or "").lower().startswith("col"):
        rows, columns = columns, rows
    what = f"{match['look']}{match['noun']}"
    if (rows, columns) == (3, 3):
        return f"nine {what}"
    if (rows, columns) == (2, 2):
        return f"four {what} in the corners"
    first, last, line = ("top", "bottom", "row") if (rows, columns) == (2, 3) else ("left", "right", "column")
    return f"three {what} in the {first} {line} and three {what} in the {last} {line}"


def _around(match: re.Match[str]) -> str:
    """Returns "a house surrounded by trees" with the house in the middle; leaves numbers that cannot surround it."""
    number = 4 if match["count"] is None else number_of(match["count"])
    if not 4 <= number <= 8:
        return match.group()
    what = f"{NUMBER_WORDS[number - 1]} {match['look']}{match['noun']}{' in the corners' if number == 4 else ''}"
    return f"{match['centre']} in the middle and {what}"


def _young(match: re.Match[str]) -> str:
    """Returns "a cat and her kitten" as two cats."""
    same = kind_of(match["noun"]) == kind_of(match["other"])
    return f"{match['before']} and {match['article']} {match['other']}" if same else match.group()


_BEFORE_SOME = "(?:^|(?<=draw )|(?<=show )|(?<=paint )|(?<=make )|(?<=with )|(?<=and )|(?<=me )|(?<=[.,:;!?\\n] ))"
_CENTRE = rf"(?P<centre>(?:an?|one) {LOOK}(?:{ONE}))"
_RULES: tuple[Rule, ...] = (
    (
        r"\b(?P<rank>first|second|third|last) (?P<line>row|column)\b",
        lambda match: f"{RANKS[match['line'].lower()][match['rank'].lower()]} {match['line']}",
    ),
    (
        (
            rf"\b{_CENTRE} (?:(?:that |which )?is )?(?:surrounded|encircled|ringed) by "
            rf"(?:(?P<count>{NUMBER}) |some )?{_OBJECTS}\b"
        ),
        _around,
    ),
    (
        (
            rf"(?:\b(?P<count>{NUMBER}) |{_BEFORE_SOME}(?:an? (?:ring|circle) of )?){_OBJECTS} (?:all )?"
            rf"(?:around|surrounding) {_CENTRE}\b"
        ),
        _around,
    ),
    (
        rf"\b{_CENTRE} with (?:(?P<count>{NUMBER}) )?{_OBJECTS} (?:all )?around (?:it|her|him)\b",
        _around,
    ),
    (
        rf"{_BEFORE_SOME}{_OBJECTS} on (?:each|either|both) sides? of {_CENTRE}\b",
        lambda match: f"{match['centre']} with a {match['look']}{kind_of(PLURALS[match['noun'].lower()])} on each side",
    ),
    (
        rf"\b(?:an? (?:tower|stack|pile) of|stack) (?:(?:three|3) )?{_OBJECTS}\b",
        r"three \g<look>\g<noun> in the middle column",
    ),
    (
        (
            rf"\b(?P<before>(?P<article>an?|one) {LOOK}(?:(?:mother|mama|mum|mommy|father|daddy|papa) )?"
            rf"(?P<noun>{ONE})) (?:and|with) (?:her|his|its) (?P<other>{LOOK}(?:{ONE}))\b"
        ),
        _young,
    ),
    (rf"\b(?:in )?(?:the |all )?(?:four|4) corners{PAUSE}(?:four|4) {_OBJECTS}\b(?! in\b)", _in_corners),
    (rf"\b(?:four|4) {_OBJECTS}{PAUSE}(?:four|4) corners\b", _in_corners),
    (rf"\b(?:four|4) {_OBJECTS}{_AT_GROUND}{PAUSE}(?:with )?one {_PER} corners?\b\)?", _in_corners),
    (
        rf"\b(?:an?|one) (?P<look>{LOOK})(?P<noun>{ONE}) (?:per|for (?:each|every)) corner\b",
        r"a \g<look>\g<noun> in each corner",
    ),
    (
        rf"\b(?:nine|9) {_OBJECTS}{_AT_GROUND}{PAUSE}(?:with )?one {_PER} {_CELL}\b\)?",
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
            rf"\b(?P<rows>two|three|2|3) (?P<line>rows|lines|columns){PAUSE}(?:(?:of|with) )?(?P<columns>two|"
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
            rf"\bfill (?:up )?the (?P<one>{_SIDE}) (?P<line>row|column) with (?P<a>{LOOK}(?:{MANY}))(?:,| and|, and)? "
            rf"(?:fill )?the (?P<two>{_SIDE}) (?P=line) with (?P<b>{LOOK}(?:{MANY}))\b"
        ),
        r"three \g<a> in the \g<one> \g<line> and three \g<b> in the \g<two> \g<line>",
    ),
    (
        (
            rf"\b(?P<with>with|and) (?P<look>{LOOK})(?P<noun>{MANY}) (?:(?:on|to) (?:the )?)?left and "
            r"(?:(?:on|to) (?:the )?)?right(?: sides?)?(?: of it)?(?=\s*(?:[.,;!]|$))"
        ),
        lambda match: f"{match['with']} {match['look']}{kind_of(PLURALS[match['noun'].lower()])} on each side",
    ),
)


def arranged(text: str) -> str:
    """Returns a request that says of every object where it is and how many there are; the same text if no rule fits.

    Examples:
        >>> arranged("Four corners, four stars.")
        'four stars in the corners.'
    """
    return _without_it(_with_digits(rewritten(told_by_lines(text), _RULES, _I)))


_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii")
_ROMAN_MARK = r"(?<![\w.,])\(?(?P<number>i{1,3}|iv|vi{0,3})[.)](?=\s)"
_OF_PICTURE = rf"\b(?P<said>there (?:is|are) (?:an?|{NUMBER}) {LOOK}(?:{ONE}|{MANY})) (?:in|on) it\b"


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
