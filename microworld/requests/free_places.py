"""Names the corners and cells of an image that are free: "put a star in each of the empty corners".

Works on the text of a request about an image, before its sentences are read. Knows no grammar.
"""

from __future__ import annotations

import re

from interleavethinker.microworld.language.compiled_patterns import compiled
from interleavethinker.microworld.language.key_words import COUNT, LOOK, MANY, ONE, kind_of
from interleavethinker.microworld.language.phrase_patterns import NUMBERS
from interleavethinker.microworld.language.places import CORNERS
from interleavethinker.microworld.language.plain_text import PLURALS
from interleavethinker.microworld.scenes.scene import CELLS, POSITIONS, Scene
from interleavethinker.tools.errors import InputError

__all__ = ["free_places_named"]

_I = re.IGNORECASE
_FREE = "(?:empty|free|unoccupied|vacant|unused|remaining|open)"
_UNIT = "(?P<unit>corner|cell|spot|place|square)"
_AFTER = rf"(?: (?:that|which)(?: is|'s|s| are)(?: still)? {_FREE}| left(?: over)?(?: free| empty)?)"
_ONLY = "(?:the|that)(?: (?:only|last|one|single|fourth|final))*"
_ALL = "(?:(?:each|every)(?: one)?(?: of)?(?: the)?|all(?: of)?(?: the)?|the(?: other)?)"
_NEW = rf"(?P<new>(?:(?P<count>an?|one|some|[1-9]|{COUNT}) )?(?P<look>{LOOK})(?P<noun>{MANY}|{ONE}))"
_GOAL = "(?:in(?:to|side)?|at|on|to)"
_IN_THE_ONLY = (
    rf"\b(?P<goal>{_GOAL}) {_ONLY} (?:still )?{_FREE} {_UNIT}\b",
    rf"\b(?P<goal>{_GOAL}) {_ONLY} {_UNIT}{_AFTER}",
)
_IN_ALL = (
    rf"\b{_NEW} {_GOAL} {_ALL} (?:still )?{_FREE} (?P<unit>corner)s?\b",
    rf"\b{_NEW} {_GOAL} {_ALL} (?P<unit>corner)s?{_AFTER}",
)
"""Every free cell is filled by a statement of the story; see `Story.apply_fill_up`."""
_FILL = (
    rf"\bfill(?: up)? {_ALL} (?:still )?{_FREE} (?P<unit>corner)s? with (?:an? )?(?P<look>{LOOK})"
    rf"(?P<noun>{MANY}|{ONE})\b"
)


def free_places_named(text: str, scene: Scene | None) -> str:
    """Returns a request with the names of the free corners or cells that it means; the same text if it means none.

    Args:
        text: A request about an image.
        scene: What the image shows; None if it is not known, for which any place stands.

    Raises:
        InputError: None of these places is free (`occupied`), "the free corner" is one of several (`ambiguous`), or the
            number of the objects is another one than that of the places (`contradiction`).
    """
    text = compiled(_FILL, _I).sub(lambda match: f"add {_one_in_each(match, scene)}", text)
    for pattern in _IN_THE_ONLY:
        text = compiled(pattern, _I).sub(lambda match: f"{match['goal']} the {_only(match, scene)}", text)
    for pattern in _IN_ALL:
        text = compiled(pattern, _I).sub(lambda match: _one_in_each(match, scene), text)
    return text


def _only(match: re.Match[str], scene: Scene | None) -> str:
    names = _free(match, scene)
    if len(names) > 1:
        msg = f'Several {match["unit"]}s are free: {", ".join(names)}. Name one, or say "each free {match["unit"]}".'
        raise InputError(msg, code="ambiguous")
    return names[0]


def _one_in_each(match: re.Match[str], scene: Scene | None) -> str:
    names = _free(match, scene)
    count = (match.groupdict().get("count") or "").lower()
    many = NUMBERS.get(count) or (int(count) if count.isdigit() else 1)
    if scene is not None and many not in {1, len(names)}:
        msg = f"The request names {many} objects for {len(names)} free {match['unit']}s; make the numbers agree."
        raise InputError(msg, code="contradiction")
    kind = PLURALS.get(match["noun"].lower()) or kind_of(match["noun"])
    *before, last = [f"a {match['look']}{kind} in the {name}" for name in names]
    return f"{', '.join(before)} and {last}" if before else last


def _free(match: re.Match[str], scene: Scene | None) -> list[str]:
    cells = sorted(CORNERS) if match["unit"].lower() == "corner" else range(CELLS)
    if scene is None:
        return [POSITIONS[cells[0]]]
    names = [POSITIONS[cell] for cell in cells if cell not in scene.objects]
    if not names:
        raise InputError(f"No {match['unit']} is free; remove or replace something.", code="occupied")
    return names
