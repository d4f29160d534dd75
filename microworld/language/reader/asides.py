"""Finds what says nothing of an image although it names objects: feelings, titles, calls and farewells.

Works on the text of a whole request, before its sentences are read. Knows no scene.
"""

from __future__ import annotations

import re

__all__ = ["without_asides", "without_farewell"]

_WISH = (
    r"(?:draw|paint|make|create|show|add|put|generate|sketch|can you|could you|"
    r"(?:can|could|may) (?:i|we) (?:please )?(?:have|get|see))\b"
)
_PART = re.compile(
    rf"[^.!?;\n]*?(?:[.!?;\n]+\s*|,\s*(?=(?:so |but |now |please |then )*{_WISH})|"
    rf",?\s+so (?=(?:please|i'd like|i would like|i want|i need)\b|{_WISH})|$)",
    re.IGNORECASE,
)
_ASIDE = re.compile(
    r"(?:(?:hi|hello|hey|oh|ok|okay|well|so|you know|here(?:'s| is) the thing:?|,) )*(?:i|we|(?:my|our) \w+(?: \w+)?)"
    r"(?: (?:really|just|so|absolutely|always|"
    r"all|both|do|does|also))* (?:loves?|likes?|adores?|hates?|enjoys?|dislikes?|fears?|detests?|prefers?|"
    r"collects?|(?:am|is|"
    r"are) (?:fond|afraid|scared|tired) of) (?!it\b|the\b|this\b|that\b|these\b|those\b|to\b|your?\b|them\b|"
    r"him\b|her\b|an?\b|one\b|two\b|three\b|some\b|no\b)"
    r"(?:(?!to |if |when |you |and |but |with )[\w'-]+ ?){1,4}"
)
"""A liking: "my cat loves boats"."""
_WANTED = re.compile(
    r"(?:^|(?<=[.!?;\n] ))what (?:i|we)(?:'d| would)? (?:really |just )?(?:need|want|like)(?: now| here| today)? is "
    r"(?!that\b)",
    re.IGNORECASE,
)
"""A wish that begins as a question does: "what I need is a cat"."""
_STATE = re.compile(
    r"(?:my|our) [\w'-]+(?: [\w'-]+)? (?:is|are|was|were|has|have|had|lives?|sleeps?|looks?|turns?)\b(?:(?!,| but |"
    r" and )[^.!?;\n])*|(?:today |tomorrow )?it(?: is|'s) (?:my|her|his|our|their) (?:[\w'-]+ )?birthday(?: \w+)?"
)
"""What belongs to the writer: "my house is red"; it is an aside before "draw a car" only."""
_NAME = re.compile(
    r",? (?:named|called) (?!(?:it|the|a|an)\b)(?P<quote>[\"'\u2018\u201c])?(?P<name>[\w-]+)"
    r"(?(quote)[\"'\u2019\u201d]?)",
    re.IGNORECASE,
)
_SMALL_TALK = re.compile(
    r"(?:\b(?:hi|hello|hey|hiya|dear|good (?:morning|afternoon|evening|day))\b[\w ]{0,20},? ?)?"
    r"(?:\bhow (?:are|r) (?:you|u|things)(?: (?:doing|today|going|feeling))*|\bhow (?:is it|'s it|do you) "
    r"(?:going|do)|"
    r"\bwhat'?s up) ?\?+\s*",
    re.IGNORECASE,
)
"""A greeting that asks nothing: "hello, how are you today?"."""
_ADDRESSED = (
    r"(?:boys(?: and |, | & )girls|girls(?: and |, | & )boys|children|kids|kiddos?|child|girls?|class|students|"
    r"pupils|"
    r"everyone|everybody|folks|friends?|team|guys|people|ladies(?: and gentlemen)?)"
)
_GREETED = (
    r"(?:hi|hello|hey|hiya|dear|okay|ok|listen|alright|all right|attention|come on|good (?:morning|afternoon|day))"
)
_CALL = re.compile(
    rf"(?:^|(?<=[.!?;\n])) *(?:{_GREETED}[,!]? (?:(?:and|my|you|there|dear|little|sweet|lovely|all) "
    rf")*{_ADDRESSED} ?[,!:.]+ *"
    rf"(?!(?:and|or|with)\b)|(?:(?:so|now|well|then|right),? )?(?:(?:my|you|dear|little|sweet|lovely) "
    rf")*{_ADDRESSED} ?[,!:] *"
    r"(?=(?:please|today|now|can|could|will|would|let'?s|let us|look|tell|say|what|where|which|who|how|count|"
    r"draw|paint|"
    r"make|show|add|put|remove|take|move|name|describe|guess|find|here|this is|we|i)\b))",
    re.IGNORECASE,
)
"""Whom a request speaks to, at its begin: "Children, what do we see?"; "girls, boats and stars" is a list."""
_CALL_LAST = re.compile(
    r"((?:^|(?<=[.!?;\n])) *(?:(?:please|now|so|let'?s|let us|can you|could you) )*(?:draw|paint|make|show|add|put|"
    r"remove|take|move|count|name|describe|what|where|which|who|how)\b[^,.!?;]*), ?(?:(?:my|you|dear) )*"
    rf"(?:{_ADDRESSED.replace('girls?|', '')}) ?(?=[.!?]+(?:\s|$)|$)",
    re.IGNORECASE,
)
_FAREWELL = re.compile(
    r"(^|[.!?;\n])\s*(?:(?:and|so|now) )?(?:good ?night|sleep (?:well|tight)|sweet dreams|night[ -]night)"
    r"(?:,? (?:(?:dear|my|little|small|sweet|you|big|and|the)[ ,]+)*[a-z]+)?\s*(?:[.!]+|$)",
    re.IGNORECASE,
)
_ORDERED = re.compile(
    r"\s*(?:(?:so|but|now|please|then|and|,|can|could|would|you|will) *)*(?:draw|paint|sketch|create|generate|"
    r"show me|make|(?:(?:can|could|may) )?(?:i|we) (?:please )?(?:have|get|see)) ",
    re.IGNORECASE,
)
_REFERS = re.compile(
    r"\b(?:it|one|ones|them|they|some|both|those|these|him|her|he|she|its|their|another|accordingly)\b"
)


def without_asides(text: str, *, images: int) -> tuple[str, tuple[str, ...]]:
    """Returns a request without names and sentences that only say whom something pleases, and what was left out.

    "My cat loves boats; draw a house" asks for a house. A sentence stays if another one refers to it ("I love boats.
    Draw one."), or if there is no other.

    Args:
        text: The request's text.
        images: Number of its images. With an image, "my house is red" may speak of it.
    """
    text = _CALL_LAST.sub(r"\1", _called(_WANTED.sub("I want ", _SMALL_TALK.sub("", text))))
    names = tuple(match["name"] for match in _NAME.finditer(text))
    text = _NAME.sub("", text)
    parts = [part for part in _PART.findall(text) if part]
    said = [part.strip(" .!?;,\n").lower() for part in parts]
    orders = not images and any(_ORDERED.match(part) for part in said[1:])
    asides = [
        part
        for part, words in zip(parts, said, strict=True)
        if _ASIDE.fullmatch(words) or (orders and _STATE.fullmatch(words))
    ]
    rest = "".join(part for part in parts if part not in asides)
    if not asides or not rest.strip() or _REFERS.search(rest.lower()):
        return text, names
    return rest, (*names, *(part.strip(" .!?;,\n") for part in asides))


def _called(text: str) -> str:
    """Returns the text without the people whom it calls, unless a pronoun may mean them: "girl, make her bigger"."""
    rest = _CALL.sub(" ", text).strip()
    return text if rest == text.strip() or re.match(r"[^.!?;]*\b(?:her|she|they|them)\b", rest.lower()) else rest


def without_farewell(text: str) -> str:
    """Returns a text without "good night, little boat", which ends a story and says nothing of it."""
    rest = _FAREWELL.sub(r"\1", text)
    return rest if rest.strip() else text
