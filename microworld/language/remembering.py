"""Remembers what was read: reading one request, and looking for words to offer instead, reads the same parts again."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import lru_cache, wraps
from typing import Protocol, TypeVar

__all__ = ["remembered"]

_MOST = 1024
_LONGEST = 400
"""Length of what is remembered, so that huge texts take no memory after they were read."""


class _Text(Hashable, Protocol):
    def __len__(self) -> int: ...


_A = TypeVar("_A", bound=_Text)
_R = TypeVar("_R")


def remembered(function: Callable[[_A], _R]) -> Callable[[_A], _R]:
    """Returns a pure function of a text, or of its words, that does not repeat its work for those it has just seen.

    Args:
        function: Its results must not be changed by whoever gets them.
    """
    known = lru_cache(maxsize=_MOST)(function)

    @wraps(function)
    def remembering(text: _A) -> _R:
        return known(text) if len(text) <= _LONGEST else function(text)

    return remembering
