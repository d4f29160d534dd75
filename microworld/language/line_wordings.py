"""Rewrites descriptions of rows, columns and orders of size in the words of the patterns.

"A column of three stars on the right side" becomes "three stars in the right column". Works on the words of one
sentence in any spelling and knows no grammar.
"""

from __future__ import annotations

import re

from .compiled_patterns import Rule
from .key_words import COLOUR, COUNT, LOOK, MANY, ONE

__all__ = ["LINE_RULES"]

_PLACES = {"left": "on the left", "right": "on the right", "top": "at the top", "bottom": "at the bottom"}
_OF_THEM = rf"(?:(?P<n>{COUNT}) )?(?P<look>{LOOK})(?P<noun>{MANY})"


def _in_line(match: re.Match[str]) -> str:
    if match["n"] == "two" and not match["side"]:  # one above the other, anywhere
        return match.group()
    side = match["side"] or "middle"
    side = {"centre": "middle", "center": "middle"}.get(side, side)
    upright = re.search(r"\bcolumn|\bvertical", match.group()) is not None
    line = "column" if upright else "row"
    return f"{match['n'] or 'three'} {match['look']}{match['noun']} in the {side} {line}"


def _from_side(match: re.Match[str]) -> str:
    last = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}[match["one"]]
    return _placed(match, _PLACES[match["one"]], _PLACES[last])


def _listed(match: re.Match[str]) -> str:
    first, last = ("top", "bottom") if match["line"] == "column" else ("left", "right")
    return _placed(match, _PLACES[first], _PLACES[last])


def _placed(match: re.Match[str], first: str, last: str) -> str:
    items = [match[name].strip() for name in "abc"]
    if not all(re.fullmatch(rf"(?:(?:an?|one) )?{LOOK}(?:{ONE})", item) for item in items):
        return match.group()
    a, b, c = (item if re.match(r"(?:an?|one) ", item) else f"a {item}" for item in items)
    return f"{a} {first} , {b} in the middle and {c} {last}"


def _bigger_than(match: re.Match[str]) -> str:
    one, other = ("big", "small") if match["how"] in {"bigger", "larger"} else ("small", "big")
    return f"a {one} {match['one']} and a {other} {match['other']}"


LINE_RULES: tuple[Rule, ...] = (
    (
        (r"^(?:a |one )?(?P<line>column|row) : (?P<a>[^,:]+?) , (?P<b>[^,:]+?)(?: , and| ,| and) (?P<c>[^,:]+)$"),
        _listed,
    ),
    (
        (
            rf"\b(?P<one>an? {LOOK}(?:{ONE})) (?:(?:to|on) the )?left and (?:(?:to|on) the )?right of "
            rf"(?P<other>(?:an?|one) {LOOK}(?:{ONE}))\b"
        ),
        r"\g<other> with \g<one> on each side",
    ),
    (
        rf"\b(?:(?:a|an|the|one) )?(?P<side>top|bottom|middle) (?:row|line) of {_OF_THEM}\b",
        _in_line,
    ),
    (
        rf"\b(?:(?:a|an|the|one) )?(?P<side>left|right|middle) column of {_OF_THEM}\b",
        _in_line,
    ),
    (
        (
            rf"\b(?:(?:a|an|the|one) )?(?:vertical (?:row|line)|column) of {_OF_THEM}"
            r"(?: (?:on|at|in|along|down) the (?:far )?(?P<side>left|right|middle|centre|center)"
            r"(?: (?:hand )?side| edge| column)?)?(?=$| ,| and\b)"
        ),
        _in_line,
    ),
    (
        rf"\b(?:(?:a|an|the|one) )?(?:(?:horizontal|straight) )?(?:row|line) of (?:({COUNT}) )?({LOOK})({MANY})\b",
        lambda match: f"{match[1] or 'three'} {match[2]}{match[3]} in a row",
    ),
    (
        rf"\b((?!two )(?:{COUNT}) {LOOK}(?:{MANY}))(?: ,)? in (?:a|one) (?:column|vertical (?:row|line))\b",
        r"\1 in the middle column",
    ),
    (
        (
            r"^(?:the )?(?P<line>(?:top|middle|bottom) row|(?:left|middle|right) column) "
            rf"(?:is |should be )?(?:full of|filled with) (?P<look>{LOOK})(?P<noun>{MANY})$"
        ),
        r"three \g<look>\g<noun> in the \g<line>",
    ),
    (
        (
            r"^from (?P<one>left|top|right|bottom) to (?:left|right|top|bottom)(?: :| ,)? (?P<a>[^,:]+?)(?: ,)?"
            r"(?: and)? , "
            r"(?P<b>[^,:]+?)(?: , and| ,| and) (?P<c>[^,:]+)$"
        ),
        _from_side,
    ),
    (
        (
            rf"^(?:an?|one) (?P<one>(?:(?:{COLOUR}) )?(?:{ONE})) (?:(?:that|which) is )?"
            r"(?P<how>bigger|larger|smaller) than "
            rf"(?:an?|one|the) (?P<other>(?:(?:{COLOUR}) )?(?:{ONE}))$"
        ),
        _bigger_than,
    ),
)
"""Each pattern with what replaces it."""
