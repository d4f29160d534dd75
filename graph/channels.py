"""Channels of the state that accept the JSON form of their value, and one for the input that refuses misspelt names.

Clients of LangGraph's server can only send JSON, in the input of a run and to `update_state`. Channels are where every
value enters a state, so this is where JSON becomes this project's types.
"""

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any

from langgraph.channels import EphemeralValue, LastValue
from pydantic import Field, TypeAdapter, ValidationError

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.validation import problems_of

__all__ = ["CheckedInput", "NonNegativeValue", "ValidatedValue", "refuse_misspelt", "validated"]

_SIMILAR = 0.8
"""How much of two names must be equal for one to be a misspelling of the other."""


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def validated(kind: Any, value: object, name: str) -> Any:
    """Returns a value of the state in its own type.

    Args:
        kind: The type, or any annotation that pydantic understands.
        value: An instance, or its JSON form.
        name: What the value is, for the error message.

    Raises:
        InputError: The value does not have that form.
    """
    try:
        return _adapter(kind).validate_python(value)
    except ValidationError as error:
        raise InputError(f"The value of {name!r} does not fit the graph's state: {problems_of(error)}.") from error


class ValidatedValue(LastValue[Any]):
    """Stores the last value, converted to the channel's type. Use it as `Annotated[Limits, ValidatedValue]`."""

    __slots__ = ()

    def update(self, values: Sequence[Any]) -> bool:
        """See `LastValue.update`.

        Raises:
            InputError: A value does not have the channel's type.
        """
        return super().update([validated(self.typ, value, self.key) for value in values])


class NonNegativeValue(ValidatedValue):
    """Stores the last number, which must not be below 0."""

    __slots__ = ()

    def update(self, values: Sequence[Any]) -> bool:
        """See `ValidatedValue.update`."""
        kind: Any = self.typ
        kind = Annotated[kind, Field(ge=0)]
        return super().update([validated(kind, value, self.key) for value in values])


class CheckedInput(EphemeralValue[Any]):
    """The input of a run, whose names LangGraph would drop without a word if the graph does not know them."""

    __slots__ = ()

    def update(self, values: Sequence[Any]) -> bool:
        """See `EphemeralValue.update`.

        Raises:
            InputError: A name is almost that of a field of the input.
        """
        for value in values:
            if isinstance(value, Mapping):
                known = self.typ.__annotations__
                # A graph with this one as a node sends its whole state: what is similar to a given field is its own.
                refuse_misspelt(value.keys() - known.keys(), known.keys() - value.keys(), "input")
        return super().update(values)


def refuse_misspelt(given: Collection[str], known: Collection[str], what: str) -> None:
    """Checks names that a client sent to LangGraph's server.

    Names unlike all known ones are left to the server, which drops them: some clients send data of their own in the
    same place.

    Args:
        given: The names.
        known: Those that there are.
        what: What has them, for the error message.

    Raises:
        InputError: A name is almost that of a known one.
    """
    for name in given:
        if name not in known and (meant := get_close_matches(name, known, n=1, cutoff=_SIMILAR)):
            raise InputError(f"The {what} has no field {name!r}. Did you mean {meant[0]!r}?")
