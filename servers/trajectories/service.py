"""Starts, watches and steers the trajectories of one workspace, which run in this process; knows no protocol.

Every method may be called by any number of clients at once. Several servers may share a workspace: locks keep each
trajectory in one process, and the others watch its state on disk. Nothing here is needed to find a trajectory again, so
that a killed server loses nothing but generator calls in flight; `resume` in any server continues.

Steps and attempts count from 1, as in the `View`.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Self

from interleavethinker.graph.workspace.branching import BranchPoint
from interleavethinker.graph.workspace.catalog import Status, TrajectorySummary, require_not_cancelled
from interleavethinker.graph.workspace.workspace import Workspace
from interleavethinker.tools.errors import InputError, TrajectoryError
from interleavethinker.tools.images.folders import ImageFolders
from interleavethinker.tools.request_parsing import as_request, place_images
from interleavethinker.tools.types import ImagePart, Sha256, Step

from .admission import Admission
from .arguments import key_of, named_images, verdict_of
from .images import image_preview, stored_image
from .options import LimitRequest, ServiceOptions
from .reading import ViewReader
from .runs import Runs
from .view import View, parse_version

__all__ = ["TrajectoryService"]

_POLL_SECONDS = 0.5
"""How often a watched trajectory is read again; changes made by this process are noticed at once."""
_Summaries = list[TrajectorySummary]  # Inside the class, `list` is a method.


class TrajectoryService:
    """The trajectories of a workspace. Use as an async context manager: leaving it pauses what runs here.

    Attributes:
        workspace: Open; its owner closes it after the service.
        options: What clients may do.

    Args:
        workspace: Where the trajectories live.
        options: Default: the profile `micro`, no paths.
        studio: Returns the address of the local page for a trajectory, if one is served.
    """

    def __init__(
        self,
        workspace: Workspace,
        options: ServiceOptions | None = None,
        studio: Callable[[str], str] | None = None,
    ) -> None:
        self.workspace = workspace
        self.options = options or ServiceOptions()
        self._admission = Admission(workspace, self.options)
        self._runs = Runs(workspace, self.options.unload_after)
        self.drain, self.work = self._runs.drain, self._runs.work
        self._folders = ImageFolders(self.options.image_folders)
        self._views = ViewReader(workspace, self._runs, studio)

    async def __aenter__(self) -> Self:
        await self._runs.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runs.close()
        self._views.close()

    async def start(
        self,
        request: str,
        *,
        images: Sequence[str | bytes | ImagePart] = (),
        profile: str | None = None,
        approve_plan: bool = False,
        limits: LimitRequest | None = None,
        image_size: str | None = None,
        seed: int | None = None,
        key: str | None = None,
        run: bool = True,
    ) -> str:
        """Records a trajectory, starts it in the background, and returns its id.

        Args:
            request: A text, with `<image>` where an image belongs; images without a mark come first.
            images: Encoded bytes, `image://{sha256}`, data URIs, paths below the allowed folders, or stored images.
            profile: One of `options.profile_names`; None: the first.
            approve_plan: Whether the plan waits for a person.
            limits: Within the operator's.
            image_size: `1024x576` or `16:9`; None: the profile's, or the model's own.
            seed: Seed of the trajectory; None: random.
            key: A repeated call with the same key returns the same trajectory. Without one, an equal call within a
                minute does.
            run: Whether to start it.

        Raises:
            InputError: The request, an image or an option cannot be used, or the key belongs to another request.
            ProfileError: The profile names something that this machine lacks.
        """
        name = self.options.profile(profile)
        parts = place_images(request, await named_images(images, self.add_image))
        trajectory = await self.workspace.create(
            parts,
            profile=name,
            limits=await asyncio.to_thread(self.options.limits_for, name, limits or LimitRequest()),
            seed=seed,
            image_size=image_size,
            approve_plan=approve_plan or self.options.require_person,
            key=key_of(key, parts, [name, approve_plan, str(limits), seed], image_size),
            attended=run,
        )
        if key is not None and (await self.workspace.get(trajectory)).request != as_request(parts):
            raise InputError(f"The key {key!r} belongs to another request, trajectory {trajectory}.", code="key_reused")
        if run and (await self.workspace.summary(trajectory)).is_new:
            await self._admission.admit(trajectory, by_person=False)  # A key may name one that was made elsewhere.
            self._runs.start(trajectory)
        self._views.forget_family()
        return trajectory

    async def view(self, trajectory: str) -> View:
        """Returns the current view of a trajectory.

        Args:
            trajectory: Its id, or a unique prefix of it.

        Raises:
            TrajectoryError: There is no such trajectory (`unknown_trajectory`).
        """
        return await self._views.read((await self.workspace.summary(trajectory)).id)

    async def wait(
        self,
        trajectory: str,
        since: str | None,
        seconds: float,
        *,
        milestones: bool = False,
        watch: Callable[[View], Awaitable[None]] | None = None,
    ) -> View:
        """Returns the view as soon as it differs from a version, or after some seconds as it is then.

        Args:
            trajectory: Its id, or a unique prefix of it.
            since: The `version` of an earlier view. None: with `milestones`, the present one; else no version at all.
            seconds: How long to wait at most.
            milestones: Wait for a finished step, a plan or a change of the status, and not for less. A trajectory that
                does not run is returned at once.
            watch: Called with every change on the way.

        Raises:
            InputError: `since` is no version.
            TrajectoryError: There is no such trajectory.
        """
        milestone = None if since is None else parse_version(since).milestone

        def reached(view: View) -> bool:
            nonlocal milestone
            if not milestones:
                return view.version != since
            milestone = milestone or parse_version(view.version).milestone
            return view.status != "running" or parse_version(view.version).milestone != milestone

        return await self.wait_until(trajectory, reached, seconds, watch)

    async def wait_until(
        self,
        trajectory: str,
        reached: Callable[[View], bool],
        seconds: float,
        watch: Callable[[View], Awaitable[None]] | None = None,
    ) -> View:
        """Returns the first view that satisfies a condition, or after some seconds the last one."""
        name = (await self.workspace.summary(trajectory)).id
        end, version = asyncio.get_running_loop().time() + seconds, ""
        while True:
            number = self._runs.changes(name)
            view = await self._views.read(name)
            remaining = end - asyncio.get_running_loop().time()
            if reached(view) or remaining <= 0:
                return view
            if watch is not None and view.version != version:
                await watch(view)
            version = view.version
            await self._runs.wait_for_change(name, number, min(remaining, _POLL_SECONDS))

    async def changes(self, trajectory: str, since: str | None = None) -> AsyncGenerator[View]:
        """Yields the view now, unless its version is `since`, and again after every change until it is deleted."""
        while True:
            try:
                view = await self.wait(trajectory, since, 20.0)
            except TrajectoryError as error:
                if error.code == "unknown_trajectory":
                    return
                raise
            if view.version != since:
                yield view
            since = view.version

    async def approve(self, trajectory: str, steps: Sequence[Step] | None = None, *, by_person: bool = False) -> View:
        """Approves a waiting plan, or replaces its steps, and continues.

        Args:
            trajectory: Its id, or a unique prefix of it.
            steps: Steps that replace the plan's; None: unchanged.
            by_person: Whether it is certain that a person decided: in a form, on the board or in the studio.

        Raises:
            InputError: The new plan cannot be used, or a person is required (`person_required`).
            TrajectoryError: It does not wait for approval.
        """
        self._admission.check_approval(trajectory, by_person=by_person)
        name = (await self.workspace.summary(trajectory)).id
        await self._admission.admit(name, by_person=by_person)
        await self.workspace.approve(name, steps)
        return await self._continue(name)

    async def judge(
        self,
        trajectory: str,
        *,
        accept: bool,
        prompt: str | None = None,
        reason: str = "",
        region: str | None = None,
        mask: Sha256 | None = None,
        step: int | None = None,
        attempt: int | None = None,
        since: str | None = None,
        by_person: bool = False,
    ) -> View:
        """Overrides the critic's verdict on an attempt of the current step, and continues.

        Args:
            trajectory: Its id, or a unique prefix of it.
            accept: The verdict.
            prompt: With a rejection: words for the step, by which the next attempt is made and judged.
            reason: Stored with the verdict.
            region: With a rejection: only this rectangle of the image is changed; see `HumanVerdict.region`.
            mask: Instead of a region: see `HumanVerdict.mask`.
            step: From 1; must be the current step.
            attempt: From 1; default: the newest that `since` has, or else the newest. A person never judges an image
                that arrived after what they have seen.
            since: The version that its author has seen.
            by_person: As in `approve`.

        Raises:
            InputError: There is no such attempt at the current step, or a person is required (`person_required`).
            TrajectoryError: It was cancelled.
        """
        self._admission.check_words(prompt, by_person=by_person)
        entry = await self.workspace.summary(trajectory)
        if since is not None and attempt is None:
            step, attempt = await self._views.seen_attempt(entry.id, since, step)
        verdict = verdict_of(
            accept=accept, prompt=prompt, reason=reason, region=region, mask=mask, step=step, attempt=attempt
        )
        if entry.status not in {"running", "done", "cancelled"}:
            await self._admission.admit(entry.id, by_person=by_person)
        if await self.workspace.judge(entry.id, verdict):
            self._runs.notify(entry.id)
            return await self._views.read(entry.id)
        return await self._continue(entry.id)

    async def branch(
        self,
        trajectory: str,
        step: int,
        attempt: int = 1,
        *,
        prompt: str | None = None,
        seed: int | None = None,
        image: str | bytes | None = None,
        image_size: str | None = None,
        choose: bool = False,
        limits: LimitRequest | None = None,
        run: bool = True,
        by_person: bool = False,
    ) -> str:
        """Creates a trajectory that keeps everything before an attempt, starts it, and returns its id.

        Args:
            trajectory: The parent's id, or a unique prefix of it.
            step: From 1.
            attempt: Of that step, from 1.
            prompt: Words for the step.
            seed: Of the generator, for this attempt.
            image: Takes the place of the attempt's image, accepted by hand; as in `start`.
            image_size: From this attempt on.
            choose: Keep this attempt instead of the one that the parent kept.
            limits: Changes of the parent's limits.
            run: Whether to start it.
            by_person: As in `approve`. Otherwise, where a person is required, new words wait for one.

        Raises:
            InputError: There is no such attempt, or the parent's plan waits for a person (`person_required`).
        """
        parent = await self.workspace.get(trajectory)
        if self.options.require_person and parent.status == "waiting":
            raise InputError(
                "The plan waits for a person, so nothing can be branched from it yet.", code="person_required"
            )
        stored = None if image is None else await self.add_image(image)
        waits = self._admission.waits_for_person(by_person=by_person)
        point = BranchPoint(step - 1, attempt - 1, prompt, seed, stored, image_size, choose, waits)
        within = await self.options.changed_limits(parent, limits)
        name = await self.workspace.branch(parent.id, point, within, attended=run)
        await self._admission.admit(name, by_person=by_person)
        if run:
            self._runs.start(name)
        self._views.forget_family()
        return name

    async def pause(self, trajectory: str) -> View:
        """Pauses a trajectory after the generator call in flight.

        Raises:
            TrajectoryError: There is nothing to pause.
        """
        name = (await self.workspace.summary(trajectory)).id
        await self._runs.pause(name, heard=await self.workspace.pause(name))
        self._runs.notify(name)
        return await self._views.read(name)

    async def resume(self, trajectory: str, limits: LimitRequest | None = None, *, by_person: bool = False) -> View:
        """Continues a trajectory, with changes of its limits if there are any. One that runs already keeps running, and
        one that waits for approval still waits, unless its plan was approved for the next run; `by_person` as there.

        Raises:
            InputError: It has a plan that no person has approved, and one is required (`person_required`).
            TrajectoryError: It was cancelled; with limits, also if it runs or is complete.
        """
        name = require_not_cancelled(await self.workspace.summary(trajectory)).id
        view = await self._views.read(name)
        if limits in {None, LimitRequest()} and (view.status in {"running", "done"} or view.waiting_for is not None):
            return view
        await self._admission.admit(name, limits, by_person=by_person)
        return await self._continue(name)

    async def cancel(self, trajectory: str) -> View:
        """Cancels a trajectory, ending a generator call in flight.

        Raises:
            TrajectoryError: It has ended already.
        """
        name = (await self.workspace.summary(trajectory)).id
        if await self.workspace.cancel(name):
            await self._runs.wait_until_ended(name, 2.0)
        self._runs.notify(name)
        return await self._views.read(name)

    async def list(self) -> _Summaries:
        """Returns all trajectories, the newest first."""
        return await self._views.summaries()

    async def newest(self, limit: int, status: Status | None = None) -> tuple[_Summaries, int]:
        """Returns the newest trajectories, and how many there are in all; of this status if one is given."""
        if status is None:
            return await self.workspace.list(limit), len(await self.workspace.ids())
        found = await self.workspace.list(statuses={status})
        return found[:limit], len(found)

    async def delete(self, trajectory: str) -> None:
        """Deletes a trajectory. Not for models: the studio offers it to people.

        Raises:
            TrajectoryError: It is running (`busy`).
        """
        await self.workspace.delete(name := (await self.workspace.summary(trajectory)).id)
        self._views.forget_family()
        self._runs.notify(name)

    async def add_image(self, image: str | bytes) -> str:
        """Stores an image and returns its name, the SHA-256 of its canonical PNG bytes.

        Args:
            image: Encoded bytes, `image://{sha256}`, a data URI, or a path below the allowed folders.

        Raises:
            InputError: It cannot be used.
        """
        return await asyncio.to_thread(stored_image, self.workspace.store, image, self._folders)

    async def image(self, sha256: str) -> bytes:
        """Returns the PNG bytes of an image.

        Raises:
            StoreError: There is no such image, or it is damaged.
        """
        return await asyncio.to_thread(self.workspace.store.get, sha256)

    async def preview(self, sha256: str, max_bytes: int = 100_000, max_side: int = 768) -> tuple[bytes, str]:
        """Returns a small version of an image and its MIME type."""
        return await asyncio.to_thread(image_preview, self.workspace.store, sha256, max_bytes, max_side)

    async def _continue(self, trajectory: str) -> View:
        self._runs.start(trajectory)
        return await self._views.read(trajectory)
