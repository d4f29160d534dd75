"""One result of checking an installation or a profile. Plain data that any layer can import without a library."""

from dataclasses import dataclass

__all__ = ["CheckResult"]


@dataclass(frozen=True)
class CheckResult:
    """The result of one check."""

    name: str
    good: bool
    """Whether the requirement is met."""
    found: str
    """The finding, and how to fix it if the requirement is not met."""
    warning: bool = False
    """Whether a met requirement still deserves attention, for example a license that forbids commercial use."""
