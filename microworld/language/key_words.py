"""Puts lists of key words in order: "top row: three stars", "house left, tree right", "star top right yellow night".

Also the spellings of all words that can be drawn. Works on the words of one sentence and knows no grammar.
"""

from __future__ import annotations

import re

from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, KINDS, SIZES

from .compiled_patterns import compiled
from .plain_text import EXTRA_SYNONYMS, NUMBER_WORDS, PLURALS, canonical
from .vocabulary import SYNONYMS

__all__ = [
    "COLOUR",
    "COUNT",
    "GROUND",
    "LOOK",
    "MANY",
    "ONE",
    "SIZE",
    "SPOT",
    "kind_named",
    "kind_of",
    "noun_first",
    "prepositional",
]


def _spellings(words: tuple[str, ...] | dict[str, object]) -> str:
    named = set(words)
    named |= {other for word in words for other in SYNONYMS[word]}
    named |= {other for other, word in EXTRA_SYNONYMS.items() if word in words}
    return "|".join(sorted(named, key=lambda word: (-len(word), word)))


ONE = _spellings(tuple(KINDS))
MANY = "|".join(sorted(PLURALS, key=len, reverse=True))
COLOUR, SIZE, GROUND = _spellings(tuple(COLOURS)), _spellings(tuple(SIZES)), _spellings(tuple(BACKGROUNDS))
LOOK = rf"(?:(?:{COLOUR}|{SIZE})(?: and| ,)? )*"
COUNT = "|".join(NUMBER_WORDS)
SPOT = "(?:top|bottom|upper|lower|left|right|middle|centre|center)(?: (?:left|right|middle|centre|center))?"
_PLACED = re.compile(
    r"(?:(?:in|on|at) the )?"
    rf"(?:(?P<line>(?:top|middle|bottom) row|(?:left|middle|right) column)|(?P<spot>{SPOT})(?: corner| side| edge)?)"
    rf"(?: :| ,)? (?P<count>(?:an?|{COUNT}) )?(?P<looks>{LOOK})(?P<noun>{ONE}|{MANY})(?=$| ,| and\b)"
)
_SPOT_LAST = re.compile(rf"((?:(?:draw|show|paint) )?(?:(?:an?|{COUNT}) )?{LOOK}(?:{ONE}|{MANY})) ({SPOT})")
_BAG = re.compile(
    rf"(?:draw )?(?P<count>(?:an?|{COUNT}) )?(?P<before>{LOOK})(?P<noun>{ONE}|{MANY}) (?P<after>{LOOK})"
    rf"(?:(?P<spot>{SPOT})(?: corner)?(?: |$))?(?P<last>{LOOK})(?P<ground>{GROUND})?"
)
"""An object in key words: "star top right yellow night"."""
_NAMED = rf"(?:(?:an?|{COUNT}) )?{LOOK}(?:{ONE}|{MANY})"
_GROUND_FIRST = rf"(?P<ground>{GROUND})(?: ,)? (?P<things>{_NAMED}(?:(?: ,)?(?: and)? {_NAMED})*)"
"""A background and what is there: "beach boat"."""


def kind_of(phrase: str) -> str:
    """Returns the kind of object that the last word of a phrase names.

    Examples:
        >>> kind_of("the small white Kitten")
        'cat'
    """
    return canonical(phrase.rsplit(maxsplit=1)[-1].lower())


def kind_named(noun: str) -> str:
    """Returns the kind of object that a noun names, also in the plural; other words stay.

    Examples:
        >>> kind_named("Cats")
        'cat'
    """
    return PLURALS.get(noun.lower()) or kind_of(noun)


def noun_first(text: str) -> str:
    """Puts the noun first in a list such as "left: a cat, right: a ball" or "top row: three stars"."""
    if (there := compiled(_GROUND_FIRST).fullmatch(text)) is not None:
        return f"{' , '.join(compiled(_NAMED).findall(there['things']))} {there['ground']}"
    bag = None if "," in text else _BAG.fullmatch(text)
    if bag is not None and (bag["spot"] or bag["ground"]):
        looks = " ".join(filter(None, (bag["before"].strip(), bag["after"].strip(), (bag["last"] or "").strip())))
        places = filter(None, (bag["spot"] and prepositional(bag["spot"]), bag["ground"]))
        plural_ = bag["noun"] in PLURALS and bag["noun"] not in {"fish", "trout"}
        return " , ".join((f"{bag['count'] or ('' if plural_ else 'a ')}{looks} {bag['noun']}", *places))
    parts = re.split(r"( , and | , | and )", text)
    if len(parts) > 1 and all(_SPOT_LAST.fullmatch(part) for part in parts[::2]):
        return "".join(_SPOT_LAST.sub(lambda found: f"{found[1]} {prepositional(found[2])}", part) for part in parts)
    if _PLACED.match(text) is None:
        return text
    parts = re.split(r"( , and | , | and )", text)
    for at in range(0, len(parts), 2):
        if (found := _PLACED.fullmatch(parts[at])) is None:
            return text if at == 0 else "".join(parts)
        count, looks, noun = found["count"], found["looks"], found["noun"]
        count = count or ("" if noun in PLURALS and noun not in {"fish", "trout"} else "a ")
        spot = f"in the {found['line']}" if found["line"] else prepositional(found["spot"])
        parts[at] = f"{count}{looks}{noun} {spot}"
    return "".join(parts)


def prepositional(spot: str) -> str:
    """Returns a place with its preposition: "on the left", "in the top left"."""
    preposition = "on" if spot in {"left", "right"} else "at" if spot in {"top", "bottom"} else "in"
    return f"{preposition} the {spot}"
