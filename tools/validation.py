"""What is wrong with a value that does not fit its model or its type, in words for people."""

import inspect
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from .errors import InputError

__all__ = ["problems_of", "require_type", "revalidated"]

_M = TypeVar("_M", bound=BaseModel)

_LONGEST = 40
"""Characters of a value in a message."""


def problems_of(error: ValidationError) -> str:
    """Returns the problems of a validation error on one line, without links to pydantic's website.

    Examples:
        `limits.max_attempts: Input should be greater than or equal to 1`
    """
    return "; ".join(
        ": ".join(filter(None, (".".join(map(str, problem["loc"])), _words(problem["msg"]))))
        for problem in error.errors()
    )


def require_type(value: object, kinds: type | tuple[type, ...], name: str, expected: str) -> None:
    """Checks the type of an argument of the Python API, where a mistake would fail later with words of our own code.

    Args:
        value: The argument.
        kinds: The types that it may have.
        name: What it is called.
        expected: These types in words, with an article.

    Raises:
        InputError: It has another type.

    Examples:
        >>> require_type(5, str, "profile", "a text")
        Traceback (most recent call last):
        interleavethinker.tools.errors.InputError: `profile` must be a text; got the int 5.
    """
    allowed = kinds if isinstance(kinds, tuple) else (kinds,)
    # For Python, True is a number; nobody means it as one.
    if isinstance(value, allowed) and (not isinstance(value, bool) or bool in allowed):
        return
    if value is None:
        found = "None."
    elif inspect.iscoroutine(value):
        found = "a coroutine; is an `await` missing?"
    else:
        shown = repr(value)
        found = f"the {type(value).__name__} {shown}." if len(shown) <= _LONGEST else f"a {type(value).__name__}."
    raise InputError(f"`{name}` must be {expected}; got {found}")


def revalidated(model: type[_M], value: object) -> _M:
    """Returns a value as an instance of a model, checked to its depths even if it is one already.

    `model_copy(update=…)` and `model_construct` check nothing, and pydantic takes instances as they are.

    Raises:
        ValidationError: It does not fit.
    """
    return model.model_validate(value.model_dump(warnings=False) if isinstance(value, model) else value)


def _words(message: str) -> str:
    """Returns a message without pydantic's words for an error of ours, and without the end of its sentence."""
    return message.removeprefix("Value error, ").removesuffix(".")
