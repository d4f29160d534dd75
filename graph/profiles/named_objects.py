"""The objects that a profile names by import strings: what each must take and be, checked before it is called.

`opening` makes them, `checks` only looks at them. A factory is never called in a check: it may load a model.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from interleavethinker.tools.errors import ProfileError
from interleavethinker.tools.images.store import ImageStore

from .profile import CHECKS, Profile, import_object

__all__ = ["NamedFunction", "NamedObject", "check_of", "named_functions", "named_objects", "object_of"]

_METHODS: Mapping[str, Sequence[str]] = {
    "planner": ("plan",),
    "fallback_planner": ("plan",),
    "critic": ("judge",),
    "fallback_critic": ("judge",),
    "checker": ("check_plan", "check_document"),
    "plan_check": ("check_plan",),
    "document_check": ("check_document",),
    "wish_reader": ("outside", "merged"),
}
"""What the object in each place is called with."""


@dataclass(frozen=True)
class NamedObject:
    """A callable that takes `store=` and options and returns the object for one place of a profile."""

    place: str
    """Name of the field or table."""
    target: str
    """The import string."""
    options: Mapping[str, Any] = field(default_factory=dict)

    def factory(self) -> Callable[..., object]:
        """Returns the callable.

        Raises:
            ProfileError: It cannot be imported, or is of another kind.
        """
        found = import_object(self.target)
        if not callable(found):
            raise ProfileError(f"{self.target}, the {self._name} of the profile, cannot be called.")
        if "store" in self.options:
            raise ProfileError(
                f"{self.target} cannot be the {self._name} of the profile with an option `store`: it gets the image "
                "store under this name."
            )
        _check_arguments(found, self.target, self._name, named={"store": None, **self.options})
        if inspect.isclass(found):
            self._check_methods(found)
        return found  # type: ignore[no-any-return]

    def made(self, store: ImageStore) -> object:
        """Returns the object.

        Raises:
            ProfileError: See `factory`; also if what the callable returns is of another kind.
        """
        made = self.factory()(store=store, **self.options)
        self._check_methods(made)
        return made

    @property
    def _name(self) -> str:
        return self.place.replace("_", " ")

    def _check_methods(self, found: object) -> None:
        missing = [name for name in _METHODS[self.place] if not callable(getattr(found, name, None))]
        if missing:
            raise ProfileError(
                f"{self.target} cannot be the {self._name} of the profile: it has no method {' and no '.join(missing)}."
            )


@dataclass(frozen=True)
class NamedFunction:
    """A function that a profile names, and that is called as it is."""

    place: str
    target: str
    arguments: int
    """How many it is called with."""

    def function(self) -> Callable[..., Any]:
        """Returns the function.

        Raises:
            ProfileError: It cannot be imported, or cannot be called like that.
        """
        found = import_object(self.target)
        name = self.place.replace("_", " ")
        if not callable(found):
            raise ProfileError(f"{self.target}, named as {name}, cannot be called.")
        _check_arguments(found, self.target, name, given=[None] * self.arguments)
        return found  # type: ignore[no-any-return]


def object_of(profile: Profile, place: str) -> NamedObject | None:
    """Returns what a profile names in one place; None if it names no object there."""
    return next((one for one in named_objects(profile) if one.place == place), None)


def check_of(place: str, target: str) -> NamedObject | None:
    """Returns the object of a `plan_check` or `document_check`; None for the built-in ones."""
    return None if target in CHECKS else NamedObject(place, target)


def named_objects(profile: Profile) -> Iterator[NamedObject]:
    """Yields the objects that a profile names, in the order of their places."""
    for place, role in profile.roles.items():
        if role.object is not None:
            yield NamedObject(place, role.object, role.options)
    for place in ("plan_check", "document_check"):
        check = check_of(place, getattr(profile, place))
        if check is not None:
            yield check
    if profile.wish_reader is not None:
        yield NamedObject("wish_reader", profile.wish_reader)


def named_functions(profile: Profile) -> Iterator[NamedFunction]:
    """Yields the functions that a profile names."""
    if profile.request_check is not None:
        yield NamedFunction("request_check", profile.request_check, 1)
    if profile.reference_words is not None:
        yield NamedFunction("reference_words", profile.reference_words, 2)
    if profile.verdict_check is not None:
        yield NamedFunction("verdict_check", profile.verdict_check, 2)


def _check_arguments(
    found: Callable[..., object],
    target: str,
    name: str,
    *,
    given: Sequence[object] = (),
    named: Mapping[str, object] | None = None,
) -> None:
    try:
        signature = inspect.signature(found)
    except (ValueError, TypeError):  # Some built-in functions do not tell.
        return
    try:
        signature.bind(*given, **(named or {}))
    except TypeError as error:
        raise ProfileError(f"{target} cannot be the {name} of the profile: {error}.") from error
