"""What the operator of a server for trajectories allows its clients. Frozen data, checked once at the start."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from interleavethinker.graph.estimate import CostEstimate, estimate_cost, require_prices
from interleavethinker.graph.limits import DriftAction, DriftGuard, Limits
from interleavethinker.graph.profiles.profile import load_profile
from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.folders import ImageFolders
from interleavethinker.tools.prices import prices_when_needed
from interleavethinker.tools.request_parsing import as_request
from interleavethinker.tools.types import Part

from .view import profile_name

__all__ = ["LimitRequest", "ServiceOptions"]


_LEAST = {"max_attempts": 1, "max_calls": 1, "time_limit": 0, "max_cost": 0, "variants": 1}
"""Smallest value of each limit; 0: anything above it."""
_MOST = {name: bound.le for name in _LEAST for bound in Limits.model_fields[name].metadata if hasattr(bound, "le")}
"""Largest value of each limit that has one."""


@dataclass(frozen=True)
class LimitRequest:
    """Limits that one call asks for; None leaves those of the profile, or of the parent of a branch."""

    max_attempts: int | None = None
    max_calls: int | None = None
    time_limit: float | None = None
    """Seconds of work."""
    max_cost: float | None = None
    """US dollars for hosted models."""
    variants: int | None = None
    """First attempts of each step. Bounded by the allowed `max_attempts`, too, which is the most that a step gets."""
    on_drift: DriftAction | None = None
    """What the drift guard does; an operator cannot bound it."""
    max_drift: float | None = None
    """Damage by edits that the drift guard tolerates."""

    def applied_to(self, limits: Limits, allowed: "LimitRequest") -> Limits:
        """Returns limits with these changes, none of them above what is allowed.

        Raises:
            InputError: One is no usable limit.
        """
        changes: dict[str, float] = {}
        for name, least in _LEAST.items():
            asked, most, present = getattr(self, name), getattr(allowed, name), getattr(limits, name)
            if asked is not None and not (asked > 0 and asked >= least and asked < float("inf")):
                raise InputError(f"{name} must be {'at least 1' if least else 'positive'}; got {asked}.")
            values = [value for value in (asked if asked is not None else present, most) if value is not None]
            if values:
                changes[name] = min(values)
        for name, largest in _MOST.items():
            if name in changes and changes[name] > largest:
                raise InputError(f"{name} must be at most {largest}; got {getattr(self, name)}.")
        if allowed.max_attempts is not None:
            variants = min(int(changes["variants"]), allowed.max_attempts)
            attempts = min(int(changes["max_attempts"]), allowed.max_attempts - variants + 1)
            changes |= {"variants": variants, "max_attempts": attempts}
        return limits.model_copy(update={**changes, "drift": self._guard(limits.drift)})

    def _guard(self, present: DriftGuard) -> DriftGuard:
        action, threshold = self.on_drift or present.action, self.max_drift
        if threshold is None:
            return present.model_copy(update={"action": action})
        if not 0 < threshold < float("inf"):
            raise InputError(f"max_drift must be positive; got {threshold}.")
        if action == "nothing":
            raise InputError(
                "The tolerated damage (max_drift) has no effect unless something is done about more of it: "
                "choose note, redraw or restart (on_drift)."
            )
        return present.model_copy(update={"action": action, "threshold": threshold})


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
            InputError: Two profiles have the same name, a folder cannot be read, or cost is limited and the price of a
                hosted model is not known.
            ProfileError: A profile cannot be read.
        """
        for profile in self.profiles:
            chosen = load_profile(profile)
            require_prices(chosen, self.allowed.applied_to(chosen.limits, self.allowed))
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
            InputError: One is no usable limit, or cost is limited and the price of a hosted model is not known.
        """
        if asked == self.allowed == LimitRequest():
            return None
        if profile is None:
            return asked.applied_to(Limits(), self.allowed)
        chosen = load_profile(profile)
        limits = asked.applied_to(chosen.limits, self.allowed)
        require_prices(chosen, limits)
        return limits

    def limits_of_branch(self, profile: str, limits: Limits, asked: LimitRequest) -> Limits:
        """Returns the limits of a branch. Reads the profile if cost is limited.

        Args:
            profile: The parent's.
            limits: The parent's.
            asked: Changes of them.

        Raises:
            InputError: See `limits_for`.
        """
        applied = asked.applied_to(limits, self.allowed)
        if self.profiles and applied.max_cost not in (None, limits.max_cost):
            require_prices(load_profile(profile), applied)
        return applied

    async def changed_limits(self, trajectory: Trajectory, asked: LimitRequest | None) -> Limits:
        """Returns a trajectory's limits with changes, as `limits_of_branch` does, without blocking."""
        limits = trajectory.limits
        return await asyncio.to_thread(self.limits_of_branch, trajectory.profile, limits, asked or LimitRequest())

    def estimate(
        self, request: Sequence[Part], profile: str | None, asked: LimitRequest, image_size: str | None = None
    ) -> CostEstimate | None:
        """Returns what a request will cost at hosted models; nothing is called. Reads the profile and the price table.

        Args:
            request: Its texts and images; the images need not be stored.
            profile: One of `profile_names`; None: the first.
            asked: Limits that the call asks for.
            image_size: Size or aspect ratio of the images; None: the profile's.

        Returns:
            None if no profile says which models are used.

        Raises:
            InputError: The request is empty, the profile is not in the list, or a limit cannot be used.
            ProfileError: The profile or the price table cannot be read.
        """
        name = self.profile(profile)
        if name is None:
            return None
        chosen = load_profile(name)
        return estimate_cost(
            chosen,
            as_request(request),
            asked.applied_to(chosen.limits, self.allowed),
            prices_when_needed(),
            image_size=image_size,
        )
