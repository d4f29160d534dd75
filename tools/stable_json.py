"""JSON that goes into digests: a field that a later version adds changes no digest until it is used.

Results, cached answers and names of rows that an earlier version recorded under a digest stay valid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

if TYPE_CHECKING:
    from pydantic.main import IncEx

__all__ = ["stable_json"]


def stable_json(model: BaseModel) -> str:
    """Returns a model as JSON without the fields that have their default value, except `kind`.

    For requests and inputs of critics this is the JSON that version 0.1 wrote: it knew none of their other fields that
    have a default.

    Examples:
        >>> from interleavethinker.tools.types import Request, TextPart
        >>> stable_json(Request(parts=(TextPart(text="a ball"),)))
        '{"parts":[{"kind":"text","text":"a ball"}]}'
    """
    left_out: IncEx = _defaults(model)
    return model.model_dump_json(exclude=left_out or None)


def _defaults(value: object) -> dict[Any, Any]:
    """Returns which fields of a model, and of the models in it, are left out."""
    if isinstance(value, BaseModel):
        found: dict[Any, Any] = {}
        for name, field in type(value).model_fields.items():
            one = getattr(value, name)
            if name != "kind" and not field.is_required() and one == field.get_default(call_default_factory=True):
                found[name] = True
            elif inner := _defaults(one):
                found[name] = inner
        return found
    if isinstance(value, tuple | list):
        return {index: inner for index, one in enumerate(value) if (inner := _defaults(one))}
    return {}
