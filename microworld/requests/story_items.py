"""Refuses items of a story that show nothing new: "2. Everything stays as it is".

Who numbers three pictures, or tells "… then … then …", expects an image for each of them. Each image of a document
comes from a change, so an item without one is named instead of being left out. Knows no objects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from interleavethinker.microworld.language.places import match_end
from interleavethinker.microworld.language.plain_text import NUMBER_WORDS, Sentence, plain_text
from interleavethinker.microworld.language.statements import FILLER, SEQUENCE, Statement
from interleavethinker.microworld.language.unchanged import is_closing, says_unchanged
from interleavethinker.tools.errors import InputError

from .story_things import Frame

__all__ = ["check_numbered", "check_sentences", "check_shown", "items_of"]

_UNIT = "(?:picture|image|photo|page|step|panel|scene|frame|part|chapter|slide|drawing)"
_PICTURE_NUMBER = rf"(?:in|on|for|at) (?:the )?{_UNIT} (?:number )?(?:{'|'.join(NUMBER_WORDS)})(?: ,| :)?"
_LIMITS = frozenset({"keep", "only"})
"""Statements that limit the other changes of an image."""
_MARK = re.compile(
    rf"(?<![\w.,])(?:(?:{_UNIT} ?(?:no\.? ?|number |#)?(?P<word>{'|'.join(NUMBER_WORDS)}|[1-9]))|\(?(?P<digit>[1-9]))"
    r" ?[.):\-–—]\s+(?=\S)",
    re.IGNORECASE,
)
"""Before an item: "2.", "3)", "Picture two:"."""
_NTH = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
_NUMBERS = {
    **{word: number for number, word in enumerate(_NTH, 1)},
    **{word: number for number, word in enumerate(NUMBER_WORDS, 1)},
    **{str(number): number for number in range(1, 10)},
}
_NAMED = re.compile(
    rf"\b(?:in|on|for) (?:the (?P<nth>{'|'.join(_NTH)}) {_UNIT}|(?:the )?{_UNIT} (?:number |no\.? ?|#)?"
    rf"(?P<number>{'|'.join(NUMBER_WORDS)}|[1-9]))\b"
)
"""Says in which picture something is: "in the third picture"."""


def check_sentences(sentences: Sequence[Sentence], *, images: int) -> None:
    """Checks that no sentence of a story only says that nothing changes.

    Args:
        sentences: The request's sentences in plain words.
        images: Number of the request's images. With one, "everything stays as it is" after an order limits it.

    Raises:
        InputError: A sentence shows nothing new (`nothing_new`).
    """
    if any(sentence.question for sentence in sentences):
        return
    for sentence in sentences:
        rest, sequenced = _without_sequence(" ".join(sentence.words))
        told = sequenced or re.match(r"(?:nothing|no one|nobody)\b", rest) or not images
        if told and says_unchanged(rest):
            raise _nothing_new(rest)


def _without_sequence(text: str) -> tuple[str, bool]:
    """Returns a sentence without what begins it, such as "then", and whether that begins a new picture."""
    at, sequenced = 0, False
    while at < len(text):
        end = match_end(f"{SEQUENCE}|{_PICTURE_NUMBER}", text, at)
        sequenced |= end is not None
        end = end or match_end(FILLER, text, at)
        if end is None:
            break
        at = end
    return text[at:], sequenced


def items_of(statements: Sequence[Statement]) -> Iterator[list[Statement]]:
    """Yields the statements from each one that the words put into a new picture up to the next such one."""
    item: list[Statement] = []
    for statement in statements:
        if statement.sequenced and item:
            yield item
            item = []
        item.append(statement)
    if item:
        yield item


def check_shown(item: Sequence[Statement], *, added: int, edits: bool) -> None:
    """Checks that an item has led to an image.

    Args:
        item: Its statements; see `items_of`.
        added: The number of images that they added.
        edits: Whether the request has an image. Then an item may limit the other changes: "2. Keep the tree".

    Raises:
        InputError: It shows nothing new (`nothing_new`).
    """
    if added or not item[0].sequenced or (edits and all(one.kind in _LIMITS for one in item)):
        return
    texts = [_without_sequence(one.text)[0] or one.text for one in item]
    if not all(map(is_closing, texts)):
        raise _nothing_new(", ".join(texts))


def check_numbered(text: str, frames: Sequence[Frame], *, images: int) -> None:
    """Checks that a request that numbers its pictures gets as many.

    Args:
        text: The request's text.
        frames: The images that it was understood to ask for.
        images: Number of the request's images, which are counted first. With one, some items only limit the others.

    Raises:
        InputError: One of them shows nothing new (`nothing_new`).
    """
    named = [match["nth"] or match["number"] for match in _NAMED.finditer(text.lower())]
    last = max((_NUMBERS[word] for word in named), default=0)
    if last > images + len(frames):
        msg = (
            f"The request says what picture {last} shows, but tells only {images + len(frames)}. Say what comes before."
        )
        raise InputError(msg, code="nothing_new")
    items = [] if images else _numbered_items(text)
    if len(frames) >= len(items):
        return
    shown = [words for frame in frames for words in frame.texts if words]
    silent = [item for item in items if not any(words in item for words in shown)]
    if len(silent) == 1:
        raise _nothing_new(silent[0])
    msg = (
        f"The request numbers {len(items)} pictures, and only {len(frames)} of them show something new. Say what "
        "changes in each of them."
    )
    raise InputError(msg, code="nothing_new")


def _numbered_items(text: str) -> list[str]:
    """Returns the texts of items that are numbered from one on, in plain words; nothing if there are none."""
    marks: list[re.Match[str]] = []
    for match in _MARK.finditer(text):
        word = (match["word"] or match["digit"]).lower()
        number = NUMBER_WORDS.index(word) + 1 if word in NUMBER_WORDS else int(word)
        if number == len(marks) + 1:
            marks.append(match)
    if len(marks) < 2:
        return []
    ends = [*(match.start() for match in marks[1:]), len(text)]
    items = [plain_text(text[match.end() : end]).strip(" .!") for match, end in zip(marks, ends, strict=True)]
    return [item for item in items if not is_closing(item)]


def _nothing_new(words: str) -> InputError:
    msg = f'Each image must show something new, and "{words}" does not. Leave it out, or say what changes.'
    return InputError(msg, code="nothing_new")
