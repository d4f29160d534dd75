"""Leaves out sentences that only repeat what the given image shows, so that they add nothing to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from interleavethinker.microworld.language.phrases import Ground, Phrase
from interleavethinker.microworld.language.plain_text import Sentence
from interleavethinker.microworld.language.recaps import describes
from interleavethinker.microworld.language.statements import Statement
from interleavethinker.tools.errors import InputError

from .story import Story
from .story_things import phrase_text

__all__ = ["without_recap"]


def without_recap(
    sentences: Sequence[Sentence], story: Story, read: Callable[[Sentence], list[Statement]]
) -> list[Sentence]:
    """Returns the sentences that tell something new.

    A sentence that says so ("the story so far: …"), and the first sentences that describe ("there was a cat"), are left
    out if the image shows all that they name.

    Raises:
        InputError: The sentence says that it repeats the story, and the image does not show it (`not_there`).
    """
    told: list[Sentence] = []
    for number, sentence in enumerate(sentences):
        begins = not told and number + 1 < len(sentences) and describes(" ".join(sentence.words))
        if not sentence.recap and not begins:
            told.append(sentence)
            continue
        missing = [text for statement in read(sentence) for text in _missing(statement, story)]
        if missing and sentence.recap:
            msg = f"The request says that the image shows {missing[0]}, but it does not."
            raise InputError(msg, code="not_there")
        if missing:
            told.append(sentence)
    return told


def _missing(statement: Statement, story: Story) -> list[str]:
    """Returns what a statement names and the image does not show."""
    if statement.kind == "background":
        return [] if statement.ground in story.base.ground.allowed else [statement.ground]
    missing = [] if statement.kind in {"scene", "is", "mention", "keep"} else [repr(statement.text)]
    for item in statement.items:
        if isinstance(item, Ground):
            missing += [] if item.name in {"", *story.base.ground.allowed} and not item.empty else [item.name]
        elif not _shown(item, story):
            missing.append(phrase_text(item))
    for subject in statement.subject:
        colours, sizes = (frozenset(filter(None, (one,))) for one in (statement.colour, statement.size))
        where = () if statement.where is None else (statement.where,)
        one = replace(
            subject, colours=colours or subject.colours, sizes=sizes or subject.sizes, where=(*subject.where, *where)
        )
        if not _shown(one, story):
            missing.append(phrase_text(one))
    return missing


def _shown(phrase: Phrase, story: Story) -> bool:
    if phrase.again or phrase.pronoun or not phrase.kind:
        return False
    parts = [replace(part, kind=phrase.kind, pronoun="", count=1) for part in phrase.parts]
    try:
        found = story.certain(replace(phrase, definite=True, parts=()))
        return len(found) >= phrase.count and all(story.certain(part) for part in parts)
    except InputError:
        return False
