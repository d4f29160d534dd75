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
from interleavethinker.microworld.language.plain_text import NUMBER_WORDS, PLURALS, canonical, plain_text
from interleavethinker.microworld.scenes.scene import CELLS
from interleavethinker.microworld.scenes.sprites import COLOURS, KINDS, SIZES

from .named_alike import MAY_LEAVE
from .story import Story
from .story_changes import StoryChanges

__all__ = ["is_denied", "unexplained_signs"]

_Explains = Callable[[StoryChanges, re.Match[str]], bool]
"""Whether the images explain a sign that was found."""

_DENIAL = (
    r"\b(?:no|zero|not|\w{2,6}n['\u2019]t|never|without|w/o|nor|neither|none|nobody|instead of|rather than|except|but|"
    r"forget|cannot)\b"
    r"[^.!?;\n]*$"
)
_NUMBERED = "row|column|cell|line|picture|image|page|panel|frame|scene|step|part|chapter|slide|number|day|act|shot"
_PLANTS = frozenset({"tree", "flower"})
"""Kinds that grow where they are drawn."""
_REPLACES = (
    r"\b(?:becom|becam|turn|replac|swap|exchang|substitut|instead|rather|convert|transform|switch|chang|morph|gr[eo]w)|"
    r"\b(?:into|in place|than|go|goes|going|(?:be|is|are|was) (?:now )?an?)\b|->|=>|\u2192"
)
"""Signs that something may become something else, or go."""
_REACH = 40
"""Characters before a word that tell what it belongs to."""
_MOST_SIGNS = 20
"""Places of one sign that are looked at."""
_CELLS = {"left": {0, 3, 6}, "right": {2, 5, 8}, "top": {0, 1, 2}, "bottom": {6, 7, 8}, "corner": {0, 2, 6, 8}}


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
    found += _gone_without_words(plain, told)
    return tuple(dict.fromkeys(word for _, word in sorted(found)))


def _more_than_named(plain: str, told: StoryChanges) -> Iterator[tuple[int, str]]:
    """Yields kinds of which an image shows more than the words name, one by one: "a tree", where there are two."""
    if told.is_edit or compiled(rf"\b(?:{_SEVERAL})\b").search(plain):
        return
    named: dict[str, list[re.Match[str]]] = {}
    for match in compiled(r"\w+").finditer(plain):
        named.setdefault(canonical(PLURALS.get(match.group(), match.group())), []).append(match)
    for kind in KINDS:
        words = named.get(kind, [])
        most = max(sum(thing.kind == kind for thing in frame.things.values()) for frame in told.frames)
        if most > len(words) > 0 and all(word.group() not in PLURALS or word.group() == kind for word in words):
            yield words[0].start(), words[0].group()


def _gone_without_words(plain: str, told: StoryChanges) -> Iterator[tuple[int, str]]:
    """Yields kinds of objects that go or become others, if no word says so."""
    if MAY_LEAVE.search(plain) or compiled(_REPLACES).search(plain):
        return
    gone = {change.before.things[one].kind for change in told.changes for one in change.removed | change.of("kind")}
    for match in compiled(r"\w+").finditer(plain):
        if canonical(PLURALS.get(match.group(), match.group())) in gone:
            yield match.start(), match.group()


def is_denied(match: re.Match[str]) -> bool:
    """Whether the words before a word deny it: "no cars"."""
    before = match.string[max(0, match.start() - _REACH) : match.start()]
    return compiled(_DENIAL, re.IGNORECASE).search(before) is not None


def _never(_: StoryChanges, __: re.Match[str]) -> bool:
    return False


def _counts(told: StoryChanges, match: re.Match[str]) -> bool:
    """Whether some number of objects or images is the one that the words name, unless they number a picture."""
    if compiled(rf"\b(?:{_NUMBERED})s?(?: one and| two and)? $").search(
        match.string, max(0, match.start() - _REACH), match.start()
    ):
        return True
    number = NUMBER_WORDS.index(match["word"]) + 1
    changed = [len(change.changed) for change in told.changes]
    if number in {len(told.frames), len(told.changes), sum(changed), *changed}:
        return True
    for frame in told.frames:
        things = frame.things.values()
        looks: list[list[object]] = [
            [True for _ in things],
            [thing.kind for thing in things],
            [thing.colour.allowed for thing in things],
            [thing.size.allowed for thing in things],
            [(thing.kind, thing.colour.allowed) for thing in things],
            [(thing.kind, thing.size.allowed) for thing in things],
            [(thing.kind, thing.cell.allowed) for thing in things],
            [(thing.kind, thing.colour.allowed, thing.size.allowed) for thing in things],
        ]
        if any(one.count(look) == number for one in looks for look in one):
            return True
    return False


def _something_goes(told: StoryChanges, _: re.Match[str]) -> bool:
    return not told.changes or told.happens(lambda change: change.removed) > 0


def _all_else_goes(told: StoryChanges, match: re.Match[str]) -> bool:
    """Whether something goes, or the words are of the first picture, in which nothing else is yet."""
    is_first = not told.is_edit and compiled(r"[.!?;\n]").search(match.string, 0, match.start()) is None
    return is_first or _something_goes(told, match)


def _only_some_change(told: StoryChanges, match: re.Match[str]) -> bool:
    return _something_goes(told, match) or any(
        (change.others or len(change.before.things) < 2) and bool(change.changed) != change.of_ground
        for change in told.changes
    )


def _others_change(told: StoryChanges, match: re.Match[str]) -> bool:
    """Whether other objects change than before, or several, or some go."""
    if is_denied(match):
        return True
    if not told.changes:
        return len(told.things) > 1
    changed = [change.changed for change in told.changes if change.changed]
    return len(changed) > 1 or any(len(one) > 1 for one in changed) or _something_goes(told, match)


def _several_change(told: StoryChanges, _: re.Match[str]) -> bool:
    if not told.changes:
        return len(told.things) != 1
    at_once = any(len(change.changed) > 1 or change.of_ground for change in told.changes)
    return at_once or len({change.changed for change in told.changes}) > 1


def _one_joins(told: StoryChanges, match: re.Match[str]) -> bool:
    return _several_change(told, match) or any(change.added and change.before.things for change in told.changes)


def _several_images(told: StoryChanges, _: re.Match[str]) -> bool:
    return len(told.frames) > 1


def _changes_first(told: StoryChanges, match: re.Match[str]) -> bool:
    """Whether the first change, or the first image, is one of the kind that the words name."""
    kind = canonical(match["noun"])
    named = [{**one.before.things, **one.after.things}[at] for one in told.changes for at in one.changed][:1]
    first = named or [thing for frame in told.frames[:1] for thing in frame.things.values()]
    return kind not in KINDS or any(thing.kind == kind for thing in first)


def _recurs(told: StoryChanges, _: re.Match[str]) -> bool:
    """Whether something is as it was before but not in between, or something comes that is there already."""
    seen: set[object] = set()
    gone: set[object] = set()
    for frame in told.frames:
        present: set[object] = {("ground", frozenset(frame.ground.allowed))}
        for one, thing in frame.things.items():
            looks = (frozenset(value.allowed) for value in (thing.colour, thing.size, thing.cell))
            present |= {one, thing.kind, (one, thing.kind), *((one, look) for look in looks)}
        if present & gone:
            return True
        seen |= present
        gone = seen - present
    return any(
        {change.after.things[one].kind for one in change.added}
        & {thing.kind for thing in change.before.things.values()}
        for change in told.changes
    )


def _happens_often(told: StoryChanges, _: re.Match[str]) -> bool:
    return sum(bool(change.changed or change.of_ground) for change in told.changes) > 1


def _compares(told: StoryChanges, _: re.Match[str]) -> bool:
    return told.has_relations or any(
        len(thing.size.allowed) == 1 or len(thing.cell.allowed) < CELLS for thing in told.things
    )


def _goes(told: StoryChanges, match: re.Match[str]) -> bool:
    """Whether something goes, which may be the snow."""
    gone = told.happens(lambda change: change.removed) or any(change.of_ground for change in told.changes)
    return bool(gone) or is_denied(match)


def _anything_changes(told: StoryChanges, _: re.Match[str]) -> bool:
    return any(change.changed or change.of_ground for change in told.changes)


def _is_sized(told: StoryChanges, _: re.Match[str]) -> bool:
    sized = any(len(thing.size.allowed) == 1 or thing.kind in _PLANTS for thing in told.things)
    return sized or told.happens(lambda change: change.of("size") | change.added) > 0


def _moves(told: StoryChanges, _: re.Match[str]) -> bool:
    return told.has_relations or told.happens(lambda change: change.of("cell") | change.removed | change.added) > 0


def _one_differs(told: StoryChanges, _: re.Match[str]) -> bool:
    """Whether one object alone changes, or two of a kind look different."""
    looks = [
        {(one.kind, *map(frozenset, (one.colour.allowed, one.size.allowed))) for one in frame.things.values()}
        for frame in told.frames
    ]
    kinds = [{one.kind for one in frame.things.values()} for frame in told.frames]
    differ = any(len(look) > len(kind) for look, kind in zip(looks, kinds, strict=True))
    return differ or any(len(change.changed) == 1 for change in told.changes)


def _is_beside(told: StoryChanges, match: re.Match[str]) -> bool:
    """Whether a place is told that was not given: by another object, or by a cell."""
    given = told.frames[0].things.keys() if told.is_edit else set()
    placed = any(
        len(thing.cell.allowed) < CELLS
        for frame in told.frames
        for one, thing in frame.things.items()
        if one not in given
    )
    return placed or told.has_relations or is_denied(match) or told.happens(lambda change: change.of("cell")) > 0


def _are_two(told: StoryChanges, match: re.Match[str]) -> bool:
    """Whether some image shows two of the kind, unless both are described alike."""
    kind, named = canonical(match["noun"]), match.groupdict()
    alike = "look" in named and named["look"].split() == named["other"].split()
    several = (sum(thing.kind == kind for thing in frame.things.values()) > 1 for frame in told.frames)
    return kind not in KINDS or alike or any(several)


def _lies_in_line(told: StoryChanges, match: re.Match[str]) -> bool:
    """Whether the place of an object is told by a row or a column."""
    lines = [set(range(9)[part]) for at in range(3) for part in (slice(3 * at, 3 * at + 3), slice(at, None, 3))]
    return is_denied(match) or any(thing.cell.allowed <= line for thing in told.things for line in lines)


def _is_one(told: StoryChanges, match: re.Match[str]) -> bool:
    """Whether an image shows one object of the kind, which no image shows without words for it."""
    counts = (sum(thing.kind == canonical(match["noun"]) for thing in frame.things.values()) for frame in told.frames)
    return canonical(match["noun"]) not in KINDS or 1 in counts


def _lies_there(told: StoryChanges, match: re.Match[str]) -> bool:
    cells = _CELLS[match["word"].rstrip("s")]
    lies = told.has_relations or any(thing.cell.allowed <= cells for thing in told.things)
    return lies or is_denied(match) or told.happens(lambda change: change.of("cell") | change.removed) > 0


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
    "double|triple|twice|twin|same|again|like|all|ones?|them|identical|next|further|full|around|row|column|corners?"
)
"""Words that may name several."""
_KEPT = "".join(rf"(?<!{one} )(?<!{one} the )" for one in ("leave", "keep", "hold"))
_LEFT_AGAIN = "".join(
    rf"(?<!{one} )" for one in ("same", "leaves", "remove it", "disappears", "vanishes", "gone", "away")
)
_SIGNS: tuple[tuple[str, _Explains], ...] = (
    (
        (
            rf"\b(?P<word>{_NUMBER})\b"
            r"(?! (?:o'?clock|years?|days?|hours?|minutes?|rows|columns|(?:more )?times)\b)"
        ),
        _counts,
    ),
    (
        r"\b(?P<word>(?:keep|leave|leaving|keeping|with) (?:only|just)|(?:nothing|no one) (?:but|else))\b",
        _all_else_goes,
    ),
    (
        r"\b(?P<word>only|just) the \b[^.;!?\n]{0,60}\b(?:stays?|remains?|left|there|(?:can be|is) (?:seen|visible))\b",
        _something_goes,
    ),
    (r"\b(?P<word>only|solely|exactly|at most|no more than|just(?= (?:the|one|two|three|an?) ))\b", _only_some_change),
    (r"\b(?P<word>every (?:other|second|third)|most of|unless|otherwise|or else)\b", _never),
    (r"\b(?P<word>(?:left|right|top|bottom|upper|lower) half)\b", _never),
    (
        (
            rf"\b(?:an?|one) (?P<look>(?:(?:{_LOOK}) ){{0,2}})(?P<noun>\w{{1,20}})\b[^.;!?\n]{{0,60}} and "
            rf"(?P<word>an?) (?P<other>(?:(?:{_LOOK}) ){{1,2}})(?P=noun)\b"
        ),
        _are_two,
    ),
    (
        r"\ban? (?P<word>bigger|smaller|larger) (?P<noun>\w{1,20}) (?!please|instead|now|then|and)\w",
        _are_two,
    ),
    (rf"\b(?P<word>only|just) (?:an?|one) (?:(?:{_LOOK}) ){{0,2}}(?P<noun>\w{{1,20}})", _is_one),
    (r"\bthe (?P<word>(?:first|second|third|fourth|last) one)\b", _one_differs),
    (
        (
            r"\b(?P<word>beside|next to|above|below|under|over|behind|left of|right of|between) "
            r"(?=(?:it|them|him|her|the|an?|another|one|two)\b)"
        ),
        _is_beside,
    ),
    (r"\b(?P<word>rows?|columns?)\b", _lies_in_line),
    (r"\b(?P<word>increasing|decreasing|ascending|descending|sorted|ordered)\b", _never),
    (r"\b(?P<word>until|till)\b", _anything_changes),
    (
        (
            r"(?<!what )\b(?P<word>if)\b(?! (?:possible|you|(?:that|it) works|there (?:is|are) (?:room|one|any|some)|"
            r"(?:they|it) (?:are|is) there)\b)"
        ),
        _never,
    ),
    (
        rf"{_KEPT}\b(?P<word>others|rest|remaining)\b(?! (?:as (?:it|they)|alone|unchanged|stays?|the same))",
        _others_change,
    ),
    (
        (
            r"(?<!each )(?<!on the )(?<!like the )(?<!after the )(?<!all )\b(?P<word>other)\b"
            r"(?! (?:side|corner|end|words|one)\b)"
        ),
        _others_change,
    ),
    (r"\b(?P<word>too(?! (?:big|small|large|little|many|much|few)\b)|as well|likewise|also)\b", _one_joins),
    (
        (
            r"\b(?P<word>both|all|everything|everyone|everybody|each|every)\b(?! (?:other|else|in|at once|"
            "change|step|thing|time|picture|image|one|"
            "of a sudden|right|done|set|day|night|good|time|the way|that|stays?|remains?|as|is the same|but|except|"
            rf"apart|save|{_LOOK})\b)"
            r"(?![^.;!?\n]{0,60}\b(?:not|but|except|apart from|save|without)\b)"
        ),
        _several_change,
    ),
    (r"\b(?P<word>one by one|one after (?:the other|another)|in turn|one at a time)\b", _several_images),
    (
        r"\b(?P<word>(?:start|begin)(?:ning|ing)? with) (?:the|an?) (?:\w{1,20} )?(?P<noun>\w{1,20})(?=[ .,;!]|$)",
        _changes_first,
    ),
    (rf"{_LEFT_AGAIN}\b(?P<word>back(?! to me)|again|returns?|returned|reappears?|once more)\b", _recurs),
    (r"\b(?P<word>twice(?! as)|thrice|(?:two|three|four) (?:more )?times)\b", _happens_often),
    (r"\b(?P<word>than)\b", _compares),
    (rf"\b(?P<word>{_GO})\b", _goes),
    (r"\b(?P<word>turns|becomes|changes|turned|became|changed)\b", _anything_changes),
    (r"\b(?P<word>grows|shrinks|grew|shrank|bigger|smaller|larger|enlarge|shrink|grow)\b", _is_sized),
    (
        (
            r"(?<!night )(?<!darkness )(?<!snow )(?<!sun )\b"
            r"(?P<word>rises?|rose(?![- ]colou?red)|falls|fell|sinks|sank|climbs|descends|drops)\b(?! asleep)"
        ),
        _moves,
    ),
    (r"\b(?P<word>moves?|hops|jumps|slides|rolls)\b", _moves),
    (r"(?<!is )(?<!are )\b(?P<word>left|right|top|bottom|corners?)\b", _lies_there),
)
"""What is looked for in a request, as `word`, and what must be true of its images then."""
