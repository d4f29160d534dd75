"""`StrictNumbers`: pydantic reads `true` as the number 1, which in a file or a request is a mistake and no number."""

from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, model_validator

__all__ = ["StrictNumbers", "refuse_boolean"]


class StrictNumbers(BaseModel):
    """Base of models that people and programs write by hand: a boolean is an error where a number belongs."""

    @model_validator(mode="before")
    @classmethod
    def _no_booleans(cls, data: Any) -> Any:
        if isinstance(data, dict):
            for name in _number_fields(cls):
                refuse_boolean(name, data.get(name))
        return data


def refuse_boolean(name: str, value: object) -> None:
    """Checks that the value of a number is no boolean.

    Args:
        name: Of the number, for the message.
        value: Anything.

    Raises:
        ValueError: It is one.
    """
    if isinstance(value, bool):
        raise ValueError(  # noqa: TRY004 - pydantic reports only this kind.
            f"{name} is a number; got {str(value).lower()}"
        )


@cache
def _number_fields(model: type[BaseModel]) -> tuple[str, ...]:
    """Returns the fields that take numbers and no booleans."""
    types = {name: _alternatives(field.annotation) for name, field in model.model_fields.items()}
    return tuple(name for name, found in types.items() if found & {int, float} and bool not in found)


def _alternatives(annotation: Any) -> set[Any]:
    kind, arguments = get_origin(annotation), get_args(annotation)
    if kind is Annotated:
        return _alternatives(arguments[0])
    return set().union(*map(_alternatives, arguments)) if kind in {Union, UnionType} else {annotation}
