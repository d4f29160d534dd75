"""Rejects requests with words that the learned planner and critic never saw, before anything is recorded.

The models would answer such requests too, but badly. Unusual sentences made of known words are accepted: interpreting
those is the models' job.
"""

from functools import cache

from interleavethinker.microworld.language.lexicon import check_vocabulary
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.types import Request

from .families import request_words

__all__ = ["check_request"]


@cache
def _words() -> frozenset[str]:
    return request_words() | set("12345678")  # numbers of steps


def check_request(request: Request) -> None:
    """Validates a request; this is the `request_check` of the profile `micro`.

    Raises:
        InputError: The request has no words (`empty_text`) or unknown ones (`unknown_words`).
    """
    try:
        check_vocabulary(request.text, _words())
    except InputError as error:
        hint = "The profiles `klein` and `api` accept any request; see `interleavethinker doctor`."
        raise InputError(f"{error} {hint}", code=error.code) from error
