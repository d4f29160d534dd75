"""Whether a restated request still denies what the request denies: "don't remove the bird", "is nothing red?"

Knows words, not sentences.
"""

from __future__ import annotations

import re

from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, KINDS

from .named_words import grounds_named, named

__all__ = ["DENIED", "NOT_SHORT", "NOT_SO", "denied_alike"]

NOT_SHORT = r"(?:\w+n[’']t|(?:do|does|did|is|are|was|were|wo|would|ca|could|should|has|have|must)nt)"
"""Verbs with a short "not", also without its apostrophe; not "want" or "different"."""
DENIED = re.compile(rf"\b(?:not|nor|neither|without|never|except|but|anything|nothing|{NOT_SHORT})\b")
"""Words that deny something in their clause."""
NOT_SO = re.compile(
    rf"\b(?:not|no|without|except|besides|apart from|other than|isn[’']?t|aren[’']?t) "
    rf"(?:(?:at|by|in|on) )?(?:the |a |an )?(?:{'|'.join((*COLOURS, *KINDS, *BACKGROUNDS, 'big', 'small'))})"
)
"""Asks for what does not look like something, or is something else."""
_LACKS = re.compile(
    r"\b(?:not?|nor|neither|none|without|never|except|but|only|nothing|empty|alone|away|gone|remove|leaves?|disappears?|"
    r"other|stays?|keep|instead|still)\b"
)
"""Words by which the rules state that something is not so, or is no more."""
_VERB_DENIED = re.compile(rf"\b(?:not|never|neither|nor|cannot|{NOT_SHORT})\b")
_HARMLESS = re.compile(
    r"\b(?:do not|don[’']?t|does not|doesn[’']?t|did not|didn[’']?t|not|can[’']?t|cannot|could not|couldn[’']?t) "
    r"(?:know|sure|care|mind|forget|worry|understand|remember|think|tell|matter|only|just|yet|see|find|decide|exactly|"
    r"(?:change|touch|move|alter|do) (?:anything|the rest|what|any))\b|"
    r"\bnot (?:(?:a single )?(?:one )?more|(?:too )?far(?: away)?)\b|\bwhy (?:do not|don[’']?t|not)\b|"
    r"\b(?:if|whether) not\b|\bor not\b|\bhaven[’']?t (?:i|we|you)\b"
)
"""Denials that deny nothing about what an image shows."""
_LEAVING = re.compile(
    r"\b(?:remov\w*|delet\w*|eras\w*|go(?:es|ing)?|gone|fl(?:y|ies)|leaves?|leaving|disappear\w*|vanish\w*|runs?|swims?|"
    r"walks?|away|throw\w*|tak(?:e|es|ing))\b"
)
_CLAUSE = re.compile(r"[.,;:!?\n]|\b(?:but|instead|rather)\b|\band (?=(?:make|put|add|draw|remove|turn|move)\b)")
_REMOVES = re.compile(r"\b(?:remove|goes? away|disappears?|leaves?|delete)\b")
_SIDES = ("left", "right", "top", "bottom", "big", "small")
_QUESTION_DENIES = re.compile(r"\b(?:neither|nor|nothing|none|nobody|no|not|never|without|unchanged)\b")
_DENIAL_ASKED = re.compile(r"\b(?:not?|neither|nor|nothing|none|never|without|missing|other|but|except|same|un\w+)\b")


def denied_alike(wording: str, restated: str, *, is_answer: bool) -> bool:
    """Whether a restated request denies what the request denies.

    What only a denied clause names, "don't make it red", the restated one may only name as something that is not there.
    What is not to leave does not leave. A question whether something is not so stays one.

    Args:
        wording: The request, in lower case.
        restated: The restated one, in lower case.
        is_answer: Whether the restated one asks for an answer in words.
    """
    wording = _HARMLESS.sub(" ", wording)
    if is_answer:
        last = [part for part in re.split(r"[.!?\n]", wording) if part.strip()][-1:]
        return not any(_QUESTION_DENIES.search(part) for part in last) or _DENIAL_ASKED.search(restated) is not None
    clauses = _CLAUSE.split(wording)
    denied = [clause for clause in clauses if _VERB_DENIED.search(clause)]
    if not denied:
        return True
    stays = any(_LEAVING.search(_VERB_DENIED.split(clause, maxsplit=1)[1]) for clause in denied)
    if stays and _REMOVES.search(restated):
        return any(_LEAVING.search(clause) for clause in clauses if clause not in denied)
    stated = set().union(*(_content(clause) for clause in clauses if clause not in denied))
    only_denied = set().union(*map(_content, denied)) - stated
    return not only_denied & _content(restated) or _LACKS.search(restated) is not None


def _content(text: str) -> set[str]:
    return named(text) | grounds_named(text) | {side for side in _SIDES if re.search(rf"\b{side}", text)}
