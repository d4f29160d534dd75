"""Events as messages between processes: their JSON form, and back."""

from collections.abc import Mapping
from typing import Any

from .events import Event

__all__ = ["read_event"]

_KINDS = {kind.model_fields["kind"].default: kind for kind in Event.__subclasses__()}


def read_event(data: Mapping[str, Any]) -> Event:
    """Returns an event from its JSON form.

    Raises:
        ValueError: It is none of these events.
    """
    kind = _KINDS.get(data.get("kind"))
    if kind is None:
        raise ValueError(f"There is no event of the kind {data.get('kind')!r}.")
    return kind.model_validate(data)
