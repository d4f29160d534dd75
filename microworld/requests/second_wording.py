"""A second wording of a request that is not understood as it stands: without headings, slips and talk, in plain forms.

Tried only after a refusal, so it cannot change what is understood. Each rule is about a construction of English or of
notes; none is about what an image shows. Knows no scene.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from interleavethinker.microworld.language.compiled_patterns import Rule, rewritten
from interleavethinker.microworld.language.phrase_patterns import COLOUR, SIZE
from interleavethinker.microworld.language.plain_text import (
    EXTRA_SYNONYMS,
    NUMBER_WORDS,
    PLURALS,
    canonical,
    plain_text,
)
from interleavethinker.microworld.language.reader.patterns import GROUND_WORD
from interleavethinker.microworld.language.reader.prose import without_prose
from interleavethinker.microworld.language.reader.tagging import tag
from interleavethinker.microworld.language.story_wordings import STORY_WORDINGS
from interleavethinker.microworld.language.templates import with_article
from interleavethinker.microworld.language.vocabulary import CANONICAL, plural
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, KINDS, SIZES
from interleavethinker.tools.errors import InputError

__all__ = ["KIND_WORDS", "LOOK_WORDS", "PLACE_WORDS", "attributes_first", "read_again", "second_wording"]

_Result = TypeVar("_Result")
_MAY_BE_TALK = frozenset({"not_understood", "unknown_words", "empty_text"})


def _any(*values: str) -> str:
    words = {word for word, plain in {**CANONICAL, **EXTRA_SYNONYMS}.items() if plain in values}
    return "|".join(sorted({*values, *words}, key=len, reverse=True))


_KIND = "|".join(sorted({*_any(*KINDS).split("|"), *PLURALS}, key=len, reverse=True))
_LOOK = f"(?:{_any(*COLOURS)}|{_any(*SIZES)}|{COLOUR}|{SIZE})"
_GROUND = f"(?:{'|'.join(BACKGROUNDS)}|{GROUND_WORD})"
_NP = rf"(?:(?:the|an?|one|that|this) )?(?:{_LOOK} )*(?:{_KIND})"
_SPOT = "(?:top|bottom|left|right|middle|center|centre|upper|lower)"
_AT = rf"(?:(?:on|in|at) )?(?:the )?{_SPOT}(?: {_SPOT})?(?: (?:side|corner))?"
KIND_WORDS, LOOK_WORDS, PLACE_WORDS = _KIND, _LOOK, _AT
"""Patterns of the nouns, of colors and sizes, and of places such as "on the left", in the words of users."""
_PICTURE = "(?:picture|image|photo|photograph|drawing|scene|pic)"
_FILLER = "(?:uh+m*|um+|er+m*|hmm+)"
_PEOPLE = (
    "(?:class|pupils|students|children|kids|kid|child|son|daughter|friends?|players?|readers?|viewers?|users?|"
    "team|wife|husband|mother|father|boss|client|guests|audience|they)"
)
_BEGIN = r"(?:^|(?<=[.!?;:\n] )|(?<=[.!?;:\n]))"
_SLIP = (
    r"(?:[,.;]? ?(?:uh |um |oh )?(?:no|oops|whoops|sorry)[,.]? (?:wait|sorry|no|not that)|[,.;] ?(?:no|oops|"
    r"scratch that),)"
    r"[,.:]?"
)
_RULES: tuple[Rule, ...] = (
    # Small words of quick typing and speech
    (rf"(?:(?<=^)|(?<=[ ,])){_FILLER},? (?=\w)", ""),
    (r"[,.!?]? (?:lol|lmao|haha+|hehe+|thx|ty|tysm|thanks|pls|plz|please)(?= ?[.!?]*(?:$|\n))", ""),
    (r"\b(?:itty bitty|teensy weensy)\b", "small"),
    (
        r"[\u2728\U0001F440-\U0001F44F\U0001F480\U0001F4AF\U0001F525\U0001F600-\U0001F64F\U0001F910-\U0001F92F\U0001F970-\U0001F97A]",
        " ",
    ),
    (
        (
            rf"\b([2-9]|{'|'.join(NUMBER_WORDS[1:])})(?: ?x)? ((?:{_LOOK} )*)({'|'.join(KINDS)})\b"
            r"(?= ?(?:[,.;:!?\n(]|$)| (?:and|in|on|at|of|with|under|by|plus|or)\b)"
        ),
        lambda match: f"{match[1]} {match[2]}{plural(match[3])}",
    ),
    (r"(?<=\w )r(?= \w)", "are"),
    # Courtesy
    (
        (
            rf"{_BEGIN}(?:if|unless) (?:it|that|this)(?: is|'s|s) (?:not )?[^,.!?]*?(?:trouble|bother|ok|okay|alright|"
            r"possible|hard|much),? "
        ),
        "",
    ),
    (
        (
            r",? (?:if|as long as|provided) (?:it|that|this)(?: is|'s| isn't| is not|s| isnt) (?:not )?(?:(?:too|much|"
            r"a|any|so|all|no) )*(?:trouble|bother|ok|okay|alright|right|possible|hard|work)(?= ?[.!?]*(?:$|\n))"
        ),
        "",
    ),
    (
        (
            r"\bi(?: would| should|'d) (?:be|feel) (?:(?:most|very|so|really|ever so|much) )*(?:grateful|thankful|glad|"
            r"happy|delighted|obliged|pleased) (?:for|to (?:have|see|get|receive)|if you (?:could|would)(?: please)?)\b"
        ),
        "i would like",
    ),
    (r"\b(?:might|may|could|can) (?:i|we) (?:just )?ask(?: you)?(?: for)?[,:]? ", ""),
    (rf"\b((?:this|that|the) (?:\w+ )?{_PICTURE}) of (?:mine|ours)\b", r"\1"),
    (r"(?:^|,? )(?:yes or no|true or false|right or wrong)\b[:,]?", ""),
    # What others do with the image
    (
        (
            rf"{_BEGIN}(?:the|my|our) (?:\w+ )?{_PEOPLE} (?:will|can|should|shall|must|have to|are going to|may|"
            rf"need to) "
            r"(?:then |later |all )?(?:count|guess|name|find|spot|recogni[sz]e|colou?r|copy|describe|learn|see|enjoy)"
            r"(?: (?:them|it|these|this|in|all|everything))*[.!]*(?=$| |\n)"
        ),
        "",
    ),
    # Notes and forms
    (
        rf"\b(?:object|item|element|thing)s? (?:no\.? ?)?(?:[a-h]|\d)\b ?[=:] ?(?=(?:{_LOOK} )*(?:{_KIND})\b)",
        " there is a ",
    ),
    (rf"\b(?:object|item|element|thing)s? ?[:=] ?(?:\d|{'|'.join(NUMBER_WORDS)})\b(?! ?\w)", " "),
    (rf"\bcolou?r(?: is)? ({COLOUR})\b", r"\1"),
    (rf"\bsize(?: is)? ({_LOOK})\b", r"\1"),
    (rf"\b(?:position|location|place|cell|coordinates)(?: is)? ({_SPOT})\b", r"\1"),
    (r"\b(?:the )?(?:object|item|element|shape) ['\"](\w+)['\"]", r"the \1"),
    (r"\b(?:removed|deleted|deletion|removal) ?: ?(?=(?:the|an?|all|both|every)\b)", "remove "),
    (r"\b(?:removed|deleted|deletion|removal) ?: ?(?=\w)", "remove the "),
    (rf"\b(?:added|addition) ?: ?(?=(?:an?|the|\d|{'|'.join(NUMBER_WORDS)})\b)", "add "),
    (r"\b(?:added|addition) ?: ?(?=\w)", "add a "),
    (
        (
            r"\b(?:changed|updated|set|modified) ?: ?(?:the )?(?:background|backdrop|bg|setting)"
            rf"[ >=:-]+(?:to )?({_GROUND})"
        ),
        r"change the background to \1",
    ),
    (r"\btranslate (?=(?:the|that|this) )", "move "),
    (r"\bno (?:other|further|more|additional) (?:modification|edit|adjustment|alteration)s?\b", "no other changes"),
    # Constructions
    (rf",? (?:but |and )?(not|no) (?:an? |the )?({_LOOK}) ones?\b(?= ?(?:[.,;!]|$))", r", not \2"),
    (rf",? (?:of|in) any colou?r,? (?:but|except|apart from|other than)(?: for)? ({COLOUR})\b", r", not \1"),
    (r"\bplease to (?=(?:draw|paint|make|show|create|add|remove|put|give)\b)", "please "),
    (rf"\btake (the (?:\w+ ){{0,2}}?(?:{_KIND})) and (?:then |just )?(\w+) it\b", r"\2 \1"),
    (
        (
            rf"{_BEGIN}(?:apart|aside) from (?P<np>the [^,.;]+), (?P<all>everything|everybody|all(?: things| "
            rf"objects)?)\b"
            rf"|{_BEGIN}(?:except(?: for)?|besides|other than|with the exception of) (?P<np2>the [^,.;]+), "
            r"(?P<all2>everything|everybody|all(?: things| objects)?)\b"
        ),
        lambda match: f"everything except {match['np'] or match['np2']}",
    ),
    (rf"\bas ({COLOUR}) as (?:an? |the )?(?!(?:{_KIND})\b)[a-z]+\b", r"\1"),
    (rf"\bas ({SIZE}) as (?:an? )(?!(?:{_KIND})\b)[a-z]+\b", r"\1"),
    (r"\bas (big|large|huge|small|tiny|little) as \1 can be\b", r"\1"),
    (r"\b(?:the )?winter's (?:frost|cold|chill|snows?|day|white|ice)\b", "the snow"),
    (r"\b(?:beneath|under|amid|amidst) the snow\b", "in the snow"),
    (rf",? all (?:of|in) (?:the )?({COLOUR}) colou?r\b", r", all \1"),
    (rf",? (?:of|in) (?:the )?({COLOUR}) colou?r\b(?= ?[.!,]|$)", r", \1"),
    (rf"\b({COLOUR})[- ]colou?red\b", r"\1"),
    (r"\bi not (like|want|need)\b", r"i do not \1"),
    (rf"\b(?:the )?({COLOUR}) colou?r of (?:the )?({_KIND})\b", r"the \2 being \1"),
    (rf"\b(change|paint|turn|colou?r) (?:to|in|into) (?={COLOUR}\b)", r"\1 it to "),
    (rf"\b({_PICTURE}s?) where (?:there )?is (?=(?:an?|one|two|three|\d) )", r"\1 of "),
    (
        (
            r",? ?(?:and |, )?(?:behind|around|all around|outside|in (?:the )?back|in (?:the )?background)"
            rf"(?: (?:it|them|all))? (?:is|it is|there is|we see) (?:the |an? )?(?={_GROUND}\b)"
        ),
        ", the background is ",
    ),
    *STORY_WORDINGS,
    (
        (
            rf"{_BEGIN}((?:[2-9]|{'|'.join(NUMBER_WORDS[1:])}) (?:{_LOOK} )*(?:{'|'.join(PLURALS)})) "
            r"(?:stand|sit|lie|live|float|swim|are standing|are sitting|are) (?=(?:in|on|at|by) [^,.;!?]*, one )"
        ),
        r"\1 ",
    ),
    (r"\b(lives?|stands?|sits?|waits?|plays?) there (?=with )", r"\1 "),
    # Slips of the tongue
    (
        (
            rf"\b(?P<one>{_NP}){_SLIP} (?:not (?:the |an? )?(?:{_LOOK} )*(?:{_KIND})[,.]? )?(?:but |i mean )?"
            rf"(?P<other>{_NP})\b"
        ),
        r"\g<other>",
    ),
    (rf"\b(?P<one>{COLOUR}){_SLIP} (?P<other>{COLOUR})\b", r"\g<other>"),
    (rf"\b(?P<one>{_AT}){_SLIP} (?P<other>{_AT})\b", r"\g<other>"),
    (r"\b((?:get rid of|remove|delete|move|make|paint|add) (?:the|a) \w+)[,.]? \1\b", r"\1"),
    # Questions
    (
        (
            rf"\bin which (?:of (?:them|these|those|the (?:two )?{_PICTURE}s)|one|{_PICTURE}) "
            r"(?:are there|there are|is there|there is|do you see|(?:can )?(?:you|i|we) (?:can )?see|do we see) "
        ),
        "which picture has ",
    ),
)
_ROLE = rf"(?m)(?:(?<=^)|(?<=[-*\u2022] ))(?!(?:{_KIND}|{_LOOK})\b)\w+ \(([^()\n]+)\)(?= ?:)"
"""What an object is for, before it: "player (girl): bottom left"."""
_ROLE_OBJECT = rf"(?:an? |the )?(?:{_LOOK} )*(?:{_KIND})"
_TWO = re.compile(
    rf"{_BEGIN}(?:here|these|this|those|attached|below) (?:are|is|you see) (?:(?:my|our|the|an?|two|three|\d) "
    rf")+{_PICTURE}s?"
    r"(?: (?:of|from|with|showing) [^.!?\n]*)?[.!]+ (?=\w)"
)
"""What the given images are, before a question or an order."""
_DIFFERS = re.compile(
    r"\b(?:differ\w*|chang(?:e|es|ed)|mistakes?|errors?|wrong(?! (?:picture|image|one))|altered|alter|deviat\w*)\b"
)
_NO_DIFFERENCE = re.compile(
    r"\b(?:how many|same|alike|common|which (?:one|picture|image)|first one|number|count|not|no|ignore|shows?|mind|"
    r"what (?:is|are) (?:in|on|there|shown))\b"
)
_SHOWN = frozenset("NOUN COLOUR SIZE GROUND GROUND_CHANGE PLACE RELATION OWN CMP NUM ONES EMPTY GONE ABSENT".split())
_REFUSES = re.compile(r"\b(?:forbidden|prohibited|banned|rejected|unwanted|disallowed|wrong|bad|missing|old|before)\b")
"""Headings of what is not wanted."""
_HEADING_WORDS = frozenset("GLUE OTHER NUM DET PREP HIS FRAME COMMA THING SEQUENCE I FROM".split())
_RUN_ON = re.compile(rf"(?:(?:and |, ?)?{_NP} {_AT},? ?){{2,}}(?:and (?:a |the )?{_GROUND}|{_GROUND})?")


_ATTRIBUTE = (
    rf"(?:(?:colou?r|size)(?: is| ?[:=])? )?(?:{_LOOK})|"
    rf"(?:(?:position|location|place|placement|cell)(?: is| ?[:=])? )?{_AT}"
)
_LISTED = re.compile(
    rf"(?:an? |one )?(?P<looks>(?:{_LOOK} )*)(?P<kind>{'|'.join(KINDS)})(?P<rest>(?: ?, "
    rf"?(?:{_ATTRIBUTE}))+)"
)
_LEAD = r"(?:(?:please |so )?(?:there is|draw|paint|make|show(?: me)?|i want|i need|we see|a picture of)(?: me)? )?"
_LISTS = re.compile(rf"{_LEAD}(?:{re.sub(r'[?]P<[a-z]+>', '?:', _LISTED.pattern)}(?: ?, (?:and )?| and |$))+")


def attributes_first(text: str) -> str:
    """Returns a description with the looks of a listed object before its noun and the place after it.

    Examples:
        >>> attributes_first("Cat, white, size small, left.")
        'a small white cat on the left.'
    """
    parts = re.split(r"([.;!?\n]+\s*(?:[-*\u2022] )?)", text)
    plain = [part.lower() for part in parts]
    return "".join(
        _LISTED.sub(_in_order, low) if _LISTS.fullmatch(low.strip()) else part
        for part, low in zip(parts, plain, strict=True)
    )


def _in_order(match: re.Match[str]) -> str:
    looks = match["looks"].split()
    spots: list[str] = []
    for one in filter(None, map(str.strip, match["rest"].split(","))):
        word = re.sub(r"^(?:colou?r|size|position|location|place|placement|cell)(?: is| ?[:=])? ", "", one)
        (spots if re.fullmatch(_AT, word) else looks).append(word)
    colours = [one for one in looks if canonical(one) in COLOURS]
    sizes = [one for one in looks if canonical(one) in SIZES]
    if max(len(colours), len(sizes), len(spots)) > 1 or len(colours) + len(sizes) < len(looks):
        return match.group()
    where = "".join(f" {one if ' the ' in one else f'{_prepositions(one)} {one}'}" for one in spots)
    return with_article(" ".join([*sizes, *colours, match["kind"]])) + where


def _prepositions(spot: str) -> str:
    words = re.sub(r"^(?:on|in|at) ", "", spot).split()
    return (
        "in the" if len(words) > 1 and words[-1] != "side" else "on the" if words[0] in {"left", "right"} else "in the"
    )


def read_again(
    error: InputError, text: str, images: int, read: Callable[[str], _Result]
) -> tuple[_Result, tuple[str, ...]]:
    """Reads a refused text in its second wording; returns the result and the words that are left out.

    Raises:
        InputError: The given error, unless that wording is understood.
    """
    other, left_out = second_wording(text, images)
    if error.code not in _MAY_BE_TALK or other == text:
        raise error
    try:
        return read(other), left_out
    except InputError:
        raise error from None


def second_wording(text: str, images: int) -> tuple[str, tuple[str, ...]]:
    """Returns a request in other words, and the headings and asides that were left out; the same text if no rule fits.

    Args:
        text: The request's text.
        images: Number of its images.

    Examples:
        >>> second_wording("Worksheet 2: two red balls", 0)
        ('two red balls', ('worksheet',))
    """
    plain, headings = _without_headings(text.lower().replace("\u2019", "'"))
    if images:
        plain = _TWO.sub("", plain)
    else:
        plain, prose = without_prose(plain)
        headings = (*headings, *prose)
    if all(re.fullmatch(_ROLE_OBJECT, inner) for inner in re.findall(_ROLE, plain)):
        plain = re.sub(_ROLE, r" \1", plain)
    plain = rewritten(plain, _RULES).strip()
    plain = plain if images else attributes_first(plain)
    if not images and _RUN_ON.fullmatch(plain.strip(" .!")):
        plain = re.sub(rf"({_AT}),? (?={_NP} {_AT})", r"\1, ", plain)
    if images > 1 and _asks_for_a_difference(plain):
        plain = "What is different?"
    return (plain, headings) if plain and plain != text.lower() else (text, ())


def _without_headings(text: str) -> tuple[str, tuple[str, ...]]:
    """Leaves out a heading at the beginning and headings that have a line to themselves, if they name nothing shown."""
    left: list[str] = []

    def kept(match: re.Match[str]) -> str:
        tokens = [one for part in re.split(r"[,/]", match["label"]) for one in tag(tuple(plain_text(part).split()))]
        unknown = [one.text for one in tokens if one.tag == "OTHER"]
        if _REFUSES.search(match["label"]):
            return match.group()
        allowed = [_HEADING_WORDS, *[_HEADING_WORDS | {"VERB"}] * len(tokens)]  # "enemy wave", but not "remove clutter"
        if not unknown or any(one.tag not in names for one, names in zip(tokens, allowed, strict=False)):
            return match.group()
        left.extend(word for word in unknown if word not in NUMBER_WORDS)
        return match["before"]

    text = re.sub(r"(?P<before>^\W*)(?P<label>\w[\w',/ #-]{1,40}?) ?:\s+(?=\S)", kept, text)
    text = re.sub(r"(?P<before>\n\W*)(?P<label>\w[\w',/ #-]{1,40}?) ?:[ \t]*(?=\n)", kept, text)
    text = re.sub(
        r"(?P<before>[.!?;\n] )(?P<label>(?:constraints?|conditions?|requirements?|restrictions?|remarks?|"
        r"notes?)) ?: ?",
        lambda match: match["before"],
        text,
    )
    return text, tuple(dict.fromkeys(left))


def _asks_for_a_difference(text: str) -> bool:
    """Whether talk about several images, which names nothing that they show, asks what is different."""
    plain = plain_text(re.sub(r"<image>", "", text))
    named = any(one.tag in _SHOWN for one in tag(tuple(re.findall(r"[\w']+", re.sub(r"\b(?:one|two)\b", "", plain)))))
    return (
        bool(re.search(r"\?|\b(?:whats?|which|spot|find|tell|see)\b", text))
        and bool(_DIFFERS.search(plain))
        and not _NO_DIFFERENCE.search(plain)
        and not named
    )
