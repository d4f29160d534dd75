"""Brings constructions with a shorter equivalent into that form: "a column of three boxes", "one on each side".

One table of patterns over plain text. Each replacement says the same in words that the reader composes. Knows no scene.
"""

from __future__ import annotations

import re

from interleavethinker.microworld.language.compiled_patterns import Rule, rewritten
from interleavethinker.microworld.language.plain_text import NUMBER_WORDS
from interleavethinker.microworld.scenes.sprites import COLOURS, SIZES

from .grounds import GROUND_CHANGES
from .tagging import tag

__all__ = ["LOOKS", "SEVERAL", "in_plain_phrases", "on_top_of_it"]

SEVERAL = f"(?:{'|'.join(NUMBER_WORDS)}|[2-9])"
"""Pattern of a number of objects."""
_NEW = f"(?:an?|one|some|another|{SEVERAL})"
_WATCHING = (
    "looking|gazing|staring|peeking|glancing|smiling|waving|pointing|barking|laughing|chasing|watching|following|"
    "admiring|guarding|facing|kicking|hugging|stroking|petting|feeding|pushing|pulling|carrying|throwing|bouncing|"
    "catching|wearing(?= (?:an?|one) (?:\\w+ )?(?:flower|star))|smelling|picking|eyeing|hunting|greeting|visiting"
)
_STACKED = ", one above the other"
_GROUND_NOUN = "(?:field|meadow|hill|hillside|ground|plain|lawn|garden|park|landscape|world)"
LOOKS = "|".join((*COLOURS, *SIZES, "tiny", "huge", "large", "little"))
"""Alternatives of a pattern: words for a color or a size."""
_BEGIN = r"(?:^|(?<=[.!?] ))"
_TIMES = "(?:night|evening|sunset|dusk|winter|morning|spring|summer|darkness)"
_CHANGES = "|".join(f"(?:{words})(?=[ ,.;!?]|$)" for words in GROUND_CHANGES.values())


def _others(match: re.Match[str]) -> str:
    number = match[2] or match[3]
    return f"the other{f' {number}' if number else ''}" if number or match[1] == "the" else f"{match[1]} the other"


_PHRASINGS: tuple[Rule, ...] = (
    (rf"\b(?:an? |one )?(?:column|stack|pile|tower) of ({SEVERAL} (?:\w+ ){{0,2}}?\w+s)\b", rf"\1{_STACKED}"),
    (
        (
            r",? ?(?:all )?(?:stacked|piled|heaped)(?: up)?(?: high)?(?:,? (?:(?:one|each) )?(?:on top of|above|"
            r"over|on|upon) (?:each other|one another|the other|another))?(?! (?:on|above|over|under))\b"
        ),
        _STACKED,
    ),
    (r"(?<=\w) (?:in|as) (?:a|one) (?:column|stack|pile|tower|vertical (?:row|line))\b", _STACKED),
    (r"\b(on top of|above|over|under|below) one another\b", r"\1 each other"),
    (rf"\b(?:an? |one )?(?:row|line) of ({SEVERAL} (?:\w+ ){{0,2}}?\w+s)\b(?! in\b)", r"\1 in a row"),
    (r",? one (?=(?:on|to|at) (?:each|either|every) (?:side|end)\b)", " "),
    (r",? (?=(?:on|to|at) (?:each|either|every) (?:side|end)\b)", " "),
    (r"\bin[ -]between(?: the two)?(?=[.,;!?]|$| of them)(?: of them)?", "between them"),
    (rf"\b(?:{_WATCHING})(?: (?:up|down|over|out|back))?(?: (?:at|to|after|for|on))?(?= {_NEW}\b)", "with"),
    (rf"\bwhose colou?r is (?={'|'.join(COLOURS)})", "that is "),
    (rf"\bwhose size is (?={'|'.join(SIZES)})", "that is "),
    (r"\b(?:i|we) (?:want|would like|would love|need) to (?:know|see|learn) what (.+?) looks? like\b", r"draw \1"),
    (r"\b(?:show|tell) me what (.+?) (?:would )?looks? like\b", r"draw \1"),
    (
        (
            r"\b(?:take|use|choose|pick|have) (?:the |an? )?(\w+(?: \w+)?) (?:for|as) (?:the|a|its) "
            r"(?:background|backdrop|setting)\b"
        ),
        r"the background is \1",
    ),
    (rf"\b(?:snowy|snow[ -]covered|wintry) {_GROUND_NOUN}\b", "snow"),
    (
        (
            r"(?:^|(?<=[.!?] ))(?:(?:what|all|the thing|one thing) )(?:that )?(?:i|we)(?:'d| would)?"
            r"(?: (?:really|just|only))* (?:want|need|like|love|wish for)(?: to (?:see|have|get))?(?: from you)?"
            r"(?: is| ?:)"
        ),
        "",
    ),
    (
        r"(?:^|(?<=[.!?] ))(?:me|i) (?:like|want|need)(?: to)?(?: have| see)? (?=(?:an? )?(?:picture|image)\b)",
        "draw ",
    ),
    (
        (
            rf"{_BEGIN}everything(?: in (?:it|there|the \w+))? (?:should|must|has to|shall|will) be ({LOOKS}) ?: "
            r"([^.;!?]+)"
        ),
        r"\2, all \1",
    ),
    (rf"{_BEGIN}(?:please )?(?:surprise|delight|please|treat) (?:me|us|him|her|them) (?:with|to) ", "draw "),
    (
        (
            r"\b(?:an?|the|one) (?:\w+ )?(?:card|poster|banner|sticker|cover|flyer|invitation|sign|print|slide|"
            r"mural|sheet|worksheet|badge|stamp) (?:with|of|showing|that shows) "
        ),
        "a picture of ",
    ),
    (
        rf"{_BEGIN}(?:my|our|the) (?:\w+ ){{1,3}}?(?:needs?|wants?|would like|asked for) (?=a picture of )",
        "draw ",
    ),
    (rf"(?<!of) (?:in|on|at) which (?={_NEW}\b)", ": "),
    (
        (
            r",? (?:where|in which|and|on which) the only (?:thing|object)(?: (?:that )?(?:you|i|we|one) (?:can )?"
            r"sees?| there| in it| on it| visible)* is "
        ),
        " with only ",
    ),
    (r",? (?:and|but) (?:no|not an?) (?:other )?\w+ (?:anywhere else|elsewhere)\b", ""),
    (rf"{_BEGIN}(?:(?:and|then) )?(?:when|once|as soon as|as|by the time) (?={_CHANGES})", "then "),
    (rf"(?<=[,;] )(?:and )?(?:when|once|as soon as) (?={_CHANGES})", "then "),
    (rf"\b(?:is coming|is falling|comes|falls|arrives) (?:the |an? )?({_TIMES})(?=[.,;!?]|$)", r"\1 comes"),
    (r"\b(the|both|all)(?: of the)? (?:(two|three|four) )?(?:remaining|leftover)\b(?: (two|three|four))?", _others),
    (
        (
            rf"{_BEGIN}(?:please )?(?:explain|show|tell|describe|demonstrate|teach)?(?: (?:me|us))?,?"
            r"(?: (?:with|in|using) (?:pictures|images|steps|drawings),?)? ?"
            r"how (?:(?:to|one|i|we|you|do|does|can|could|would|should) )*"
            r"(?:get|gets|go|goes|come) from (an? (?:empty|bare) [^.;!?]+?) to (?:one|a scene|a picture|an image)"
            r" (?:that has|which has|with|containing|that contains|that shows)"
        ),
        r"\1. then there are",
    ),
    (r"\bnobody (?:is )?(?:around|about|there|in sight)\b,? ?(?:but |just |only )*", ""),
)


_ON_TOP = re.compile(
    rf"\b(with {_NEW} (?:\w+ ){{0,2}}?\w+) on top(?=[.,;!?]|$| and\b| in the\b| at (?:night|sunset))", re.IGNORECASE
)
_PERCHED = re.compile(
    rf"\b(with {_NEW} (?:(?:{LOOKS}) )*(?:bird|sparrow|finch|cat|kitten|kitty|girl|child)s?)"
    r"(?: (?:sitting|standing|lying|perched|sleeping))? on it(?=[.,;!?]|$| and\b| at (?:night|sunset)| in the\b)",
    re.IGNORECASE,
)
"""A creature on an object; "a box with a star on it" may have it painted on."""
_WHAT_IF = re.compile(
    rf"^\s*(?:so |ok |and )?what would (?:it|that|this) look like if (?={_NEW}\b)(?=[^.!?]*\?\s*$)", re.IGNORECASE
)
_PURPOSE = re.compile(
    r",? so (?:that )?(?:my|our|his|her|i|we|she|he|they|you|everyone|everybody|people|the (?:kids|children|"
    r"little ones|learners|pupils|students|"
    r"class|audience|players?|readers?)) [^,.;:!?]*"
)
_CONTENT = frozenset("NOUN COLOUR SIZE CMP GROUND GROUND_CHANGE PLACE RELATION OWN STEP GONE ABSENT NO NOT".split())


def in_plain_phrases(text: str) -> str:
    """Returns the text of a request without images in plain phrases.

    Examples:
        >>> in_plain_phrases("a house with two trees, one on each side")
        'a house with two trees on each side'
    """
    return _PURPOSE.sub(_without_purpose, rewritten(text, _PHRASINGS))


def _without_purpose(match: re.Match[str]) -> str:
    """Leaves out "so that my pupils can count them", which names nothing that an image shows."""
    words = tuple(re.sub(r"\b(add|count) (\w+) up\b", r"\1 \2", match.group()).strip(" ,").split())
    return match.group() if any(token.tag in _CONTENT for token in tag(words)) else ""


_LEFT_OVER = re.compile(
    r"\b((?:only|just) (?:the |my |our |a |an |one|two|three|four|five|six|seven|eight)[^.;!?,]*?) (?:is|are|was|were) "
    r"(?:left|remaining)(?: (?:over|behind|now))?(?=[.,;!?]|$)",
    re.IGNORECASE,
)


def on_top_of_it(text: str) -> str:
    """Returns a text that says on top of what something is ("a tree with a bird on top"), without "what if"."""
    text = _WHAT_IF.sub("Draw ", text)
    return _LEFT_OVER.sub(r"\1 remain", _ON_TOP.sub(r"\1 on top of it", _PERCHED.sub(r"\1 on top of it", text)))
