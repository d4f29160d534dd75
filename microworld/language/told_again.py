"""Says what happens to an object that a story showed before: "the same boat in green", "the fish stays alone".

Also puts the objects of a lesson in the order that it names after them: "how do I draw a cat and a house? House first".
Works on the text of a whole request without images, before its sentences are read, and knows no scene.
"""

from __future__ import annotations

import re

from interleavethinker.tools.errors import InputError

from .compiled_patterns import Rule, compiled, rewritten
from .key_words import COLOUR, LOOK, MANY, ONE, SIZE, kind_of
from .plain_text import canonical
from .reader.patterns import GROUND_WORD

__all__ = ["in_named_order", "told_again"]

_I = re.IGNORECASE
_END = r"(?=\s*(?:[.,;!?\n]|$))"
_THEN = (
    r"(?P<then>\b(?:then|next|now|later|afterwards|after (?:that|this)|finally|picture [2-9]\s*:)[,:]? )"
    r"(?:(?:there (?:is|comes)|we see|you see|i see|show|draw|with) )?"
)
_SAME = (
    rf"(?:the |that )?(?:very |exact )?same (?P<noun>{ONE})(?: again)?,?(?: but| only| just)*(?: (?:is|it is))?"
    "(?: now)?"
)
_ALONE = r"(?:alone|on (?:its|her|his|their) own|by (?:itself|herself|himself|themselves))"
_RULES: tuple[Rule, ...] = (
    (
        rf"{_THEN}{_SAME}(?: in)? (?P<look>{COLOUR})(?: color| colour)?{_END}",
        r"\g<then>the \g<noun> turns \g<look>",
    ),
    (
        rf"{_THEN}{_SAME} (?:(?:very|really|quite|much) )*(?P<look>{SIZE}){_END}",
        lambda match: f"{match['then']}the {match['noun']} gets {canonical(match['look'].lower())}",
    ),
    (
        (
            rf"\b(the {LOOK}(?:{ONE}|{MANY})) (?:stays?|remains?)(?: there| behind| all| quite)* {_ALONE}"
            rf"(?: there| behind)?{_END}"
        ),
        r"only \1 stays",
    ),
    (
        r"^the night (?:is|was) (?:(?:very|so|dark|black|silent|quiet|calm|clear|cold|long|and|still|,) ?)+(?=[.;!])",
        "It is night",
    ),
    (
        (
            rf"\b(?P<before>(?:another|an?(?: second| third| new)?|one)) (?P<noun>{ONE})(?P<comes>[^.,;!?]*), "
            rf"(?:(?:and )?this time )?an? (?P<look>(?:(?:{COLOUR}|{SIZE}) ?)+) one{_END}"
        ),
        r"\g<before> \g<look> \g<noun>\g<comes>",
    ),
    (
        (
            rf"\b((?:an?|one) {LOOK}(?:{ONE})) (?:(?:slowly|gradually) )?(?:turning|becoming|changing (?:in)?to) "
            rf"(?:an? )?(?P<look>{COLOUR})(?: one)?(?!\s*\w)"
        ),
        r"\1 turns \g<look>",
    ),
)
_NP = rf"(?:an?|the|one) {LOOK}(?:{ONE})\b"
_ORDERED = (
    r"^(?P<lesson>.*?\b(?:how (?:do|can|could|would|should) (?:i|we|you|one)|how to|step by step|tutorial|lesson)\b"
    rf".*?)(?:[.,;:?!]+| -|\()\s*(?:(?:and|with|but|please|so|then|i want|draw)[,:]? )*(?:the |an? )?(?P<noun>{ONE})"
    r"(?: (?:comes|goes|should come|should be|has to be|being|is))? (?P<at>first|last)\)?"
    r"(?:,? (?:please|pls|thanks))?\W*$"
)
_LIST = rf"{_NP}(?:(?:,? and |, | plus | with ){_NP})+"
_RELATED = (
    rf"(?P<one>{_NP}) (?P<relation>[a-z ]+?) (?P<other>{_NP})"
    rf"(?P<ground> (?:in|on|at|by) (?:the |an? )?(?:{GROUND_WORD})\b)?"
)
_OPPOSITE = {
    "next to": "next to", "beside": "next to", "near": "next to", "by": "next to", "close to": "next to",
    "left of": "right of", "to the left of": "right of", "right of": "left of", "to the right of": "left of",
    "above": "below", "over": "below", "below": "above", "under": "above", "beneath": "above", "underneath": "above",
}  # fmt: skip


def told_again(text: str) -> str:
    """Returns a story that says how an object changes, where it names "the same" one or says that one stays alone.

    Examples:
        >>> told_again("A boat, then the same boat in green. ")
        'A boat, then the boat turns green. '
        >>> told_again("A boat and a fish. The fish stays alone.")
        'A boat and a fish. only the fish stays.'
    """
    return rewritten(text, _RULES, _I)


def in_named_order(text: str) -> str:
    """Returns a lesson whose objects stand in the order that it asks for; any other text as it is.

    Examples:
        >>> in_named_order("How do I draw a cat and a house? House first please.")
        'How do I draw a house and a cat?'

    Raises:
        InputError: The order is not understood (`not_understood`).
    """
    found = compiled(_ORDERED, _I | re.DOTALL).search(text)
    if found is None:
        return text
    lesson, kind, first = found["lesson"], canonical(found["noun"].lower()), found["at"].lower() == "first"
    if kind not in map(kind_of, compiled(_NP, _I).findall(lesson)):
        return text  # "how do I draw this: a cat first"
    end = "?" if "how " in lesson.lower() else "."
    listed = list(compiled(_LIST, _I).finditer(lesson))
    if len(listed) == 1:
        objects = [each[0] for each in compiled(_NP, _I).finditer(listed[0][0])]
        chosen = [each for each in objects if kind_of(each) == kind]
        if len(chosen) == 1 and len(objects) == len(compiled(_NP, _I).findall(lesson)):
            others = [each for each in objects if each is not chosen[0]]
            ordered = [*chosen, *others] if first else [*others, *chosen]
            words = f"{', '.join(ordered[:-1])} and {ordered[-1]}"
            return f"{lesson[: listed[0].start()]}{words}{lesson[listed[0].end() :]}{end}"
    related = compiled(_RELATED, _I).search(lesson)
    if related is not None and len(compiled(_NP, _I).findall(lesson)) == 2:
        relation = " ".join(related["relation"].lower().split())
        one, other = related["one"], related["other"]
        if relation in _OPPOSITE and (kind_of(one) == kind) != (kind_of(other) == kind):
            if (kind_of(other) == kind) == first:
                one, other = other, one
            else:
                relation = _OPPOSITE[relation]
            told = f"Step 1: {one}{related['ground'] or ''}. Step 2: {other} {relation} the {kind_of(one)}."
            return f"{lesson[: related.start()].rstrip()}: {told}"
    raise InputError(
        f'It is not clear in which order to draw, with "{found["noun"]} {found["at"]}". Name the objects in the order '
        "in which they are drawn.",
        code="not_understood",
    )
