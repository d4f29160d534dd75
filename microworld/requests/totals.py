"""Reads descriptions that count what was there before: "then there are two birds", "a tree, then a tree and a house".

Words that bring something ("two birds arrive") add to a picture; words that describe it say what it holds in all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from interleavethinker.microworld.language.clauses import Statement
from interleavethinker.microworld.language.phrase_types import Ground, Phrase
from interleavethinker.microworld.language.plain_text import canonical
from interleavethinker.microworld.language.reader.tagging import tag
from interleavethinker.microworld.language.vocabulary import plural
from interleavethinker.microworld.scenes.sprites import COLOURS, KINDS, SIZES
from interleavethinker.tools.errors import InputError

from .story import Story
from .unclear_words import check_named_again

__all__ = ["as_told_in_all"]

_DESCRIBES = frozenset({"be", "stay", "have"})
"""Classes of verbs that say what is there."""
_MORE = re.compile(r"\b(?:more|other|another|others|extra|new|additional|further|add|second|third)\b")
_ANOTHER = re.compile(r"(?:(?:and|then|,) )*(?:another|a second|a third|the next)(?: one)?(?: of them)?(?: too)?")
_BARE = re.compile(rf"(?:(?:{'|'.join((*COLOURS, *SIZES))}) )*(?P<kind>{'|'.join(KINDS)})\b")
"""Begins with an object in key words."""
_ONE = re.compile(r"\b(?:only|just|one)\b")


def as_told_in_all(statement: Statement, story: Story, *, alone: bool = False) -> Statement:
    """Returns a description of a whole picture as what it adds to the picture before, or takes away.

    Args:
        statement: It may describe the picture.
        story: What was told before.
        alone: Whether it is all that the words say of a picture.

    Raises:
        InputError: It counts what may be there already (`not_understood`).
    """
    describes = statement.kind == "only" and statement.new_piece and _just_came(story)
    if (alone and statement.kind == "only" and statement.sequenced) or (describes and story.told_in_full):
        others = Phrase(definite=True, every=True, excluded=statement.subject)  # "panel two: just the big one"
        return replace(statement, kind="remove", subject=(others,), stated=True)
    if describes:
        msg = f'"{statement.text}" may say what the picture shows or what the next one does; say what goes away.'
        raise InputError(msg, code="not_understood")
    if (likewise := _likewise(statement, story)) is not None:
        return likewise
    in_all = _as_addition(statement, story)
    if in_all is statement:
        _check_bare(statement, story)
        check_named_again(statement, {thing.kind for thing in story.frame.things.values()})
    return in_all


def _just_came(story: Story) -> bool:
    """Whether the last words brought an object to others: "a cat. A ball comes. Just the ball"."""
    return len(story.frames) > 1 and story.latest is not None and story.latest.kind == "scene"


def _likewise(statement: Statement, story: Story) -> Statement | None:
    """Reads "one bird flies away, then another one" as the same change of another one, not as a new bird."""
    latest, phrases = story.latest, [item for item in statement.items if isinstance(item, Phrase)]
    changed = latest is not None and latest.kind in {"recolour", "remove", "resize"}
    if statement.kind != "scene" or not changed or len(phrases) != 1 or not _ANOTHER.fullmatch(statement.text):
        return None
    again = "" if latest is not None and latest.kind == "remove" else phrases[0].again  # that one is no longer there
    other = Phrase(pronoun="one", definite=False, again=again)
    return replace(statement, kind="likewise", items=(), subject=(other,))


def _check_bare(statement: Statement, story: Story) -> None:
    """Refuses "red ball in the middle", which names no article, where a red ball is there already."""
    begins = _BARE.match(" ".join(map(canonical, statement.text.split())))
    if statement.kind != "scene" or not statement.new_piece or statement.ordered or begins is None:
        return
    for item in statement.items:
        if not isinstance(item, Phrase) or item.kind != begins["kind"] or item.count > 1 or item.again:
            continue
        if item.definite is not True and story.certain(replace(item, where=(), parts=(), every=True)):
            raise _unclear(statement.text, replace(item, count=1))


def _as_addition(statement: Statement, story: Story) -> Statement:
    phrases = [item for item in statement.items if isinstance(item, Phrase)]
    if statement.kind == "scene":
        _check_counts(statement, phrases)
    if statement.kind != "scene" or statement.subject or statement.ordered or not phrases or not story.frames:
        return statement
    if not (statement.new_piece or statement.sequenced) or not _describes(statement.text):
        return statement
    if len(phrases) == 1:
        return _counted(statement, phrases[0], story)
    return _described_again(statement, phrases, story)


def _describes(text: str) -> bool:
    """Whether words say what is there, not what is done or happens."""
    verbs = [token for token in tag(tuple(text.split())) if token.tag == "VERB"]
    return not _MORE.search(text) and all(token.classes & _DESCRIBES for token in verbs)


def _counted(statement: Statement, phrase: Phrase, story: Story) -> Statement:
    """Reads "then there are three birds" after one bird as two more."""
    plain = phrase.definite is False and phrase.kind and not (phrase.again or phrase.some or phrase.every)
    if not plain:
        return statement
    seen = replace(phrase, where=(), parts=(), count=1, every=True)
    known, possible = story.certain(seen), story.possible(seen, story.frame.things)
    if not possible:
        return statement
    if phrase.count == 1 and not _ONE.search(statement.text):
        if story.told_in_full:  # "a tree", after "a tree and a house": the tree alone, or one more?
            raise _unclear(statement.text, phrase)
        return statement
    placed = any(len(story.frame.things[one].cell.allowed) == 1 for one in known)  # do they stay where they are?
    if (
        placed
        or len(known) != len(possible)
        or phrase.where
        or phrase.parts
        or phrase.alike
        or phrase.count == len(known)
    ):
        raise _unclear(statement.text, phrase)
    if phrase.count > len(known):
        items = [replace(item, count=item.count - len(known)) if item is phrase else item for item in statement.items]
        return replace(statement, items=tuple(items))
    if any(isinstance(item, Ground) for item in statement.items):
        raise _unclear(statement.text, phrase)
    gone = Phrase(phrase.kind, count=len(known) - phrase.count, colours=phrase.colours, sizes=phrase.sizes)
    return replace(statement, kind="remove", items=(), subject=(gone,))


def _described_again(statement: Statement, phrases: Sequence[Phrase], story: Story) -> Statement:
    """Reads "a tree and a house" after a tree as the same tree and a new house."""
    claimed: set[int] = set()
    left: dict[int, Phrase | None] = {}
    for phrase in phrases:
        if not phrase.kind or phrase.again or phrase.pronoun or phrase.some:
            continue
        found = [
            one for one in story.certain(replace(phrase, where=(), parts=(), count=1, every=True)) if one not in claimed
        ]
        found = found[: phrase.count]
        if found and (phrase.parts or any(not where.cells for where in phrase.where)):
            raise _unclear(statement.text, phrase)
        if any(not story.frame.things[one].cell.allowed & w.cells for one in found for w in phrase.where):
            continue  # "a cat on the left", after one on the right
        claimed |= set(found)
        if found:
            rest = phrase.count - len(found)
            left[id(phrase)] = replace(phrase, count=rest) if rest else None
    if not claimed:
        return statement
    if claimed != set(story.frame.things):
        if any(phrase.definite is not False for phrase in phrases) or not statement.sequenced:
            return statement  # the story says what is wrong with it
        raise _unclear(statement.text, next(one for one in phrases if id(one) in left))
    items = [left.get(id(item), item) for item in statement.items]
    kept = tuple(item for item in items if item is not None)
    story.told_in_full = True
    if not kept:
        raise InputError(f"Nothing changes: {statement.text!r}.", code="no_change")
    return replace(statement, items=kept)


def _check_counts(statement: Statement, phrases: Sequence[Phrase]) -> None:
    """Refuses "a bird, two birds, three birds", which may be one picture or three."""
    counts: dict[str, set[int]] = {}
    for one in phrases:
        if not (one.colours or one.sizes or one.where or one.parts or one.again or one.definite or one.some):
            counts.setdefault(one.kind, set()).add(one.count)
    for one in phrases:
        if len(counts.get(one.kind, ())) > 1 and not _MORE.search(statement.text):
            raise _unclear(statement.text, replace(one, count=max(counts[one.kind])))


def _unclear(text: str, phrase: Phrase) -> InputError:
    count, noun = phrase.count, phrase.kind if phrase.count == 1 else plural(phrase.kind)
    msg = f'"{text}" may mean {count} {noun} in all or {count} more; say "{count} more".'
    return InputError(msg, code="not_understood")
