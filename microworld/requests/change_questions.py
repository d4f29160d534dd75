"""Answers what was added, removed, moved, recolored or resized between two images, also several of these at once.

A question is read only if every word of it fits; otherwise it is left to other rules. Knows no plain text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from interleavethinker.microworld.language.phrases import Where
from interleavethinker.microworld.language.templates import name, place, with_article
from interleavethinker.microworld.scenes.scene import Scene, SceneObject
from interleavethinker.microworld.scenes.sprites import COLOURS

from .answers import Answer, count_answer, difference_between, said_yes
from .asked_objects import Asked, asked, cells_at, place_named
from .image_pairs import change_text, changes_between

__all__ = ["changes_asked"]

_NEW_ONE = "(?:a |an )?(?:different|another|new|other)"
_EVENTS: dict[str, str] = {
    "moved": (
        r"(?:changed?|changes|switched) (?:(?:its|their|the) )?(?:places?|positions?|spots?)|moved?|moves|"
        rf"(?:(?:in|at) )?{_NEW_ONE} (?:place|position|spot)"
    ),
    "colour": rf"(?:changed?|changes|switched) (?:(?:its|their|the) )?colours?|recoloured|{_NEW_ONE} colours?",
    "bigger": r"(?:got|gets?|become|became|becomes|grown|grew|grows?) (?:bigger|larger)|grown|grew|grows?",
    "smaller": r"(?:got|gets?|become|became|becomes|grown|grew|grows?) smaller|shrunk|shrank|shrinks?",
    **{
        colour: rf"(?:turned|turns?|become|became|becomes|got|gets?|changed to|recoloured) {colour}"
        for colour in COLOURS
    },
    "size": rf"(?:changed?|changes) (?:(?:its|their|the) )?sizes?|resized|{_NEW_ONE} size",
    "new": "added|new|appeared|appears|appear|inserted|joined|arrived|came|turned up|put in",
    "gone": (
        "removed|gone|missing|disappeared|disappears|disappear|vanished|vanish|deleted|erased|taken away|taken out|"
        "(?<!is )(?<!are )left|lost|went away"
    ),
    "any": "changed?(?! to)|changes|different|differs?|happened",
}
"""What may have happened to an object, the longer words first."""
_NOTHING = {
    "moved": "nothing has moved",
    "colour": "nothing has changed its color",
    "size": "nothing has changed its size",
    "new": "nothing is new",
    "gone": "nothing is gone",
    "any": "nothing is different",
    "bigger": "nothing has become bigger",
    "smaller": "nothing has become smaller",
    **{colour: f"nothing has turned {colour}" for colour in COLOURS},
}
_EVENT = "|".join(f"(?:{words})" for words in _EVENTS.values())
_AUX = r"(?:(?:has|have|had|is|was|were|are|been|did|does|do|got|get|gets|just) )*"
_LEAD = re.compile(
    r"(?:(?:please|now|so|and) )*(?:(?:can|could|would) you )?(?:(?:say|tell|name|list|show|find|spot)(?: me| us)? )?"
)
_CLAUSE = re.compile(
    r"(?:how many (?P<count>\w+) (?:that )?|(?P<yes>did|has|have|was|were|is|are) (?:anything|something|"
    r"any (?P<any_kind>\w+)|some (?P<some_kind>\w+)) |(?:what|who|"
    r"(?:which|what) (?P<kind>(?!(?:is|was|are|were|has|have|did|does)\b)\w+)) )(?:else )?"
    rf"{_AUX}(?P<events>(?:{_EVENT})(?:(?: ,)? (?:and|or|,) {_AUX}(?:{_EVENT}))*)(?= |$)"
)
_PLACE = re.compile(
    r" (?P<place>(?:in|on|at) the (?:top|bottom|left|right|middle|centre|upper|lower)(?: (?:left|right))?)"
    r"(?: (?:hand )?(?:side|corner|edge|half))?(?= |$)"
)
_REST = re.compile(
    r"(?: ?,? ?(?:in|on|from|to|of|between|the|second|first|other|last|picture|image|one|now|there|here|two|these|both|"
    r"pictures|images|compared|with|at all|please|exactly))*(?: ?,? ?(?:and |or )?(?=what|who|which|did|has|have|was|"
    r"were|is|are|how)|$)"
)
_ANYTHING = frozenset({"", "thing", "things", "object", "objects", "item", "items"})
_LEFT = re.compile(r"\bleft\b")
"""Also a place; other rules read it as one."""


@dataclass(frozen=True)
class _Clause:
    """One question: what may have happened, to which objects and where."""

    events: tuple[str, ...]
    lead: str
    """`what`, `yes` or `count`."""
    kind: str
    where: Where | None


def changes_asked(text: str, scenes: Sequence[Scene]) -> Answer | None:
    """Answers "what was added and what was removed?", "what changed at the top?", "how many things moved?".

    Args:
        text: The question, or several, in canonical words.
        scenes: The scenes of the images; the last two are compared.
    """
    clauses = _clauses(text)
    first = clauses[0] if clauses else None
    if first is None or (len(clauses) == 1 and _left_to_others(first) and not _LEFT.search(text)):
        return None
    kinds = [asked(f"the {one.kind}") if one.kind else None for one in clauses]
    if any(one.kind and named is None for one, named in zip(clauses, kinds, strict=True)):
        return None  # "which color is new"
    answers = [_answered(one, named, scenes[-2], scenes[-1]) for one, named in zip(clauses, kinds, strict=True)]
    required = tuple(one for answer in answers for one in answer.required)
    return Answer("difference", " ".join(answer.text for answer in answers), required)


def _left_to_others(clause: _Clause) -> bool:
    """Whether a question is one of the plain ones: "what was added", "how many things changed"."""
    (event, *others), any_kind = clause.events, clause.kind in _ANYTHING
    if others or clause.where is not None:
        return False
    return event == "any" or (clause.lead == "what" and any_kind and event in {"new", "gone"})


def _clauses(text: str) -> list[_Clause]:
    """Returns the questions of a text; none if a word fits none of them."""
    at = found.end() if (found := _LEAD.match(text)) else 0
    clauses: list[_Clause] = []
    while at < len(text):
        match = _CLAUSE.match(text, at)
        if match is None:
            return []
        at = match.end()
        placed = _PLACE.match(text, at)
        where = None if placed is None else place_named(placed["place"])
        if placed is not None and where is None:
            return []
        rest = _REST.match(text, at if placed is None else placed.end())
        if rest is None:
            return []
        at = rest.end()
        kind = match["kind"] or match["any_kind"] or match["some_kind"] or match["count"] or ""
        kind = "" if kind in {"one", "ones"} else kind
        lead = "yes" if match["yes"] else "count" if match["count"] else "what"
        clauses.append(_Clause(_events(match["events"]), lead, kind, where))
    return clauses


def _events(words: str) -> tuple[str, ...]:
    named = re.split(r" ?,? (?:and|or) | , ", words)
    return tuple(
        next(
            key
            for key, event in _EVENTS.items()
            if re.fullmatch(event, one) or re.fullmatch(event, re.sub(rf"^{_AUX}", "", one))
        )
        for one in named
    )


def _answered(clause: _Clause, named: Asked | None, before: Scene, after: Scene) -> Answer:
    if clause.events == ("any",) and clause.where is None:
        return difference_between(before, after)
    texts: list[str] = []
    required: list[frozenset[str]] = []
    count = 0
    for event in clause.events:
        said = [
            (text, obj) for text, cells, obj in _happened(event, before, after) if _meant(cells, obj, clause, named)
        ]
        count += len(said)
        texts += [text for text, _ in said] or ([] if clause.lead == "yes" else [_nothing(event, clause)])
        required += [frozenset({obj.kind}) for _, obj in said] or [frozenset({"nothing", "no", "none"})]
    shown = ", ".join(texts)
    answer = Answer("difference", f"{shown[:1].upper()}{shown[1:]}.", tuple(required))
    if clause.lead == "yes":
        return said_yes(count > 0, answer if texts else _nothing_of(clause))
    if clause.lead == "count":
        counted = count_answer(count)
        more = f" {answer.text}" if count else ""
        return Answer("count", f"{counted.text}{more}", counted.required)
    return answer


def _nothing(event: str, clause: _Clause) -> str:
    none = f"no {clause.kind}" if clause.kind not in _ANYTHING else "nothing"
    return f"{_NOTHING[event].replace('nothing', none, 1)}{'' if clause.where is None else ' there'}"


def _nothing_of(clause: _Clause) -> Answer:
    return Answer("difference", f"{', '.join(_nothing(event, clause) for event in clause.events)}.", ())


def _meant(cells: frozenset[int], obj: SceneObject, clause: _Clause, named: Asked | None) -> bool:
    """Whether a question is about what happened to this object in these cells."""
    there = clause.where is None or bool(cells & cells_at(clause.where, Scene("meadow")))
    return there and (named is None or obj.kind in named.kinds)


def _happened(event: str, before: Scene, after: Scene) -> list[tuple[str, frozenset[int], SceneObject]]:
    """Returns what an event has happened to: in words, the cells, and the object."""
    found = []
    for one, two in changes_between(before, after):
        same_kind = one is not None and two is not None and one[1].kind == two[1].kind
        kept = same_kind and one is not None and two is not None and (one[0] == two[0] or one[1].named == two[1].named)
        cells = frozenset(side[0] for side in (one, two) if side is not None)
        if event == "any":
            found.append((change_text((one, two)), cells, (two or one)[1]))  # type: ignore[index]
        elif event == "new" and two is not None and not kept:
            found.append((f"{with_article(name(two[1]))} {place(two[0])} is new", frozenset({two[0]}), two[1]))
        elif event == "gone" and one is not None and not kept:
            found.append((f"{with_article(name(one[1]))} {place(one[0])} is gone", frozenset({one[0]}), one[1]))
        elif one is not None and two is not None and same_kind and _differs(event, one, two):
            found.append((change_text((one, two)), cells, one[1]))
    return found


def _differs(event: str, one: tuple[int, SceneObject], two: tuple[int, SceneObject]) -> bool:
    if event == "moved":
        return one[0] != two[0]
    if event == "colour":
        return one[1].colour != two[1].colour
    if event in COLOURS:
        return one[1].colour != two[1].colour == event
    grows = {"bigger": ("big",), "smaller": ("small",), "size": ("big", "small")}
    return one[1].size != two[1].size and two[1].size in grows.get(event, ())
