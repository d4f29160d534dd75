"""Rejects requests that nobody in the micro world can fulfil, before anything is recorded.

A request is accepted if the rules understand every word of it, because only then can its plan and its images be
checked. Whether it fits its images is checked when planning.
"""

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.types import Request

from .interpretation import check_wording, interpret
from .refusals import explained

__all__ = ["check_request"]


def check_request(request: Request) -> None:
    """Validates a request; this is the `request_check` of the profile `micro` and of scripted profiles.

    Raises:
        InputError: The request has no words (`empty_text`) or unknown ones (`unknown_words`), is not understood
            (`not_understood`), lacks an image (`no_image`), or contradicts itself; the message names a request near it
            that works, if there is one.
    """
    try:
        if request.images:
            check_wording(request)
        else:
            interpret(request.text)
    except InputError as error:
        raise explained(error, request, None) from error
