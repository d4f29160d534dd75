"""What is wrong with a value that does not fit its model, in words for people."""

from pydantic import ValidationError

__all__ = ["problems_of"]


def problems_of(error: ValidationError) -> str:
    """Returns the problems of a validation error on one line, without links to pydantic's website.

    Examples:
        `limits.max_attempts: Input should be greater than or equal to 1`
    """
    return "; ".join(
        ": ".join(filter(None, (".".join(map(str, problem["loc"])), _words(problem["msg"]))))
        for problem in error.errors()
    )


def _words(message: str) -> str:
    """Returns a message without pydantic's words for an error of ours, and without the end of its sentence."""
    return message.removeprefix("Value error, ").removesuffix(".")
