"""Restates requests in the words that the rules read, with a small model that ships with the package.

People word the same wish in thousands of ways, and rules know only some of them. The model knows nothing but wordings:
what it writes is read by the same rules, and the document states it, so that a wrong reading is seen.

Process-wide state: the last restatements, because check, planner and document check all ask for the same one.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from interleavethinker.microworld.requests import validation
from interleavethinker.microworld.requests.interpretation import Interpretation
from interleavethinker.microworld.requests.restated import is_doubted
from interleavethinker.microworld.requests.same_content import same_content
from interleavethinker.microworld.scenes.scene import Scene
from interleavethinker.tools.local_extra import missing_local
from interleavethinker.tools.types import Request

__all__ = ["REFUSED", "check_request", "doubt", "prepare_doubt", "question_of", "restate", "suggest"]

REFUSED = "not possible."
"""What the model answers to requests that the micro world cannot fulfil."""
_LONGEST = 600
"""Characters of a request; the model has seen none that are longer."""
_MAX_NEW_TOKENS = 200
_LEAST_CONFIDENCE = 0.7
"""Least probability of an answer's least certain token."""
_LEAST_CONFIDENCE_IN_SAME_CONTENT = 0.4
"""The same of an answer that has exactly the request's content; long answers seldom reach the other one."""
_LEAST_PROBABILITY = 0.08
"""Least probability of another whole answer than the first, which must have exactly the request's content."""
_LEAST_DOUBT = 0.5
"""The same of an answer that casts doubt on another reading. Below, the model is rather lost itself."""


def question_of(text: str, images: int) -> str:
    """Returns the prompt for a request, in training and serving alike.

    Args:
        text: The request's text.
        images: How many images it has.
    """
    plain = unicodedata.normalize("NFKC", text).translate(_QUOTES).lower()
    return f"{images} images: {_BLANKS.sub(' ', plain).strip()}"


_BLANKS = re.compile(r"[^\S\n]+")
_QUOTES = str.maketrans("’‘“”–—", "''\"\"--")


def restate(text: str, images: int) -> Iterator[str]:
    """Restates a request. The same text is always restated in the same words.

    Args:
        text: The request's text.
        images: How many images it has.

    Yields:
        Sentences such as "A red ball on the left, at night.", what is likeliest meant first. Nothing if the model sees
        nothing that the micro world can draw or answer, is not sure, or cannot be loaded here.
    """
    first, confidence = _answer(text, images)
    if first is not None and (
        confidence >= _LEAST_CONFIDENCE
        or (confidence >= _LEAST_CONFIDENCE_IN_SAME_CONTENT and same_content(text, first))
    ):
        yield first
    for words, probability in _other_answers(text, images):
        if probability >= _LEAST_PROBABILITY and words != first and same_content(text, words):
            yield words


def suggest(text: str, images: int) -> Iterator[str]:
    """Restates a request as `restate` does, but also where the model is not sure: words to ask a person about."""
    first, _ = _answer(text, images)
    others = [words for words, _ in _other_answers(text, images)]
    yield from (words for words in others if same_content(text, words))
    if first is not None:
        yield first


def doubt(request: Request, scenes: Sequence[Scene], meaning: Interpretation) -> Interpretation:
    """Returns what the rules read in a request, marked as doubted if the model understands the request differently.

    The two readers share nothing but the words of the micro world: what one misreads, the other rarely misreads alike.
    """
    if meaning.restated is not None or not _can_restate(request.text):
        return meaning
    words, confidence = _answer(request.text, len(scenes))
    doubted = confidence >= _LEAST_DOUBT and is_doubted(meaning, words, scenes)
    return replace(meaning, doubted=doubted)


def prepare_doubt(request: Request) -> None:
    """Asks the model now what `doubt` will ask it later."""
    _answer(request.text, len(request.images))


def check_request(request: Request) -> None:
    """Validates a request; this is the `request_check` of the profile `micro`. See `validation.check_request`."""
    validation.check_request(request, restate, suggest)


def _answer(text: str, images: int) -> tuple[str | None, float]:
    return _restated(question_of(text, images)) if _can_restate(text) else (None, 0.0)


def _other_answers(text: str, images: int) -> Iterator[tuple[str, float]]:
    """Yields answers with their probabilities, likeliest first, up to the one that nothing can be drawn or answered."""
    if not _can_restate(text):
        return
    from .other_answers import likeliest_answers

    for words, probability in likeliest_answers(question_of(text, images), _MAX_NEW_TOKENS):
        if words == REFUSED:
            return
        yield _capitalized(words), probability


def _can_restate(text: str) -> bool:
    return 0 < len(text) <= _LONGEST and not missing_local()


@lru_cache(maxsize=512)
def _restated(question: str) -> tuple[str | None, float]:
    """Returns the model's words, or None for a refusal, and the probability of its least certain token."""
    # Here, because most requests need no model, and its libraries would delay the start of the image server.
    from interleavethinker.tools.chat.loading import OWN_PREFIX, load_chat_model

    from .other_answers import RESTATER

    model = load_chat_model(
        f"{OWN_PREFIX}{RESTATER}", dtype="float32", device_map="cpu", max_new_tokens=_MAX_NEW_TOKENS
    )
    answer = model.invoke(question)
    words = str(answer.text).strip()
    tokens = answer.response_metadata["logprobs"]["content"]
    confidence = math.exp(min((token["logprob"] for token in tokens), default=0.0))
    if answer.response_metadata["finish_reason"] != "stop" or words == REFUSED:
        return None, confidence
    return _capitalized(words), confidence


def _capitalized(words: str) -> str:
    return re.sub(r"(^|[.?!] )([a-z])", lambda match: match[1] + match[2].upper(), words)
