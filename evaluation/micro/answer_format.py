"""The strict form of an answer: `<think>…</think><answer>{json}</answer>`, nothing else, nothing to repair.

Serving reads more leniently (`tools.answers`); what a model really writes is measured by this.
"""

from __future__ import annotations

import json
import re

from pydantic import JsonValue

__all__ = ["json_in_form"]

_FORM = re.compile(r"\s*<think>(?P<think>.*?)</think>\s*<answer>(?P<answer>.*?)</answer>\s*", re.DOTALL)


def json_in_form(text: str) -> dict[str, JsonValue] | None:
    """The JSON object of an answer in the strict form, with reasoning before it; None of any other answer."""
    match = _FORM.fullmatch(text)
    if match is None or not match["think"].strip() or text.count("<think>") + text.count("<answer>") != 2:
        return None
    try:
        content: JsonValue = json.loads(match["answer"])
    except (json.JSONDecodeError, RecursionError):
        return None
    return content if isinstance(content, dict) else None
