"""The `[local]` extra: the libraries that models in this process need, and the error message if they are missing.

A plain installation runs hosted models without them. Code that loads a model in this process calls `require_local`
first, so that a plain installation fails with one line that names the remedy. This module imports none of them.
"""

from collections.abc import Sequence
from importlib.util import find_spec

from .errors import ProfileError

__all__ = ["INSTALL_LOCAL", "LOCAL_LIBRARIES", "install_extra", "missing_local", "missing_module", "require_local"]

LOCAL_LIBRARIES = ("numpy", "torch", "diffusers", "transformers")
"""The libraries of the extra that code here imports; the others are installed along with them."""
_FURTHER = ("accelerate", "peft", "safetensors")
_SOURCE = "pip install -c constraints.txt '.[{}]'"
INSTALL_LOCAL = _SOURCE.format("local")
"""In this project's folder: what the package index may have under the project's name is not this project."""


def install_extra(extra: str) -> str:
    """Returns the command that installs an extra of this project."""
    return _SOURCE.format(extra)


def missing_local(libraries: Sequence[str] = LOCAL_LIBRARIES) -> tuple[str, ...]:
    """Returns which of these libraries are not installed, without importing any."""
    return tuple(name for name in libraries if find_spec(name) is None)


def require_local(what: str, libraries: Sequence[str] = LOCAL_LIBRARIES) -> None:
    """Checks that the libraries for models in this process are installed.

    Args:
        what: Subject of the message, a plural: `Local models`.
        libraries: The libraries that are needed.

    Raises:
        ProfileError: At least one is missing (code `local_extra_missing`).
    """
    missing = missing_local(libraries)
    if not missing:
        return
    *others, last = missing
    names = f"{', '.join(others)} and {last}, which are" if others else f"{last}, which is"
    raise ProfileError(
        f"{what} need {names} not installed. Install {'them' if others else 'it'} with: {INSTALL_LOCAL}",
        code="local_extra_missing",
    )


def missing_module(error: ModuleNotFoundError) -> ProfileError | None:
    """Returns the error for an import of a library of this extra that is not installed; None for any other module."""
    name = (error.name or "").partition(".")[0]
    if name not in {*LOCAL_LIBRARIES, *_FURTHER}:
        return None
    return ProfileError(
        f"This command needs {name}, which is not installed. Install it with: {INSTALL_LOCAL}",
        code="local_extra_missing",
    )
