"""Leaves out parts of a sentence that are talk: they name nothing that is drawn, and order no change.

A part is what stands between commas, colons and "but". Knows no scene.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .tagging import Token

__all__ = ["without_talk"]

_NEUTRAL = frozenset(
    {"GLUE", "OTHER", "PREP", "DET", "I", "MODAL", "DO", "HIS", "WITH", "THERE", "OPENING", "FRAME", "AND"}
)
_TALK = re.compile(
    r"\b(?:i|we|you|my|our|your|me|us|if|as|for|like|thanks?|hope|because|since|hello|hi|dear|story|storyboard|"
    r"frames?|sequence|"
    r"series|steps?|order|following|comic|tutorial|panels?|pictures?|images?|style|mood|feel|vibe|vibes|energy|"
    r"quality|resolution|"
    r"audience|client|brand|class|kids?|children|lesson|school|project|game|concept|idea|ok|alright|right|good "
    r"(?:morning|"
    r"afternoon|evening|day))\b"
)
"""Signs that a part is talk rather than a list of what is drawn."""
_COURTESY = re.compile(
    r"\b(?:i|we|you|me|us|(?:can|could|may) be|possible|ok|okay|fine|alright|"
    r"allowed|needed|necessary|trouble|please|works?|helps?)\b"
)
"""Signs that "if …" is politeness rather than a condition on what is drawn."""
_HARMLESS = frozenset({"make", "have", "give", "draw", "start", "get", "keep", "be", "stay", "put"})
_TELLS = frozenset({"leave", "vanish", "appear", "come", "become", "shrink"})
"""Classes of verbs that tell a change, whatever else they may mean: "stays a while and leaves"."""
_ORDERS = frozenset({"draw", "make", "put", "give", "have"})
_NO_OBJECTION = re.compile(
    r"^(?:(?:and|but|so|please|hi|hello|dear) )*(?:if (?:it|that) (?:is|would) not (?:be )?(?:too|so) \w+(?: "
    r"\w+)?|if (?:it|that) is (?:no|not a|ok|okay|"
    r"fine|all right|alright|possible|not too much)(?: \w+)?(?: (?:with|for) you)?|(?:i )?hope (?:it|that|this) "
    r"is (?:ok|okay|fine|not too much)"
    r"(?: \w+){0,3}|no (?:rush|hurry|problem|worries|pressure)|not sure(?: if| how)?(?: \w+){0,4}|i (?:do not|am "
    r"not) \w+(?: \w+){0,3}|"
    r"(?:that is|this is) (?:all|it|everything)(?: \w+){0,2}|whenever you (?:can|have time|like)|when you (?:can|"
    r"have time|get a (?:moment|chance))|(?:change|modify|edit|alter|adjust|update) (?:only|just) the "
    r"(?:background|object|colou?r)s?|bless (?:him|her|them|you)(?: \w+)?|"
    r"(?:my|our) \w+(?: \w+)? (?:wants?|would like|would love|loves?|is learning|is trying|needs?|asked)(?: "
    r"\w+){0,2} (?:learn|know|draw|paint|practise|practice|help|it|this|one)"
    r"(?: to (?:draw|paint))?|(?:said|says|cried|asked|replied|shouted|whispered|thought) (?:the \w+|he|she|it))$"
)


def without_talk(tokens: Sequence[Token], *, lenient: bool = False) -> list[Token]:
    """Returns the tokens without the parts that are talk; `lenient`: also without parts that name nothing that
    can be drawn.
    """
    kept: list[Token] = []
    tokens = _without_heading(tokens) if lenient else tokens
    for part in _parts(tokens):
        if not _is_talk(part) and not (lenient and _names_nothing(part)):
            kept += part
    while kept and kept[0].tag in {"COMMA", "COLON"}:
        del kept[0]
    while kept and kept[-1].tag in {"COMMA", "COLON"}:
        del kept[-1]
    return kept


_CONTENT = frozenset(
    "NOUN COLOUR SIZE CMP GROUND GROUND_CHANGE PLACE RELATION OWN NUM MORE ALL NO NOT ONLY ONES STEP GONE ABSENT "
    "EMPTY SAME SAME_AS THING KEEP STAGE OTHERS "
    "ELSE SIDES SIDE NOT_THERE ALIKE EXISTS".split()
)
_ADJUNCTS = frozenset("from for as like about by because since per via".split())
_HEADS = frozenset({"DET", "NUM", "MORE", "ALL", "SOME", "HIS"})


def essential(tokens: Sequence[Token]) -> list[Token]:
    """Returns the tokens without unknown words that are not the name of an object, and without "for …" and
    "because …".
    """
    kept: list[Token] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token.text in _ADJUNCTS and (end := _adjunct(tokens, at)) > at:
            at = end
            continue
        if token.tag == "OTHER" and not token.value and not _is_named(tokens, at) and not _heads_list(tokens, at):
            at += 1
            continue
        kept.append(token)
        at += 1
    return kept


def _heads_list(tokens: Sequence[Token], at: int) -> bool:
    return at + 1 < len(tokens) and tokens[at + 1].tag == "COLON"  # a heading is left out as a whole


def _adjunct(tokens: Sequence[Token], at: int) -> int:
    """Returns the end of "for our spring campaign" or "because she is shy"; the position itself if it may matter."""
    end = at + 1
    reason = tokens[at].text in {"because", "since"}
    while end < len(tokens) and tokens[end].tag not in {"COMMA", "COLON", "SEQUENCE", "WITH"}:
        allowed = tokens[end].tag in {"DET", "OTHER", "GLUE", "HIS", "I"} or (
            tokens[end].tag == "GROUND" and end + 1 < len(tokens)
        )
        allowed |= reason and tokens[end].tag in {"PRO", "MODAL", "PREP", "AND"}
        allowed |= (
            reason and tokens[end].tag == "VERB" and bool(tokens[end].classes & {"be", "have", "stay", "get", "make"})
        )
        if not allowed:
            if tokens[end].tag in {"NOUN", "COLOUR", "SIZE", "NO", "NOT"} or reason:
                return at
            break
        end += 1
    return end if any(token.tag in {"OTHER", "GLUE"} for token in tokens[at + 1 : end]) else at


def _is_named(tokens: Sequence[Token], at: int) -> bool:
    """Whether an unknown word stands where the name of an object is expected: "a dragon", "cat, dragon", "draw
    dragons".
    """
    before = at - 1
    while before >= 0 and tokens[before].tag in {"OTHER", "COLOUR", "SIZE"}:
        before -= 1
    after = at + 1
    while after < len(tokens) and tokens[after].tag in {"OTHER", "COLOUR", "SIZE", "GLUE"}:
        after += 1
    followed = (
        after < len(tokens)
        and tokens[after].tag in {"NOUN", "ONES", "THING", "GROUND"}
        and tokens[after - 1].tag != "GLUE"
    )
    if followed:
        return False
    first = tokens[before].tag if before >= 0 else ""
    if (
        first in _HEADS
        or (first == "WITH")
        or (before >= 0 and tokens[before].text in {"in", "on", "wearing", "of", "into", "riding", "eating"})
    ):
        return True
    begins = first in {"", "COMMA", "AND", "COLON", "SEQUENCE", "OPENING"}
    alone = begins and not tokens[at].text.endswith(("ly", "ing"))
    orders = first == "VERB" and bool(
        tokens[before].classes & {"draw", "put", "remove", "move", "have", "make", "paint", "become", "replace"}
    )
    return alone or orders


def _is_harmless(verb: Token) -> bool:
    return bool(verb.classes & _HARMLESS) and not (verb.classes & _TELLS and verb.form == "s")


def _names_nothing(part: Sequence[Token]) -> bool:
    inner = [token for token in part if token.tag not in {"COMMA", "COLON"}]
    if not inner or any(token.tag in _CONTENT or token.tag == "DANGER" for token in inner):
        return False
    if any(token.tag == "VERB" and not _is_harmless(token) for token in inner):
        return False
    if any(token.tag == "PRO" for token in inner) and any(token.tag == "VERB" for token in inner):
        return False
    if sum(token.tag == "OTHER" for token in inner) > 1 and not any(
        token.tag in {*_HEADS, "VERB", "WITH"} for token in inner
    ):
        return True  # a title
    heads = [at for at, token in enumerate(inner) if token.tag == "OTHER" and _is_named(inner, at)]
    owned = inner[0].text in {"my", "our", "your"}
    return not heads or owned


def _without_heading(tokens: Sequence[Token]) -> Sequence[Token]:
    """Leaves out what stands before a colon and names nothing: "two tweaks:", "correction needed:"."""
    colon = next((at for at, token in enumerate(tokens) if token.tag == "COLON"), 0)
    heading = tokens[:colon]
    if not heading or any(
        token.tag in _CONTENT - {"NUM", "MORE"} or token.tag in {"DANGER", "PRO"} for token in heading
    ):
        return tokens
    if any(token.tag == "VERB" and not token.classes & _HARMLESS for token in heading) or not any(
        token.tag == "OTHER" for token in heading
    ):
        return tokens
    return tokens[colon + 1 :]


def _parts(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    part: list[Token] = []
    for token in tokens:
        if token.tag in {"COMMA", "COLON"} and part:
            yield part
            part = []
        part.append(token)
    if part:
        yield part


def _is_talk(part: Sequence[Token]) -> bool:  # noqa: PLR0911 - one branch for each form
    inner = [token for token in part if token.tag not in {"COMMA", "COLON"}]
    if not inner:
        return False
    text = " ".join(token.text for token in inner)
    if re.match(r"(?:change|modify|edit|alter|adjust|update) (?:only|just) the", text):
        return True
    if _NO_OBJECTION.match(text) and not any(token.tag in {"NOUN", "COLOUR", "GROUND"} for token in inner):
        return True
    if inner[0].text == "if" and not _COURTESY.search(text):
        return False
    if inner[0].text == "if" and all(
        token.tag in {*_NEUTRAL, "PRO", "DANGER"} or token.classes & _HARMLESS for token in inner
    ):
        return all(token.tag != "DANGER" or token.text in {"if", "any"} for token in inner)
    if not _TALK.search(text):
        return False
    for at, token in enumerate(inner):
        if token.tag == "VERB":
            if not _is_harmless(token):
                return False
            following = next((one for one in inner[at + 1 :] if one.tag != "GLUE"), None)
            orders = token.classes & _ORDERS
            if (
                orders
                and following is not None
                and following.tag in {"DET", "OTHER"}
                and not _TALK.search(" ".join(one.text for one in inner[at + 1 :]))
            ):
                return False
        elif token.tag not in _NEUTRAL:
            return False
    return any(token.tag in {"OTHER", "VERB", "I", "PREP", "GLUE", "FRAME"} for token in inner)
