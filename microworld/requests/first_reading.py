"""The wordings of a request's text that are read one after the other: as it is, and without what says nothing.

Knows no scene and no statements; the caller reads each wording.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from interleavethinker.microworld.language.ellipsis import in_full
from interleavethinker.microworld.language.empty_words import says_nothing, without_empty_words
from interleavethinker.microworld.language.framing import Framed, remove_framing
from interleavethinker.microworld.language.narration import in_present_tense
from interleavethinker.microworld.language.plain_text import Sentence, plain_text, split_sentences
from interleavethinker.microworld.language.progressions import written_out
from interleavethinker.microworld.language.wordings import in_plain_order, joined
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.request_parsing import named_step_count

from .hints import without_hints
from .story_items import check_sentences

__all__ = ["MAY_BE_TALK", "first_reading", "text_of"]

MAY_BE_TALK = frozenset({"not_understood", "unknown_words", "empty_text"})
"""Codes of errors of a text that may be understood without its empty words."""
_MAX_CHARACTERS, _MAX_WORDS, _MAX_SENTENCE = 8000, 600, 150
_PATTERN_WORDS = frozenset(
    "always consider exactly explain fine good guess kindly know learn love mind notice pretty quite real really "
    "remember seems shall simple suggest talk think try understand very well wish".split()
)
"""Empty words that patterns of the rules need; a first reading keeps them."""
_Result = TypeVar("_Result")


def first_reading(text: str, images: int, read: Callable[[Framed], _Result]) -> _Result:
    """Reads a text as it is, or if that is not understood, without what introduces its images and what says nothing.

    Args:
        text: The request's text.
        images: Number of its images.
        read: Reads one wording.

    Raises:
        InputError: Neither is understood; the error is that of the text as it is.
    """
    sentences = _sentences(text)
    check_sentences(sentences, images=images)
    said = [sentence for sentence in sentences if not says_nothing(sentence)]
    wordings = [sentences] if said == sentences else [sentences, said]
    for known in (_PATTERN_WORDS, frozenset[str]()):
        shorter = [one for sentence in said if (one := without_empty_words(sentence, known)) is not None]
        if shorter not in wordings:
            wordings.append(shorter)
    first: InputError | None = None
    for words in wordings:
        for is_continued in (False, True) if images else (False,):
            try:
                return read(_framed(words, is_continued=is_continued))
            except InputError as error:
                first = first or error
                if error.code not in MAY_BE_TALK:
                    raise
    assert first is not None  # noqa: S101 - the text as it is is always tried
    raise first


def text_of(sentences: Sequence[Sentence]) -> str:
    """Returns sentences as one text."""
    return " ".join(" ".join(sentence.words).replace(" ,", ",").replace(" :", ":") for sentence in sentences)


def _sentences(text: str) -> list[Sentence]:
    if len(text) > _MAX_CHARACTERS:
        raise InputError(f"The request has more than {_MAX_CHARACTERS} characters; shorten it.", code="too_long")
    plain = in_full(split_sentences(plain_text(without_hints(text))))
    told = written_out([in_present_tense(one) for one in plain], named_step_count(text))
    sentences = [in_plain_order(one) for one in joined(told)]
    lengths = [len(sentence.words) for sentence in sentences]
    if sum(lengths) > _MAX_WORDS:
        raise InputError(f"The request has more than {_MAX_WORDS} words; shorten it.", code="too_long")
    if max(lengths, default=0) > _MAX_SENTENCE:
        raise InputError(f"A sentence has more than {_MAX_SENTENCE} words; split it.", code="too_long")
    return sentences


def _framed(sentences: list[Sentence], *, is_continued: bool) -> Framed:
    framed = remove_framing(sentences, is_continued=is_continued)
    if not framed.sentences:
        msg = "The request does not say what to draw. Try, for example, 'a big red ball on the left, at night'."
        raise InputError(msg, code="empty_text")
    return framed
