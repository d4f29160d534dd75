"""The work on one request of a batch: create its trajectory or find it again, run it, export it.

The same wherever it runs: in the process of the batch, or in a worker process that has opened the same workspace.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from interleavethinker.graph.events import ImageGenerated, ImageRefused, Judged, ModelWaiting, Planned, StepFinished
from interleavethinker.graph.export.export import export
from interleavethinker.graph.export.ownership import MOST_BYTES, is_export
from interleavethinker.graph.limits import Limits
from interleavethinker.graph.pauses import log_pause
from interleavethinker.graph.profiles.profile import load_profile
from interleavethinker.graph.workspace.catalog import RequestKey
from interleavethinker.graph.workspace.request_images import request_images
from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.graph.workspace.workspace import Workspace
from interleavethinker.tools.errors import InputError, InterleaveError, ProfileError, TrajectoryError
from interleavethinker.tools.files import read_regular
from interleavethinker.tools.request_parsing import place_images
from interleavethinker.tools.structured_text import parse_json

from .manifest import BatchRequest
from .results import BatchResult, BatchStatus, result_of, result_without_trajectory

__all__ = ["BatchExecutor", "BatchItem", "BatchSettings", "RequestRunner"]

_log = logging.getLogger(__name__)
_RESULTS = ImageGenerated | ImageRefused | Judged | Planned | StepFinished
"""Events after which a trajectory is paused with its batch; calls beside the one that has ended go on to their end."""
_LOOK_SECONDS = 0.5
"""How often a trajectory whose model waits for its provider looks whether the batch is being paused."""


@dataclass(frozen=True)
class BatchItem:
    """One request of a batch with what decides whether its trajectory exists. It can be pickled."""

    index: int
    """Position in the batch."""
    request: BatchRequest
    key: RequestKey


@dataclass(frozen=True)
class BatchSettings:
    """What the requests of a batch share. It can be pickled."""

    folder: Path
    """Where the answers are exported."""
    at_once: int
    """Most trajectories that run at the same time."""
    profile: str | None = None
    """For requests that name none."""
    limits: Limits | None = None
    """For requests that set none."""
    approve_plan: bool = False
    """Whether plans wait for a person, in requests that do not say."""
    image_size: str | None = None
    """Size or aspect ratio of the images, in requests that do not say."""

    def limits_of(self, request: BatchRequest) -> Limits | None:
        """Returns a request's limits; None where all are those of its profile or of the components. Reads files."""
        if self.limits is None and not request.limits:
            return None
        profile = request.profile or self.profile
        base = self.limits or (Limits() if profile is None else load_profile(profile).limits)
        return request.limits_within(base)

    def approves(self, request: BatchRequest) -> bool:
        """Returns whether a request's plan waits for a person."""
        return self.approve_plan if request.approve_plan is None else request.approve_plan


class BatchExecutor(Protocol):
    """Works on the requests of a batch somewhere else than in its own event loop."""

    async def run(
        self,
        workspace: Workspace,
        settings: BatchSettings,
        items: Sequence[BatchItem],
        pausing: asyncio.Event,
        finished: Callable[[int, BatchResult], None],
    ) -> None:
        """Works on every item with a `RequestRunner`.

        Args:
            workspace: The batch's; workers open it again.
            settings: What the requests share.
            items: The requests.
            pausing: Set when the calls in flight are to end and nothing more is to start.
            finished: Called in this process with an item's position and its result, once for each item that ended,
                waits or failed.

        Raises:
            InterleaveError: The work cannot be done there.
        """
        ...


class RequestRunner:
    """Works on requests, any number at the same time.

    Args:
        workspace: Where the trajectories live.
        settings: What the requests share.
        is_pausing: Tells whether trajectories are to be left at the next place where no call is lost.
    """

    def __init__(
        self, workspace: Workspace, settings: BatchSettings, is_pausing: Callable[[], Awaitable[bool]]
    ) -> None:
        self._workspace = workspace
        self._settings = settings
        self._is_pausing = is_pausing

    async def run(self, item: BatchItem) -> BatchResult:
        """Runs one request as far as it goes. Its failure, of whatever kind, is its result."""
        name: str | None = None
        try:
            name = await self._create(item)
            ended = await self._run_trajectory(name, item.request.name or name)
            return await self._exported(item.request, ended)
        except (InterleaveError, OSError) as error:
            return await self._failed(item.request, name, error)
        except Exception as error:  # noqa: BLE001 - a defect of a component must not stop the other requests
            _log.exception("request %s of the batch failed", item.request.name)
            return await self._failed(item.request, name, error)

    async def _create(self, item: BatchItem) -> str:
        request = item.request
        images = await request_images(request.images, self._workspace.add_image)
        limits = await asyncio.to_thread(self._settings.limits_of, request)
        return await self._workspace.create(
            place_images(request.text, images),
            profile=request.profile or self._settings.profile,
            limits=limits,
            seed=request.seed,
            approve_plan=self._settings.approves(request),
            image_size=request.image_size or self._settings.image_size,
            key=item.key,
            attended=True,
        )

    async def _run_trajectory(self, name: str, label: str) -> Trajectory:
        if (await self._workspace.summary(name)).status not in {"done", "cancelled"}:
            pausing: asyncio.Task[None] | None = None
            told = False
            try:
                async with contextlib.aclosing(self._workspace.stream(name)) as events:
                    async for event in events:
                        if not told and isinstance(event, _RESULTS) and await self._is_pausing():
                            told = True
                            await self._pause(name)
                        log_pause(label, event)
                        if isinstance(event, ModelWaiting) and pausing is None:
                            pausing = asyncio.create_task(self._pause_waiting(name))
            finally:
                if pausing is not None:
                    pausing.cancel()
                    await asyncio.gather(pausing, return_exceptions=True)
        return await self._workspace.get(name)

    async def _pause_waiting(self, name: str) -> None:
        """Pauses a trajectory with the batch, also while it waits for a provider and nothing happens for an hour."""
        while not await self._is_pausing():  # noqa: ASYNC110 - another process cannot set an event of this one
            await asyncio.sleep(_LOOK_SECONDS)
        await self._pause(name)

    async def _pause(self, name: str) -> None:
        with contextlib.suppress(InterleaveError):  # It may have ended at the same moment.
            await self._workspace.pause(name)

    async def _exported(self, request: BatchRequest, trajectory: Trajectory) -> BatchResult:
        result = result_of(request, trajectory)
        folder = self._settings.folder / result.name
        if trajectory.status != "done" or not await asyncio.to_thread(_shows, folder, trajectory):
            try:
                await asyncio.to_thread(_check_no_link, folder)
                # The folder belongs to the batch, whose manifest may have another request in this place by now.
                await asyncio.to_thread(export, trajectory, self._workspace.store, folder, replace_others=True)
            except InterleaveError as error:
                return result.model_copy(update={"error": result.error or f"The exports were not written: {error}"})
        return result

    async def _failed(self, request: BatchRequest, name: str | None, error: Exception) -> BatchResult:
        reason = str(error) or type(error).__name__
        if name is None:
            status: BatchStatus = "refused" if isinstance(error, InputError | ProfileError) else "failed"
            return result_without_trajectory(request, status, reason)
        with contextlib.suppress(InterleaveError, OSError):
            result = result_of(request, await self._workspace.get(name))
            busy = isinstance(error, TrajectoryError) and error.code == "busy"
            status = result.status if busy or result.status == "cancelled" else "failed"
            return result.model_copy(update={"status": status, "error": reason})
        return result_without_trajectory(request, "failed", reason).model_copy(update={"trajectory": name})


def _check_no_link(folder: Path) -> None:
    if folder.is_symlink():
        raise InputError(f"{folder} is a symbolic link, and a batch writes to its own folder only. Remove the link.")


def _shows(folder: Path, trajectory: Trajectory) -> bool:
    """Returns whether a folder holds the exports of a finished trajectory; the page is written last."""
    try:
        record = parse_json(read_regular(folder / "trajectory.json", MOST_BYTES))
    except (OSError, ValueError):
        return False
    if not isinstance(record, dict):
        return False
    same = (record.get("id"), record.get("status")) == (trajectory.id, trajectory.status)
    return same and is_export(folder) and (folder / "index.html").is_file()
