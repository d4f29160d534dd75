"""Whether what was restored from a checkpoint is of this version's types.

The serializer restores a model with unknown or missing fields as far as it can, without the fields that it does not
know; such a half-restored state, which a newer version or damage leaves, must not reach anything that uses it.
"""

import typing
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

__all__ = ["is_whole"]


def is_whole(value: object) -> bool:
    """Returns whether all models in a value have all their fields, and models where they belong."""
    if isinstance(value, BaseModel):
        fields = vars(value)
        return all(
            name in fields and not (model and _has_mapping(fields[name])) and is_whole(fields[name])
            for name, model in _fields_of(type(value))
        )
    if isinstance(value, Mapping):
        return all(map(is_whole, value.values()))
    return all(map(is_whole, value)) if isinstance(value, (tuple, list)) else True


def _has_mapping(value: object) -> bool:
    return any(isinstance(one, Mapping) for one in (value if isinstance(value, (tuple, list)) else (value,)))


@cache
def _fields_of(model: type[BaseModel]) -> tuple[tuple[str, bool], ...]:
    """Returns the names of a model's fields, each with whether it holds other models, alone or in a sequence."""
    return tuple((name, _holds_models(field.annotation)) for name, field in model.model_fields.items())


def _holds_models(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return True
    if typing.get_origin(annotation) in {dict, Mapping}:
        return False
    return any(map(_holds_models, typing.get_args(annotation)))
