"""The components of a workspace's profiles, opened when a trajectory first needs them.

Listing and reading trajectories therefore starts no server and loads no model.
"""

import asyncio
import contextlib

from interleavethinker.graph.context import Components
from interleavethinker.graph.profiles.opening import open_components
from interleavethinker.graph.profiles.profile import load_profile
from interleavethinker.tools.errors import ProfileError
from interleavethinker.tools.images.store import ImageStore

__all__ = ["GIVEN_COMPONENTS", "ComponentCache"]

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
        self._store = store
        self._given = given
        self._opened: dict[str, Components] = {}
        self._opening = asyncio.Lock()
        self._exits = contextlib.AsyncExitStack()

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
        async with self._opening:
            if profile not in self._opened:
                opened = open_components(await asyncio.to_thread(load_profile, profile), self._store)
                self._opened[profile] = await self._exits.enter_async_context(opened)
            return self._opened[profile]

    async def close(self) -> None:
        """Ends the generators' sessions, and with them the servers that were started for them."""
        await self._exits.aclose()
