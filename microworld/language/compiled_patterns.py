"""Compiles patterns when they are first needed: large tables would slow down every start of the program."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache

__all__ = ["Rule", "compiled", "rewritten"]

Rule = tuple[str, str | Callable[[re.Match[str]], str]]
"""A pattern and what replaces its matches."""


@cache
def compiled(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """Returns the compiled pattern, which is kept; `re` itself forgets patterns after some hundreds."""
    return re.compile(pattern, flags)


def rewritten(text: str, rules: Iterable[Rule], flags: int = 0) -> str:
    """Returns a text after all rules, each of which sees what those before it have left."""
    for pattern, plain in rules:
        text = compiled(pattern, flags).sub(plain, text)
    return text
