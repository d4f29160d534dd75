"""Rejects requests that nobody in the micro world can fulfil, before anything is recorded.

A request is accepted if the rules understand every word of it, because only then can its plan and its images be
checked. Whether it fits its images is checked when planning.
"""

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.types import Request

from .image_marks import with_images_in_words
from .refusals import explained
from .restated import Restate, check_restated, not_restated, readable_words

__all__ = ["check_request"]


def check_request(request: Request, restate: Restate = not_restated, suggest: Restate = not_restated) -> None:
    """Validates a request; this is the `request_check` of scripted profiles.

    Args:
        request: The request.
        restate: Rewords a request that the rules do not understand.
        suggest: Rewords a refused request for the message, where it need not be right.

    Raises:
        InputError: The request has no words (`empty_text`) or unknown ones (`unknown_words`), is not understood
            (`not_understood`), lacks an image (`no_image`), or contradicts itself; the message names a request near it
            that works, if there is one.
    """
    request = with_images_in_words(request)
    try:
        check_restated(request, restate)
    except InputError as error:
        suggestion = readable_words(request.text, len(request.images), error, suggest)
        raise explained(error, request, None, suggestion) from error
