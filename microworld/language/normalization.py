"""Normalizes story language: "the cat walks to the right" becomes "the cat goes to the right", "night falls" an edit.

Rewrites a few dozen verbs and framings, one sentence at a time, and leaves everything else unchanged, so that the
parser accepts requests told as stories. Knows nothing of scenes.
"""

import re

__all__ = ["normalize", "strip_framing"]

_FRAME = re.compile(
    r"^\s*(?:please\s+)?(?:(?:tell|show|give|draw|make|paint|write)\s+(?:me|us)?\s*)?"
    r"(?:(?:it|this|that)\s+)?(?:(?:a|the)\s+)?(?:short\s+|picture\s+|little\s+)*"
    r"(?:story|comic|tale|guide|sequence|series|picture book)\b(?:\s+(?:in|with|of)\s+\w+\s+(?:pictures?|steps?))?"
    r"\s*(?:(?:about|of|where|in which)\s+|[:,.]\s*|$)",
    re.IGNORECASE,
)
_CONTINUE = re.compile(
    r"^\s*(?:please\s+)?(?:continue|go on|carry on)(?:\s+(?:the|this|my)\s+\w+)?(?:\s*[:,.]\s*|\s+with\s*:?\s*)",
    re.IGNORECASE,
)
_TIMES = r"(?:the\s+)?(night|midnight|sunset|dusk|evening|twilight|winter|snow)"
_PHRASES = tuple(
    (re.compile(pattern, re.IGNORECASE), plain)
    for pattern, plain in (
        (rf"^{_TIMES}\s+(?:falls|comes|arrives|begins)$", r"make it \1"),
        (r"^(?:it\s+)?(?:gets|becomes|grows)\s+dark$|^the\s+sun\s+has\s+set$|^it\s+is\s+evening$", "make it night"),
        (r"^the\s+sun\s+(?:sets|goes\s+down)$", "make it sunset"),
        (r"^make\s+it\s+evening$", "make it sunset"),
        (r"^it\s+(?:starts\s+to\s+)?snows?$", "make it snow"),
        (r"^((?:an?|another)\s.+?)\s+(?:appears|arrives|comes|shows\s+up|joins)\b(.*)$", r"add \1\2"),
        (r"^(the\s.+?)\s+(?:disappears|vanishes|leaves|goes\s+away|goes\s+home|runs\s+away)$", r"remove \1"),
        (r"\b(?:walks|runs|jumps|flies|swims|drives|sails|hops|travels|moves|rolls|wanders|climbs)\b", "goes"),
        (r"\b(?:gets|grows)\s+(bigger|smaller)\b", r"becomes \1"),
        (r"\b(?:sits|stands|sleeps|lies|waits|plays|lives|floats|rests)\s+(?=in|on|at|by)", ""),
        (r"\bthere\s+(?:once\s+)?(?:was|lived)\s+", ""),
        (r"^(?:once\s+upon\s+a\s+time|one\s+day|at\s+first|first|in\s+the\s+end|at\s+last)\s*,?\s+", ""),
    )
)


def normalize(text: str) -> str:
    """Rewrites the story phrases of one sentence in the grammar's language.

    Examples:
        >>> normalize("night falls")
        'make it night'
    """
    plain = re.sub(r"\s+", " ", text).strip(" .,;:!")
    for pattern, replacement in _PHRASES:
        plain = pattern.sub(replacement, plain).strip(" ,")
    return plain or text


def strip_framing(text: str) -> str:
    """Removes introductions such as "tell me a story about", "a comic:" or "continue with".

    Examples:
        >>> strip_framing("Tell me a story about a red ball.")
        'a red ball.'
    """
    return _FRAME.sub("", _CONTINUE.sub("", text, count=1), count=1) or text
