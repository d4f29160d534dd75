"""Reads what a labelled picture of a story shows as what changes: "scene one: a tiny tree. Scene two: a big tree".

A label says that the words after it describe a whole picture, so that an object of the same kind with another color or
size is the same object. Works on the text of a whole request without images and knows no scene.
"""

from __future__ import annotations

import re

from .compiled_patterns import compiled
from .key_words import COLOUR, COUNT, LOOK, MANY, ONE, SIZE, SPOT, kind_named, kind_of
from .plain_text import canonical
from .quantities import number_of
from .reader.patterns import GROUND_WORD

__all__ = ["changes_of_panels", "unclear_picture"]

_I = re.IGNORECASE
_LABEL = (
    r"(?:^|(?<=[.;!?\n] )|(?<=[.;!?\n]))(?P<label>(?:in )?(?:the )?(?:picture|panel|scene|image|frame|page|slide) "
    rf"(?P<number>[1-9]|{COUNT}) ?[:,.-]) ?"
)
_ALONE = (
    rf"(?:(?:there is|we see|shows|just|only|now) )*(?:an?|one) (?P<look>{LOOK})(?P<noun>{ONE})"
    rf"(?: (?:in|on|at) the (?P<place>{SPOT})(?: side| corner)?)?"
)
_SHOWN = rf"{_ALONE}(?: (?:in|on|at) (?:the |an? )?(?:{GROUND_WORD}))?"
_COMPANY = rf"the (?P<look>{LOOK})(?P<noun>{ONE})(?:,? and|,? with|,) (?=(?:an?|one|two|three|four) )"
_OBJECT = (
    rf"(?:(?:an?|{COUNT}) )?{LOOK}(?:{ONE}|{MANY})(?: (?:in|on|at) the (?:{SPOT})(?: side| corner)?)?"
    rf"(?: (?:in|on|at) (?:the |an? )?(?:{GROUND_WORD}))?"
)
_OBJECTS = rf"(?:(?:only|just|there is|we see) )?(?P<objects>{_OBJECT}(?:(?:,? and|,|,? with) {_OBJECT})*)"
_PICTURE = "(?:picture|panel|scene|image|frame|page|slide)"
_RANK = "(?:first|second|third|fourth|next|last)"
_DESCRIBED = (
    r"(?:^|(?<=[.,;!?\n] )|(?<=[.;!?\n]))(?:and )?(?:"
    rf"(?:(?:in|on) )?(?:the )?{_PICTURE} (?:[1-9]|{COUNT}) ?(?:[:,.-]|(?:shows?|is|has)\b)|"
    rf"(?:(?:in|on) )?(?:the )?{_RANK} {_PICTURE} ?(?:[:,-]|(?:shows?|is|has|there is)\b)|"
    rf"(?:in|on) the {_RANK}(?: one)? ?(?:[:,-]|there is\b)|the {_RANK}(?: one)? (?:shows|has)\b) ?"
)
_CHANGES = {"colour": "turns", "size": "gets", "place": "moves to the"}


def changes_of_panels(text: str) -> str:
    """Returns a story whose labelled pictures say what changes; the same text if no rule fits.

    Examples:
        >>> changes_of_panels("Scene one: a tiny tree. Scene two: a big tree.")
        'Scene one: a tiny tree. Scene two: the tree gets big.'
    """
    marks = list(compiled(_LABEL, _I).finditer(text))
    if len(marks) < 2 or [number_of(one["number"]) for one in marks] != list(range(1, len(marks) + 1)):
        return text
    ends = [*(one.start() for one in marks[1:]), len(text)]
    told, before = "", text[: marks[0].start()]
    kind, looks = "", dict[str, str]()
    for mark, end in zip(marks, ends, strict=True):
        item = text[mark.end() : end]
        plain = item.strip(" .;!\n")
        stop = item[len(item.rstrip(" .;!\n")) :]
        shown = compiled(_ALONE if kind else _SHOWN, _I).fullmatch(plain)
        company = compiled(_COMPANY, _I).match(plain)
        changed: dict[str, str] = {}
        if shown is not None and kind == kind_of(shown["noun"]):
            changed = {name: value for name, value in _looks(shown).items() if looks.get(name) != value}
        if len(changed) == 1 and changed.keys() <= looks.keys() and shown is not None:
            ((name, value),) = changed.items()
            item = f"the {kind} {_CHANGES[name]} {value}{stop}"
            looks |= _looks(shown)
        elif company is not None and kind_of(company["noun"]) == kind:
            item, kind = f"{plain[company.end() :]}{stop}", ""
        else:
            first = shown is not None and not told.strip()
            kind, looks = (kind_of(shown["noun"]), _looks(shown)) if first and shown is not None else ("", {})
        told += f"{mark['label']} {item}"
    return before + told


def _looks(shown: re.Match[str]) -> dict[str, str]:
    """Returns what the words say of an object: its color, size and place."""
    found = {} if shown["place"] is None else {"place": shown["place"].lower()}
    for name, values in (("colour", COLOUR), ("size", SIZE)):
        if (match := re.search(rf"\b(?:{values})\b", shown["look"], re.IGNORECASE)) is not None:
            found[name] = canonical(match.group().lower())
    return found


def unclear_picture(text: str) -> str:
    """Returns a sentence about a labelled picture that names other objects than the one before; empty if none does.

    The objects of the picture before may be gone or not.
    """
    marks = list(compiled(_DESCRIBED, _I).finditer(text))
    before, looks = set[str](), set[str]()
    for mark, following in zip(marks, [*marks[1:], None], strict=False):
        item = text[mark.end() : following and following.start()].strip(" .,;!\n")
        shown = compiled(_OBJECTS, _I).fullmatch(item)
        if shown is None:
            return ""
        kinds = {kind_named(noun) for noun in compiled(rf"\b(?:{ONE}|{MANY})\b", _I).findall(item)}
        if before - kinds:
            gone = min(before - kinds)
            return (
                f'"{mark[0].strip()} {item}" may show the {gone} of the picture before, too; '
                f'say "{shown["objects"]} and the {gone}", or "the {gone} goes away, and {shown["objects"]} comes".'
            )
        before |= kinds
        seen = {canonical(look.lower()) for look in compiled(rf"\b(?:{COLOUR}|{SIZE})\b", _I).findall(item)}
        if looks and seen - looks and len(before) == 1 and compiled(_LABEL, _I).match(text, mark.start()) is None:
            label, (kind,) = mark[0].strip(), before
            return f'"{label} {item}" may show the same {kind} or another; say "the {kind} turns …" or "another …".'
        looks |= seen
    return ""
