"""Recognizes what was told before: "this is where we stopped: a cat on the left". Knows no grammar and no scene."""

from __future__ import annotations

import re

__all__ = ["describes", "told_before"]

_TIME = (
    "(?:so far|until now|till now|up to now|up till now|up to here|until here|last time|yesterday|already|"
    "before(?= [,:]| (?:is|was|were|there|we|i) |$))"
)
_RECAP = re.compile(
    r"^(?:(?:and|so|ok|okay|well|now|look|remember) )*"
    r"(?:(?:this|that|here|it) (?:is|was) (?:where|how far|what|as far as|the point where|the place where) "
    r"(?:we|i|you|the (?:story|comic|tale)) (?:had |have )?(?:stopped|got|get|left off|left|have|had|drew|made|were|"
    rf"are|came|is|was)(?: (?:to|it|at|{_TIME}))*|(?:(?:the|my|our) )?(?:(?:story|tale|comic|picture|image) )?{_TIME}"
    r"(?: (?:was|is|there (?:is|was)|(?:we|i) (?:have|had|drew|made)))?|previously|what (?:we|i) have(?: so far)?"
    r"(?: is)?|(?:we|i) (?:stopped|left off|ended|finished)(?: last time)? (?:at|with|when|where|here))(?: [,:])? "
    r"(?P<rest>(?!then\b|and then\b).+)$"
)
_DESCRIBES = re.compile(
    r"^(?:once upon a time |one day |once |here |so |ok |well |, )*(?:there (?:is|are|was|were|lived|once was|once "
    r"lived)|(?:we|you|i) (?:can )?(?:see|saw|have|had)|this is(?! (?:my|our|the)\b)|here is|here are|(?:this|the|my) "
    r"(?:picture|image|scene) (?:shows?|has|contains)|in (?:this|the|my) (?:picture|image|scene)|once upon a time)\b"
)


def told_before(text: str) -> str | None:
    """Returns what a sentence repeats of the story so far, or None if it is no recap.

    Examples:
        >>> told_before("the story so far : a cat on the left")
        'a cat on the left'
        >>> told_before("a cat appears") is None
        True
    """
    found = _RECAP.match(text)
    return None if found is None else found["rest"].strip(" ,:")


def describes(text: str) -> bool:
    """Whether a sentence may describe a given image: "there once was a girl", but not "add a girl"."""
    return _DESCRIBES.match(text) is not None
