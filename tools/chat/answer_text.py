"""Finds the thought and the JSON object in a model's answer, in time that grows linearly with the answer's length.

A thought ends with its last closing tag; nothing before that tag, and nothing in a thought that was never closed, is
searched for the answer. Tags are `<think>` and its relatives in any case, and the channels of newer models. Broken JSON
is repaired up to a length and depth that bound the time. Knows nothing of plans and verdicts.

The messages of `ModelAnswerError` are model input, because a retry quotes them: do not change their wording.
"""

import json
import re

from interleavethinker.tools.errors import ModelAnswerError

__all__ = ["MAX_ANSWER", "json_object_in", "thought_in"]

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
_NO_JSON = "There must be a JSON object between <answer> and </answer>; none was found."


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
        ModelAnswerError: The answer is too long, its thought never ends, or it has no object after its thought.
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


def _object_in(text: str) -> object:
    """Returns the first object, or the last later one that corrects it: one with a key of the first."""
    decoder = json.JSONDecoder(parse_int=_bounded_integer)
    first = text.find("{")
    start, found = first, None
    for _ in range(_MAX_STARTS):
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            end = start + 1
        else:
            if found is None and _depth(text[first:start])[1]:
                break  # A whole object within a broken one.
            if found is None or found.keys() & value.keys():
                found = value
        start = text.find("{", end)
        if start < 0:
            break
    return _repaired(text[first : _end_of_fence(text, first)]) if found is None else found


def _repaired(text: str) -> object:
    if len(text) > _MAX_REPAIRED or _depth(text)[0] > _MAX_DEPTH:
        raise ModelAnswerError("What stands between <answer> and </answer> must be JSON.")
    import json_repair

    try:
        value = json_repair.loads(text, skip_json_loads=True)
    # On malicious text, the library itself may fail with any of these.
    except (ValueError, RecursionError, IndexError, TypeError, AttributeError, KeyError) as error:
        raise ModelAnswerError("What stands between <answer> and </answer> must be JSON.") from error
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return value[0]  # The object, then commentary in braces.
    return value


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
