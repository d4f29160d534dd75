"""Where trajectories live: a folder with a database (checkpoints and catalog), an image store and a lock for each.

Everything may be called from any number of processes. One of them runs a trajectory; the others look, and leave
commands. Steps and attempts are counted from 0 here, as in the types; the command line counts from 1.
"""

import contextlib
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from interleavethinker.graph.context import Components
from interleavethinker.graph.events import Event, Finished
from interleavethinker.graph.limits import Limits
from interleavethinker.graph.nodes import Approval
from interleavethinker.graph.profiles.opening import default_home
from interleavethinker.graph.profiles.profile import import_object, load_profile
from interleavethinker.tools.errors import InputError, InterleaveError, ProfileError, TrajectoryError
from interleavethinker.tools.images.png import canonical_png
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.request_parsing import RequestLike, as_request
from interleavethinker.tools.types import Request, Step

from .branching import BranchPoint, branch_state
from .catalog import Catalog, TrajectorySummary, sqlite_errors
from .checkpoints import Engine
from .human_review import HumanVerdict, named_attempt
from .lock import TrajectoryLock, is_held
from .runner import Runner, apply_human_verdict
from .snapshot import Trajectory, snapshot_of

__all__ = ["Workspace"]

_TITLE_LENGTH = 80
_OWN_PORTS = "own ports"
"""Stands for a profile's name where the workspace was given ports instead."""


class Workspace:
    """A folder of trajectories; open it with `Workspace.open`.

    Attributes:
        root: The folder.
        store: The image store; it belongs to the trajectories alone.
    """

    def __init__(self, root: Path, components: Components | None, fsync: bool) -> None:
        self.root = root
        self.store = ImageStore(root / "images", fsync=fsync)
        self._given = components
        self._catalog = Catalog(root / "trajectories.sqlite")
        self._engine = Engine(root / "trajectories.sqlite", self.store, components)

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls, root: Path | None = None, components: Components | None = None, *, fsync: bool = False
    ) -> AsyncIterator["Workspace"]:
        """Opens a workspace; closing it ends its generator sessions.

        Args:
            root: The folder; default: `INTERLEAVETHINKER_HOME`, or the user's data folder.
            components: Used for every trajectory instead of what its profile names.
            fsync: Survive power loss too, at about 8 ms an image; SIGKILL alone does not need it.
        """
        workspace = cls(root or default_home(), components, fsync)
        try:
            yield workspace
        finally:
            await workspace._engine.close()
            workspace._catalog.close()

    def add_image(self, image: bytes | Path) -> str:
        """Keeps an image from outside as canonical PNG and returns its name.

        Raises:
            InputError: The file cannot be read, or is not an image.
        """
        if isinstance(image, bytes):
            return self.store.put(canonical_png(image))
        try:
            data = image.read_bytes()
        except OSError as error:
            raise InputError(f"The image {image} must be a readable file: {error.strerror or error}.") from error
        return self.store.put(canonical_png(data))

    async def create(
        self,
        request: RequestLike,
        *,
        profile: str | None = None,
        limits: Limits | None = None,
        seed: int | None = None,
        approve_plan: bool = False,
    ) -> str:
        """Records a new trajectory and returns its id; `stream` or `run` makes it go.

        Args:
            request: A text, or texts and images in order.
            profile: A shipped profile's name or a TOML file; by default `micro`. A workspace with ports of its own
                needs none.
            limits: Those of the profile, or of the ports, if absent.
            seed: Trajectory seed; drawn at random if absent.
            approve_plan: Whether to wait for a person after planning.

        Raises:
            InputError: The request cannot be served by this profile, or names an unknown image.
            ProfileError: No such profile, or it names an object that cannot be imported.
        """
        asked = as_request(request)
        for sha256 in asked.images:
            if sha256 not in self.store:
                raise InputError(f"The request names image {sha256}, which must be added to the workspace first.")
        if profile is None and self._given is not None:
            name, usual = _OWN_PORTS, self._given.limits
        else:
            chosen = load_profile(profile or "micro")
            name, usual = chosen.source, chosen.limits
            for role in (chosen.planner, chosen.critic):  # What cannot run later leaves nothing behind now.
                if role.object is not None:
                    import_object(role.object)
            if chosen.request_check is not None:
                import_object(chosen.request_check)(asked)
        values: dict[str, Any] = {
            "request": list(asked.parts),
            "limits": limits or usual,
            "seed": secrets.randbelow(2**31) if seed is None else seed,
            "approve_plan": approve_plan,
        }
        entry = _new_entry(_title(asked), name)
        await self._engine.write(entry.id, values, "__start__")
        self._catalog.add(entry)
        return entry.id

    async def stream(self, trajectory: str) -> AsyncGenerator[Event]:
        """Runs a trajectory from wherever it stands and yields what happens; see `events` for what comes last.

        Leaving the loop early pauses it.

        Raises:
            TrajectoryError: Another process works on it (`busy`), or it was cancelled.
        """
        name = self._catalog.get(trajectory).id
        with self._lock(name):
            entry = self._check_not_cancelled(name)  # Read only now: another process may have changed it until here.
            if entry.status == "done":
                seen = await self.get(entry.id)
                yield Finished(stop_reason=seen.stop_reason or "complete", document=seen.document)
                return
            try:
                components = await self._engine.components(entry.profile)
            except InterleaveError as error:
                self._catalog.mark(entry.id, "failed", str(error))
                raise
            runner = Runner(await self._engine.graph(), components, self._catalog, entry.id, self._engine.roll_back)
            try:
                async with contextlib.aclosing(runner.events()) as events:
                    async for event in events:
                        yield event
            finally:
                await self._engine.roll_back()

    async def run(self, trajectory: str) -> Trajectory:
        """Runs a trajectory until it ends, waits, is stopped or fails, and returns how it stands then."""
        async with contextlib.aclosing(self.stream(trajectory)) as events:
            async for _ in events:
                pass
        return await self.get(trajectory)

    async def get(self, trajectory: str) -> Trajectory:
        """Returns a trajectory as it stands, running or not."""
        entry = self.summary(trajectory)
        state = await self._engine.read(entry.id)
        try:
            notes = load_profile(entry.profile).notes
        except ProfileError:  # Its file may be gone by now.
            notes = ()
        return snapshot_of(entry, state, self._catalog.lineage(entry), notes)

    def summary(self, trajectory: str) -> TrajectorySummary:
        """Returns a trajectory's catalog entry by its id or a unique beginning of it."""
        return self._alive(self._catalog.get(trajectory))

    def list(self) -> list[TrajectorySummary]:
        """Returns all trajectories, the newest first."""
        return [self._alive(entry) for entry in self._catalog.summaries()]

    def pause(self, trajectory: str) -> bool:
        """Stops a trajectory after the call in flight; returns False if it was not running and is paused at once.

        Raises:
            TrajectoryError: There is nothing to pause.
        """
        entry = self.summary(trajectory)
        if entry.status == "running":
            self._catalog.enqueue(entry.id, "pause")
            return True
        if entry.status not in {"interrupted", "ready", "paused"}:  # A failed one must keep its reason.
            raise TrajectoryError(f"Trajectory {entry.id} is {entry.status}; there is nothing to pause.")
        self._catalog.mark(entry.id, "paused")
        return False

    def cancel(self, trajectory: str) -> bool:
        """Gives a trajectory up, ending a call in flight; returns False if nothing was running.

        Raises:
            TrajectoryError: It has ended already.
        """
        entry = self.summary(trajectory)
        if entry.status in {"done", "cancelled"}:
            raise TrajectoryError(f"Trajectory {entry.id} is {entry.status}; there is nothing to cancel.")
        if entry.status == "running":
            self._catalog.enqueue(entry.id, "cancel")
            return True
        self._catalog.mark(entry.id, "cancelled")
        return False

    def approve(self, trajectory: str, steps: Sequence[Step] | None = None) -> None:
        """Approves the plan that a trajectory waits with, or replaces its steps; resume it afterwards.

        Raises:
            InputError: The new plan is empty.
            TrajectoryError: It does not wait for approval.
        """
        entry = self.summary(trajectory)
        if entry.status != "waiting":
            raise TrajectoryError(f"Trajectory {entry.id} is {entry.status}; it does not wait for approval.")
        if steps is not None and not steps:
            raise InputError("An edited plan must have at least one step.")
        approval = Approval(approved=True, steps=None if steps is None else tuple(steps))
        self._catalog.enqueue(entry.id, "approve", approval.model_dump(mode="json", exclude_none=True))

    async def judge(self, trajectory: str, verdict: HumanVerdict) -> bool:
        """Puts a person's verdict in the critic's place: at once, or by whoever runs the trajectory (returns True).

        Raises:
            InputError: There is no such attempt at the step under way.
            TrajectoryError: It was cancelled, or another process works on it (`busy`).
        """
        entry = self.summary(trajectory)
        if entry.status == "running":
            # Whoever runs it may have drawn another attempt by then, which this person has not seen.
            seen = named_attempt(await self._engine.read(entry.id), verdict)
            self._catalog.enqueue(entry.id, "judge", seen.model_dump(mode="json"))
            return True
        with self._lock(entry.id), sqlite_errors(self._catalog.path):
            self._check_not_cancelled(entry.id)
            await apply_human_verdict(await self._engine.graph(), entry.id, verdict)
        return False

    async def branch(self, trajectory: str, point: BranchPoint, limits: Limits | None = None) -> str:
        """Makes a new trajectory that keeps everything before an attempt and returns its id. The parent may be running.

        Raises:
            InputError: There is no such attempt, or the image that replaces it is unknown.
        """
        parent = self._catalog.get(trajectory)
        if point.image is not None and point.image not in self.store:
            raise InputError(f"Image {point.image} must be added to the workspace first.")
        values, after = branch_state(await self._engine.read(parent.id), point, limits)
        entry = _new_entry(parent.title, parent.profile).model_copy(
            update={"parent": parent.id, "parent_step": point.step, "parent_iteration": point.iteration}
        )
        await self._engine.write(entry.id, values, after)
        self._catalog.add(entry, (parent, *self._catalog.lineage(parent)))
        return entry.id

    async def delete(self, trajectory: str) -> None:
        """Removes a trajectory; its images go at the next `collect_garbage` unless another one needs them.

        Raises:
            TrajectoryError: It is being worked on (`busy`).
        """
        entry = self._catalog.get(trajectory)
        with self._lock(entry.id):
            self._catalog.remove(entry.id)
            await self._engine.delete(entry.id)

    async def collect_garbage(self, older_than: float = 3600.0) -> Sequence[str]:
        """Removes images that no trajectory names and returns their names.

        Args:
            older_than: Seconds; younger images may belong to a call whose checkpoint is about to be written.
        """
        used: set[str] = set()
        for entry in self._catalog.summaries():
            seen = await self.get(entry.id)
            used.update(seen.request.images)
            for attempt in seen.attempts:
                used |= {attempt.image} | ({attempt.source} if attempt.source else set())
        self.store.sweep(older_than)
        limit = time.time() - older_than
        old = [name for name in self.store if name not in used and self.store.path(name).stat().st_mtime <= limit]
        return [name for name in old if self.store.delete(name)]

    async def checkpoint_size(self, trajectory: str) -> tuple[int, int]:
        """Returns the bytes of a trajectory's checkpoints in the database, and their number."""
        return await self._engine.size(self._catalog.get(trajectory).id)

    def _alive(self, entry: TrajectorySummary) -> TrajectorySummary:
        if entry.status == "running" and not is_held(self._lock_path(entry.id)):
            return entry.model_copy(update={"status": "interrupted"})
        return entry

    def _check_not_cancelled(self, trajectory: str) -> TrajectorySummary:
        entry = self._catalog.get(trajectory)
        if entry.status == "cancelled":
            raise TrajectoryError(
                f"Trajectory {entry.id} was cancelled; branch from it to go on from any of its attempts.",
                code="cancelled",
            )
        return entry

    def _lock(self, trajectory: str) -> TrajectoryLock:
        return TrajectoryLock(self._lock_path(trajectory), trajectory)

    def _lock_path(self, trajectory: str) -> Path:
        return self.root / "locks" / f"{trajectory}.lock"


def _new_entry(title: str, profile: str) -> TrajectorySummary:
    now = time.time()
    name = time.strftime("%y%m%d-%H%M%S-", time.gmtime(now)) + secrets.token_hex(3)
    return TrajectorySummary(id=name, title=title, profile=profile, status="ready", created=now, updated=now)


def _title(request: Request) -> str:
    words = " ".join(request.text.split()) or f"{len(request.images)} images"
    return words if len(words) <= _TITLE_LENGTH else words[: _TITLE_LENGTH - 1] + "…"
