"""Brings questions into the plain forms that `requests.questions` answers.

A question is its kind (how many, where, which color, …) and the objects or the place that it names; everything else
must be words that ask. Knows no scene.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from interleavethinker.microworld.language.phrase_types import Phrase
from interleavethinker.microworld.language.places import cell_named
from interleavethinker.microworld.language.plain_text import Sentence
from interleavethinker.microworld.language.templates import place
from interleavethinker.microworld.language.vocabulary import plural

from .nouns import NounReader
from .tagging import Token, tag

__all__ = ["is_asked", "names_something", "plain_questions"]

_ASKS = re.compile(
    r"^(?:(?:and|so|ok|okay|hey|hi|hello|um|pray|please|now|then|but|well|,|also|dear|sorry) )*(?:(?:i (?:would "
    r"(?:like|love)|want|need|wish)(?: you)? to "
    r"(?:know|tell|ask|find out)|i am (?:curious|wondering)|i (?:wonder|was wondering|was curious)|(?:can|could|"
    r"would|will) (?:you|u|anyone|someone)"
    r"(?: please| kindly| maybe| possibly)* (?:tell|say|describe|name|count|check|identify|list|explain(?! how)|"
    r"confirm|state|answer|report|spot|see|find out)|"
    r"(?:please )?(?:tell|remind|inform)(?: me| us)|do (?:you|we|i) (?:see|know|have|spot)|let me know|what|"
    r"where|which|who|whose|how (?:many|big|large|"
    r"small|tall|is|are|does|much)|is|are|does|did|was|were|any|describe|count|name|list|identify|state|report|"
    r"give (?:me )?(?:the|a) "
    r"(?:number|colou?r|position|location|description|list|count|total)|(?:number|colou?r|count|location|"
    r"position|size) of|whats|wheres|say (?:what|"
    r"where|which|how)|(?:in|on|at|of) (?:what|which)|describe|caption|determine|specify)\b)"
)
_MANY = re.compile(r"\b(?:how many|number of|count|how much|total of|total number|quantity)\b")
_WHERE = re.compile(
    r"\b(?:where|whereabouts|position of|location of|(?:what|which) (?:place|position|location|corner|side|part|"
    r"cell|spot|area)|located|"
    r"find the)\b"
)
_COLOUR = re.compile(r"\b(?:colou?rs?|shade|hue|painted|tint)\b")
_SIZE = re.compile(
    r"\b(?:how (?:big|large|small|tall)|size|big or small|small or big|large or small|small or large|little or big)\b"
)
_GROUND = re.compile(
    r"\b(?:background|backdrop|weather|time of (?:the )?day|what time|season|setting|scenery|where (?:is|are|"
    r"does) (?:this|it all|we|the (?:picture|scene|"
    r"image|story))|what kind of (?:place|scene|landscape)|day or night|night or day|what (?:is|sort of|type of) "
    r"(?:the )?(?:place|landscape|environment))\b"
)
_DESCRIBE = re.compile(
    r"\b(?:describe|caption|what (?:is|all is|can (?:you|i|we) see|do (?:you|i|we) see|does (?:it|this|the \w+) "
    r"(?:show|contain|have)|things are|objects are|"
    r"is shown|is depicted|is visible|is going on|is happening|have we got|are the (?:things|objects|contents))|"
    r"everything|all (?:the )?(?:objects|things)|"
    r"list|name|tell (?:me|us) about|contents?|summar\w+|(?:what|which) (?:objects?|things?|items?))\b"
)
_EXISTS = re.compile(
    r"\b(?:is there|are there|any|do (?:you|we|i) (?:see|have|spot)|can (?:you|i|we) (?:see|find|spot)|does "
    r"(?:it|this|the \w+) (?:have|contain|show|include)|"
    r"is (?:a|an|one) .+ (?:there|visible|present|shown|in)|contains?|present|exist|visible)\b"
)
_NEUTRAL = frozenset(
    (
        "GLUE PREP DET I DO MODAL EXISTS FRAME THERE COMMA COLON AND WHERE WHO COLOURED OTHER STAGE THING ALL HIS "
        "HOW_TO"
    ).split()
)
_ASKING = frozenset("how many what which where who whose any whether if much".split())
_HARMLESS = frozenset(
    {"be", "have", "stay", "make", "get", "draw", "give", "paint", "go", "put", "start", "keep", "move"}
)
_UNIVERSAL = re.compile(
    r"\b(?:only|exactly|precisely|single|except|besides|other|another|additional|extra|else|more|fewer|less|same|than|"
    r"not|no|without|both|most|least|every|each|biggest|largest|smallest|or|old|new|second|third|fourth)\b"
)
"""Words that change what is asked, which the plain forms have no place for."""


_IDLE_ENDS = frozenset("total altogether overall exist visible present here there around roughly".split())


_UNSHOWN = re.compile(
    r"^(?:and |so |then )?(?:does|do|did|has|have) (?:the|this|that|my|every|each|all) "
    r"(?!picture|image|scene|photo|drawing)(?:\w+ ){1,3}?(?:have|wear|hold|carry|own)\b|"
    r"\bwhere (?:is|are|does|did) [^?]*\b(?:going|heading|headed|coming from|running|walking)\b|"
    r"\b(?:was|were)\b.*\b(?:is|are)\b|\b(?:what|who|which)\b.* where\b|"
    r"\bif (?:i|you|we|one|somebody|someone)\b"
)
"""Questions about what belongs to an object, where it goes, and what was or would be: the image does not tell."""
_WHOLE = frozenset("picture image scene photo photograph drawing painting pic visual panel frame whole".split())
_POLITE = re.compile(
    r"(?:(?:hi|hello|hey|so|please|and) )*(?:i (?:wonder|am wondering|was wondering|was curious|am curious)|"
    r"(?:is|would|might) it)\b"
    r".*\b(?:draw|paint|make|get|have|see|do|add|put|move|remove|change|trouble|possible|bother)\b"
)
_WH = re.compile(r"\b(?:what|where|whereabouts|which|who|whose|how (?:many|much|big|large|small|tall))\b")
_ORDERS = re.compile(
    r"\b(?:(?:could|can|may|might|would) (?:you|u|we|i)\b|(?:is|would|might) it (?:be )?(?:\w+ )*?possible\b|"
    r"would it (?:trouble|bother) you|what (?:about|if)\b|how (?:about|would i|do i|"
    r"(?:do|can|would|should) (?:i|you|we|one) (?:\w+ )?(?:draw|paint|make|sketch|create))\b)"
)
"""Questions that ask for an image."""


def is_asked(sentence: Sentence) -> bool:
    """Whether a sentence asks for words instead of an image."""
    text = " ".join(sentence.words)
    if _ORDERS.search(text) and not _ASKS.match(text):
        return False
    if re.match(r"(?:\w+ )?(?:tell|show) (?:me|us) about\b", text) or (_POLITE.match(text) and not _WH.search(text)):
        return False
    if sentence.question and _WH.search(text) and not _ORDERS.search(text):
        return True
    yes_no = re.match(r"^(?:is|are|was|were|any|does|did|do)\b(?! there)", text)
    return bool(_ASKS.match(text)) and (sentence.question or not yes_no)


def names_something(sentence: Sentence) -> bool:
    """Whether a sentence names an object, a look, a place or a background."""
    return any(
        token.tag in {"NOUN", "COLOUR", "SIZE", "PLACE", "RELATION", "GROUND", "GROUND_CHANGE", "THING", "ONES", "CMP"}
        for token in tag(sentence.words)
    )


def plain_questions(sentences: Sequence[Sentence]) -> list[Sentence] | None:
    """Returns the questions in plain forms, or None if one has none."""
    found = []
    for sentence in sentences:
        plain = _plain(sentence.words)
        if plain is None:
            return None
        found += [Sentence(tuple(one.split()), True) for one in plain.split(_BOTH)]
    return found


_BOTH = " ? "
"""Stands between the questions of one sentence: "how big is the star, and in which spot"."""


def _plain(words: tuple[str, ...]) -> str | None:  # noqa: C901, PLR0911, PLR0912 - one branch for each form
    text = re.sub(r" (?:in|on) (?:this|that|the) (?:one|thing)$", "", " ".join(words))
    tokens = tag(tuple(text.split()))
    if _UNIVERSAL.search(
        re.sub(
            r"\b(?:big|small|large|little) or (?:big|small|large|little)\b|\b(?:day|night) or (?:day|night)\b",
            " ",
            text,
        )
    ):
        return None
    reader = NounReader(tokens, edits=True)
    named, used = _named(reader)
    if _UNSHOWN.search(text) or _asks_of_unknown(tokens, used) or not _neutral(tokens, used):
        return None
    if named and _lists_unknown(tokens, used):
        return None
    if _MANY.search(text):
        if len(named) == 1 and _says_what_they_do(tokens, used):
            return None
        if len(named) != 1 or _more_looks(tokens, used):
            things = re.search(r"\b(?:things?|objects?|items?|elements?)\b", text)
            total = things and not named and not _more_looks(tokens, used)
            return "how many things are there" if total else None
        return f"how many {_render(named[0], many=True)} are there"
    if len(named) == 1 and named[0].kind:
        one = _render(named[0])
        asked = [
            f"{words} the {one}"
            for pattern, words in ((_COLOUR, "what colour is"), (_SIZE, "how big is"), (_WHERE, "where is"))
            if pattern.search(text) and not (pattern is _WHERE and named[0].where)
        ]
        if asked:
            return _BOTH.join(asked)
        if _EXISTS.search(text) and sum(one.tag == "PLACE" for one in tokens) > 1:
            return None  # "on the left, in the middle and on the right"
        if _EXISTS.search(text):
            return f"are there {_render(named[0], many=True)}" if named[0].some else f"is there a {one}"
        return None
    if not named:
        where = _where(reader)
        if where:
            return f"what colour is the thing {where}" if _COLOUR.search(text) else f"what is {where}"
        if _GROUND.search(text):
            return "what is the background"
        if _COLOUR.search(text):
            return None
        if _DESCRIBE.search(text) and not any(one.tag in {"PLACE", "RELATION"} for one in tokens):
            return "describe the picture"
    return None


def _asks_of_unknown(tokens: Sequence[Token], used: set[int]) -> bool:
    """Whether a question is about what no image tells: "how many legs does the cat have", "what is the cat's name"."""
    texts = [token.text for token in tokens]
    many = next((at + 1 for at, one in enumerate(texts) if one in {"many", "much"}), None)
    if many is not None:
        counted = many
        while counted < len(tokens) and _unknown_noun(tokens[counted]):
            counted += 1
        if (
            counted > many
            and counted not in used
            and not (texts[counted : counted + 1] == ["of"] and counted + 1 in used)
        ):
            return True  # "how many eyes does", "how many living things"
        if counted < len(tokens) and tokens[counted].tag == "THING" and used:
            return True  # "how many things have the colour of the ball"
    for at, token in enumerate(tokens):
        before, last = texts[at - 1] if at else "", texts[at - 2] if at > 1 else ""
        if token.tag == "OTHER" and before in {"the", "its", "your", "their", "a", "an"} and last in {"is", "are"}:
            return True  # "what is the brightest thing"
        if token.tag == "OTHER" and before in {"is", "are"} and at == len(tokens) - 1 and texts[0] in {"which", "what"}:
            return token.text not in _IDLE_ENDS  # "which object is highest"
        if (
            token.tag == "OTHER"
            and many is not None
            and at not in used
            and before == "the"
            and last in {"in", "on", "at"}
        ):
            return token.text not in _WHOLE
    return False


def _unknown_noun(token: Token) -> bool:
    """Whether a word names or describes what the micro world does not know: "eyes", "leaves", "living"."""
    return token.tag == "OTHER" or (token.tag == "VERB" and re.fullmatch(r"\w{3,}(?:s|ing)", token.text) is not None)


def _named(reader: NounReader) -> tuple[list[Phrase], set[int]]:
    """Returns the objects that a question names, and the positions of their words."""
    named: list[Phrase] = []
    used: set[int] = set()
    at = 0
    while at < len(reader.tokens):
        if reader.tag(at) in {"RELATION", "PLACE", "OWN"}:
            break
        found = None if reader.tag(at) in {"PRO", "GLUE"} else reader.noun(at)
        if found is not None and found[0].kind:
            named.append(found[0])
            used |= set(range(at, found[1]))
            at = found[1]
        else:
            at += 1
    return named, used


def _neutral(tokens: Sequence[Token], used: set[int]) -> bool:
    place_at = next(
        (at for at, token in enumerate(tokens) if token.tag in {"RELATION", "PLACE"} and at not in used), len(tokens)
    )
    for at, token in enumerate(tokens[:place_at]):
        if at in used or token.tag in _NEUTRAL or (token.tag == "PRO" and token.value == "it"):
            continue
        if token.tag == "DANGER" and token.text in _ASKING:
            continue
        if token.tag == "VERB" and token.classes & _HARMLESS:
            continue
        if token.tag == "SIZE" and any(word.text in {"how", "or"} for word in tokens):
            continue
        if token.text in {"or", "kind", "sort", "size"} or token.tag == "GROUND":
            continue
        return False
    return True


def _says_what_they_do(tokens: Sequence[Token], used: set[int]) -> bool:
    """Whether a verb follows the objects that a question counts, which no image shows: "how many birds sing"."""
    after = tokens[max(used) + 1 :]
    ends = len(after) == 1 and after[0].tag == "OTHER" and after[0].text not in _IDLE_ENDS
    return ends or (bool(after) and after[0].tag == "VERB" and not after[0].classes & {"be", "have", "stay"})


def _more_looks(tokens: Sequence[Token], used: set[int]) -> bool:
    """Whether a color or size stands after the objects that a question counts: "how many red balls are small"."""
    return any(one.tag in {"COLOUR", "SIZE"} and at not in used for at, one in enumerate(tokens))


def _lists_unknown(tokens: Sequence[Token], used: set[int]) -> bool:
    """Whether a word that no object is called stands in a list of objects: "a cat and a dragon"."""
    joins = {"AND", "COMMA"}
    for at, token in enumerate(tokens):
        if token.tag != "OTHER" or at in used or tokens[at - 1].text not in {"a", "an", "any", "some"}:
            continue
        if (at > 1 and tokens[at - 2].tag in joins) or any(one.tag in joins for one in tokens[at + 1 : at + 2]):
            return True
    return False


def _where(reader: NounReader) -> str:
    for at in range(len(reader.tokens)):
        if (
            reader.tag(at) in {"PLACE", "RELATION"}
            and (found := reader.where(at)) is not None
            and reader.glue(found[1]) >= len(reader.tokens)
        ):
            if any(reader.tag(before) in {"PLACE", "RELATION"} for before in range(at)):
                return ""  # "left of the tree and right of the cat"
            where = found[0]
            if where.relation and all(anchor.kind for anchor in where.anchors):
                return _relation(where.relation, where.anchors)
            if len(where.cells) == 1:
                return place(min(where.cells))
    return ""


_RELATIONS = {
    "left": "left of",
    "right": "right of",
    "above": "above",
    "below": "below",
    "next_to": "next to",
    "between": "between",
}


def _relation(name: str, anchors: tuple[Phrase, ...]) -> str:
    return f"{_RELATIONS[name]} {' and '.join(f'the {_render(anchor)}' for anchor in anchors)}"


def _render(phrase: Phrase, *, many: bool = False) -> str:
    words = [*sorted(phrase.sizes), *sorted(phrase.colours), plural(phrase.kind) if many else phrase.kind]
    for where in phrase.where:
        if where.relation and all(anchor.kind for anchor in where.anchors):
            words.append(_relation(where.relation, where.anchors))
        elif len(where.cells) == 1:
            words.append(place(min(where.cells)))
        elif where.side:
            cell = cell_named([where.side])
            words.append(place(4 if cell is None else cell))
    return " ".join(words)
