"""Reads requests that the rules understand only in other words, which somebody else must find for them.

Pure functions; the rewording is an argument. Whoever finds the words is not trusted: what they name must be what the
request names, and whatever was read in other words is stated in the document.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from interleavethinker.microworld.language.key_words import GROUND
from interleavethinker.microworld.language.plain_text import unknown_emoji
from interleavethinker.microworld.language.reader.prose import without_prose
from interleavethinker.microworld.language.reader.tagging import tag
from interleavethinker.microworld.language.reader.unclear import unclear_wording
from interleavethinker.microworld.language.spelling import corrected
from interleavethinker.microworld.scenes.scene import Scene
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.types import Request

from .interpretation import Interpretation, check_text, check_wording, interpret, interpret_request
from .named_alike import named_alike
from .refusals import is_rule_word

__all__ = [
    "Restate",
    "check_restated",
    "interpret_restated",
    "is_doubted",
    "not_restated",
    "notes_on",
    "readable_words",
]

Restate = Callable[[str, int], Iterable[str]]
"""Returns a request's text, with this number of images, in words that rules may understand, the best ones first."""

_FINAL = frozenset({"empty_text", "nothing_new", "told_apart", "too_long", "too_many_things", "wrong_size"})
"""Codes of errors that no other wording avoids."""
_SPELLING_MATTERS = frozenset({"not_understood", "unknown_words", "no_image"})
"""Codes of errors that a misspelt word may cause."""
_SEVERAL = 2
"""Images from which on a request may well name the second one before the first."""
_AT_ONCE = re.compile(r"\b(?:in the same (?:image|picture)|at the same time|simultaneously)\b", re.IGNORECASE)
"""What other words might tell one after the other."""
_OWN_IMAGE = re.compile(
    r"\b(?:in|of|from|on) (?:my|our|the (?:attached|uploaded|enclosed)) "
    r"(?:picture|photo|photograph|image|drawing|pic)\b"
    r"(?! (?:book|story|series))"
    r"|\b(?:picture|photo|photograph|image|drawing|pic) (?:that |which )?(?:i|we)(?:'ve| have)? "
    r"(?:just )?(?:sent|gave|given|took|taken|attached|uploaded|posted|shared)\b",
    re.IGNORECASE,
)
"""An image that the writer has and did not send: other words would draw a new one."""
_IN_FRONT = re.compile(
    rf"\bin front of(?= (?:an?|the|her|his|its|their|my|our|it|them)\b(?! (?:\w+ )?(?:{GROUND})\b))", re.IGNORECASE
)
"""No image shows depth: the nearest place is beside it, and the document says so."""


def not_restated(text: str, images: int) -> tuple[str, ...]:  # noqa: ARG001 - one of `Restate`
    """Finds no other words: the rules alone decide."""
    return ()


def interpret_restated(request: Request, scenes: Sequence[Scene], restate: Restate) -> Interpretation:
    """Reads a request as it is, or if that is not understood, as it is restated.

    Args:
        request: The request.
        scenes: What its images show, in order.
        restate: Finds the other words.

    Raises:
        InputError: Neither is understood; the error is that of the request as it is. See `interpret`.
    """
    try:
        return interpret_request(request, scenes)
    except InputError as error:
        found = _readable(request.text, len(scenes), error, restate)
        if found is None:
            raise
        words, is_certain = found
        try:
            return replace(interpret(words, scenes), restated=words, guessed=not is_certain)
        except InputError as other:
            raise (other if other.code == "not_there" else error) from None


def check_restated(request: Request, restate: Restate) -> None:
    """Checks, without knowing what its images show, that a request is understood as it is or restated.

    Raises:
        InputError: See `interpret_restated`.
    """
    try:
        if request.images:
            check_wording(request)
        else:
            interpret(request.text)
    except InputError as error:
        if readable_words(request.text, len(request.images), error, restate) is None:
            raise


def readable_words(text: str, images: int, error: InputError, restate: Restate) -> str | None:
    """Returns other words for a request that the rules do not understand: the first that they understand, if any.

    The choice does not depend on what images show, so that everybody who asks gets the same words.

    Args:
        text: The request's text.
        images: How many images it has.
        error: Why it is not understood as it is.
        restate: Finds the other words.
    """
    found = _readable(text, images, error, restate)
    return None if found is None else found[0]


def _readable(text: str, images: int, error: InputError, restate: Restate) -> tuple[str, bool] | None:
    """Returns the words that `readable_words` returns, and whether they certainly mean the same."""
    wordings = _other_wordings(text, images, error, restate)
    return next((one for one in wordings if _is_readable(one[0], images)), None)


def _is_readable(words: str, images: int) -> bool:
    try:
        if images:
            check_text(words, images)
        else:
            interpret(words)
    except InputError:
        return False
    return True


def _other_wordings(text: str, images: int, error: InputError, restate: Restate) -> Iterator[tuple[str, bool]]:
    """Yields a request without its spelling errors, and what it is restated as unless that names something else.

    Only words of the first kind are certain to mean the same.
    """
    if error.code in _FINAL or (images and error.code == "ambiguous"):  # Other words would only hide the choice.
        return
    spelt = corrected(text, _is_spelt) if error.code in _SPELLING_MATTERS else None
    if spelt is not None:
        yield spelt, True
    if (
        unknown_emoji(text)
        or _AT_ONCE.search(text)
        or (images < _SEVERAL and unclear_wording(text))
        or (not images and _OWN_IMAGE.search(text))
    ):
        return
    if not images and _IN_FRONT.search(text):
        yield _IN_FRONT.sub("next to", text), True
    shortened = "" if images else without_prose(text)[0]
    for wording in dict.fromkeys(filter(None, (text, spelt, shortened))):
        yield from ((words, False) for words in restate(wording, images) if named_alike(wording, words, images))


def _is_spelt(word: str) -> bool:
    """Whether some rule reads a word, so that it is no misspelling of another one."""
    return is_rule_word(word) or tag((word,))[0].tag != "OTHER"


def is_doubted(interpretation: Interpretation, words: str | None, scenes: Sequence[Scene]) -> bool:
    """Returns whether a restatement of a request means something else than what the rules read in the request itself.

    Args:
        interpretation: What the rules read.
        words: The restated request; None if there seems to be nothing that can be drawn or answered.
        scenes: What the request's images show, in order.
    """
    try:
        return words is None or interpret(words, scenes) != interpretation
    except InputError:
        return True


def notes_on(interpretation: Interpretation) -> tuple[str, ...]:
    """Returns sentences for the document: how a request was understood, and what was left out of it."""
    notes = []
    if interpretation.restated is not None:
        notes.append(f"Understood as “{interpretation.restated}” If you meant something else, use other words.")
    if interpretation.chosen is not None:
        notes.append(f"Of “{interpretation.chosen.words}”, “{interpretation.chosen.first}” was chosen.")
    if interpretation.left_out:
        words = ", ".join(repr(word) for word in interpretation.left_out)
        notes.append(f"Left out, because images of the micro world cannot show it: {words}.")
    if interpretation.unread:
        words = ", ".join(f"“{word}”" for word in interpretation.unread)
        notes.append(f"What {words} asks for may be missing. If so, use other words.")
    if interpretation.doubted:
        notes.append("The request can be read in more than one way. If you meant something else, use other words.")
    return tuple(notes)
