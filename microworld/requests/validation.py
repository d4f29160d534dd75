"""Refuses, before anything is recorded, requests in words that the learned planner and critic never met.

They would plan and judge those too, and badly. What an unusual sentence of known words asks for is their business.
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
    """The `request_check` of the profile `micro`.

    Raises:
        InputError: Unknown words, with the nearest known ones, or no words at all.
    """
    try:
        check_vocabulary(request.text, _words())
    except InputError as error:
        hint = "The profiles `klein` and `api` take any request; see `interleavethinker doctor`."
        raise InputError(f"{error} {hint}", code=error.code) from error
