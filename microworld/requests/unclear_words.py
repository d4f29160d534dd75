"""Refuses key words that may mean an object that is there or a new one: "cat top left". Knows no story."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from interleavethinker.microworld.language.clauses import Statement
from interleavethinker.microworld.language.key_words import GROUND
from interleavethinker.microworld.language.phrase_types import Phrase
from interleavethinker.microworld.language.plain_text import NUMBER_WORDS, PLURALS, canonical
from interleavethinker.microworld.language.vocabulary import plural
from interleavethinker.microworld.scenes.scene import Scene
from interleavethinker.microworld.scenes.sprites import COLOURS, KINDS, SIZES
from interleavethinker.tools.errors import InputError

__all__ = [
    "NOT_ADDED",
    "absence_last",
    "check_counted",
    "check_edit",
    "check_has_image",
    "check_left_out",
    "check_named_again",
    "check_new",
    "check_told",
    "placed_whole",
]

_CHANGES = re.compile(
    r"\b(?:chang(?:e|es|ed|ing)|switch|swap|exchange|replace|substitute|alter|convert|transform|turn|instead|now be|"
    r"different|another|other)\b"
)
_SHOWING = frozenset({"scene", "mention", "keep", "absent"})
"""Statements that change nothing of what is there."""
_POINTS = re.compile(
    r"\b(?:(?:make|give|put|set|place|move|take|bring|get) (?:it|this|that|everything|all|the (?:background|"
    r"scene))|turn)\b"
)
_MORE = re.compile(
    r"\b(?:add|put|insert|place) (?:in |on )?(?:another|an? (?:other|extra|second|further)|(?:one|two|three) more)\b"
)


def check_has_image(statements: Sequence[Statement], text: str) -> None:
    """Checks that a request without images does not begin with a change of one: "change the background to snow".

    Raises:
        InputError: Its first statement changes an image that nobody described or gave (`no_image`).
    """
    first = statements[0] if statements else None
    if first is None:
        return
    objects = any(isinstance(item, Phrase) for one in statements for item in one.items)
    points = not objects and (_POINTS.search(first.text) or re.search(r"\binstead\b", text.lower()))
    changes = first.kind == "background" and (_CHANGES.search(first.text) or points)
    if changes or (first.kind == "scene" and _MORE.search(first.text)):
        msg = (
            f'This request edits an image ("{first.text}"), but no image was given; add --image FILE, or first '
            f"describe a picture."
        )
        raise InputError(msg, code="no_image")


_HAS_MEANING = frozenset(
    (
        "left right top bottom middle above below back again return returns returned both all each every everything "
        "everyone others other rest remaining too also only twice half none nothing without sorted "
        "increasing decreasing ascending descending dies died dead explodes breaks \u274c \u2716 \U0001f6ab"
    ).split()
)


def check_left_out(words: Sequence[str]) -> None:
    """Checks that nothing is left out that an image could show: "a cat top and bottom" is not a cat at the bottom.

    Raises:
        InputError: A word that was left out has a meaning (`not_understood`).
    """
    lost = next((word for word in words if word in _HAS_MEANING), None)
    if lost is not None:
        raise InputError(
            f"It is not clear what {lost!r} belongs to; say it in a sentence of its own.", code="not_understood"
        )


_ASKED = re.compile(
    r"(?:^|[.;!?\n] ?)(?:has|have|had|did|does|is|are|was|were) "
    r"(?!you\b|we\b|i\b|it (?:possible|ok|okay|fine|too much|allowed)\b|there (?:any|a) (?:chance|way)\b)[^.;!?\n]*\?"
)


_NOT_REPLACED = re.compile(
    r"\b(?:gets?|got|climbs?|climbed|goes|went|walks?|walked|jumps?|jumped|steps?|stepped|drives?|hops?) in(?:to)?\b|"
    r"\b(?:(?:makes|made|paints|painted|turns|turned) (?:an?|the|her|his|its)|(?:replaces|changes|transforms) an?) "
    rf"(?:\w+ )?(?:{'|'.join(KINDS)})\b(?! into\b)|\b(?:becomes?|became) friends\b|\b(?:changes?|changed) places\b"
)
"""What somebody does, which no replacement is: "she gets into a car", "she makes a box"."""


def check_told(statements: Sequence[Statement], text: str) -> None:
    """Checks that "has everything shrunk?" is no order, and that "a cat. Then a bird instead." does not keep the cat.

    Raises:
        InputError: A sentence is a question; or the text says "instead", and nothing is replaced (`not_understood`).
    """
    if (asked := _ASKED.search(" ".join(text.lower().split()))) is not None:
        msg = f"Could not understand the question {asked[0].strip(' .;!?')!r}."
        raise InputError(msg, code="not_understood")
    for one in statements:
        if one.kind in {"replace", "is"} and _NOT_REPLACED.search(one.text):
            msg = f'{one.text!r} may mean several things; say "becomes" for what turns into something else.'
            raise InputError(msg, code="not_understood")
    if re.search(r"\binstead\b(?! of)", text.lower()) and {one.kind for one in statements} <= _SHOWING:
        msg = 'It is not clear what goes away ("instead"); say what replaces what, or remove it.'
        raise InputError(msg, code="not_understood")


_IN_ALL = re.compile(
    r"\b(?:should (?:be|show|have|contain|include)|same (?:(?:picture|image|scene|thing) )?(?:but )?with|"
    r"there (?:is|are|was|were)(?: now)?|(?:has|have|had|owns)(?= (?:one|two|three|four|five)\b)|"
    r"we (?:now )?see|(?:picture|image|scene) (?:now )?(?:shows|has|contains)) |"
    r"\b(?:in total|in all|altogether)\b"
)
"""Before what an image holds in all."""
_COMES = re.compile(
    r"\b(?:add|adds|put|insert|place|draw|paint|bring|brings|drop|give|make|appear\w*|arriv\w*|com(?:e|es|ing)|came|"
    r"joins?|lands?|grows?|fl(?:y|ies|ew)|swims?|walks?|runs?|enters?|shows? up|let (?:\w+ )?\w+ (?:appear|come|grow)|"
    r"more|other|others|another|extra|new|additional|second|third|too|also)\b"
)
"""Signs that what is named is new."""
NOT_ADDED = r"^(?!.*\b(?:add|put|insert|place|draw|paint|bring|drop)\b)"
"""Beginning of a pattern of requests that do not order something new."""
_EXACTLY = re.compile(rf"{NOT_ADDED}.*\b(?:only|just|exactly|single|at most)\b")
"""Counts what an image holds in all, rather than what is new."""


def check_counted(statement: Statement, source: Scene, text: str) -> None:
    """Refuses "there should be two cats", said of an image with one: two in all, or two more?

    Raises:
        InputError: It counts what the image has already (`ambiguous`).
    """
    plain = " ".join(text.lower().split())
    if statement.kind == "scene" and _ENOUGH.search(plain):
        msg = f'"{text.strip()}" does not say which objects go away, or which are new; say "remove" or "add".'
        raise InputError(msg, code="ambiguous")
    exactly = _EXACTLY.search(plain) is not None
    stated = _IN_ALL.search(plain) is not None
    if statement.kind != "scene" or not (exactly or stated or _COMES.search(plain) is None):
        return
    least = 1 if exactly or (stated and re.search(r"\bone\b", plain)) else 2
    for item in statement.items:
        if not isinstance(item, Phrase) or item.count < least or item.again or item.definite or not item.kind:
            continue
        there = [obj for obj in source.objects.values() if obj.kind == item.kind]
        if there and not re.search(r"\b(?:more|other|another|extra|new|additional)\b", text.lower()):
            words = f"{item.count} {item.kind if item.count == 1 else plural(item.kind)}"
            msg = f'"{text.strip()}" may mean {words} in all or {item.count} more; say "add {item.count} more".'
            raise InputError(msg, code="ambiguous")


_SOME_CHANGED = re.compile(
    rf"\b(?:make|turn|paint|colou?r|dye) (?P<number>{'|'.join(NUMBER_WORDS[1:])}|[2-9]) (?:of the )?(?P<noun>\w+) "
    rf"(?:(?:into |in )?(?:{'|'.join((*COLOURS, *SIZES))})\b|(?P<other>into) )"
)
"""A new look of a number of objects, which are not new."""


_NEW_PICTURE = re.compile(
    r"\W*(?:please |now )?(?:(?:draw|make|paint|create) )?(?:an? |the )?(?:new|another|fresh|separate) "
    r"(?:picture|image|drawing|scene)\b(?! (?:like|of (?:it|this)))",
    re.IGNORECASE,
)


def check_edit(source: Scene, text: str) -> None:
    """Checks an edit of an image: its background stays, and "make two balls yellow" of three does not say which two.

    Raises:
        InputError: The image has another background (`not_there`), or it is not said what goes away (`not_understood`)
            or which objects change (`ambiguous`).
    """
    _check_kept_ground(source, text)
    if _NEW_PICTURE.match(text):
        msg = "It is not clear whether the image is edited; leave it out for a new picture, or say what changes in it."
        raise InputError(msg, code="ambiguous")
    found = _SOME_CHANGED.search(" ".join(text.lower().split()))
    if found is None:
        return
    kind = canonical(PLURALS.get(found["noun"], found["noun"]))
    there = sum(obj.kind == kind for obj in source.objects.values())
    number = found["number"]
    all_of_them = there == (int(number) if number.isdigit() else NUMBER_WORDS.index(number) + 1)
    if there and not (all_of_them and found["other"]):
        msg = f'"{text.strip()}" does not say which of them change; name them by place, color or size, or say "all".'
        raise InputError(msg, code="ambiguous")


_ENOUGH = re.compile(
    r"\b(?:is|are|will be|would be) (?:\w+ ){0,2}?(?:enough|plenty|sufficient|too (?:many|much|few))\b|"
    r"\b(?:only|just) (?:need|want|like) (?:one|two|three|four|five|six|seven|eight)\b"
)
"""Says how many there should be: some of those that are there are to go."""
_GROUND_KEPT = re.compile(
    r"\b(?:everything|all|anything)(?: else)? (?:but|except|apart from|besides|other than|save)(?: for)?(?: the)? "
    rf"(?P<kept>{GROUND})\s*(?:[.!,;]|$)|"
    rf"\b(?:only|just|nothing but) the (?P<alone>{GROUND}) (?:(?:should|must|shall|can|may|will) )?"
    r"(?:remains?|stays?|be left|is left)\b"
)
"""Keeps the background and nothing else: "remove everything but the sunset"."""
_PUT_BARE = re.compile(
    r"(?:(?:please|now|then|and|so) )*(?:put|place|set|stick) "
    rf"(?:(?:{'|'.join((*COLOURS, *SIZES))}) )*(?:{'|'.join(KINDS)})\b"
)
_LABEL = re.compile(r"^\W*(?:picture|image|panel|frame|scene|page|step) ?\w+ ?:", re.IGNORECASE)


_WITHOUT_SNOW = re.compile(
    r"\b(?:remove|undo|delete|erase|take away|clear away|get rid of|no more) (?:the )?(?:snow|winter)\b"
)


def _check_kept_ground(source: Scene, text: str) -> None:
    """Refuses "remove everything but the sunset" or "remove the snow", said of an image in a meadow.

    Raises:
        InputError: The image has another background (`not_there`), or it is not said what goes away (`not_understood`).
    """
    plain = " ".join(text.lower().split())
    if source.background != "snow" and _WITHOUT_SNOW.search(plain):
        raise InputError(f"The background of the image is {source.background}, not snow.", code="not_there")
    found = _GROUND_KEPT.search(plain)
    if found is None:
        return
    if found["alone"]:
        msg = f'"{found.group()}" does not say what happens to the objects; say "remove everything".'
        raise InputError(msg, code="not_understood")
    if canonical(found["kept"]) != source.background:
        msg = f"The background of the image is {source.background}, not {canonical(found['kept'])}."
        raise InputError(msg, code="not_there")


def check_new(statement: Statement, source: Scene, text: str) -> None:
    """Checks that key words such as "cat top left" are clear: the image may contain the cat already.

    Raises:
        InputError: They may mean a new object or the one that is there (`ambiguous`).
    """
    words = {*COLOURS, *SIZES, *KINDS}
    text = _LABEL.sub("", text)
    bare = all(canonical(one) in words for one in (statement.text.split(" ")[0], *re.findall(r"\w+", text.lower())[:1]))
    bare |= bool(re.match(rf"\W*(?:{'|'.join(words)})\b", text.lower())) and not statement.sequenced
    bare |= _PUT_BARE.match(" ".join(map(canonical, statement.text.split()))) is not None
    _check_left(statement, set())
    if statement.kind != "scene" or statement.ordered or statement.subject or not bare:
        return
    there = {obj.kind for obj in source.objects.values()}
    for item in statement.items:
        if isinstance(item, Phrase) and item.definite is False and item.count == 1 and item.kind in there:
            msg = (
                f'"{statement.text}" may mean the {item.kind} in the image or a new one. Say "the {item.kind}" and '
                f'what changes, or "add a {item.kind}".'
            )
            raise InputError(msg, code="ambiguous")


def check_named_again(statement: Statement, there: set[str]) -> None:
    """Checks that a bare noun such as "cat" in "cat. box. cat is under the box" is not drawn twice.

    Raises:
        InputError: It may be the object that was named before (`not_understood`).
    """
    _check_left(statement, there)
    more = re.search(
        r"\b(?:more|other|another|others|extra|new|additional|further|appear|arrive|join|enter|come along|"
        r"show up|turn up|pop up|walk in|fly in|swim in|drive in|come in|come by)\b",
        statement.text,
    )
    if statement.kind == "scene" and statement.new_piece and not statement.ordered and not more:
        for item in statement.items:
            if isinstance(item, Phrase) and item.kind in there and _may_be_sum(item):
                msg = f'"{statement.text}" may mean {item.count} in all or {item.count} more; say "{item.count} more".'
                raise InputError(msg, code="not_understood")
    words = statement.text.split(" ")
    if statement.kind == "scene" and statement.new_piece and canonical(words[0]) in there and len(words) > 1:
        named = [item for item in statement.items if isinstance(item, Phrase) and item.kind == canonical(words[0])]
        if any(item.definite is False and item.count == 1 for item in named):
            msg = f'"{statement.text}" may mean the {named[0].kind} that was named before or another one; say which.'
            raise InputError(msg, code="not_understood")


def _check_left(statement: Statement, there: set[str]) -> None:
    """Refuses "cat left" without an article, unless the cat is known to be there."""
    if statement.kind == "remove" and re.fullmatch(r"(?:\w+ ){0,2}\w+ left", statement.text):
        for one in statement.subject:
            if one.kind and one.definite is False and one.kind not in there:
                msg = f'"{statement.text}" may mean "on the left" or that it leaves; say which.'
                raise InputError(msg, code="not_understood")


def _may_be_sum(phrase: Phrase) -> bool:
    """Whether "two birds" may count the bird that was there before."""
    looks = phrase.colours or phrase.sizes or phrase.where or phrase.parts or phrase.again
    return phrase.count > 1 and phrase.definite is False and not looks and not phrase.some


_PUTS = re.compile(
    r"^(?:(?:then|now|please|and|next) )*(?:put|place|add|insert|set|stick|pop)\b.* with (?:a|an|"
    r"one)\b"
)


def placed_whole(statement: Statement) -> Statement:
    """Returns "put a girl with a ball at the top" as a girl at the top, not the ball alone."""
    items = [item for item in statement.items if isinstance(item, Phrase)]
    if statement.kind != "scene" or len(items) != 2 or not _PUTS.match(statement.text):
        return statement
    girl, ball = items
    if girl.where or not ball.where or not any(where.cells for where in ball.where):
        return statement
    moved = {id(girl): replace(girl, where=ball.where), id(ball): replace(ball, where=())}
    return replace(statement, items=tuple(moved.get(id(item), item) for item in statement.items))


def absence_last(statements: Sequence[Statement]) -> list[Statement]:
    """Puts "no cars, just a ball" in an order in which something is there to say it of."""
    count = next((at for at, one in enumerate(statements) if one.kind not in {"absent", "vacant"}), 0)
    if not count:
        return list(statements)
    missing = [replace(one, new_piece=False, sequenced=False) for one in statements[:count]]
    return [statements[count], *missing, *statements[count + 1 :]]
