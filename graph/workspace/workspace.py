"""Where trajectories live: a folder with a database (checkpoints and catalog), an image store and a lock for each.

Any number of processes may use one workspace. One of them runs a trajectory; the others read it and leave commands.
Steps and attempts are counted from 0 here, as in the types; the command line counts from 1.

Every method that touches the database, a lock or an image file is a coroutine and never blocks the event loop. The only
state outside the instance is on disk: leaving `Workspace.open` ends its threads and the generators' servers.

A trajectory's state and its catalog entry are written in one transaction, by `create` and `branch`, and removed in one,
by `delete`: there is never one without the other, whatever is killed. Earlier versions wrote the state first; what they
left without an entry is shown nowhere, and `collect_garbage` removes it.
"""

import asyncio
import contextlib
import functools
import math
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

from interleavethinker.graph.context import Components
from interleavethinker.graph.events import Event, Finished
from interleavethinker.graph.human_loop import Approval
from interleavethinker.graph.limits import Limits
from interleavethinker.graph.profiles.profile import Profile
from interleavethinker.tools.references import check_mentions
from interleavethinker.tools.request_parsing import RequestLike, as_request, check_length
from interleavethinker.tools.types import Step

from .approving import approve, recorded_approval, require_approval, state_with_answer
from .branching import BranchPoint, branch_state, check_point
from .catalog import Catalog, RequestKey, Status, TrajectorySummary, new_entry, require_not_cancelled, title_of
from .checkpoints import Checkpoints
from .cleaning import Cleaner
from .commands import CommandQueue, Verb
from .components import GIVEN_COMPONENTS, ComponentCache, notes_of, usable_profile
from .creation import defaults_of, new_values
from .deaths import Deaths
from .departures import Departures
from .drafts import forget_drafts
from .healing import restore_images
from .human_review import HumanVerdict, with_mask
from .images import UnusedImages, add_image, names_in, renew_images, require_images
from .interrupted import current, newest
from .limit_changes import change_limits
from .opening import Storage, open_storage
from .provenance import provenance_of
from .runner import Runner, apply_human_verdict
from .snapshot import Trajectory, snapshot_of
from .stopping import StopCommand, stop

__all__ = ["Workspace"]

_Summaries = list[TrajectorySummary]  # Inside the class, `list` is a method.


class Workspace:
    """A folder of trajectories; open it with `Workspace.open`.

    Attributes:
        root: The folder.
        location: Opens the same workspace in another process; None if it was opened with components, which stay here.
        store: The image store, which only the workspace's trajectories use.
        components: The open components of its profiles.
    """

    def __init__(self, storage: Storage, components: Components | None) -> None:
        self.root = storage.root
        self.location = None if components is not None else storage.location
        self.store = store = storage.store
        self._given = components
        self._database = database = storage.database
        self.check_writable = functools.partial(database.write, lambda _: None)  # or a StoreError
        self._locks = storage.locks
        self._catalog = Catalog(database)
        self.keyed = self._catalog.keyed  # the id of the trajectory that was created with a key, or None
        self._commands = CommandQueue(database)
        self._checkpoints = Checkpoints(database, after_put=self._commands.refresh)
        self._cleaner = Cleaner(database, self._checkpoints, store)
        self.components = ComponentCache(store, components)
        self._departures, self._deaths = Departures(), Deaths(database, self._catalog)

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls,
        root: str | Path | None = None,
        components: Components | None = None,
        *,
        images: str | Path | None = None,
        fsync: bool = False,
    ) -> AsyncIterator["Workspace"]:
        """Opens a workspace. Closing it pauses what still runs, and ends its generator sessions and database threads.

        Args:
            root: The folder, or the URL of a PostgreSQL database (`postgresql://…`) that any number of machines share.
                Default: `INTERLEAVETHINKER_WORKSPACE`, `INTERLEAVETHINKER_HOME`, or the user's data folder.
            components: Used for every trajectory instead of its profile's.
            images: Where a shared workspace's images lie: `s3://bucket/folder`, another URL that fsspec reads, or a
                folder that all machines see. Needed once; the database remembers it. Default:
                `INTERLEAVETHINKER_IMAGES`.
            fsync: Survive power loss too, at about 8 ms an image; SIGKILL alone does not need it.

        Raises:
            InputError: The folder cannot be created, or a shared workspace's images or libraries are missing.
            StoreError: The database cannot be used.
        """
        async with open_storage(root, images, fsync=fsync) as storage:
            workspace = cls(storage, components)
            try:
                async with workspace._departures.closing(workspace.pause):
                    yield workspace
            finally:
                await workspace.components.close()

    async def add_image(self, image: bytes | str | Path) -> str:
        """Stores an image as canonical PNG and returns its name.

        Args:
            image: An encoded image, or the path of one.

        Raises:
            InputError: The file cannot be read, or is not an image.
        """
        return await asyncio.to_thread(add_image, self.store, image)

    async def create(
        self,
        request: RequestLike,
        *,
        profile: str | Path | Profile | None = None,
        limits: Limits | None = None,
        seed: int | None = None,
        approve_plan: bool = False,
        image_size: str | None = None,
        key: RequestKey | None = None,
        attended: bool = False,
    ) -> str:
        """Records a new trajectory and returns its id; `stream` or `run` starts it.

        Args:
            request: A text, or texts and images in order.
            profile: A shipped profile's name, a TOML file, or what `load_profile` read from one; default: `micro`. A
                workspace that was opened with components needs none.
            limits: Default: those of the profile, or of the components.
            seed: Trajectory seed; default: a random one.
            approve_plan: Whether to wait for a person after planning.
            image_size: In pixels (`1024x576`), or an aspect ratio (`16:9`); default: the profile's, or the model's own.
            key: If a trajectory has been created with it, its id is returned and nothing is recorded.
            attended: The caller runs it: no worker takes it first, as if it were paused already.

        Raises:
            InputError: The profile cannot serve the request, or the request names or mentions an unknown image.
            ProfileError: No such profile, or it names an object that cannot be imported.
        """
        parsed = as_request(request)
        check_length(parsed)
        if key is not None and (known := await self._catalog.keyed(key)) is not None:
            return known
        await asyncio.to_thread(require_images, self.store, parsed.images)
        check_mentions(parsed)
        if profile is None and self._given is not None:
            name, defaults = GIVEN_COMPONENTS, defaults_of(self._given)
        else:
            chosen = await asyncio.to_thread(usable_profile, profile, parsed, self.store)
            name, defaults = chosen.source, defaults_of(chosen)
        values = new_values(parsed, defaults, limits, seed, image_size, approve_plan=approve_plan)
        await self.components.check_limits(name, values["limits"])
        entry = new_entry(title_of(parsed), name, attended=attended)
        provenance = await asyncio.to_thread(provenance_of, name, self._given)
        add = self._catalog.addition(entry, (), provenance, key)
        return await self._checkpoints.create(entry.id, values, "__start__", add)

    def stream(self, trajectory: str, *, review: bool = False, only_unattended: bool = False) -> AsyncGenerator[Event]:
        """Runs a trajectory from its current state and yields its events; see `events` for the last one.

        Leaving the loop early pauses it, at the latest as the workspace closes; an image that it has yielded is saved.

        Args:
            trajectory: Its id, or a unique prefix of it.
            review: Pause after every attempt with `ReviewNeeded`. `judge` it, also in the loop, or leave the verdict as
                it is; the next `stream` goes on from there.
            only_unattended: Refuse a trajectory that was stopped or has ended: only a new or interrupted one is run.

        Raises:
            TrajectoryError: Another process runs it (`busy`), it was cancelled, or is not unattended (`taken`);
                or several processes in a row died while they ran it unattended, and it has failed now (`given_up`).
        """
        return self._departures.watched(self._stream(trajectory, review, only_unattended))

    async def _stream(self, trajectory: str, review: bool, only_unattended: bool) -> AsyncGenerator[Event]:
        name = (await self._catalog.get(trajectory)).id
        await self._departures.over(name)
        with self._departures.running(name), self._departures.reported(name):
            async with self._locks.hold(name):
                # Read under the lock: another process may have changed the entry until now.
                entry = require_not_cancelled(await self._catalog.get(name))
                await self._deaths.admit(entry, self._state, unattended=only_unattended)
                if entry.status == "done":
                    finished = await self.get(entry.id)
                    yield Finished(stop_reason=finished.stop_reason or "complete", document=finished.document)
                    return
                opened = functools.partial(self._opened_components, entry)
                runner = Runner(self._checkpoints.graph, opened, self._catalog, self._commands, name, review=review)
                async with contextlib.aclosing(runner.events()) as events:
                    async for event in events:
                        with self._departures.noticed(name):
                            yield event

    async def _opened_components(self, entry: TrajectorySummary) -> Components:
        components = await self.components.get(entry.profile)
        await restore_images(await self._state(entry.id), self.store, components.generator)
        return components

    async def run(self, trajectory: str) -> Trajectory:
        """Runs a trajectory until it ends, waits, is stopped or fails, and returns its state then."""
        with self._departures.running(trajectory):
            async with contextlib.aclosing(self.stream(trajectory)) as events:
                async for _ in events:
                    pass
            return await self.get(trajectory)

    async def get(self, trajectory: str) -> Trajectory:
        """Returns the current state of a trajectory, running or not.

        Raises:
            TrajectoryError: There is no such trajectory (`unknown_trajectory`).
        """
        entry = await self.summary(trajectory)
        state = await self._state(entry.id)
        lineage, provenance = await self._catalog.lineage(entry), await self._catalog.provenance(entry.id)
        return snapshot_of(entry, state, lineage, await asyncio.to_thread(notes_of, entry.profile), provenance)

    async def summary(self, trajectory: str) -> TrajectorySummary:
        """Returns a trajectory's catalog entry by its id or a unique prefix of it."""
        entry = await self._catalog.get(trajectory)
        await self._departures.over(entry.id)
        return await current(self._catalog, self._locks.held, entry.id)

    async def list(
        self, limit: int | None = None, statuses: Collection[Status] | None = None
    ) -> list[TrajectorySummary]:
        """Returns the newest `limit` trajectories that have one of `statuses`, the newest first; by default all."""
        return await newest(self._catalog, self._locks.held, limit, statuses)

    async def ids(self) -> Sequence[str]:
        """Returns the ids of all trajectories, the newest first."""
        return await self._catalog.ids()

    async def suspects(self, running: Collection[str]) -> Set[str]:
        """Returns those that killed several processes, it seems. A worker, with these `running`, runs each alone."""
        return await self._deaths.suspects(running)

    async def pause(self, trajectory: str) -> bool:
        """Pauses a trajectory after the call in flight; returns False if it was not running and is paused at once.

        Raises:
            TrajectoryError: There is nothing to pause.
        """
        # A failed one keeps its reason.
        return await self._stop(trajectory, "pause", "paused", allowed={"interrupted", "ready", "paused"})

    async def cancel(self, trajectory: str) -> bool:
        """Cancels a trajectory, ending a call in flight; returns False if nothing was running.

        Raises:
            TrajectoryError: It has ended already.
        """
        allowed: set[Status] = {"ready", "interrupted", "paused", "waiting", "failed"}
        return await self._stop(trajectory, "cancel", "cancelled", allowed=allowed)

    async def approve(self, trajectory: str, steps: Sequence[Step] | None = None) -> None:
        """Approves a waiting plan, or replaces its steps, for the next run. Without steps, a recorded answer stays.

        Raises:
            InputError: The new plan is empty or too long, or a step starts from what there is not.
            TrajectoryError: It does not wait for approval, or another answer came first.
        """
        await approve(self._commands, await self.summary(trajectory), self._state, steps)

    async def recorded_approval(self, trajectory: str) -> Approval | None:
        """Returns the approval that no run has carried out yet; None if there is none."""
        return await recorded_approval(self._commands, (await self._catalog.get(trajectory)).id)

    async def require_approval(self, trajectory: str, *, but_present: bool = False) -> None:
        """Has every plan wait for a person from now on; `but_present` lets the one that there is be carried out.

        Raises:
            InputError: It has a plan already that need not wait (`person_required`).
            TrajectoryError: It is running (`busy`).
        """
        entry = await self.summary(trajectory)
        await require_approval(self._checkpoints.graph, self._locks, entry.id, but_present=but_present)

    async def judge(self, trajectory: str, verdict: HumanVerdict) -> bool:
        """Overrides the critic's verdict: at once, or through the process that runs the trajectory (returns True).

        Raises:
            InputError: There is no such attempt at the current step, or its region or mask does not fit.
            TrajectoryError: It was cancelled, or another process has just started it (`busy`).
        """
        entry = await self.summary(trajectory)
        running = entry.status == "running"
        verdict = await with_mask(await self._state(entry.id), verdict, self.store, running=running)
        payload = verdict.model_dump(mode="json", exclude_none=True)
        if running and await self._commands.enqueue(entry.id, "judge", payload, only_if="running"):
            return True
        async with self._locks.hold(entry.id):
            require_not_cancelled(await self._catalog.get(entry.id))
            await apply_human_verdict(self._checkpoints.graph, entry.id, verdict)
        return False

    async def branch(
        self, trajectory: str, point: BranchPoint, limits: Limits | None = None, *, attended: bool = False
    ) -> str:
        """Creates a trajectory that keeps everything before an attempt and returns its id. The parent may be running;
        `attended` as in `create`.

        Raises:
            InputError: There is no such attempt, or the image that replaces it is unknown.
        """
        parent = await self._catalog.get(trajectory)
        await asyncio.to_thread(check_point, point, functools.partial(require_images, self.store))
        await self.components.check_limits(parent.profile, limits)
        values, after = branch_state(await state_with_answer(self._commands, parent.id, self._state), point, limits)
        await asyncio.to_thread(renew_images, self.store, names_in(values))
        await self._catalog.get(parent.id)  # If it was deleted before that, its images may be gone: raise.
        origin = parent.id, point.step, point.iteration
        entry = new_entry(parent.title, parent.profile, origin, attended=attended)
        provenance = await asyncio.to_thread(provenance_of, entry.profile, self._given)
        add = self._catalog.addition(entry, (parent, *await self._catalog.lineage(parent)), provenance)
        return await self._checkpoints.create(entry.id, values, after, add)

    async def change_limits(self, trajectory: str, limits: Limits) -> None:
        """Gives a trajectory that is not running other limits; one that a limit ended can then be run on.

        Raises:
            TrajectoryError: It is running (`busy`), is complete, or was cancelled.
        """
        entry = await self.summary(trajectory)
        await self.components.check_limits(entry.profile, limits)
        async with self._locks.hold(entry.id):
            entry = require_not_cancelled(await self._catalog.get(entry.id))
            await change_limits(self._checkpoints.graph, self._catalog, entry, limits)

    async def delete(self, trajectory: str) -> None:
        """Deletes a trajectory; the next `collect_garbage` removes those of its images that no other one needs.

        Works on a full disk, too; images may then go at once.

        Raises:
            TrajectoryError: It is running (`busy`).
            StoreError: The disk is full, and nothing was left to make room with (`disk_full`).
        """
        entry = await self._catalog.get(trajectory)
        async with self._locks.hold(entry.id):
            await self._cleaner.delete(entry.id, self.list)
            await asyncio.gather(self._locks.forget(entry.id), asyncio.to_thread(forget_drafts, self.root, entry.id))

    async def images_of(self, *trajectories: str) -> Set[str]:
        """Returns the names of all images that these trajectories use, those of their requests included."""
        return await self._checkpoints.image_names([(await self._catalog.get(one)).id for one in trajectories])

    async def unused_images(self, older_than: float = 3600.0, *, without: Collection[str] = ()) -> UnusedImages:
        """Returns the images that no trajectory names; see `collect_garbage`. IDs in `without` count as deleted."""
        return await self._cleaner.unused([one for one in await self.list() if one.id not in without], older_than)

    async def collect_garbage(
        self, older_than: float = 3600.0, *, also: Collection[str] = (), also_until: float = math.inf
    ) -> Sequence[str]:
        """Removes images that no trajectory names, and returns their names; also states without a catalog entry.

        Args:
            older_than: Seconds; younger images may belong to a call whose checkpoint is about to be written.
            also: Images of trajectories that were just deleted, which go at any age if no trajectory names them.
            also_until: When these trajectories ended, in seconds since the epoch; what was stored again since stays.
        """
        return await self._cleaner.remove_garbage(self.list, older_than, also, also_until)

    async def vacuum(self, at_least: float = 0.0) -> int:
        """Gives the database's free space back to the disk if its share is `at_least`; returns how many bytes."""
        return await self._database.vacuum(at_least)

    async def close_components(self) -> None:
        """Frees the models and ends the image servers; the next run opens them again, and runs in progress fail."""
        await self.components.close()

    async def checkpoint_size(self, trajectory: str) -> tuple[int, int]:
        """Returns the bytes of a trajectory's checkpoints in the database, and their number."""
        return await self._checkpoints.size((await self._catalog.get(trajectory)).id)

    async def _stop(self, trajectory: str, verb: Verb, status: Status, allowed: Collection[Status]) -> bool:
        read = functools.partial(self.summary, trajectory)
        return await stop(read, self._catalog, self._commands, self._locks, StopCommand(verb, status, allowed))

    async def _state(self, trajectory: str) -> Mapping[str, Any]:
        state = await self._checkpoints.read(trajectory)
        await self._catalog.get(trajectory)  # Reading takes several queries; if it was deleted meanwhile, raise.
        return state
