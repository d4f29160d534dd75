"""Brings constructions with a shorter equivalent into that form: "a column of three boxes", "one on each side".

One table of patterns over plain text. Each replacement says the same in words that the reader composes. Knows no scene.
"""

from __future__ import annotations

import re

from interleavethinker.microworld.language.compiled_patterns import Rule, rewritten
from interleavethinker.microworld.language.key_words import GROUND
from interleavethinker.microworld.language.plain_text import NUMBER_WORDS, PLURALS, canonical
from interleavethinker.microworld.scenes.sprites import COLOURS, KINDS, SIZES

from .grounds import GROUND_CHANGES
from .tagging import tag

__all__ = ["in_plain_phrases", "said_plainly"]

_NUMBER = f"(?:{'|'.join(NUMBER_WORDS)}|[2-9])"
_NEW = f"(?:an?|one|some|another|{_NUMBER})"
_WATCHING = (
    "looking|gazing|staring|peeking|glancing|smiling|waving|pointing|barking|laughing|chasing|watching|following|"
    "admiring|guarding|facing|kicking|hugging|stroking|petting|feeding|pushing|pulling|carrying|throwing|bouncing|"
    "catching|wearing(?= (?:an?|one) (?:\\w+ )?(?:flower|star))|smelling|picking|eyeing|hunting|greeting|visiting"
)
_STACKED = ", one above the other"
_GROUND_NOUN = "(?:field|meadow|hill|hillside|ground|plain|lawn|garden|park|landscape|world)"
_LOOK = "|".join((*COLOURS, *SIZES, "tiny", "huge", "large", "little"))
_BEGIN = r"(?:^|(?<=[.!?] ))"
_TIMES = "(?:night|evening|sunset|dusk|winter|morning|spring|summer|darkness)"
_CHANGES = "|".join(f"(?:{words})(?=[ ,.;!?]|$)" for words in GROUND_CHANGES.values())


def _others(match: re.Match[str]) -> str:
    number = match[2] or match[3]
    return f"the other{f' {number}' if number else ''}" if number or match[1] == "the" else f"{match[1]} the other"


_PHRASINGS: tuple[Rule, ...] = (
    (rf"\b(?:an? |one )?(?:column|stack|pile|tower) of ({_NUMBER} (?:\w+ ){{0,2}}?\w+s)\b", rf"\1{_STACKED}"),
    (
        (
            r",? ?(?:all )?(?:stacked|piled|heaped)(?: up)?(?: high)?(?:,? (?:(?:one|each) )?(?:on top of|above|"
            r"over|on|upon) (?:each other|one another|the other|another))?(?! (?:on|above|over|under))\b"
        ),
        _STACKED,
    ),
    (r"(?<=\w) (?:in|as) (?:a|one) (?:column|stack|pile|tower|vertical (?:row|line))\b", _STACKED),
    (r"\b(on top of|above|over|under|below) one another\b", r"\1 each other"),
    (rf"\b(?:an? |one )?(?:row|line) of ({_NUMBER} (?:\w+ ){{0,2}}?\w+s)\b(?! in\b)", r"\1 in a row"),
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
            rf"{_BEGIN}everything(?: in (?:it|there|the \w+))? (?:should|must|has to|shall|will) be ({_LOOK}) ?: "
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
    rf"\b(with {_NEW} (?:(?:{_LOOK}) )*(?:bird|sparrow|finch|cat|kitten|kitty|girl|child)s?)"
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


_DAY = re.compile(
    r"(^|[.;!?,\n])(\s*)(?:(?:and|then|afterwards|finally|at last|now|by|it is|it's|it becomes|it gets),? )*(?:the )?"
    r"day(?:light|time)?(?: comes| breaks)?(?=\s*(?:[.;!,\n]|$))",
    re.IGNORECASE,
)
"""The day as all that a sentence or clause says: "Night. A star. Then day." """


def _day_as_background(text: str) -> str:
    """Returns a text in which the day, where it is all that is said, is a background; else it is part of a title."""
    return _DAY.sub(r"\1\2daytime", text)


_SAME_PLACE = re.compile(
    r"\b((?:replac|swap|exchang|substitut)\w*\b[^.;!?\n]{0,60}? (?:with|by|for) [^.;!?\n]{0,60}?),? (?:in|at|on) "
    r"(?:exactly )?(?:the (?:very )?same|its|that|their|his|her) (?:place|spot|position|location)\b",
    re.IGNORECASE,
)


def _without_same_place(text: str) -> str:
    """Returns a text that does not say of what replaces something that it is in the same place, as it always is."""
    return _SAME_PLACE.sub(r"\1", text)


_LOOK_OF_ALL = re.compile(
    rf"(^|[.!?\n]\s*)((?:(?:(?:all|both)(?: of)?(?: the)?|every|each|the) \w+|everything) (?:is|are) (?:{_LOOK})"
    rf"(?: and (?:{_LOOK}))?) ?[:;] ((?:an?|{_NUMBER})\b[^.!?;\n]*)",
    re.IGNORECASE,
)


def _look_of_all_last(text: str) -> str:
    """Returns "All cats are white: two cats, a tree." with the objects in front of what is said of all of them."""
    return _LOOK_OF_ALL.sub(r"\1\3. \2", text)


def _on_top_of_it(text: str) -> str:
    """Returns a text that says on top of what something is ("a tree with a bird on top"), without "what if"."""
    text = _WHAT_IF.sub("Draw ", text)
    return _LEFT_OVER.sub(r"\1 remain", _ON_TOP.sub(r"\1 on top of it", _PERCHED.sub(r"\1 on top of it", text)))


_SWAPPED = re.compile(
    r"(^|[.;!?\n]\s*)((?:(?:and|then|now|next|finally),? )*)(?:please )?(?:swap|exchange|trade|switch) their "
    r"(colou?rs?|sizes?)(?=\s*(?:[.;!\n]|$))",
    re.IGNORECASE,
)
"""An order about the objects that were named last."""


def _swapped_by_them(text: str) -> str:
    """Returns "Swap their colors." as what the objects do."""
    return _SWAPPED.sub(r"\1\2they swap \3", text)


_NOT_ONE = "(?:(?: but| just)* not|(?: but)? (?:skip(?:ping)?|leav(?:e|ing) out|excluding|sparing))"
_BUT_NOT = re.compile(
    r"\b((?:make|paint|colou?r|turn|dye) )((?:everything|(?:all|both)(?: of)?(?: the)?(?: \w+)?|(?:every|each) \w+|"
    rf"the \w+s)) ((?:{_LOOK})(?: and (?:{_LOOK}))?),?{_NOT_ONE} (the [\w ]{{1,40}}?)(?=\s*(?:[.;!?,\n]|$))",
    re.IGNORECASE,
)


_OTHERS_TOO = re.compile(
    r"\b(?:also )?the others?(?: (?:two|three|ones))?,? (?:too|as well)\b|\balso the others\b(?=\s*(?:[.;!]|$))",
    re.IGNORECASE,
)
_REMOVED_BUT = re.compile(
    r"\b((?:remove|delete|erase) )(?:(?:all|both)(?: of)?(?: the)?|the) (\w+s),? (?:but(?: not)?|except(?: for)?) "
    r"(the [\w ]{1,40}?)(?=\s*(?:[.;!?,\n]|$))",
    re.IGNORECASE,
)
_ONE_OF_THEM = re.compile(
    r"\b((?:all|both|every|each|the)(?: of)?(?: the)? (\w+)\b[^.;!?\n]{0,60}?,?"
    rf"(?: but| except(?: for)?|{_NOT_ONE}) the (?:{_LOOK}) )one\b",
    re.IGNORECASE,
)


_ELLIPTIC = re.compile(
    rf"\b(with|on|under|above|below|beside|near|next to|behind|left of|right of) an? (?:(?:{_LOOK}) )*(?P<kind>\w+)\b"
    rf"(?P<between>[^.;!?\n]{{0,60}}\band\b[^.;!?\n]{{0,60}}\b\1 an? (?:(?:{_LOOK}) )+)one\b",
    re.IGNORECASE,
)


_FROM_COLOUR = re.compile(
    rf"\b(an?|the) (?P<thing>(?:(?:big|small) )?\w+) (?P<turns>turns|changes|goes|fades|becomes)(?: slowly)? "
    rf"from (?P<old>{'|'.join(COLOURS)}) (?:in)?to (?P<new>{'|'.join(COLOURS)})\b",
    re.IGNORECASE,
)


def _color_before(text: str) -> str:
    """Returns "a ball turns from blue to red" as what a blue ball does."""
    return _FROM_COLOUR.sub(r"\1 \g<old> \g<thing> turns \g<new>", text)


_FOUND_AGAIN = re.compile(
    r"((?:\baway\b|\bleaves?\b|\blost\b|\bdisappears?\b|\bvanish(?:es)?\b|\bgone\b).{0,200}?[.;!]\s*)(?:then )?"
    r"(?:the \w+|she|he|it) (?:finds|found) (it|him|her|them|the \w+)(?: again)?(?=\s*(?:[.;!,\n]|$))",
    re.IGNORECASE | re.DOTALL,
)


def _found_again(text: str) -> str:
    """Returns "The cat runs away. The girl finds it." as what comes back."""
    return _FOUND_AGAIN.sub(r"\1\2 comes back", text)


_KEPT_ONLY = re.compile(r"\b(?:keep|leave) (?:only|just|nothing but) (?=the \w)", re.IGNORECASE)
_THE_ONES = rf"the (?:(?:{_LOOK}) ){{0,3}}\w+(?:(?:,| and|, and) the (?:(?:{_LOOK}) ){{0,3}}\w+){{0,4}}"
_ONLY_THERE = re.compile(
    rf"(?P<before>^|[.;!?\n]\s*|(?:\b(?:then|now|and|{GROUND}),?|,)\s+(?=(?:with|there)\b)|\b(?:then|now|{GROUND})\s+)"
    r"(?P<intro>with |there (?:is|are) (?:now )?)?"
    rf"(?:(?:only|just|nothing (?:else )?but) (?P<what>{_THE_ONES})|(?P<last>{_THE_ONES}) only)"
    r"(?P<seen> (?:is|are|can be) (?:there|seen|visible|shown|in the picture))?"
    rf"(?=(?P<ground>,? (?:in|at|on|by|during) (?:the |an? )?(?:{GROUND})\b)|\s*(?:[.;!?,\n]|$))",
    re.IGNORECASE,
)
_IN_ROW = re.compile(r"\b(in the )(second|third|last|middle|bottom)(?= (?:an?|the|one|two|three|\d)\b)", re.IGNORECASE)


_KEPT_NOT = re.compile(
    r"\bkeep the [\w ]{1,40}?,?(?: but)? not (the [\w ]{1,40}?)(?=\s*(?:[.;!?,\n]|$))", re.IGNORECASE
)


def _only_there(text: str) -> str:
    """Returns "at night with only the house", which says what there is, as what remains."""

    def remains(match: re.Match[str]) -> str:
        before, what = match["before"], match["what"] or match["last"]
        if not (before.strip(".;!? \n") or match["intro"] or match["seen"] or match["ground"]):
            return match[0]  # "Only the cat.", which may say what alone changes
        link = "and " if before.strip() and before.strip()[-1:] not in ".;!?" else ""
        end = "," if (match["ground"] or "").startswith(" ") else ""
        return f"{before.rstrip(', ') + ', ' if link else before}{link}only {what} remains{end}"

    return _ONLY_THERE.sub(remains, text)


def _kept_only(text: str) -> str:
    """Returns "keep only the bird" and "keep the bird, but not the cats" as what goes away."""
    return _KEPT_NOT.sub(r"remove \1", _KEPT_ONLY.sub("remove everything but ", text))


_FARTHEST = re.compile(r"\b(?:furthest|farthest) (?=(?:left|right)\b)", re.IGNORECASE)


def _farthest_to(text: str) -> str:
    """Returns "which thing is furthest left" in the words of its rule."""
    return _FARTHEST.sub("farthest to the ", text)


def _rows_named(text: str) -> str:
    """Returns "in the first row a cat, in the second a bird" with every row named."""
    row = re.search(r"\bin the (?:first|top) (row|column)\b", text, re.IGNORECASE)
    return text if row is None else _IN_ROW.sub(rf"\1\2 {row[1].lower()}", text)


def _named_in_full(text: str) -> str:
    """Returns "a cat with a red ball and a bird with a blue one" with the blue ball named."""

    def named(match: re.Match[str]) -> str:
        return f"{match[0][:-3]}{match['kind']}" if canonical(match["kind"].lower()) in KINDS else match[0]

    return _ELLIPTIC.sub(named, text)


def _excepted_first(text: str) -> str:
    """Returns "Make all cats red, but not the big one." with the exception, by its name, beside what it is one of."""

    def named(match: re.Match[str]) -> str:
        word = match[2].lower()
        return match[1] + PLURALS.get(word, word) if canonical(PLURALS.get(word, word)) in KINDS else match[0]

    text = _OTHERS_TOO.sub("the others follow", text)
    text = _REMOVED_BUT.sub(r"\1all \2 except \3", _ONE_OF_THEM.sub(named, text))
    return _BUT_NOT.sub(r"\1\2 except \4 \3", text)


_LONGEST = 8000
"""Characters; the readers refuse longer texts."""


def said_plainly(text: str) -> str:
    """Returns a text in sentences whose every word has one meaning for all readers of the micro world.

    A text that is too long for them stays as it is. Every pattern looks a bounded number of characters ahead.
    """
    if len(text) > _LONGEST:
        return text
    for plainer in (
        _day_as_background,
        _without_same_place,
        _look_of_all_last,
        _named_in_full,
        _color_before,
        _found_again,
        _kept_only,
        _only_there,
        _rows_named,
        _farthest_to,
        _excepted_first,
        _swapped_by_them,
        _on_top_of_it,
    ):
        text = plainer(text)
    return text
