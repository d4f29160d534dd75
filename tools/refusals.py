"""Recognizes a refusal: a service does not want to make this content, in contrast to an outage or a malformed call.

APIs say so with a code or only in words. The codes are those of OpenAI, Azure and this project's image server; the
words are for others, and for image servers of version 0.1, which used one code for every rejected request.
"""

import re

__all__ = ["is_refusal"]

_CODES = {
    "content_filter",
    "content_policy",
    "content_policy_violation",
    "contentfilter",
    "moderation_blocked",
    "responsibleaipolicyviolation",
    "safety",
}
_WORDS = re.compile(
    r"(?<![a-z])safety(?![a-z])|content[ _-]?(policy|policies|filter|moderation)|\bmoderat(ed|ion)\b"
    r"|prohibited[ _]content"
    r"|responsible ai|\bnsfw\b|sensitive content|flagged (as|by|for)|violat\w* .{0,40}(polic|guideline|terms)"
    r"|image_prohibited|\bblocklist\b",
    re.IGNORECASE,
)


def is_refusal(code: str, message: str) -> bool:
    """Returns whether an error is about the content that was asked for.

    Args:
        code: The service's own code; empty if it gave none.
        message: The service's words.
    """
    return code.lower() in _CODES or _WORDS.search(message) is not None
