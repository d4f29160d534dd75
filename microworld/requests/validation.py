"""Rejects requests that nobody in the micro world can fulfil, before anything is recorded.

What the rules understand is accepted. Other sentences made of known words are accepted for the learned planner, whose
job is to interpret them; requests with unknown words, and requests that the rules understand but that cannot be carried
out, are rejected.
"""

from functools import cache

from interleavethinker.microworld.language.lexicon import check_vocabulary
from interleavethinker.microworld.language.plain_text import plain_text
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.types import Request

from .families import request_words
from .interpretation import check_wording, interpret
from .refusals import explained

__all__ = ["check_request", "check_scripted"]


@cache
def _words() -> frozenset[str]:
    return request_words() | set("12345678")  # numbers of steps


def check_request(request: Request) -> None:
    """Validates a request; this is the `request_check` of the profile `micro`.

    Raises:
        InputError: The request has no words (`empty_text`) or unknown ones (`unknown_words`), lacks an image
            (`no_image`), or contradicts itself; the message names a request near it that works, if there is one.
    """
    try:
        _check(request)
    except InputError as error:
        if error.code != "not_understood":
            raise explained(error, request, None) from error
        try:
            check_vocabulary(plain_text(request.text), _words())
        except InputError as unknown:
            raise explained(unknown, request, None) from unknown


def check_scripted(request: Request) -> None:
    """Validates a request for the rule-based planner; this is the `request_check` of scripted profiles.

    Requests with images are checked for their wording only; whether they fit the image is checked when planning.

    Raises:
        InputError: A sentence is not understood or cannot be carried out; the message says what is known instead.
    """
    try:
        _check(request)
    except InputError as error:
        raise explained(error, request, None) from error


def _check(request: Request) -> None:
    if request.images:
        check_wording(request.text)
    else:
        interpret(request.text)
