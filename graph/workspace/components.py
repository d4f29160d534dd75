"""The components of a workspace's profiles, opened when a trajectory first needs them.

Listing and reading trajectories therefore starts no server and loads no model.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

from interleavethinker.graph.context import Components
from interleavethinker.graph.estimate import require_prices
from interleavethinker.graph.event_loop import OpenContexts
from interleavethinker.graph.limits import Limits
from interleavethinker.graph.profiles.opening import open_components
from interleavethinker.graph.profiles.profile import Profile, import_object, load_profile, source_of
from interleavethinker.graph.referring import with_descriptions
from interleavethinker.tools.errors import ProfileError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.own_functions import own_function
from interleavethinker.tools.references import in_words
from interleavethinker.tools.types import Request
from interleavethinker.tools.validation import require_type

__all__ = ["GIVEN_COMPONENTS", "ComponentCache", "notes_of", "usable_profile"]

GIVEN_COMPONENTS = "own components"
"""Recorded instead of a profile's name where the workspace was opened with components."""
_NOT_A_PROFILE = {GIVEN_COMPONENTS, "own ports"}
"""The second value is that of version 0.1."""


class ComponentCache:
    """Opens each profile once and keeps it open until `close`.

    Args:
        store: The workspace's image store.
        given: Components to use instead of any profile's.
    """

    def __init__(self, store: ImageStore, given: Components | None) -> None:
        require_type(given, (Components, type(None)), "components", "Components or None")
        self._store = store
        # The graph measures drift where it can read the images.
        self._given = given if given is None or given.store is not None else replace(given, store=store)
        self._open = OpenContexts(self._open_profile)
        self._profiles: dict[str, Profile] = {}
        """What was read when a profile was opened."""

    async def get(self, profile: str) -> Components:
        """Returns a profile's components.

        Raises:
            ProfileError: The profile cannot be read, or names something that this machine lacks; or the trajectory
                was created with components, and this workspace was opened without.
        """
        if self._given is not None:
            return self._given
        if profile in _NOT_A_PROFILE:
            raise ProfileError(
                "This trajectory was created with components instead of a profile. Pass them to `Workspace.open` again "
                "to run it."
            )
        return await self._open.get(profile)

    def are_open(self, profile: str) -> bool:
        """Whether a profile's components are open, so that its models are loaded."""
        return self._given is not None or profile in self._profiles

    async def require_content(self, profile: str, content: str) -> None:
        """Checks that runs of a profile here use what another process has read in its file.

        Args:
            profile: As `Profile.source`.
            content: The other process's `Profile` as JSON.

        Raises:
            ProfileError: The file has changed since it was opened here, or this process reads another one (`changed`).
        """
        opened = self._profiles.get(profile)
        used = await asyncio.to_thread(load_profile, profile) if opened is None else opened
        if used.model_dump_json() != content:
            raise ProfileError(f"The profile {profile} is not the one that is open here.", code="changed")

    async def check_limits(self, profile: str, limits: Limits | None) -> None:
        """Checks that limits can work with a profile, or with the given components; see `Components.limit_check`.

        Raises:
            InputError: They cannot.
            ProfileError: They need prices, and the profile or the price table cannot be read.
        """
        require_type(limits, (Limits, type(None)), "limits", "Limits")
        if limits is None or limits.max_cost is None or (self._given is None and profile in _NOT_A_PROFILE):
            return
        if self._given is None:
            await asyncio.to_thread(lambda: require_prices(load_profile(profile), limits))
        elif self._given.limit_check is not None:
            await asyncio.to_thread(self._given.limit_check, limits)

    async def close(self) -> None:
        """Ends the generators' sessions, and with them the servers that were started for them."""
        await self._open.close()
        self._profiles.clear()

    @contextlib.asynccontextmanager
    async def _open_profile(self, profile: str) -> AsyncIterator[Components]:
        loaded = await asyncio.to_thread(load_profile, profile)
        async with open_components(loaded, self._store) as components:
            self._profiles[profile] = loaded
            yield components


def usable_profile(name: str | Path | Profile | None, request: Request, store: ImageStore) -> Profile:
    """Loads a profile for a request that is about to be recorded: a broken profile must leave no trajectory behind.

    None stands for `micro`.

    Raises:
        InputError: The profile cannot serve the request.
        ProfileError: No such profile, or it names an object that cannot be imported.
    """
    profile = load_profile("micro" if name is None else source_of(name))
    for target in profile.import_strings:
        import_object(target)
    if profile.request_check is not None:
        words = None if profile.reference_words is None else import_object(profile.reference_words)
        with own_function(
            f"request_check {profile.request_check!r}",
            "a function of the request that raises InputError for a request that the profile cannot serve",
        ):
            import_object(profile.request_check)(in_words(with_descriptions(request, words, store)))
    return profile


def notes_of(profile: str) -> tuple[str, ...]:
    """Returns what a profile tells every reader; nothing if its file is gone."""
    try:
        return load_profile(profile).notes
    except ProfileError:
        return ()
