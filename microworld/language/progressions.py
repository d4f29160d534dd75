"""Writes out what happens again in each picture: "one more box in every picture, until there are four".

Works on sentences in plain words. Knows no scene; where a sentence does not say how often, it stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from .compiled_patterns import compiled
from .key_words import COUNT, LOOK, MANY, ONE
from .phrase_patterns import NUMBERS
from .plain_text import NUMBER_WORDS, PLURALS, Sentence, canonical

__all__ = ["written_out"]

_UNIT = "(?:pictures?|images?|panels?|frames?|pages?|steps?|scenes?|drawings?)"
_EACH = (
    "(?:(?:in|on|with|for|from) )?(?:(?:each|every)(?: (?:single|new|next|further|following|other|later|of the next|of"
    rf" the following))* (?:{_UNIT}|time)|{_UNIT} (?:to|by|after) {_UNIT})"
)
_NP = rf"(?:(?P<look>{LOOK})(?P<noun>{ONE}|{MANY}|one)|(?P<it>of them|it))"
_COMES = (
    "(?:(?:comes?|appears?|arrives?|is added|joins?(?: (?:it|them|in))?|is there|there is)(?: (?:to it|along|in))?)"
)
_GOES = (
    "(?:disappears?|vanish(?:es)?|leaves?|goes(?: away)?|(?:flies|runs|swims|walks|rolls|drives|sails) away|"
    "is (?:removed|gone|taken away|missing))"
)
_LEAD = "(?:(?:there (?:is|are)|we see|comes?|appears?|adds?|draw|put|show|with|has|have|gets?|is) )?"
_TAKE = "(?:remove|take away|delete|erase)"
_MORE = tuple(
    rf"(?:{_COMES} )?{_LEAD}{one}(?: {_COMES})?"
    for one in (
        rf"(?:another|one (?:more|further|additional|extra)|an? (?:new|further|additional|extra|second))(?: {_NP})?",
        rf"one {_NP} more",
    )
)
_LESS = (
    rf"(?:(?:{_TAKE}|there (?:is|are)) )?one(?: more)?(?: of the)? {_NP} (?:less|fewer)",
    rf"(?:(?:{_TAKE}|there (?:is|are)) )?one (?:less|fewer)(?: {_NP})?",
    rf"(?:one(?: more)?|another)(?: of the)?(?: {_NP})? {_GOES}",
    rf"{_TAKE} (?:one(?: more)?|another)(?: of the)?(?: {_NP})?",
)
_UNTIL = (
    rf"(?: ,)? (?:until|till|up to)(?: (?:there (?:is|are)|we have|only))*(?: (?P<count>{COUNT}|none|nothing|all|no)"
    rf"(?: (?:of them|{LOOK}(?:{ONE}|{MANY})))?)(?: (?:is|are|remains?))?(?: (?:in all|in total|there|left|gone|here|"
    r"any more|remains?|altogether))*$"
)
_AGAIN = re.compile(rf"\b{_EACH}\b")
_JOINED = re.compile(rf"(?: ,)? (?:and|but|then|so)(?: then)? (?={_EACH}\b|(?:add|remove|take away) )|,(?= {_EACH}\b)")
_FIRST = re.compile(
    rf"^(?:in )?the first(?: {_UNIT})?(?: ,)? (?:has|shows|holds|contains|there is|there are|is|with|i see|we see) "
)


def written_out(sentences: Sequence[Sentence], named: int | None = None) -> list[Sentence]:
    """Returns sentences with one for each picture in which something happens again.

    Args:
        sentences: In plain words.
        named: The number of pictures that the request names.

    Examples:
        >>> told = [Sentence(("a", "cat")), Sentence(tuple("one more cat in every picture until three".split()))]
        >>> [" ".join(one.words) for one in written_out(told)]
        ['a cat', 'then another cat appears', 'then another cat appears']
    """
    found: list[Sentence] = []
    for sentence in sentences:
        text = " ".join(sentence.words)
        if sentence.question or _AGAIN.search(text) is None:
            found.append(sentence)
            continue
        before, again = _divided(text)
        told = [*found, *([replace(sentence, words=tuple(before.split()))] if before else [])]
        more = _repeated(again, told, named)
        found = [*told, *more] if more else [*found, sentence]
    return found


def _divided(text: str) -> tuple[str, str]:
    """Returns "the first has a box" and "in every picture comes another box" of one sentence."""
    joins = [match for match in _JOINED.finditer(text) if _AGAIN.search(text[match.end() :])]
    if not joins:
        return "", text
    return _FIRST.sub("there is ", text[: joins[-1].start()]).strip(" ,"), text[joins[-1].end() :].strip(" ,")


def _repeated(text: str, told: Sequence[Sentence], named: int | None) -> list[Sentence]:
    until = compiled(_UNTIL).search(text)
    once = text if until is None else text[: until.start()]
    once = re.sub(r"^(?:(?:and|then|now|so|please|,) )+", "", _AGAIN.sub(" , ", once))
    once = " ".join(re.sub(r"^[ ,:]+|[ ,:]+$", "", once).split())
    found = next(filter(None, (compiled(one).fullmatch(once) for one in (*_MORE, *_LESS))), None)
    if found is None:
        return []
    grows, groups = found.re.pattern in _MORE, found.groupdict()
    kind = PLURALS.get(groups["noun"] or "", canonical(groups["noun"] or ""))
    kind = "" if kind == "one" else kind
    first, known = _count_before(told, kind)
    kind = kind or known
    if not kind or not first:
        return []
    times = _times(None if until is None else until["count"], first, named, grows=grows)
    if not 0 < times < len(NUMBER_WORDS):
        return []
    if grows:
        words = f"then another {groups['look'] or ''}{kind} appears"
        return [Sentence(tuple(words.split()))] * times
    one, last = f"then one {kind} disappears", f"then the {kind} disappears"
    return [Sentence(tuple((last if first - at == 1 else one).split())) for at in range(times)]


def _times(until: str | None, first: int, named: int | None, *, grows: bool) -> int:
    if until in NUMBERS:
        return NUMBERS[until] - first if grows else first - NUMBERS[until]
    if until is not None and grows:
        return 0
    if named is not None and until is None:
        return named - 1
    return 0 if grows else first


def _count_before(told: Sequence[Sentence], kind: str) -> tuple[int, str]:
    """Returns how many objects of a kind the sentences have named, and the kind."""
    noun = compiled(rf"\b(?P<count>an?|{COUNT}) {LOOK}(?P<noun>{ONE}|{MANY})\b")
    for sentence in reversed(told):
        named = [
            (NUMBERS.get(match["count"], 1), PLURALS.get(match["noun"], canonical(match["noun"])))
            for match in noun.finditer(" ".join(sentence.words))
        ]
        for count, other in named:
            if other == (kind or other):
                return count, other
    return 0, ""
