"""Hands the request of `run` to a live worker of the workspace, whose models are loaded, and follows its run.

This happens before the agent is imported, which takes longer than the worker needs for an image. If the worker dies, or
cannot run the trajectory, this process goes on with it.
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .execution import PAUSING
from .interrupts import pause_on_interrupt
from .requests import Asked

if TYPE_CHECKING:
    from interleavethinker.graph import Profile, Workspace
    from interleavethinker.graph.events import Event
    from interleavethinker.graph.workspace.announcements import Announcement
    from interleavethinker.graph.workspace.new_trajectory import NewTrajectory
    from interleavethinker.graph.workspace.worker_client import WorkerConnection

__all__ = ["Begun", "NewEvents", "hand_over"]

_PLACE_SECONDS = 2.0
"""How long `run` waits for a place in a busy worker before it answers itself: half of what its own start takes."""
_AGAIN_SECONDS = 0.3
_UNATTENDED = {"worker", "busy", "taken"}
"""Codes of errors after which another worker may run the trajectory."""
_OWN_PACKAGE = "interleavethinker."
_PAUSING_WORKER = "Pausing after the current generator call. Press Ctrl-C again to leave that to the worker."


@dataclass
class Begun:
    """What `run` has done before the workspace is open."""

    key: str = field(default_factory=lambda: secrets.token_hex(16))
    """Of the trajectory, so that it is created only once."""
    trajectory: str | None = None
    """Its ID, if a worker has created it and runs it."""
    created: str | None = None
    """Its ID, whoever has created it."""
    connection: "WorkerConnection | None" = None
    offered: bool = False
    """Whether a worker was asked to create it; it may have done so, although it did not say."""
    kept: bool = False
    """Whether it was created for this process, so that no worker takes it."""
    note: str = ""
    """Why this process answers, although there is a worker."""
    workspace: "Workspace | None" = None
    """Once it is open."""
    say: Callable[[str], None] = lambda _: None
    """Tells the user something while a worker answers."""

    @property
    def events(self) -> "NewEvents":
        """Where the trajectory's events come from."""
        return NewEvents(self)

    def pausing(self) -> AbstractContextManager[None]:
        """Makes Ctrl-C and its like pause the trajectory that a worker runs, from now on."""
        return pause_on_interrupt(self._pause, self._tell, _PAUSING_WORKER)

    def _tell(self, text: str) -> None:
        self.say(text)  # Which may be another one by now.

    async def _pause(self) -> bool:
        if self.workspace is not None and self.trajectory is not None:
            return await self.workspace.pause(self.trajectory)
        if self.connection is not None:
            await self.connection.pause()
        return False  # What the worker makes of it, the workspace says.


class NewEvents:
    """The events of a trajectory that `run` has created; see `execution.Events`.

    Args:
        begun: What `run` has done before; the trajectory waits to be run by this process if no worker runs it.
    """

    def __init__(self, begun: Begun) -> None:
        self._begun = begun
        self._connection = begun.connection if begun.trajectory else None
        self.announced = self._connection is not None
        self.note = begun.note
        if self._connection is not None:
            process = self._connection.worker.pid
            self.note = f"A worker answers it (process {process}). --no-worker answers in this process."

    def interrupts(
        self, workspace: "Workspace", trajectory: str, say: Callable[[str], None]
    ) -> AbstractContextManager[None]:
        """See `Events.interrupts`."""
        if self._connection is None:
            return pause_on_interrupt(lambda: workspace.pause(trajectory), say, PAUSING)
        self._begun.workspace, self._begun.say = workspace, say
        return contextlib.nullcontext()  # `Begun.pausing` surrounds all of this.

    async def __call__(
        self, workspace: "Workspace", trajectory: str, say: Callable[[str], None]
    ) -> "AsyncGenerator[Event]":
        """See `Events.__call__`."""
        from interleavethinker.graph.workspace.worker_client import LostWorkerError

        unattended = not self._begun.kept
        if self._connection is not None:
            try:
                async with contextlib.aclosing(_events_of(self._connection)) as events:
                    async for event in events:
                        yield event
            except LostWorkerError as error:
                say(f"{str(error).rstrip('.')}; this process goes on.")
                unattended = error.code in _UNATTENDED
            else:
                return
        # What the worker could not run has failed there, and is tried again here.
        source = _own_events(workspace, trajectory, say) if unattended else workspace.stream(trajectory)
        async with contextlib.aclosing(source) as own:
            async for event in own:
                yield event


async def _events_of(connection: "WorkerConnection") -> "AsyncGenerator[Event]":
    from interleavethinker.graph.event_messages import read_event

    async with contextlib.aclosing(connection.events()) as events:
        async for event in events:
            yield read_event(event)


async def _own_events(workspace: "Workspace", trajectory: str, say: Callable[[str], None]) -> "AsyncGenerator[Event]":
    """Runs the trajectory here. If another worker was faster, waits until that has ended, or has died."""
    from interleavethinker.tools.errors import TrajectoryError

    told = False
    while True:
        try:
            async with contextlib.aclosing(workspace.stream(trajectory, only_unattended=True)) as events:
                async for event in events:
                    yield event
        except TrajectoryError as error:
            if error.code == "taken":  # It has ended there.
                return
            if error.code != "busy":
                raise
        else:
            return
        if not told:
            say("Another worker runs it; waiting until it ends.")
        told = True
        await asyncio.sleep(_AGAIN_SECONDS)


async def hand_over(folder: str | None, asked: Asked, begun: Begun) -> None:
    """Has a live worker create and run the trajectory, and records that in `begun`; does nothing if there is none.

    Raises:
        InputError: The worker refuses the request, as this process would.
    """
    from interleavethinker.graph.workspace.worker_client import LostWorkerError, free_worker

    root = await asyncio.to_thread(_folder_of, folder)
    if root is None:
        return
    workers, begun.note = await asyncio.to_thread(_usable_workers, root, asked.profile)
    if not workers:
        return
    connection = await free_worker(workers, _PLACE_SECONDS)
    if connection is None:
        begun.note = "The worker of this workspace is busy; this process answers."
        return
    begun.connection = connection
    begun.offered = True
    try:
        begun.created = begun.trajectory = await connection.create(await _new_trajectory(root, asked, begun.key))
    except LostWorkerError as error:
        begun.note = f"This process answers, not the worker: {error}"
        await connection.close()


def _folder_of(folder: str | None) -> Path | None:
    from interleavethinker.tools.folders import default_workspace, is_database_url

    place = folder or default_workspace()
    return None if isinstance(place, str) and is_database_url(place) else Path(place)


def _usable_workers(root: Path, profile: "Profile") -> "tuple[list[Announcement], str]":
    """Returns the live workers that would run a profile as this process does, or why there are none."""
    from interleavethinker.graph.profiles.profile import shipped_profiles
    from interleavethinker.graph.workspace.announcements import live_workers, package_version

    live = live_workers(root)
    usable = [one for one in live if one.version == package_version()]
    if not usable:
        return [], f"The worker has version {live[0].version}; this process answers." if live else ""
    own = [*profile.import_strings, *([profile.request_check] if profile.request_check else ())]
    if any(not target.startswith(_OWN_PACKAGE) for target in own):
        return [], "The profile names code of your own, which the worker may have loaded earlier; this process answers."
    if profile.source not in shipped_profiles():
        usable = [one for one in usable if Path(one.folder) == Path.cwd()]
    return usable, "" if usable else "The worker runs in another folder; this process answers."


async def _new_trajectory(root: Path, asked: Asked, key: str) -> "NewTrajectory":
    from interleavethinker.graph.workspace.new_trajectory import NewTrajectory
    from interleavethinker.tools.request_parsing import as_request, place_images

    images = []
    if asked.images:
        from interleavethinker.graph.workspace.images import add_image
        from interleavethinker.graph.workspace.request_images import request_images
        from interleavethinker.tools.images.store import ImageStore

        store = ImageStore(root / "images")

        async def add(path: Path) -> str:
            return await asyncio.to_thread(add_image, store, path)

        images = await request_images(asked.images, add)
    return NewTrajectory(
        request=as_request(place_images(asked.text, images)).parts,
        profile=asked.profile.source,
        content=asked.profile.model_dump_json(),
        limits=asked.limits,
        seed=asked.seed,
        approve_plan=asked.approve_plan,
        image_size=asked.image_size,
        key=key,
    )
