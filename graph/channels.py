"""A channel of the state that accepts the JSON form of its value.

Clients of LangGraph's server can only send JSON, in the input of a run and to `update_state`. Channels are where every
value enters a state, so this is where JSON becomes this project's types.
"""

from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any

from langgraph.channels import LastValue
from pydantic import Field, TypeAdapter, ValidationError

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.validation import problems_of

__all__ = ["NonNegativeValue", "ValidatedValue", "validated"]


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
