"""Old names of renamed fields, which saved data and users' files may still contain.

A model that forbids unknown fields would reject what an earlier version wrote. Its `before` validator calls
`with_new_names` to accept the old names.
"""

from collections.abc import Mapping

__all__ = ["with_new_names"]


def with_new_names(data: object, renamed: Mapping[str, str]) -> object:
    """Returns a model's input with old field names replaced. Anything but a mapping is returned unchanged.

    Args:
        data: What pydantic hands to a `before` validator.
        renamed: Old name to new name.

    Raises:
        ValueError: Both the old and the new name of a field are given.

    Examples:
        >>> with_new_names({"deadline": 60, "max_calls": 3}, {"deadline": "time_limit"})
        {'time_limit': 60, 'max_calls': 3}
    """
    if not isinstance(data, Mapping):
        return data
    for old, new in renamed.items():
        if old in data and new in data:
            raise ValueError(f"{old} is the old name of {new}; give only {new}")
    return {renamed.get(key, key): value for key, value in data.items()}
