"""The checklist in a critic's answer: what the step asks for, one requirement at a time, and which of it failed.

An item is an object, or for small models, to which every token costs time, a line such as "three red balls: no".
Reading is lenient: an item that cannot be read is left out, and an answer needs no checklist.
A failed requirement decides: an image that lacks something which the critic names is not accepted, whatever the answer
says in total. An unsure one decides nothing, and neither does a list in which everything is met.
"""

from collections.abc import Sequence

from pydantic import JsonValue

from interleavethinker.tools.plain_text import one_line, valid_unicode
from interleavethinker.tools.types import Requirement

__all__ = ["checklist_items", "checklist_lines", "failed_in", "naming_failed", "read_checklist"]

_MOST_ITEMS = 50
_LONGEST_TEXT = 300
"""Characters of a requirement."""
_WORDS = {"yes": True, "true": True, "met": True, "no": False, "false": False, "failed": False}
_WRITTEN = {True: "yes", False: "no", None: "unsure"}
_KINDS = ("object", "attribute", "count", "relation", "kept")


def read_checklist(value: JsonValue) -> tuple[Requirement, ...]:
    """Reads the list of a critic's answer: objects with `kind`, `requirement` and `met` (yes, no or unsure), or lines.

    Examples:
        >>> read_checklist([{"kind": "count", "requirement": "three balls", "met": "no"}, "blue"])
        (Requirement(kind='count', text='three balls', met=False),)
        >>> read_checklist(["a red ball: yes", "kept: the tree: no"])
        (Requirement(kind=None, text='a red ball', met=True), Requirement(kind='kept', text='the tree', met=False))
    """
    found: list[Requirement] = []
    for written in value[:_MOST_ITEMS] if isinstance(value, list) else ():
        item = _line(written) if isinstance(written, str) else written
        if not isinstance(item, dict):
            continue
        words = item.get("requirement", item.get("text"))
        text = one_line(valid_unicode(words))[:_LONGEST_TEXT] if isinstance(words, str) else ""
        if text:
            kind = str(item.get("kind")).strip().lower()
            read = {"kind": kind if kind in _KINDS else None, "text": text, "met": _met(item.get("met"))}
            found.append(Requirement.model_validate(read))
    return tuple(found)


def checklist_items(checklist: Sequence[Requirement]) -> list[JsonValue]:
    """Returns a checklist in the form that `read_checklist` reads.

    Examples:
        >>> checklist_items([Requirement(kind="count", text="three balls", met=False)])
        [{'kind': 'count', 'requirement': 'three balls', 'met': 'no'}]
    """
    return [
        {**({} if item.kind is None else {"kind": item.kind}), "requirement": item.text, "met": _WRITTEN[item.met]}
        for item in checklist
    ]


def checklist_lines(checklist: Sequence[Requirement]) -> list[JsonValue]:
    """Returns a checklist as lines that `read_checklist` reads; of the kinds only `kept` is named.

    Examples:
        >>> checklist_lines([Requirement(kind="kept", text="the tree", met=False)])
        ['kept: the tree: no']
    """
    return [f"{'kept: ' if item.kind == 'kept' else ''}{item.text}: {_WRITTEN[item.met]}" for item in checklist]


def failed_in(checklist: Sequence[Requirement]) -> list[Requirement]:
    """Returns the requirements that are not met."""
    return [item for item in checklist if item.met is False]


def naming_failed(prompt: str, failed: Sequence[Requirement], words: int | None = None) -> str:
    """Returns the step's prompt followed by what failed, and by nothing else.

    The next attempt starts from the same source image, so the prompt still asks for the whole step.

    Args:
        prompt: The step's prompt in the plan.
        failed: What failed, the most important first.
        words: How many words of a prompt the image model reads; the last requirements are left out if it is too long.

    Examples:
        >>> naming_failed("Add three balls.", [Requirement(kind="count", text="three balls", met=False)])
        'Add three balls. Make sure of this: three balls.'
    """
    for count in range(len(failed), 0, -1):
        named = "; ".join(map(_named, failed[:count]))
        longer = f"{prompt.rstrip().rstrip('.')}. Make sure of this: {named}."
        if words is None or len(longer.split()) <= words:
            return longer
    return prompt


def _named(item: Requirement) -> str:
    return f"{'unchanged: ' if item.kind == 'kept' else ''}{item.text.rstrip('.')}"


def _line(text: str) -> JsonValue:
    words, colon, met = text.rpartition(":")
    if not colon or met.strip().lower().rstrip(".") not in (*_WORDS, "unsure"):
        return None
    first, _, rest = words.partition(":")
    kind = first.strip().lower()
    if kind in _KINDS and rest.strip():
        return {"kind": kind, "requirement": rest, "met": met.strip().rstrip(".")}
    return {"requirement": words, "met": met.strip().rstrip(".")}


def _met(value: JsonValue) -> bool | None:
    if isinstance(value, str):
        return _WORDS.get(value.strip().lower())
    return value if isinstance(value, bool) else None
