"""Word patterns of noun phrases, places and backgrounds, for `phrases`.

Tables only. Patterns are regular expressions over canonical words that are separated by single spaces.
"""

from __future__ import annotations

from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, KINDS, SIZES

from .plain_text import NUMBER_WORDS, PLURALS

__all__ = [
    "ACROSS",
    "ADJECTIVE",
    "ALL_OF_THEM",
    "BARE_PLACE",
    "COLOUR",
    "COMMA_PLACE",
    "CORNER",
    "DESCRIBED_PLACE",
    "DISTINCT",
    "FILLER_FITS",
    "FURTHER",
    "GROUND",
    "GROUND_NAME",
    "GROUND_WORDS",
    "IN_PICTURE",
    "KIND",
    "NOUN_WORD",
    "NUMBERS",
    "OPPOSITE",
    "PLACE",
    "POSTURE",
    "QUALITY",
    "RELATIONS",
    "ROW",
    "SAME",
    "SIDE",
    "SIZE",
    "SPOTS",
]

COLOUR, SIZE = "|".join(COLOURS), "|".join(SIZES)
KIND = "|".join(sorted({*KINDS, *PLURALS}, key=lambda word: (-len(word), word)))
"""Kinds of objects, with the plurals of all their names."""
JUDGMENT = (
    "cosy|cozy|lonely|wonderful|charming|adorable|sweet|neat|nice|lovely|pretty|cute|beautiful|very|really|"
    "quite|single|simple|plain"
)
"""Adjectives that do not change what is drawn."""
SPOTS = "(?:top|bottom|left|right|middle|centre)(?: (?:top|bottom|left|right|middle|centre))*"
SIDE = (
    "(?P<spots>(?:top|bottom|middle|centre) (?:left|right)|(?:left|right|top|bottom)(?:most)?|middle|centre)(?: hand)?"
)
"""A place before a noun."""
OPPOSITE = (
    r"(?P<to>(?:in|on|at|into|to|towards?) )?the (?:(?P<point>(?:diagonally )?opposite corner|corner opposite)|"
    r"(?P<side>(?:opposite|other) (?:side|end|edge))|(?:other|opposite) (?P<corner>top|bottom|left|right) corner)"
    r"(?: of the (?:picture|image|scene|page))?"
)
"""A place opposite another one."""
OF_PICTURE = "(?: (?:side|edge|corner|half|part))?(?: of (?:the|this|my) (?:picture|image|scene|page))?"
PLACE = rf"(?:in|on|at|into|onto|to|toward|towards)(?: the)?(?: (?:far|very))? (?P<spots>{SPOTS}){OF_PICTURE}"
DESCRIBED_PLACE = PLACE.replace("(?:in|on|at|into|onto|to|toward|towards)", "(?:in|on|at)", 1)
"""A place that describes an object; "to the left" says where it goes."""
ROW = (
    r"(?:in|on|at|into|to) the (?P<line>top|bottom|left|right|middle) (?:row|column)|"
    r"(?:(?:in a (?:row|line)|side by side|lined up) )?(?:along|across) the (?P<edge>top|bottom|left|right|middle)"
    r"(?: (?:edge|side|row))?|(?P<row>in a (?:row|line)|side by side|next to each other|lined up)"
)
COMMA_PLACE = r"(?:the )?(?:far )?(?P<spots>left|right)(?: side)?"
"""A place without a preposition, which may only follow a comma: "a ball, left, at night"."""
IN_PICTURE = "(?:in|on|from) (?:the|this|my|our|that) (?:picture|image|scene)"
BARE_PLACE = r"(?P<spots>(?:top|bottom|middle|centre)(?: (?:left|right|middle|centre))?)(?: corner)?"
CORNER = r"(?:in|into|to) (?:a|one|any) corner"
POSTURE = (
    "(?:(?:that|which|who) )?(?:(?:is|are|was|were) )?(?:sitting|standing|sleeping|lying|waiting|playing|floating|"
    "swimming|flying|growing|resting|living|hiding|placed|located|positioned|sits|stands|sleeps|lies|waits|plays|lives|"
    "floats|rests|sit|stand|sleep|lie|wait|play|live|float|rest|shining|hanging|parked|shines|shine|hides|hide|hangs|"
    "hang|starts(?: out)?|start(?: out)?|begins|stays|stay|remains|remain|waits)(?: (?:there|quietly|alone|together))?"
)
RELATIONS = {
    "left": "(?:(?:on|at|to) (?:the )?)?left(?: side)? of",
    "right": "(?:(?:on|at|to) (?:the )?)?right(?: side)? of",
    "above": "above|over|on top of",
    "below": "below|under|underneath|beneath",
    "next_to": "next to|beside|near|near to|close to|by the side of|at the side of|alongside|by",
}
GROUND_OTHER = {
    "meadow": "grass field|fields|field|green field",
    "night": "dark|darkness|dark night|night sky|middle of the night",
    "sunset": "sun set",
    "beach": "sand|sandy beach|water|seaside",
    "snow": "snowy landscape|snowfall|snowstorm",
    "forest": "trees of a forest",
}
GROUND_WORDS = {
    **{word: word for word in BACKGROUNDS},
    **{word: name for name, words in GROUND_OTHER.items() for word in words.split("|")},
}
GROUND_NAME = "|".join(sorted(GROUND_WORDS, key=len, reverse=True))
GROUND_PREPOSITION = (
    "(?:in|on|at|by|during|into|onto|to|of|near|against|with|under|through|across|out in|out on|in front of)"
)
GROUND = (
    rf"(?P<prep>{GROUND_PREPOSITION} )?(?P<det>(?:a|an|the|some|one|this) )?(?P<filler>(?:(?:{JUDGMENT}|quiet|green|"
    r"dark|deep|calm|white|cold|sandy|clear|starry|snowy|sunny|warm|big|wide|open) )*)(?P<empty>empty )?"
    rf"(?P<ground>{GROUND_NAME})(?P<stage> (?:background|scene|backdrop|picture|image|landscape))?"
)
FILLER_FITS = {
    "green": {"meadow", "forest"},
    "dark": {"night", "forest"},
    "deep": {"snow", "forest"},
    "white": {"snow"},
    "cold": {"snow", "night"},
    "sandy": {"beach"},
    "starry": {"night"},
    "snowy": {"snow"},
    "sunny": {"meadow", "beach"},
    "warm": {"meadow", "beach", "sunset"},
}
"""Adjectives that say nothing new of these backgrounds, and something else of others."""
ADJECTIVE = (
    rf"(?:(?:, )?(?:and )?)?(?:(?P<not>not |non )?(?P<colour>{COLOUR})(?: or (?P<or>{COLOUR}))?(?: coloured)?|"
    rf"(?P<size>{SIZE})(?: sized)?|(?P<other>{JUDGMENT}))"
)
QUALITY = (
    r"(?:(?:, )?(?:that|which|who) (?:is|are|should be) )?(?:(?:, )?not )?(?:(?:, )?(?:all|both)(?: of them)? )?"
    rf"(?:(?:in|of|coloured|painted) )?(?:the )?(?:colour )?(?:(?P<colour>{COLOUR})(?: colour)?|(?P<size>{SIZE}))"
)
NOUN_WORD = (
    f"{COLOUR}|{SIZE}|{JUDGMENT}|{'|'.join(KINDS)}|{'|'.join(PLURALS)}|ones?|things?|own|{'|'.join(NUMBER_WORDS)}"
)
"""What may follow "her" where it says whose."""
_STATE = f"(?:is|are|was|were|should|has|have|in|on|at|coloured|painted|{COLOUR}|{SIZE})"
ALL_OF_THEM = (
    rf"(?:all|the)(?: of)?(?: the| these| those)? (?P<count>{'|'.join(NUMBER_WORDS[1:])})(?: of (?:them|these|those))?"
    rf"(?= {_STATE}\b|$)|(?:each|every)(?: single)?(?: one)?(?: of (?:them|these|those))?(?= {_STATE}\b)|"
    rf"(?:all|both)(?: of (?:them|these|those))?(?= {_STATE}\b)"
)
"""Pronouns of several objects: "all three", "each of them"."""
SAME = (
    r"(?:, )?(?:(?:all|both|each)(?: of (?:them|these))? )?(?:(?:in|of|with|having|has) )?(?:exactly )?the (?:exact )?"
    r"same (?P<same>colour|size)(?: and (?:the same )?(?P<also>colour|size))?"
    r"(?: (?:as (?:it|the first|that one|the other one|before)))?"
)
"""What a new object has in common with the one named before it, or the objects of a group with each other."""
DISTINCT = (
    r"(?:, )?(?:(?:and )?(?:all|each|every one|each one|both)(?: of (?:them|these))? )?"
    r"(?:(?:in|of|with|having|has|have|are|is) )?(?:all )?(?:a )?different (?P<same>colour|size)s?"
)
FURTHER = "(?:yet )?another|one more|a second|a third|a fourth"
"""Determiners of a further object of a kind that need not be named again."""
ACROSS = "(?:on|at|to) (?:the|its|his|her) (?:other|opposite|far) (?:side|end)"
NUMBERS = {word: number for number, word in enumerate(NUMBER_WORDS, 1)}
