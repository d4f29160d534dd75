"""Errors about one of several things say which one."""

import contextlib
from collections.abc import Iterator

from .errors import InterleaveError

__all__ = ["which"]


@contextlib.contextmanager
def which(words: str, among: int) -> Iterator[None]:
    """Says at the beginning of an error which one of several things it is about.

    Args:
        words: `Image 2 of 3`.
        among: Number of things; the error of an only one stays as it is.
    """
    try:
        yield
    except InterleaveError as error:
        if among > 1:
            error.args = (f"{words}: {error}", *error.args[1:])
        raise
