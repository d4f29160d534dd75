"""Turns what people type into plain words: one spelling, no capitals, emoji, digits, contractions or list marks.

Texts in the generator's language stay unchanged apart from case. Knows single words and marks, and no grammar; a word
that it does not know stays as it is, so that the caller can name it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import groupby

from interleavethinker.microworld.scenes.sprites import KINDS

from .remembering import remembered
from .vocabulary import CANONICAL, SYNONYMS, plural, regular_plural

__all__ = [
    "EMOJI",
    "EXTRA_SYNONYMS",
    "NUMBER_WORDS",
    "PLURALS",
    "Sentence",
    "canonical",
    "plain_text",
    "split_sentences",
    "unknown_emoji",
]

NUMBER_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

EMOJI = {
    **dict.fromkeys("⚽🏀🏐🎾", "ball"),
    **dict.fromkeys("🐦🐤🕊", "bird"),
    **dict.fromkeys("⛵🚤🛶🚢", "boat"),
    **dict.fromkeys("📦🎁", "box"),
    **dict.fromkeys("🚗🚘🚙", "car"),
    **dict.fromkeys("🐱🐈😺", "cat"),
    **dict.fromkeys("🐟🐠", "fish"),
    **dict.fromkeys("🌸🌼🌻🌷🌺💐", "flower"),
    **dict.fromkeys("👧", "girl"),
    **dict.fromkeys("🏠🏡", "house"),
    **dict.fromkeys("⭐🌟", "star"),
    **dict.fromkeys("🌳🌲", "tree"),
}
"""Emoji that show an object of the micro world."""
GROUND_EMOJI = {
    **dict.fromkeys("❄🌨", "snow"),
    **dict.fromkeys("🌙🌃🌌", "night"),
    **dict.fromkeys("🌅🌇🌆", "sunset"),
    **dict.fromkeys("🏖🏝🌊", "beach"),
}
"""Emoji that show a background."""
_UNKNOWN_THING = re.compile(
    r"[\u2603\u26c4\U0001F330-\U0001F37F\U0001F383-\U0001F384\U0001F388\U0001F400-\U0001F43F\U0001F451-\U0001F465"
    r"\U0001F466-\U0001F47F\U0001F680-\U0001F6FF\U0001F950-\U0001F96F\U0001F980-\U0001F9AE]"
)
"""Emoji of creatures, plants, food, clothes, people and vehicles; of these `EMOJI` names all that can be drawn."""
_EMOJI = f"[{''.join(EMOJI)}]"
_SHOWN_BY = EMOJI | GROUND_EMOJI
_ANY_EMOJI = f"[{''.join(_SHOWN_BY)}]"
_REPEATING_EMOJI = re.compile(rf"(?P<word>\b[a-z]+)(?P<space>\s*)(?P<signs>{_ANY_EMOJI}(?:\s*{_ANY_EMOJI})*)")
_LISTED_EMOJI = re.compile(
    rf"(?P<before>^\s*(?:(?:please|pls|draw|show|paint|make|create|me|add|a|an)\s+)*)(?P<signs>{_EMOJI}(?:\s*{_EMOJI})+)"
)
"""Several objects at the beginning of a text; after words, they may only repeat what these say."""
_DECORATION = re.compile(
    r"[\u2600\u263a\u2639\u2764\u2665\u2728\u203c\u2049\U0001F389\U0001F44D-\U0001F44F\U0001F495-\U0001F49E\U0001F5BC"
    r"\U0001F600-\U0001F637\U0001F641-\U0001F644\U0001F64F\U0001F917\U0001F929\U0001F970\U0001F3A8\U0001F58C"
    r"\ufe0e\ufe0f\u200d\U0001F3FB-\U0001F3FF]"
)
"""Faces, hearts, thumbs and joiners."""
_SMILEY = re.compile(r"(?<!\w)[:;=8xX]['^]?-?[)(Ddpo3/\\|*\]\[]+(?!\w)|<3+|\^_+\^|(?<!\w)[xX]D\b")

_CONTRACTIONS = (
    (r"\b(it|that|there|here|what|where|who|how|he|she|everything|everyone|nothing|something)'s\b", r"\1 is"),
    (r"\b(they|we|you|there)'re\b", r"\1 are"),
    (r"\b(i)'m\b", r"\1 am"),
    (r"\b(i|we|you|they|it|that|he|she|there)'d\b", r"\1 would"),
    (r"\b(i|we|you|they)'ve\b", r"\1 have"),
    (r"\b(i|we|you|it|they|there)'ll\b", r"\1 will"),
    (r"\blet's\b", "let us"),
    (r"\bcan't\b|\bcannot\b", "can not"),
    (r"\bwon't\b", "will not"),
    (r"\b(\w+)n't\b", r"\1 not"),
    (r"\b(?:dont|doesnt|isnt|arent)\b", lambda match: f"{match.group()[:-2]} not"),
    (r"\b(that|there|what|where|who|how|here)s\b", r"\1 is"),
    (r"\bu\b(?! \.)", "you"),
    (r"\bgonna\b", "going to"),
    (r"\bwanna\b", "want to"),
    (r"\b(?:pls|plz)\b", "please"),
)
_POSSESSIVE = re.compile(
    r"\b(the|my|this|that|her|his|their|a)((?: (?!(?:the|my|this|that|her|his|their|a|an) )[a-z]+){1,3})'s colou?r\b"
)
_LINE_MARK = re.compile(r"^[ \t]*[-*+•‣–—][ \t]+", re.MULTILINE)
_LINE_NUMBER = re.compile(r"^[ \t]*(?:\(?\d{1,2}[.):]|\(?[a-h]\))[ \t]+", re.MULTILINE)
_INLINE_MARK = re.compile(r"(?:(?<=^)|(?<=[.,;:!?\n]\s)|(?<=[.,;:!?\n]))\s*\(?\d[.)](?=\s+[a-z])")
_LIST_NUMBER = re.compile(r"(?<![\w.,:])\(?([1-9])([.)])(?=\s+[a-z])")
_UNIT = "(?:picture|image|page|step|panel|scene|frame|part|chapter|slide|photo)"
_COUNTED = f"(?:[1-9]|{'|'.join(NUMBER_WORDS)})"
_LABEL = re.compile(
    rf"(?:^|(?<=[.,;!?\n])|(?<=[.,;!?\n] ))\s*(?:the )?(?:{_UNIT} (?:no ?\.? ?|number )?{_COUNTED}|"
    rf"(?:first|second|third|fourth|fifth|sixth|seventh|eighth|next|last|final|another|closing) "
    rf"{_UNIT})\s*[:.)\-–—](?!\d)"
)
_FIRST = re.compile(r"\b(?:1|one|first)\b")
"""In a label: nothing comes before "picture 1" but a heading."""
_DIGIT = re.compile(r"(?<![\w.,])0*([1-9])(?![\w]|[.,]\d)")
_SPELLINGS = {
    "center": "centre",
    "central": "centre",
    "color": "colour",
    "colors": "colours",
    "colored": "coloured",
    "recolor": "recolour",
    "larger": "bigger",
    "lower": "bottom",
    "upper": "top",
    "photo": "picture",
    "photograph": "picture",
    "drawing": "picture",
    "painting": "picture",
    "illustration": "picture",
    "pic": "picture",
    "midway": "middle",
    "gray": "grey",
    "til": "until",
}
EXTRA_SYNONYMS = {
    "kitty": "cat",
    "sailboat": "boat",
    "rowboat": "boat",
    "auto": "car",
    "goldfish": "fish",
    "giant": "big",
    "enormous": "big",
    "gigantic": "big",
    "massive": "big",
    "mini": "small",
    "miniature": "small",
    "teeny": "small",
    "lil": "small",
    "smol": "small",
    "humongous": "big",
    "ginormous": "big",
    "colossal": "big",
    "grass": "meadow",
    "sea": "beach",
    "ocean": "beach",
    "coast": "beach",
    "seashore": "beach",
    "evening": "sunset",
    "jungle": "forest",
    "nightfall": "night",
}
"""Further words for trained ones. Unlike `vocabulary.SYNONYMS`, no training data uses them as such."""


_NAMES = {word: word for word in KINDS} | {other: kind for kind in KINDS for other in SYNONYMS[kind]}
_NAMES |= {word: kind for word, kind in EXTRA_SYNONYMS.items() if kind in KINDS}
PLURALS = {form(word): kind for word, kind in _NAMES.items() for form in (regular_plural, plural)} | {
    "children": "girl",
    "fish": "fish",
    "trout": "fish",
    "kitties": "cat",
}
"""Maps plurals of objects and of their synonyms to the kind; "fish" may be singular as well."""


@dataclass(frozen=True)
class Sentence:
    """One sentence in plain words."""

    words: tuple[str, ...]
    """Lower-case words in the user's spelling; "," and ":" are words of their own."""
    question: bool = False
    """Whether it ended with a question mark."""
    recap: bool = False
    """Whether it only repeats what a given image shows: "this is where we stopped: …"."""
    in_turn: bool = False
    """Whether its change happens to one object after the other: "they leave one by one"."""


def canonical(word: str) -> str:
    """Returns the trained word for a synonym or another spelling; plurals and other words stay."""
    word = _SPELLINGS.get(word, word)
    return CANONICAL.get(word) or EXTRA_SYNONYMS.get(word) or word


@remembered
def plain_text(text: str) -> str:
    """Returns the text in lower case with plain punctuation, spelled-out numbers and no decoration.

    Examples:
        >>> plain_text("It\u2019s a 🐱 \u2014 with 2 Balls :-)")
        'it is a cat, with two balls'
    """
    plain = unicodedata.normalize("NFKC", text).lower().replace("\r", "\n")
    plain = "\n".join(" ".join(line.split()) for line in plain.split("\n") if line.strip())
    plain = re.sub(r"[\u2018\u2019\u02bc`\u00b4]", "'", plain)
    plain = re.sub(r"\bw/o\b", "without", re.sub(r"\bw/ ?(?!o\b)", "with ", plain))
    plain = re.sub(
        r"\b([1-9])\s?x(?=\s[a-z])|(?<=[a-z]\s)x\s?([1-9])\b", lambda match: match[1] or f"x {match[2]}", plain
    )
    plain = _without_list_numbers(plain)
    plain = _SMILEY.sub(" ", _DECORATION.sub(" ", plain))
    plain = _REPEATING_EMOJI.sub(_without_repetition, _LISTED_EMOJI.sub(_listed, plain, count=1))
    plain = re.sub(_ANY_EMOJI, lambda match: f" {_SHOWN_BY[match.group()]} ", plain)
    plain = _LINE_NUMBER.sub(". then ", _LINE_MARK.sub(". ", plain))
    plain = _INLINE_MARK.sub(". then ", plain)
    plain = re.sub(r'["\u201c\u201d\u201e\u00ab\u00bb*_#]|\'(?!\w)|(?<!\w)\'', " ", plain)
    plain = re.sub(r"\s*(?:\.{2,}|\u2026)\s*", ". ", plain)
    plain = re.sub(r"\s*\n\s*", ". ", plain)
    plain = _LABEL.sub(lambda match: ". " if _FIRST.search(match.group()) else ". then ", plain)
    plain = re.sub(r"\s+[-\u2013\u2014]+\s+|\s*[\u2013\u2014]\s*|\s*--+\s*|[()\[\]]", ", ", plain)
    plain = re.sub(r"\s*&\s*|(?<=\w)\s*\+\s*(?=\w)", " and ", plain)
    plain = re.sub(r"\s*(?:-+>|\u2192|=>)\s*", ". then ", re.sub(r"\s+/\s+", ". ", plain))
    plain = re.sub(r"[~^|=<>{}\\@$%\u00b7]+(?!\d)", " ", plain)
    plain = re.sub(r"(?<=[a-z])-(?=[a-z])", " ", plain)
    for pattern, replacement in _CONTRACTIONS:
        plain = re.sub(pattern, replacement, plain)
    plain = _POSSESSIVE.sub(r"the colour of \1\2", plain)
    plain = _DIGIT.sub(lambda match: NUMBER_WORDS[int(match.group(1)) - 1], plain)
    plain = re.sub(r"\s+(?=[,.;:!?])", "", plain)
    plain = re.sub(r"(?:,\s*)+(?=[.;:!?]|$)|(?<=[.;:!?]),", "", plain)
    plain = re.sub(r"([.;!?])(?:\s*[.;!])+", r"\1", plain)
    plain = re.sub(r"(?<=[.;!] )now,? (?!there\b|then\b|in\b|at\b|you\b|i\b)", "then ", plain)
    return re.sub(r"\s+", " ", re.sub(r",(?:\s*,)+", ",", plain)).strip(" ,").removeprefix(". ")


def unknown_emoji(text: str) -> list[str]:
    """Returns the emoji of a text that show things which the micro world does not have: "🐙"."""
    return [sign for sign in dict.fromkeys(_UNKNOWN_THING.findall(text)) if sign not in _SHOWN_BY]


def _without_repetition(match: re.Match[str]) -> str:
    """Leaves out the emoji in "a girl 👧", which only repeats the word before it; "cars 🚗🚗🚗" may count them."""
    word = canonical(match["word"])
    kind = PLURALS.get(word, word)
    shown = re.findall(_ANY_EMOJI, match["signs"])
    once = [_SHOWN_BY[sign] for sign in shown].count(kind) == 1
    signs = [sign for sign in shown if not once or _SHOWN_BY[sign] != kind]
    return f"{match['word']}{match['space']}{''.join(signs)}"


def _listed(match: re.Match[str]) -> str:
    """Returns the objects of "🏠🌳🌳" as a list: "house, two trees"."""
    signs = re.findall(_EMOJI, match["signs"])
    groups = [(EMOJI[sign], len(list(same))) for sign, same in groupby(signs)]
    words = [
        kind if count == 1 else f"{NUMBER_WORDS[count - 1]} {plural(kind)}" for kind, count in groups if count < 10
    ]
    return f"{match['before']}{', '.join(words)} " if len(words) == len(groups) else match.group()


def _without_list_numbers(plain: str) -> str:
    """Splits "1) a cat 2) a ball" at its numbers, which must count from one."""
    marks: list[re.Match[str]] = []
    for match in _LIST_NUMBER.finditer(plain):
        if int(match[1]) == len(marks) + 1 and (not marks or match[2] == marks[0][2]):
            marks.append(match)
    if len(marks) > 1:
        for match in reversed(marks):
            plain = f"{plain[: match.start()].rstrip()}. then {plain[match.end() :].lstrip()}"
    return plain


def split_sentences(plain: str) -> list[Sentence]:
    """Splits the result of `plain_text` into sentences; empty ones are dropped."""
    sentences = []
    for match in re.finditer(r"([^.;!?]*)([.;!?]*)", plain):
        words = re.findall(r"[^\W_]+(?:'[^\W_]+)*|[,:]|[^\w\s]", match.group(1))
        while words and words[0] in ",:":
            del words[0]
        while words and words[-1] in ",:":
            del words[-1]
        if words:
            sentences.append(Sentence(tuple(words), "?" in match.group(2)))
    return sentences
