"""Word patterns of noun phrases, places and backgrounds, for `phrases`.

Tables only. Patterns are regular expressions over canonical words that are separated by single spaces.
"""

from __future__ import annotations

from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, SIZES

from .plain_text import NUMBER_WORDS

__all__ = [
    "ADJECTIVE",
    "BARE_PLACE",
    "COLOUR",
    "COMMA_PLACE",
    "CORNER",
    "DESCRIBED_PLACE",
    "FILLER_FITS",
    "GROUND",
    "GROUND_NAME",
    "GROUND_WORDS",
    "IN_PICTURE",
    "NUMBERS",
    "PLACE",
    "POSTURE",
    "QUALITY",
    "RELATIONS",
    "ROW",
    "SPOTS",
]

COLOUR, SIZE = "|".join(COLOURS), "|".join(SIZES)
JUDGMENT = (
    "cosy|cozy|lonely|wonderful|charming|adorable|sweet|neat|nice|lovely|pretty|cute|beautiful|very|really|quite|single|"
    "simple|plain"
)
"""Adjectives that do not change what is drawn."""
SPOTS = "(?:top|bottom|left|right|middle|centre)(?: (?:top|bottom|left|right|middle|centre))*"
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
    "floats|rests|sit|stand|sleep|lie|wait|play|live|float|rest)(?: (?:there|quietly|alone|together))?"
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
GROUND_NAME = "|".join(sorted((word.replace(" ", " ") for word in GROUND_WORDS), key=len, reverse=True))
GROUND_PREPOSITION = (
    "(?:in|on|at|by|during|into|onto|to|of|near|against|with|under|through|across|out in|out on|in front of)"
)
GROUND = (
    rf"(?P<prep>{GROUND_PREPOSITION} )?(?P<det>(?:a|an|the|some|one|this) )?"
    rf"(?P<filler>(?:(?:{JUDGMENT}|quiet|green|dark|deep|calm|white|cold|sandy|clear|starry|snowy|sunny|warm|big|"
    rf"wide|open) )*)"
    rf"(?P<empty>empty )?(?P<ground>{GROUND_NAME})(?P<stage> (?:background|scene|backdrop|picture|image|landscape))?"
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
    rf"(?:(?:, )?(?:and )?)?(?:(?P<not>not |non )?(?P<colour>{COLOUR})(?: or (?P<or>{COLOUR}))?"
    rf"(?: coloured)?|(?P<size>{SIZE})(?: sized)?|(?P<other>{JUDGMENT}))"
)
QUALITY = (
    rf"(?:(?:, )?(?:that|which|who) (?:is|are|should be) )?(?:(?:, )?not )?"
    rf"(?:(?:, )?(?:all|both)(?: of them)? )?(?:(?:in|of|coloured|painted) )?"
    rf"(?:the )?(?:colour )?(?:(?P<colour>{COLOUR})(?: colour)?|(?P<size>{SIZE}))"
)
NUMBERS = {word: number for number, word in enumerate(NUMBER_WORDS, 1)}
