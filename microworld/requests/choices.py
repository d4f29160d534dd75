"""Finds values for what a request leaves open, such that everything that it states holds in every image.

A small constraint solver: variables with a few values each, at most a few dozen of them. Knows no language.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from interleavethinker.tools.errors import InputError

__all__ = ["Constraint", "Variable", "narrow", "solve"]

_MAX_TRIES = 20_000

Value = str | int


@dataclass(eq=False)
class Variable:
    """An attribute of an object during some images, or the background."""

    allowed: set[Value]
    order: tuple[Value, ...] = ()
    """Values to try first."""
    follow: Variable | None = None
    """Variable whose value to try first of all."""

    def fix(self, values: Iterable[Value]) -> None:
        """Keeps only the given values."""
        self.allowed &= set(values)


@dataclass(frozen=True)
class Constraint:
    """A condition on the values of some variables."""

    variables: tuple[Variable, ...]
    holds: Callable[..., bool] = field(compare=False)


def narrow(constraints: Sequence[Constraint]) -> None:
    """Removes values that cannot occur, as far as looking at two variables at a time tells.

    Raises:
        InputError: A variable has no value left (`contradiction`).
    """
    changed = True
    while changed:
        changed = False
        for constraint in constraints:
            if len(constraint.variables) != 2:
                continue
            first, second = constraint.variables
            for one, other, flipped in ((first, second, False), (second, first, True)):
                keep = {
                    value
                    for value in one.allowed
                    if any(
                        constraint.holds(*((there, value) if flipped else (value, there))) for there in other.allowed
                    )
                }
                if not keep:
                    raise _contradiction()
                if keep != one.allowed:
                    one.allowed, changed = keep, True


def solve(variables: Sequence[Variable], constraints: Sequence[Constraint]) -> dict[Variable, Value]:
    """Returns a value for each variable.

    Raises:
        InputError: There is no solution (`contradiction`).
    """
    of: dict[Variable, list[Constraint]] = {variable: [] for variable in variables}
    for constraint in constraints:
        for variable in set(constraint.variables):
            of[variable].append(constraint)
    chosen: dict[Variable, Value] = {}
    # Definite variables first, then the most constrained ones: a dead end shows before much has been chosen.
    pending = sorted(variables, key=lambda variable: (len(variable.allowed) > 1, -len(of[variable])))
    tries = 0

    def extend(at: int) -> bool:
        nonlocal tries
        if at == len(pending):
            return True
        variable = pending[at]
        first = [chosen[variable.follow]] if variable.follow in chosen else []
        for value in dict.fromkeys((*first, *variable.order, *sorted(variable.allowed, key=str))):
            if value not in variable.allowed:
                continue
            tries += 1
            if tries > _MAX_TRIES:
                return False
            chosen[variable] = value
            if all(_consistent(constraint, chosen) for constraint in of[variable]) and extend(at + 1):
                return True
            del chosen[variable]
        return False

    if not extend(0):
        raise _contradiction()
    return chosen


def _consistent(constraint: Constraint, chosen: dict[Variable, Value]) -> bool:
    if any(variable not in chosen for variable in constraint.variables):
        return True
    return constraint.holds(*(chosen[variable] for variable in constraint.variables))


def _contradiction() -> InputError:
    msg = (
        "The request cannot be carried out: its places, colors or sizes cannot all hold in one image, or a place lies "
        "outside it. Each of the nine cells holds one object; give each object a place of its own."
    )
    return InputError(msg, code="contradiction")
