"""What decides whether two requests of a batch are the same one: the fields that are hashed into their keys.

A trajectory is found again by this hash, so it must stay the same when a later version adds a field: a batch that is
continued after an upgrade would pay for every answer again. Fields that a new version adds are therefore hashed only
where they differ from their default. Those of the first version with this rule are always hashed, as before it.
"""

from typing import Any

from pydantic import BaseModel

from interleavethinker.graph.limits import DriftGuard, Limits

from .manifest import BatchRequest

__all__ = ["hashed_fields"]

_ALWAYS: dict[type[BaseModel], frozenset[str]] = {
    BatchRequest: frozenset({"text", "profile", "seed", "limits", "approve_plan"}),
    DriftGuard: frozenset({"action", "threshold", "max_words"}),
    Limits: frozenset(
        {"max_attempts", "variants", "judge_last_attempt", "retry_unjudged", "max_calls", "max_cost", "time_limit"}
        | {"look_ahead", "replan_after", "max_replans", "max_plan_retries", "drift", "max_steps"}
    ),
}
"""Do not change: every key of an existing batch depends on it. A new field does not belong here."""
_HASHED_OTHERWISE = frozenset({"name", "images", "settings", "image_size"})
"""Fields of a request that mean nothing for its answer, or that the batch hashes in another form."""


def hashed_fields(model: BaseModel) -> dict[str, Any]:
    """Returns the fields of a request or of its limits that decide whether it is the same one, as JSON.

    Examples:
        >>> sorted(hashed_fields(DriftGuard()))
        ['action', 'max_words', 'threshold']
    """
    always = next(names for kind, names in _ALWAYS.items() if isinstance(model, kind))
    left_out = _HASHED_OTHERWISE if isinstance(model, BatchRequest) else frozenset()
    found = {}
    for name, value in model.model_dump(mode="json", exclude=set(left_out)).items():
        held = getattr(model, name)
        if name in always or held != type(model).model_fields[name].get_default(call_default_factory=True):
            found[name] = hashed_fields(held) if isinstance(held, BaseModel) else value
    return found
