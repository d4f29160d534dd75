"""What the operator of a server for trajectories allows its clients. Frozen data, checked once at the start."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from interleavethinker.graph.limits import Limits
from interleavethinker.graph.profiles.profile import load_profile
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.folders import ImageFolders

from .view import profile_name

__all__ = ["LimitRequest", "ServiceOptions"]


@dataclass(frozen=True)
class LimitRequest:
    """Limits that one call asks for; None leaves those of the profile, or of the parent of a branch."""

    max_attempts: int | None = None
    max_calls: int | None = None
    time_limit: float | None = None
    """Seconds of work."""
    max_cost: float | None = None
    """US dollars for hosted models."""

    def applied_to(self, limits: Limits, allowed: "LimitRequest") -> Limits:
        """Returns limits with these changes, none of them above what is allowed.

        Raises:
            InputError: One is no usable limit.
        """
        changes: dict[str, float] = {}
        for name, least in (("max_attempts", 1), ("max_calls", 1), ("time_limit", 0), ("max_cost", 0)):
            asked, most, present = getattr(self, name), getattr(allowed, name), getattr(limits, name)
            if asked is not None and not (asked > 0 and asked >= least and asked < float("inf")):
                raise InputError(f"{name} must be {'at least 1' if least else 'positive'}; got {asked}.")
            values = [value for value in (asked if asked is not None else present, most) if value is not None]
            if values:
                changes[name] = min(values)
        if changes.get("max_attempts", 1) > 100:
            raise InputError(f"max_attempts must be at most 100; got {self.max_attempts}.")
        return limits.model_copy(update=changes)


@dataclass(frozen=True)
class ServiceOptions:
    """What clients may do."""

    profiles: Sequence[str] = ("micro",)
    """Profiles that clients may choose, by name or path; the first is the default. Clients see names only: a profile
    can start programs, so a client must never name a file. Empty if the workspace was opened with components."""
    image_folders: Sequence[Path] = ()
    """Folders from which clients may use images by path."""
    require_person: bool = False
    """Whether every plan waits for a person, so that a chat model cannot approve its own plan."""
    allowed: LimitRequest = LimitRequest()
    """The most that a call may ask for; None: no bound."""
    unload_after: float | None = None
    """Seconds without a running trajectory after which the models are freed; None: never."""

    def check(self) -> None:
        """Checks what can be checked without loading a model.

        Raises:
            InputError: Two profiles have the same name, or a folder cannot be read.
            ProfileError: A profile cannot be read.
        """
        for profile in self.profiles:
            load_profile(profile)
        if len(self.profile_names) < len(set(self.profiles)):
            raise InputError(f"Two of the profiles have the same name: {', '.join(self.profiles)}. Rename a file.")
        ImageFolders(self.image_folders)

    @property
    def profile_names(self) -> list[str]:
        """The names of the profiles that clients may choose, the default first."""
        return list(dict.fromkeys(profile_name(profile) for profile in self.profiles))

    def profile(self, name: str | None) -> str | None:
        """Returns the profile with a name that a client gave; None is the default.

        Returns:
            Its name or path, or None for the workspace's components.

        Raises:
            InputError: It is not in the operator's list.
        """
        if name is None:
            return self.profiles[0] if self.profiles else None
        for profile in self.profiles:
            if profile_name(profile) == name:
                return profile
        raise InputError(f"The profile {name!r} is not available here. Choose one of: {', '.join(self.profile_names)}.")

    def limits_for(self, profile: str | None, asked: LimitRequest) -> Limits | None:
        """Returns the limits of a new trajectory; None for those of its profile or components. Reads the profile.

        Raises:
            InputError: One is no usable limit.
        """
        if asked == self.allowed == LimitRequest():
            return None
        defaults = Limits() if profile is None else load_profile(profile).limits
        return asked.applied_to(defaults, self.allowed)
