"""Functions that a profile names: what they raise by mistake is told as a fault of the profile."""

import contextlib
from collections.abc import Iterator

from .errors import InterleaveError, ProfileError

__all__ = ["own_function"]


@contextlib.contextmanager
def own_function(name: str, what: str) -> Iterator[None]:
    """Calls a profile's own function inside it.

    Args:
        name: The field that names the function, such as `verdict_check`.
        what: What it must be, for the message: "a function of …".

    Raises:
        ProfileError: The function has raised something else than an error of this package, which passes.
    """
    try:
        yield
    except InterleaveError:
        raise
    except Exception as error:
        raise ProfileError(
            f"The profile's {name} failed: {type(error).__name__}: {error}. It must be {what}."
        ) from error
