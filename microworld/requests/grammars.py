"""Reads sentences as statements: by patterns, or by the grammar that understands a sentence. Knows no scene."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from interleavethinker.microworld.language.clauses import Statement, read_sentence
from interleavethinker.microworld.language.framing import Framed
from interleavethinker.microworld.language.phrase_types import Phrase
from interleavethinker.microworld.language.plain_text import Sentence, canonical
from interleavethinker.microworld.language.reader.composed import read_clauses
from interleavethinker.microworld.language.remembering import remembered
from interleavethinker.microworld.language.rewordings import read_reworded
from interleavethinker.microworld.language.trained_clauses import read_trained
from interleavethinker.tools.errors import InputError

from .first_reading import text_of

__all__ = ["EitherGrammar", "SentenceReader", "read_by_patterns"]

SentenceReader = Callable[[Sentence], list[Statement]]
"""Returns the statements of a sentence, or raises an `InputError` (`not_understood`, `too_many_things`)."""
_TOO_MANY = re.compile(
    r"\b(?:\d{2,}|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen|twenty|thirty|hundred|"
    r"(?<!how )(?<!as )(?<!too )many|dozens?)"
    r"(?: of)?(?: \w+){0,3} \w+s\b"
)


def read_by_patterns(sentence: Sentence) -> list[Statement]:
    """Reads a sentence by patterns. See `SentenceReader`."""
    statements = _by_patterns(sentence.words)
    if statements is None and _TOO_MANY.search(text_of([sentence])):
        raise InputError("An image holds at most nine objects; the request names more.", code="too_many_things")
    if statements is None:
        raise InputError(f"Could not understand {text_of([sentence])!r}.", code="not_understood")
    return list(statements)


@remembered
def _by_patterns(spelled: tuple[str, ...]) -> tuple[Statement, ...] | None:
    words = tuple(map(canonical, spelled))
    statements = read_sentence(words)
    if statements is not None:
        return _with_texts(statements, spelled)
    other = read_reworded(words)
    if other is not None:
        return _with_texts(*other)
    trained = read_trained(spelled)
    return None if trained is None else tuple(trained)


def _with_texts(statements: list[Statement], words: tuple[str, ...]) -> tuple[Statement, ...]:
    return tuple(replace(one, text=text_of([Sentence(words[slice(*one.span)])]).strip(" ,:")) for one in statements)


class EitherGrammar:
    """Reads sentences by patterns, and what these do not understand by classes of words.

    Attributes:
        left_out: Words without a meaning in the micro world, of all sentences.

    Args:
        shown: Kinds of the objects that the request's image may show.
        edits: Whether the request has an image.
    """

    def __init__(self, shown: frozenset[str], *, edits: bool) -> None:
        self.left_out: list[str] = []
        self._shown = self._known = shown
        self._edits = edits
        self._told = self._lesson = False

    def of(self, framed: Framed) -> SentenceReader:
        """Returns the reader of a request's sentences, which it must be given in order."""
        self.left_out, self._known, self._told = [], self._shown, False
        self._lesson = framed.one_by_one and not self._edits
        return self._read

    def _read(self, sentence: Sentence) -> list[Statement]:
        try:
            statements = read_by_patterns(sentence)
        except InputError as error:
            found = read_clauses(
                sentence.words, edits=self._edits, known=self._known, told=self._told, lesson=self._lesson
            )
            if error.code != "not_understood" or found is None or not found[0]:
                raise
            statements = [replace(found[0][0], new_piece=True), *found[0][1:]]
            self.left_out += found[1]
        named = (one for statement in statements for one in (*statement.items, *statement.subject))
        self._known |= {one.kind for one in named if isinstance(one, Phrase)} - {""}
        self._told = True
        return statements
