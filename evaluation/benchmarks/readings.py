"""Reads judges' answers: a JSON object, or the lines of text that published prompts ask for."""

from __future__ import annotations

import re
from collections.abc import Mapping

from interleavethinker.tools.chat.answer_text import json_object_in, thought_in
from interleavethinker.tools.errors import ModelAnswerError

__all__ = ["answer_lines", "number_in", "object_in", "one_of"]


def answer_lines(text: str) -> str:
    """Returns an answer without its thought, in which scores are only considered."""
    thought = thought_in(text)
    return text.rpartition(thought)[2] if thought else text


def object_in(text: str) -> Mapping[str, object]:
    """Returns the JSON object of an answer.

    Raises:
        ModelAnswerError: There is none.
    """
    found = json_object_in(text)
    if not isinstance(found, dict):
        raise ModelAnswerError("It must be one JSON object.")
    return found


def number_in(value: object, name: str, low: float, high: float) -> float:
    """Returns a score of an answer: a number, or an object with the number in `Score`, `score` or `overall_score`.

    Raises:
        ModelAnswerError: There is no such number between `low` and `high`.
    """
    if isinstance(value, dict):
        value = next((value[key] for key in ("Score", "score", "overall_score") if key in value), None)
    if isinstance(value, str) and re.fullmatch(r"\s*-?\d+(\.\d+)?\s*", value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ModelAnswerError(f"{name} must be a number from {low:g} to {high:g}.")
    return float(value)


def one_of(answer: Mapping[str, object], *names: str) -> object:
    """Returns the first of these fields that an answer has, whatever the case and the word separators of its name.

    Raises:
        ModelAnswerError: It has none of them.
    """
    plain = {re.sub(r"[\W_]+", "", key).lower(): value for key, value in answer.items()}
    for name in names:
        wanted = re.sub(r"[\W_]+", "", name).lower()
        if wanted in plain:
            return plain[wanted]
    raise ModelAnswerError(f"The field {names[0]!r} is missing.")
