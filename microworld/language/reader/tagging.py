"""Tags the words of a sentence by what they do: objects, looks, places, grounds, verbs by effect, connectives.

Longer expressions come first: "next to", "in the top left corner", "night falls". Knows no grammar: every tag is what
the words can be; `clauses` decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from interleavethinker.microworld.language.empty_words import EMPTY_WORDS
from interleavethinker.microworld.language.lexicon import near_words
from interleavethinker.microworld.language.phrase_types import Where
from interleavethinker.microworld.language.places import CORNERS, cell_named
from interleavethinker.microworld.language.plain_text import NUMBER_WORDS, PLURALS, canonical
from interleavethinker.microworld.language.remembering import remembered
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, KINDS, SIZES

from .grounds import GROUND_CHANGES, GROUND_NOUNS
from .lexicon import DANGER, GLUE, SIMPLE, VERBS, VISIBLE, verb_forms
from .patterns import (
    ABOUT,
    ACROSS,
    BETTER,
    BODY,
    BOTH_SIDES,
    COLOUR_WORD,
    CORNER,
    CORNERS_OF,
    COUNT,
    DISLIKE,
    EMPTY,
    EXCEPT_THAT,
    EXISTS,
    FILL,
    FRAME,
    HOW_TO,
    INSTEAD,
    KEEP,
    NOTHING_BUT,
    NUMBERED,
    OPENING,
    OPPOSITE,
    OWN,
    PICTURE,
    PLACE,
    RELATION,
    ROW,
    SAME,
    SAME_ONE,
    SCENERY,
    SEQUENCE,
    SIDE,
    SKY,
    STEP,
    THERE_NOT,
    WRAPPER,
)

__all__ = ["Token", "has_company", "tag"]


@dataclass(frozen=True)
class Token:
    """Some words of a sentence with one tag."""

    tag: str
    text: str
    value: str = ""
    where: Where | None = None
    classes: frozenset[str] = frozenset()
    """Of verbs: the keys of `lexicon.VERBS`."""
    form: str = ""
    """Of verbs: `ing`, `ed`, `s` or empty."""
    begin: int = 0
    end: int = 0
    """Numbers of the first word and of the one after the last."""


def _words(names: dict[str, tuple[str, ...]]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for name, verbs in names.items():
        for verb in verbs:
            for form in verb_forms(verb):
                found.setdefault(form, set()).add(name)
    return {form: frozenset(classes) for form, classes in found.items()}


_VERBS = _words(VERBS)
_LONGEST = max(len(form.split()) for form in _VERBS)
_NOUNS = {word: (kind, "many") for word, kind in PLURALS.items()} | {kind: (kind, "one") for kind in KINDS}
_NOUNS["fish"] = ("fish", "either")
_SIDE_RE = re.compile(SIDE.pattern.replace("%s", "|".join(sorted(_NOUNS, key=len, reverse=True))))
_NO_MORE = re.compile(rf"(?:no|not any) more(?= (?:\w+ )?(?:{'|'.join(sorted(_NOUNS, key=len, reverse=True))})\b)")
_BEFORE_NOUN = frozenset({"DET", "NUM", "COLOUR", "SIZE", "ALL", "MORE", "NO", "SOME", "HIS", "COLOURED"})
_SHADES = frozenset({"dark", "deep", "pale"})
_Make = Callable[[re.Match[str]], tuple[str, str, Where | None]]


def _place(match: re.Match[str]) -> tuple[str, str, Where | None]:
    spots = re.findall(r"top|bottom|left|right|middle|centre|mid", match["spots"])
    cell = cell_named(spots)
    prep = (match["prep"] or "").split()
    goal = bool(prep) and prep[-1] in {
        "to",
        "into",
        "onto",
        "toward",
        "towards",
        "for",
        "back",
        "over",
        "up",
        "down",
        "from",
    }
    bare = not prep and not match["part"] and not match["det"]
    kind = "FROM" if prep[-1:] == ["from"] else "GOAL" if goal else "BARE" if bare else "AT"
    return "PLACE", kind, None if cell is None else Where(frozenset({cell}))


_SPOT_CELLS = {"top": (0, 1, 2), "bottom": (6, 7, 8), "left": (0, 3, 6), "right": (2, 5, 8)}


def _row(match: re.Match[str]) -> tuple[str, str, Where | None]:
    line = match["line"] or match["edge"]
    middle = (1, 4, 7) if match["kind"] == "column" else (3, 4, 5)
    return "PLACE", "AT", Where(frozenset(_SPOT_CELLS.get(line, middle)), row=match["row"] is not None)


def _opposite(match: re.Match[str]) -> tuple[str, str, Where | None]:
    kind = "point" if match["point"] else "side" if match["side"] else match["corner"]
    return "PLACE", "AT", Where(opposite=kind)


def _step(match: re.Match[str]) -> tuple[str, str, Where | None]:
    word = (match["side"] or match["way"]).removesuffix("wards")
    step = {"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0), "higher": (-1, 0), "lower": (1, 0)}[word]
    return "STEP", "", Where(step=step)


def _count(match: re.Match[str]) -> tuple[str, str, Where | None]:
    if match["six"]:
        return "NUM", "6", None
    if match["two"]:
        return "NUM", "2", None
    if match["few"]:
        return "SOME", "3", None
    if match["another"]:
        return "MORE", "another", None
    if match["single"]:
        return "NUM", "1", None
    number = str(NUMBER_WORDS.index(match["n"]) + 1)
    return ("MORE", number, None) if match["more"] else ("NUM", number, None)


def _tagged(name: str, value: str = "") -> _Make:
    return lambda match: (name, value, None)  # noqa: ARG005


_RULES: tuple[tuple[re.Pattern[str], _Make], ...] = (
    (DISLIKE, _tagged("DISLIKE")),
    (_NO_MORE, _tagged("NO", "no")),
    (KEEP, _tagged("KEEP")),
    *((re.compile(rf"(?:{words})(?= |$)"), _tagged("GROUND_CHANGE", name)) for name, words in GROUND_CHANGES.items()),
    (_SIDE_RE, lambda match: ("SIDE", match["spots"], None)),
    (INSTEAD, _tagged("INSTEAD")),
    (ABOUT, _tagged("GLUE")),
    (SAME_ONE, _tagged("SEQUENCE", "same")),
    (NOTHING_BUT, _tagged("ONLY")),
    (EXCEPT_THAT, _tagged("AND", "but")),
    (FILL, _tagged("EXISTS")),
    *((pattern, _tagged("GROUND", name)) for name, pattern in SCENERY.items()),
    *((pattern, _tagged("OWN", name)) for name, pattern in BODY.items()),
    (OWN, lambda match: ("OWN", match["side"], None)),
    (BOTH_SIDES, lambda match: ("SIDES", "of" if match["of"] or match["of2"] else "", None)),
    (ACROSS, _tagged("RELATION", "across")),
    *((pattern, _tagged("RELATION", name)) for name, pattern in RELATION.items()),
    (OPPOSITE, _opposite),
    (CORNERS_OF, lambda match: ("CORNERS", match["edge"], None) if match["each"] or "corners" in match.group()
     else ("OTHER", "typo", None)),
    (ROW, _row),
    (CORNER, lambda match: ("PLACE", "AT", Where(CORNERS))),  # noqa: ARG005
    (SKY, lambda match: ("PLACE", "AT", Where(frozenset({0, 1, 2})))),  # noqa: ARG005
    (STEP, _step),
    (PLACE, _place),
    (EXISTS, _tagged("EXISTS")),
    (OPENING, _tagged("OPENING")),
    (NUMBERED, lambda match: ("SEQUENCE", match.group(), None)),
    (SEQUENCE, lambda match: ("SEQUENCE", match.group(), None)),
    (SAME, lambda match: ("SAME", match["what"] or "size", None) if not match["as"] and not match["like"]
     else ("SAME_AS", match["what"] or "size", None)),
    (THERE_NOT, _tagged("NOT_THERE")),
    (EMPTY, _tagged("EMPTY")),
    (BETTER, _tagged("BETTER")),
    (HOW_TO, _tagged("HOW_TO")),
    (WRAPPER, _tagged("GLUE")),
    (FRAME, _tagged("FRAME")),
    (COLOUR_WORD, _tagged("COLOURED")),
    (COUNT, _count),
)  # fmt: skip


_FRAME_WORDS = frozenset(PICTURE[3:-1].split("|")).union(
    """
    a an the one this my our some of with showing shows that which containing contains featuring features depicting
    depicts where in on about includes including should show have contain include be shall must will feature has had
    would just is needs consisting composed there are us me you see i we can only simple quick small short little
    whole full new single nice cute pictures images scenes photos drawings paintings pages panels frames
    illustrations sketches comics cartoons posters postcards shots views
    """.split()
)
"""Words of "a nice picture of", which say nothing."""


@remembered
def tag(words: tuple[str, ...]) -> tuple[Token, ...]:
    """Returns the words of one sentence as tagged expressions, from left to right, without gaps."""
    spelled = [_spelling(word) for word in words]
    text = " ".join(spelled)
    starts = [0]
    for word in spelled:
        starts.append(starts[-1] + len(word) + 1)
    numbers = {start: number for number, start in enumerate(starts)}
    found: list[Token] = []
    at = 0
    while at < len(spelled):
        token = _shade(spelled, at) or (
            _longer(text, starts[at], numbers, at, noun=bool(found) and found[-1].tag in {"NOUN", "ONES", "NUM"})
            or _verb(spelled, at, noun_like=bool(found) and found[-1].tag in _BEFORE_NOUN)
            or _word(spelled[at], at)
        )
        found.append(token)
        at = token.end
    return tuple(found)


def has_company(words: tuple[str, ...]) -> bool:
    """Whether a subject has company before its verb: in "a girl with a ball walks" the ball does not walk."""
    tokens = tag(words)
    for at, token in enumerate(tokens):
        if token.tag != "WITH" or at == 0 or tokens[at - 1].tag != "NOUN":
            continue
        end = at + 1
        while end < len(tokens) and tokens[end].tag in {*_BEFORE_NOUN, "OTHER", "GLUE"}:
            end += 1
        if end >= len(tokens) or tokens[end].tag != "NOUN":
            continue
        verb = next((one for one in tokens[end + 1 :] if one.tag != "GLUE"), None)
        many = tokens[at - 1].form == "many" or any(one.tag == "AND" for one in tokens[:at])
        finite = {"s", ""} if many else {"s"}
        if verb is not None and verb.tag == "VERB" and verb.form in finite:
            return True
    return False


def _shade(words: list[str], at: int) -> Token | None:
    """Tags the "dark" of "dark blue", which is a look that images of the micro world cannot show."""
    if words[at] in _SHADES and at + 1 < len(words) and canonical(words[at + 1]) in COLOURS:
        return Token("DANGER", words[at], begin=at, end=at + 1)
    return None


@lru_cache(maxsize=4096)
def _spelling(word: str) -> str:
    spelling = canonical(word)
    return (
        spelling
        if spelling in {"centre", "bottom", "top", "colour", "coloured", "colours", "middle", "recolour"}
        else word
    )


def _longer(text: str, start: int, numbers: dict[int, int], at: int, *, noun: bool) -> Token | None:
    for pattern, make in _RULES:
        match = pattern.match(text, start)
        if match is None or not match.group():
            continue
        end = match.end() + 1
        if end not in numbers:
            continue
        name, value, where = make(match)
        if name == "PLACE" and where is None:
            continue
        if name == "EXISTS" and noun and match.group().split()[-2:-1] in (["that"], ["this"]):
            continue
        if name == "FRAME" and not all(word in _FRAME_WORDS or word in EMPTY_WORDS for word in match.group().split()):
            continue
        return Token(name, match.group(), value, where, begin=at, end=numbers[end])
    return None


def _verb(words: list[str], at: int, *, noun_like: bool) -> Token | None:
    for length in range(min(_LONGEST, len(words) - at), 0, -1):
        text = " ".join(words[at : at + length])
        if (classes := _VERBS.get(text)) is not None and not (
            length == 1 and noun_like and (text in _NOUNS or canonical(text) in KINDS)
        ):
            if length == 1 and (text in SIMPLE or canonical(text) in COLOURS):
                return None
            return Token("VERB", text, classes=classes, form=_form(words[at]), begin=at, end=at + length)
    return None


def _form(word: str) -> str:
    if word.endswith("ing") and word not in {"bring", "swing", "sing", "spring"}:
        return "ing"
    return "ed" if word.endswith(("ed", "wn", "en")) else "s" if word.endswith("s") and not word.endswith("ss") else ""


def _word(word: str, at: int) -> Token:
    plain = canonical(word)
    named = _NOUNS.get(word) or _NOUNS.get(plain)
    if named is not None:
        return Token("NOUN", word, named[0], form=named[1], begin=at, end=at + 1)
    for name, values in (("COLOUR", COLOURS), ("SIZE", SIZES), ("GROUND", BACKGROUNDS)):
        if plain in values:
            return Token(name, word, plain, begin=at, end=at + 1)
    if word in GROUND_NOUNS:
        return Token("GROUND", word, GROUND_NOUNS[word], begin=at, end=at + 1)
    if word in SIMPLE:
        name, value = SIMPLE[word]
        return Token(name, word, value, begin=at, end=at + 1)
    if (
        word in DANGER
        or (word in VISIBLE and word not in EMPTY_WORDS)
        or (word.endswith("less") and word not in EMPTY_WORDS)
    ):
        return Token("DANGER", word, begin=at, end=at + 1)
    if word in GLUE or word in EMPTY_WORDS:
        return Token("GLUE", word, begin=at, end=at + 1)
    return Token("OTHER", word, "typo" if near_words(word) else "", begin=at, end=at + 1)
