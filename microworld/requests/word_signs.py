"""Small words of a request that no image explains: "only" where nothing goes, "the others" where one object changes.

The rules that read a request know its sentences. This knows single words, and what each of them must leave behind in
the images that were read. As both share nothing, what those rules take for something else or leave out shows here.
Knows no grammar, so a word may be listed although it was read well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice

from interleavethinker.microworld.language.compiled_patterns import compiled
from interleavethinker.microworld.language.key_words import GROUND, kind_named
from interleavethinker.microworld.language.plain_text import NUMBER_WORDS, PLURALS, plain_text
from interleavethinker.microworld.scenes.sprites import COLOURS, KINDS, SIZES

from . import image_evidence as evidence
from .named_alike import MAY_LEAVE
from .story import Story
from .story_changes import StoryChanges

__all__ = ["unexplained_signs"]

_Explains = Callable[[StoryChanges, re.Match[str]], bool]
"""Whether the images explain a sign that was found."""

_REPLACES = (
    r"\b(?:becom|becam|turn|replac|swap|exchang|substitut|instead|rather|convert|trad|transform|switch|chang|morph|gr[eo]w|count|make)|"
    r"\b(?:into|in place|than|just|remains?|stays?|go|goes|going|(?:be|is|are|was) (?:now )?an?)\b|->|=>|\u2192"
)
"""Signs that something may become something else, or go."""
_MOST_SIGNS = 20
"""Places of one sign that are looked at."""


def unexplained_signs(text: str, story: Story) -> tuple[str, ...]:
    """Returns words of a request that the images which were read in it do not explain, in their order.

    Args:
        text: The request's text.
        story: What was read in it.
    """
    plain, told = plain_text(text), StoryChanges(story)
    found = [
        (match.start("word"), match["word"])
        for sign, explains in _SIGNS
        for match in islice(compiled(sign).finditer(plain), _MOST_SIGNS)
        if not explains(told, match)
    ]
    found += _more_than_named(plain, told)
    found += _gone_without_words(text, plain, told)
    return tuple(dict.fromkeys(word for _, word in sorted(found)))


def _more_than_named(plain: str, told: StoryChanges) -> Iterator[tuple[int, str]]:
    """Yields kinds of which an image shows more than the words name, one by one: "a tree", where there are two."""
    if told.is_edit or compiled(rf"\b(?:{_SEVERAL})\b|{_TWO_LOOKS}").search(plain):
        return
    named: dict[str, list[re.Match[str]]] = {}
    for match in compiled(r"\w+").finditer(plain):
        named.setdefault(kind_named(match.group()), []).append(match)
    for kind in KINDS:
        words = named.get(kind, [])
        most = max(sum(thing.kind == kind for thing in frame.things.values()) for frame in told.frames)
        if most > len(words) > 0 and all(word.group() not in PLURALS or word.group() == kind for word in words):
            yield words[0].start(), words[0].group()


def _gone_without_words(text: str, plain: str, told: StoryChanges) -> Iterator[tuple[int, str]]:
    """Yields kinds of objects that go or become others, if no word says so."""
    fewer = len(set(compiled(rf"\b(?:{_NUMBER}|one)\b").findall(plain))) > 1  # "three cats, then one cat"
    if fewer or MAY_LEAVE.search(plain) or compiled(_REPLACES).search(f"{plain} {text.lower()}"):
        return
    gone = {change.before.things[one].kind for change in told.changes for one in change.removed | change.of("kind")}
    for match in compiled(r"\w+").finditer(plain):
        if kind_named(match.group()) in gone:
            yield match.start(), match.group()


_NUMBER = "|".join(NUMBER_WORDS[1:])
_LOOK = "|".join((*COLOURS, *SIZES))
_GO = (
    "(?:goes|go|going|went|flies|flew|runs|ran|walks|walked|swims|swam|drives|drove|sails|rolls|moves) "
    "(?:away|off|home)|(?<!its )(?<!the )(?<!with )(?<!of )(?<!green )(?<!red )leaves|"
    r"leave(?! (?:the|it|only|just|them|him|her|everything|me|all|a|nothing|one(?! by)|some)\b)|"
    "disappears?|disappeared|vanish(?:es|ed)?|gone|removed?|deleted?|erased?|take away|get rid of"
)
_SEVERAL = (
    rf"{_NUMBER}|\d|more|another|other|second|third|each|every|both|sides?|pair|couple|few|some|several|many|copy|copies|"
    "double|triple|twice|twin|same|again|like|all|ones?|them|identical|next|further|full|around|row|column|corners?|"
    "left and (?:(?:on |to )?the )?right|above and below"
)
"""Words that may name several."""
_TWO_LOOKS = rf"\b(?:{_LOOK}),? and (?:an? )?(?:{_LOOK})\b"
_KEPT = "".join(rf"(?<!{one} )(?<!{one} the )" for one in ("leave", "keep", "hold"))
_LEFT_AGAIN = "".join(
    rf"(?<!{one} )" for one in ("same", "leaves", "remove it", "disappears", "vanishes", "gone", "away")
)
_SIGNS: tuple[tuple[str, _Explains], ...] = (
    (
        (
            rf"(?<!plus )\b(?P<word>{_NUMBER})\b"
            r"(?! (?:\w+ )?plus\b)"
            r"(?! (?:o'?clock|years?|days?|hours?|minutes?|rows|columns|top|bottom|left|right|upper|lower|"
            r"(?:more )?times)\b)"
        ),
        evidence.counts,
    ),
    (
        r"\b(?P<word>(?:keep|leave|leaving|keeping|with) (?:only|just)|(?:nothing|no one) (?:but|else))\b",
        evidence.all_else_goes,
    ),
    (
        r"\b(?P<word>only|just) the \b[^.;!?\n]{0,60}\b(?:stays?|remains?|left|there|(?:can be|is) (?:seen|visible))\b",
        evidence.something_goes,
    ),
    (
        r"\b(?P<word>only|solely|exactly|at most|no more than|just(?= (?:the|one|two|three|an?) ))\b",
        evidence.only_some_change,
    ),
    (r"\b(?P<word>every (?:other|second|third)|most of|unless|otherwise|or else)\b", evidence.never),
    (r"\b(?P<word>(?:left|right|top|bottom|upper|lower) half)\b", evidence.never),
    (
        (
            rf"\b(?:an?|one) (?P<look>(?:(?:{_LOOK}) ){{0,2}})(?P<noun>\w{{1,20}})\b[^.;!?\n]{{0,60}} and "
            rf"(?P<word>an?) (?P<other>(?:(?:{_LOOK}) ){{1,2}})(?P=noun)\b"
        ),
        evidence.are_two,
    ),
    (
        r"\ban? (?P<word>bigger|smaller|larger) (?P<noun>\w{1,20}) (?!please|instead|now|then|and)\w",
        evidence.are_two,
    ),
    (rf"\b(?P<word>only|just) (?:an?|one) (?:(?:{_LOOK}) ){{0,2}}(?P<noun>\w{{1,20}})", evidence.is_one),
    (r"\bthe (?P<word>(?:first|second|third|fourth|last) one)\b", evidence.one_differs),
    (
        (
            r"(?<!sets )(?<!down )(?<!rises )(?<!one )(?<!all )\b"
            r"(?P<word>beside|next to|above|below|under|over|behind|left of|right of|between) "
            r"(?=(?:it|them|him|her|the|an?|another|one|two)\b)"
            rf"(?!(?:the|an?) (?:starry\b|(?:{GROUND})\b))"
        ),
        evidence.is_beside,
    ),
    (r"\b(?:top|middle|bottom|left|right|first|second|third|last) (?P<word>row|column)\b", evidence.lies_in_line),
    (r"\b(?P<word>increasing|decreasing|ascending|descending|sorted|ordered)\b", evidence.never),
    (r"\b(?P<word>until|till)\b", evidence.anything_changes),
    (
        (
            r"(?<!what )\b(?P<word>if)\b(?! (?:possible|you|(?:that|it) works|there (?:is|are) (?:room|one|any|some)|"
            r"(?:they|it) (?:are|is) there)\b)"
        ),
        evidence.never,
    ),
    (
        rf"{_KEPT}\b(?P<word>others|rest|remaining)\b(?! (?:as (?:it|they)|alone|unchanged|stays?|the same))",
        evidence.others_change,
    ),
    (
        (
            r"(?<!each )(?<!on the )(?<!like the )(?<!after the )(?<!as the )(?<!all )\b(?P<word>other)\b"
            r"(?! (?:side|corner|end|words|one)\b)"
        ),
        evidence.others_change,
    ),
    (r"\b(?P<word>too(?! (?:big|small|large|little|many|much|few)\b)|as well|likewise|also)\b", evidence.one_joins),
    (
        (
            r"\b(?P<word>both|all|everything|everyone|everybody|each|every)\b(?! (?:other|else|in|at once|"
            "change|step|thing|time|picture|image|one|"
            "of a sudden|right|done|set|day|night|good|time|the way|that|stays?|remains?|as|is the same|but|except|"
            rf"apart|save|{_LOOK})\b)"
            r"(?![^.;!?\n]{0,60}\b(?:not|but|except|apart from|save|without)\b)"
        ),
        evidence.several_change,
    ),
    (r"\b(?P<word>one by one|one after (?:the other|another)|in turn|one at a time)\b", evidence.several_images),
    (
        r"\b(?P<word>(?:start|begin)(?:ning|ing)? with) (?:the|an?) (?:\w{1,20} )?(?P<noun>\w{1,20})(?=[ .,;!]|$)",
        evidence.changes_first,
    ),
    (rf"{_LEFT_AGAIN}\b(?P<word>back(?! to me)|again|returns?|returned|reappears?|once more)\b", evidence.recurs),
    (r"\b(?P<word>twice(?! as)|thrice|(?:two|three|four) (?:more )?times)\b", evidence.happens_often),
    (r"\b(?P<word>than)\b", evidence.compares),
    (rf"\b(?P<word>{_GO})\b", evidence.goes),
    (r"\b(?P<word>turns|becomes|changes|turned|became|changed)\b", evidence.anything_changes),
    (r"\b(?P<word>grows|shrinks|grew|shrank|bigger|smaller|larger|enlarge|shrink|grow)\b", evidence.is_sized),
    (
        (
            r"(?<!night )(?<!darkness )(?<!snow )(?<!sun )\b"
            r"(?P<word>rises?|rose(?![- ]colou?red)|falls|fell|sinks|sank|climbs|descends|drops)\b(?! asleep)"
        ),
        evidence.moves,
    ),
    (r"\b(?P<word>moves?|hops|jumps|slides|rolls)\b", evidence.moves),
    (
        (
            r"(?<!is )(?<!are )(?<!or at the )(?<!or on the )(?<!nothing on the )(?<!nothing at the )\b"
            r"(?P<word>left|right|top|bottom|corners?)\b(?!,? (?:no|wait|sorry|i mean)\b)"
        ),
        evidence.lies_there,
    ),
)
"""What is looked for in a request, as `word`, and what must be true of its images then."""
