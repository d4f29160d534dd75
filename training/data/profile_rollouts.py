"""Connects stage 2 to any profile: its planner and critic are the teachers, and its image generator and those of other
profiles make the images.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from interleavethinker.graph import Components, load_profile
from interleavethinker.graph.profiles.opening import open_components
from interleavethinker.microworld.agents.teachers import ReferencePlanner
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import ImageGenerator
from interleavethinker.training.agents.profile_generator import ProfileGenerator

from .schema import PromptRow
from .trajectories import PAPER_LIMITS, ComponentsFactory

__all__ = ["ProfileComponents", "labels_of"]


def labels_of(generators: Sequence[str]) -> dict[str, str]:
    """Returns the names that rows give to the image generators of profiles, with the profiles: files by their stems.

    Raises:
        InputError: Two profiles would have the same name in the rows.
    """
    named: dict[str, str] = {}
    for profile in generators:
        label = Path(profile).stem if profile.endswith(".toml") else profile
        if named.setdefault(label, profile) != profile:
            raise InputError(
                f"{named[label]} and {profile} would both be called {label} in the rows. Rename one of the files."
            )
    return named


@dataclass(frozen=True)
class ProfileComponents:
    """Opens the teachers and generators of profiles in a worker.

    A request whose plan is known gets that plan; the profile's planner plans the others.
    """

    profile: str
    """Whose planner and critic are the teachers."""
    generators: Mapping[str, str]
    """Profiles whose image generators are used, by the names that rows give them."""

    @contextlib.asynccontextmanager
    async def open(self, store: ImageStore) -> AsyncIterator[ComponentsFactory]:
        """See `ComponentsOpener.open`.

        Raises:
            ProfileError: There is no such profile, or this machine lacks something that it names.
        """
        async with contextlib.AsyncExitStack() as exits:
            teachers = await exits.enter_async_context(open_components(load_profile(self.profile), store))
            named: dict[str, ImageGenerator] = {}
            for label, name in self.generators.items():
                if name == self.profile:
                    named[label] = teachers.generator
                    continue
                other = ProfileGenerator(name, store)
                exits.push_async_callback(other.close)
                named[label] = other

            def components_for(row: PromptRow, generator: str) -> Components:
                own = dataclasses.replace(teachers, generator=named[generator], limits=PAPER_LIMITS)
                return own if row.plan is None else dataclasses.replace(own, planner=ReferencePlanner(row.plan))

            yield components_for
