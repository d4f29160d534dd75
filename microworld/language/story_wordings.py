"""Constructions of stories and lessons with an equivalent that the patterns know: "comes a bird".

Rules over lower-case text for a second reading, after a refusal. Tables only; each replacement says the same.
"""

from __future__ import annotations

import re

from .compiled_patterns import Rule
from .key_words import COUNT, LOOK, MANY, ONE, SPOT
from .reader.grounds import GROUND_CHANGES
from .reader.patterns import GROUND_WORD

__all__ = ["STORY_WORDINGS"]

_BEGIN = r"(?:^|(?<=[.!?;:\n] )|(?<=[.!?;:\n]))"
_NEXT = r"(?:(?:and|then|now|next|after that|first|so|finally),? )*"
_ONE = rf"(?:an?|one) {LOOK}(?:{ONE})"
_SOME = rf"(?:{COUNT}|[2-9]|some) {LOOK}(?:{MANY})"
_THE = rf"(?:the|this|that) {LOOK}(?:{ONE})"
_STORY = "(?:story|tale|comic|cartoon|picture story|storyboard|fairy tale|bedtime story)"
_UNIT = "(?:pictures?|images?|panels?|frames?|steps?|scenes?|slides?|pages?|drawings?)"
_PERSON = (
    r"(?:her|him|them|it|(?:my|our|the) (?:little |small |dear |two )?(?:son|daughter|kids?|children|child|class|"
    r"pupils|students|wife|husband|mother|mom|mum|father|dad|grandma|grandpa|sister|brother|niece|nephew|grandson|"
    r"granddaughter|friends?|toddler|audience|readers|twins))"
)
_CHANGES = "|".join(f"(?:{words})(?=[ ,.;!?]|$)" for words in GROUND_CHANGES.values())
_HERE = (
    r"(?:arrived|there|got there|gotten there|come there|reached (?:it|there|its place|her place|the (?:other )?side))"
)


def _then(match: re.Match[str]) -> str:
    """Returns "then" for what happens when an object has arrived, if that object was named before."""
    known = match["noun"] is None or re.search(rf"\b{match['noun']}\b", match.string[: match.start()])
    return ". then " if known else match.group()


def _with_and_without(match: re.Match[str]) -> str:
    """Returns "one with a cat and one without" as two pictures in this order."""
    return f"1. {match['one']}{match['rest']}. 2. the {match['noun']} goes away"


STORY_WORDINGS: tuple[Rule, ...] = (
    # Two pictures that differ in one thing, and a number of pictures at the end
    (
        (
            rf"^(?:please )?(?:(?:make|draw|show|create|paint)(?: me)? )?(?:(?:two|2) {_UNIT}[:,]? )?"
            rf"one (?:{_UNIT} )?with "
            rf"(?P<one>(?:an?|one) {LOOK}(?P<noun>{ONE}))(?P<rest>[^.,;!?]*?),? (?:and |but )?(?:one|another|the other)"
            rf"(?: {_UNIT}| one)? without(?: (?:it|one|(?:an?|the) (?P=noun)))?(?=\s*[.!]*$)"
        ),
        _with_and_without,
    ),
    (rf"\b(from (?:the )?\w+ to (?:the )?\w+), ((?:{COUNT}|[2-8]) {_UNIT})(?=\s*[.!]*$)", r"\1 in \2"),
    # Who is told the story, and what it begins with
    (rf"\b(tell|write|give|show|make|draw|read) {_PERSON} (?=(?:an?|the|this|another) (?:\w+ )?{_STORY}\b)", r"\1 me "),
    (
        rf"\b({_STORY} (?:with|about|of) [^.,:;!?]+?),? ?[:,;]? first,? (?={_CHANGES})",
        r"\1. then ",
    ),
    # When something has happened
    (
        (
            rf",? ?(?:and |but )?(?:when|once|as soon as|after) (?:it|she|he|they|the (?:{LOOK})(?P<noun>{ONE}))"
            rf"(?:'s| is| are| has| have)? (?:(?:finally|at last|already|just) )?{_HERE}(?: there)?,? "
            r"(?!(?:on|in|at|to|by|near|next|above|below|under|between|beside) )"  # "arrived on the right" is a move
        ),
        _then,
    ),
    (rf"{_BEGIN}after,? (?=(?:the|an?|it|she|he|they) )(?=[^,;.!?]+(?:[.;!?]|$))", "then "),
    (r"\bafter (?:it|this|that|these),? (?=(?:an?|the|one|two|three|comes?|another) )", "then "),
    # The verb first
    (
        rf"{_BEGIN}(?P<next>{_NEXT})(?:there )?(?P<verb>comes?|appears?|arrives?|enters?) (?P<one>{_ONE}|{_SOME})\b",
        lambda match: f"{match['next'] or ''}{match['one']} appear{'' if match['verb'][-1] != 's' else 's'}",
    ),
    (
        (
            rf"{_BEGIN}({_NEXT})(?:there )?(?:comes?|came|appears?|appeared|arrives?|arrived) "
            r"(an? (?:second|third|fourth|fifth|new) one|another(?: one)?)\b"
        ),
        r"\1\2 appears",
    ),
    (
        (
            rf"{_BEGIN}(?P<next>{_NEXT})(?:away )?(?:goes|leaves|disappears|vanishes|exits|flies|runs|walks)"
            rf" (?P<one>{_THE})(?: away| off)?(?=[.,;!]|$| and\b)"
        ),
        r"\g<next>\g<one> goes away",
    ),
    (rf"{_BEGIN}(first,? |then,? |now,? |there )is there (?=(?:an?|one) )", r"\1there is "),
    (
        (
            rf"{_BEGIN}({_NEXT})((?:at (?:night|sunset)|(?:in|on|at|by) the (?:{GROUND_WORD}))) "
            rf"(is|are|stands?|sits?|lies|lie) (?={_ONE}\b|{_SOME}\b)"
        ),
        lambda match: (
            f"{match[1] or ''}{match[2]} there {'are' if match[3] in {'are', 'stand', 'sit', 'lie'} else 'is'} "
        ),
    ),
    (r"\b(is|are|gets?) left (?:behind|alone|over|on (?:its|her|his|their) own)\b", "stays"),
    # Who lives where, and what somebody moves
    (rf"{_BEGIN}({_ONE}|{_SOME}) (?:lives?|stays?|sits?|stands?) there(?= with |\s*[.,;!?]|$)", r"there is \1"),
    (rf"^(?:my|our) (?!(?:{LOOK})(?:{ONE}|{MANY})\b)[a-z]+ has (?=(?:an?|one|{COUNT}) )", "there is "),
    (
        (
            rf"^((?:the|our|my) {LOOK}(?:{ONE}) (?:is|was) [^.,;!?]*?),? (?:at first|in the beginning|at the start)"
            r"(?=\s*[.;!])"
        ),
        r"\1",
    ),
    (
        (
            rf"\b(?:she|he|{_THE}) (?:throws|threw|kicks|kicked|pushes|pushed|pulls|pulled|rolls|rolled|carries|"
            rf"carried) (?:the|her|his|its) ({LOOK}(?:{ONE})) (?=(?:to|into|onto) the (?:{SPOT})\b)"
        ),
        r"the \1 moves ",
    ),
    (
        rf"^(?P<two>(?:the|an?) {LOOK}(?:{ONE}) and (?:the|an?) {LOOK}(?:{ONE})) are (?:best |good )?friends\b",
        r"\g<two>",
    ),
    (rf"\b(she|he|it|they|{_THE}) (?:watches|watched|notices|noticed) (?={_ONE}\b)", r"\1 sees "),
    (r"\b(stays?|remains?)(?: there| behind)? and (?=it (?:starts|begins) |night |the sun )", r"\1. then "),
    (r"\bbuilds? (?:its|a|her|his) (?:\w+ )?nest (?:in|on) ", "sits on "),
    (r"\b(?:spring|summer) (?:comes|came|arrives|arrived) and (?=the snow (?:melts|melted)\b)", ""),
    # How the pictures are to be made
    (r"\b(explain|describe) (me|us|him|her|them) (?=how|in|with|step)", r"\1 to me "),
    (
        (
            rf"{_BEGIN}(?:(?:in|on|with|for) )?(?:each|every)(?: new| single)? {_UNIT}(?: there)? "
            r"(?:comes?|adds?|has|gets?|shows?|brings?|is|puts?|must (?:add|have|show))(?: only| just| exactly)* "
            r"(?:one|a|1) (?:single |new |more )?"
            r"(?:thing|object|item|element)(?: more| further| new| added| to it| in it)*\s*(?:[.!]+|$)"
        ),
        "one thing at a time. ",
    ),
    (
        (
            rf"{_BEGIN}(?:please )?(?:draw|paint|show|make|give|picture|illustrate)(?: (?:me|us|it))? (?:each|every)"
            rf"(?: single)? (?:moment|change|part|of these|of them|step of it|one of them)"
            rf"(?: (?:as|in|on) (?:an?|its own|one) (?:own |separate |new )?{_UNIT})?\s*(?:[.!]+|$)"
        ),
        "",
    ),
    (
        (
            rf",? so (?:that (?:is|makes)|it is|it's|there are|we get|i get|i need)?(?: exactly)? ?"
            rf"(?:{COUNT}|[2-9]) {_UNIT}(?: in all| in total| altogether)?(?=[.!;]|$)"
        ),
        "",
    ),
    # What the picture is for
    (
        (
            r",? (?:just |in order |so as )?to (?:count|add|sum|learn|practi[sc]e|compare|guess|memori[sz]e|recite)"
            r"(?: (?:them|these|those|it|up|all|on|with|from|together|adding|counting|numbers))*(?=[.!,;]|$)"
        ),
        "",
    ),
)
