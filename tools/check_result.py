"""One result of checking an installation or a profile. Plain data that any layer can import without a library."""

from dataclasses import dataclass

__all__ = ["CheckResult"]


@dataclass(frozen=True)
class CheckResult:
    """What one check found."""

    name: str
    good: bool
    """Whether the requirement is met."""
    found: str
    """What was found, and what to do if it is not enough."""
    warning: bool = False
    """Whether a met requirement still deserves attention, for example a license that forbids commercial use."""
