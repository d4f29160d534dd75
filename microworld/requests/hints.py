"""Replaces descriptions by what they describe: "what footballers kick" becomes "a ball".

The hints are those of `inference_tasks`. Knows no grammar.
"""

from __future__ import annotations

import re
from functools import cache

from interleavethinker.microworld.language.templates import with_article
from interleavethinker.microworld.language.vocabulary import BACKGROUND_PHRASES

from .inference_tasks import BACKGROUND_HINTS, COLOUR_HINTS, KIND_HINTS

__all__ = ["without_hints"]


@cache
def _replacements() -> tuple[re.Pattern[str], dict[str, str]]:
    plain = {hint: with_article(kind) for kind, hints in KIND_HINTS.items() for hint in hints}
    plain |= {hint: colour for colour, hint in COLOUR_HINTS.items()}
    plain |= {hint: BACKGROUND_PHRASES[name][0] for name, hint in BACKGROUND_HINTS.items()}
    longest = sorted(plain, key=len, reverse=True)
    return re.compile(rf"(,\s*in\s+)?\b({'|'.join(map(re.escape, longest))})", re.IGNORECASE), plain


def without_hints(text: str) -> str:
    """Returns the text with every known hint replaced."""
    pattern, plain = _replacements()

    def replaced(match: re.Match[str]) -> str:
        known = plain[match.group(2).lower()]
        return f"{' in ' if match.group(1) else ''}{known}"

    return pattern.sub(replaced, text.replace("\u2019", "'"))
