"""Finds the thought and the JSON object in a model's answer, in time that grows linearly with the answer's length.

A thought ends with its last closing tag; nothing before that tag, and nothing in a thought that was never closed, is
searched for the answer. Tags are `<think>` and its relatives in any case, and the channels of newer models. Broken JSON
is repaired up to a length and depth that bound the time; a list or a text that was cut off is not. Knows nothing of
plans and verdicts.

The messages of `ModelAnswerError` are model input, because a retry quotes them: do not change their wording.
"""

import json
import re
from dataclasses import dataclass

from interleavethinker.tools.errors import ModelAnswerError

__all__ = ["MAX_ANSWER", "FoundObject", "find_object", "json_object_in", "thought_in"]

MAX_ANSWER = 200_000
"""Characters; longer answers are not read."""
_MAX_REPAIRED = 32_000
"""Characters; longer broken JSON is not repaired, because on malicious text that takes more than linear time."""
_MAX_DEPTH = 40
_MAX_STARTS = 20
"""Opening braces tried as the start of the object, so that braces in commentary cost little."""
_MAX_DIGITS = 18
_NAMES = "think|thinking|thought|thoughts|reasoning|reason|analysis|reflection|scratchpad|seed:think"
_OPENING = re.compile(
    rf"<(?:{_NAMES})>|\[THINK\]|◁think▷|<\|?channel\|?>\s?(?:analysis|thought|commentary)\b|<\|begin_of_thought\|>",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    rf"</(?:{_NAMES})>|\[/THINK\]|◁/think▷|<\|?channel\|?>\s?(?:final|response)\b|<channel\|>|<\|end_of_thought\|>",
    re.IGNORECASE,
)
_ANSWER_START = re.compile(r"<answer>", re.IGNORECASE)
_ANSWER_END = re.compile(r"</answer>", re.IGNORECASE)
_QUOTES = {'"': '"', "'": "'", "“": "”"}
_STRING_ENDS = re.compile(r"\s*(?:[,:}\]]|\Z)")
"""After a quotation mark that ends a text; others are a part of it that the model has not escaped."""
_NO_JSON = "There must be a JSON object between <answer> and </answer>; none was found."


@dataclass(frozen=True)
class FoundObject:
    """The object of an answer, and what tells whether it is the model's last word."""

    value: object
    closed: bool = True
    """False: its last brackets were missing."""
    candidates: int = 1
    """How many objects with the same keys the answer has; the last one is `value`."""
    rest: str = ""
    """What follows it."""


def thought_in(text: str) -> str:
    """Returns the text between the first opening and the last closing tag of a thought; empty if there is none.

    A closing tag without an opening one ends a thought that began with the answer, as chat templates make models write.
    """
    end = _last(_CLOSING, text)
    if end is None:
        return ""
    start = _OPENING.search(text, 0, end.start())
    return text[0 if start is None else start.end() : end.start()].strip()


def json_object_in(text: str) -> object:
    """Returns the JSON object of an answer.

    Raises:
        ModelAnswerError: As `find_object`.
    """
    return find_object(text).value


def find_object(text: str) -> FoundObject:
    """Finds the JSON object of an answer.

    Raises:
        ModelAnswerError: The answer is too long, its thought never ends, it has no object after its thought, or the
            object is cut off in a list or in a text.
    """
    if len(text) > MAX_ANSWER:
        raise ModelAnswerError(f"The answer must be shorter than {MAX_ANSWER} characters.")
    end = _last(_CLOSING, text)
    body = text if end is None else text[end.end() :]
    unclosed = _OPENING.search(body)
    tags = list(_ANSWER_START.finditer(body))
    begins = min([tag.start() for tag in tags[:1]] + [place for place in (body.find("{"),) if place >= 0], default=None)
    if unclosed is not None and (begins is None or unclosed.start() < begins):
        raise ModelAnswerError("The thought must end with </think>, and the answer must follow it; there was no end.")
    blocks = [body[tag.end() : _end_of_answer(body, tag.end())] for tag in tags[-_MAX_STARTS:]] if tags else [body]
    block = next((block for block in reversed(blocks) if "{" in block), None)
    if block is None:
        raise ModelAnswerError(_NO_JSON)
    return _object_in(block)


def _object_in(text: str) -> FoundObject:
    """Returns the first object, or the last later one that corrects it: one with a key of the first."""
    decoder = json.JSONDecoder(parse_int=_bounded_integer)
    first = text.find("{")
    start, found, candidates, rest = first, None, 0, ""
    for _ in range(_MAX_STARTS):
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            end = start + 1
        else:
            if found is None and _depth(text[first:start])[1]:
                break  # A whole object within a broken one.
            if found is None or found.keys() & value.keys():
                found, candidates, rest = value, candidates + 1, text[end:]
        start = text.find("{", end)
        if start < 0:
            break
    if found is not None:
        return FoundObject(found, candidates=candidates, rest=rest)
    return _repaired(text[first : _end_of_fence(text, first)])


def _repaired(text: str) -> FoundObject:
    if len(text) > _MAX_REPAIRED or _depth(text)[0] > _MAX_DEPTH:
        raise ModelAnswerError("What stands between <answer> and </answer> must be JSON.")
    missing, rest = _unclosed(text)
    if missing.strip("}"):
        raise ModelAnswerError("The JSON ends in the middle of a list or of a text. Write it completely.")
    import json_repair

    try:
        value = json_repair.loads(text, skip_json_loads=True)
    # On malicious text, the library itself may fail with any of these.
    except (ValueError, RecursionError, IndexError, TypeError, AttributeError, KeyError) as error:
        raise ModelAnswerError("What stands between <answer> and </answer> must be JSON.") from error
    if isinstance(value, list) and value and isinstance(value[0], dict):
        value = value[0]  # The object, then commentary in braces.
    return FoundObject(value, closed=not missing, rest=rest)


def _unclosed(text: str) -> tuple[str, str]:
    """Returns what is missing at the end of an object, as far as broken JSON tells, and what follows a closed one.

    Examples:
        >>> _unclosed('{"faults": ["no cat", "a do'), _unclosed("{'faults': [],} Good."), _unclosed('{"a": 1')
        (('}]"', ''), ('', ' Good.'), ('}', ''))
    """
    open_brackets: list[str] = []
    quote = before = ""
    place = 0
    while place < len(text):
        character = text[place]
        place += 1
        if quote:
            if character == "\\":
                place += 1
            elif character == quote and _STRING_ENDS.match(text, place):
                quote, before = "", character
            continue
        if character in _QUOTES and (character == '"' or before in set("{[,:")):
            quote = _QUOTES[character]
        elif character in "{[":
            open_brackets.append("}" if character == "{" else "]")
        elif character in "}]" and character in open_brackets:
            while open_brackets.pop() != character:
                pass
            if not open_brackets:
                return "", text[place:]
        if not character.isspace():
            before = character
    return "".join(open_brackets) + quote, ""


def _depth(text: str) -> tuple[int, int]:
    """Returns the deepest nesting of brackets and the one at the end; brackets in strings count as well."""
    depth = deepest = 0
    for character in text:
        if character in "{[":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "}]":
            depth = max(0, depth - 1)
    return deepest, depth


def _end_of_fence(text: str, start: int) -> int:
    """Returns where the code fence that contains `start` ends, or the end of the text."""
    if "```" not in text[:start]:
        return len(text)
    end = text.find("\n```", start)
    return len(text) if end < 0 else end


def _end_of_answer(text: str, start: int) -> int:
    end = _ANSWER_END.search(text, start)
    return len(text) if end is None else end.start()


def _bounded_integer(digits: str) -> int | None:
    """Numbers in answers are ignored; Python refuses to parse very long ones."""
    return int(digits) if len(digits) <= _MAX_DIGITS else None


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    return max(pattern.finditer(text), key=lambda match: match.start(), default=None)
