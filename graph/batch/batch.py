"""Runs the requests of a manifest side by side, as trajectories of a workspace, and keeps folder and report current.

Each request has a key made of the batch and its content, with which its trajectory is created once. Running a batch
again, after a kill or a pause, therefore finds the trajectories of the first run: finished ones are left alone, the
others are resumed, and only requests that changed are new. The folder's `batch.json` holds the batch's identity.
"""

import asyncio
import contextlib
import hashlib
import json
import logging
import secrets
import time
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from interleavethinker.graph.events import ImageGenerated, ImageRefused, Judged, Planned, StepFinished
from interleavethinker.graph.export.export import export, is_export
from interleavethinker.graph.limits import Limits
from interleavethinker.graph.profiles.profile import load_profile
from interleavethinker.graph.workspace.catalog import RequestKey
from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.graph.workspace.workspace import Workspace
from interleavethinker.tools.errors import InputError, InterleaveError, ProfileError, TrajectoryError
from interleavethinker.tools.file_lock import only_writer
from interleavethinker.tools.files import atomic_write, read_at_most
from interleavethinker.tools.images.png import ImageLimits
from interleavethinker.tools.request_parsing import place_images

from .manifest import BatchRequest, unique_names
from .report import write_report
from .results import BatchResult, BatchStatus, result_of, result_without_trajectory

__all__ = ["Batch", "run_batch"]

_log = logging.getLogger(__name__)
_RESTING_PLACES = ImageGenerated | ImageRefused | Judged | Planned | StepFinished
"""Events after which a trajectory can be left without losing a call."""
_REPORT_SECONDS, _REPORT_SHARE = 1.0, 20.0
"""A report is written at most this often, and takes at most one twentieth of the time."""
_IDENTITY = "batch.json"


@dataclass(frozen=True)
class _Item:
    """One request with what decides whether its trajectory exists."""

    index: int
    request: BatchRequest
    key: RequestKey


class Batch:
    """The requests of a manifest and the folder of their answers.

    Args:
        workspace: Where the trajectories live.
        requests: Such as `read_manifest` or `sweep` returns.
        folder: Gets `report.csv`, `index.html` and a folder for each request.
        at_once: Most trajectories that run at the same time.
        profile: For requests that name none. A workspace that was opened with components needs none.
        limits: For requests that set none; the profile's by default.
        approve_plan: Whether plans wait for a person's approval, in requests that do not say.

    Raises:
        InputError: Two requests have one name, or `at_once` is not positive.
    """

    def __init__(
        self,
        workspace: Workspace,
        requests: Sequence[BatchRequest],
        folder: str | Path,
        *,
        at_once: int = 8,
        profile: str | None = None,
        limits: Limits | None = None,
        approve_plan: bool = False,
    ) -> None:
        if at_once < 1:
            raise InputError(f"A batch must run at least one trajectory at once; got {at_once}.")
        self.folder = Path(folder)
        self._workspace = workspace
        self._requests = unique_names(requests)
        self._at_once = at_once
        self._profile = profile
        self._limits = limits
        self._approve_plan = approve_plan
        self._pausing = False
        self._results = [result_without_trajectory(one) for one in self._requests]
        self._report_at = 0.0

    @property
    def results(self) -> tuple[BatchResult, ...]:
        """How every request stands, in the manifest's order."""
        return tuple(self._results)

    def pause(self) -> None:
        """Lets the calls in flight end and starts nothing more; running the batch again goes on from there."""
        self._pausing = True

    async def run(self) -> AsyncGenerator[BatchResult]:
        """Runs or continues the batch, and yields the result of each request as soon as it ends, waits or fails.

        Raises:
            InputError: The folder belongs to something else, or to a batch of another workspace; or another process
                runs this batch.
            ProfileError: A profile of the batch does not exist.
        """
        self._pausing = False
        async with contextlib.AsyncExitStack() as stack:
            await asyncio.to_thread(self._check_profiles)
            await asyncio.to_thread(_check_folder, self.folder)
            await asyncio.to_thread(stack.enter_context, only_writer(self.folder))
            batch = await asyncio.to_thread(_identity, self.folder, self._workspace.root)
            items = await asyncio.to_thread(lambda: list(self._items(batch)))
            finished: asyncio.Queue[BatchResult | None] = asyncio.Queue()
            waiting = iter(items)  # Shared: each worker takes the next one.
            workers = [asyncio.create_task(self._work(waiting, finished)) for _ in range(self._at_once)]
            everyone = asyncio.gather(*workers)
            everyone.add_done_callback(lambda _: finished.put_nowait(None))
            try:
                while (result := await finished.get()) is not None:
                    await self._write_report()
                    yield result
                await everyone
            finally:
                for worker in workers:
                    worker.cancel()
                await asyncio.gather(*workers, everyone, return_exceptions=True)
                await asyncio.shield(self._write_report(at_once=True))

    async def _work(self, waiting: Iterator[_Item], finished: "asyncio.Queue[BatchResult | None]") -> None:
        for item in waiting:
            if self._pausing:
                return
            result = await self._one(item)
            self._results[item.index] = result
            finished.put_nowait(result)

    async def _one(self, item: _Item) -> BatchResult:
        """Runs one request as far as it goes. Its failure, of whatever kind, is its result."""
        name: str | None = None
        try:
            name = await self._create(item)
            ended = await self._run_trajectory(name)
            return await self._exported(item.request, ended)
        except (InterleaveError, OSError) as error:
            return await self._failed(item.request, name, error)
        except Exception as error:  # noqa: BLE001 - a defect of a component must not stop the other requests
            _log.exception("request %s of the batch failed", item.request.name)
            return await self._failed(item.request, name, error)

    async def _create(self, item: _Item) -> str:
        request = item.request
        images = [await self._workspace.add_image(image) for image in request.images]
        limits = await asyncio.to_thread(self._limits_of, request)
        approve = self._approve_plan if request.approve_plan is None else request.approve_plan
        return await self._workspace.create(
            place_images(request.text, images),
            profile=request.profile or self._profile,
            limits=limits,
            seed=request.seed,
            approve_plan=approve,
            key=item.key,
        )

    def _limits_of(self, request: BatchRequest) -> Limits | None:
        """Returns a request's limits; None where all are those of its profile or of the components."""
        if self._limits is None and not request.limits:
            return None
        profile = request.profile or self._profile
        base = self._limits or (Limits() if profile is None else load_profile(profile).limits)
        return request.limits_within(base)

    async def _run_trajectory(self, name: str) -> Trajectory:
        if (await self._workspace.summary(name)).status not in {"done", "cancelled"}:
            async with contextlib.aclosing(self._workspace.stream(name)) as events:
                async for event in events:
                    if self._pausing and isinstance(event, _RESTING_PLACES):
                        break
        return await self._workspace.get(name)

    async def _exported(self, request: BatchRequest, trajectory: Trajectory) -> BatchResult:
        result = result_of(request, trajectory)
        folder = self.folder / result.name
        if trajectory.status != "done" or not await asyncio.to_thread(_shows, folder, trajectory):
            try:
                await asyncio.to_thread(export, trajectory, self._workspace.store, folder)
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

    def _check_profiles(self) -> None:
        for profile in {one.profile or self._profile for one in self._requests} - {None}:
            load_profile(str(profile))

    def _items(self, batch: str) -> Iterator[_Item]:
        """Yields the requests with their keys. Equal requests differ by how many equal ones stand before them."""
        seen: Counter[str] = Counter()
        for index, request in enumerate(self._requests):
            content = request.model_dump(mode="json", exclude={"name", "images", "settings"})
            content |= {
                "profile": request.profile or self._profile,
                "limits": None if (limits := self._limits_of(request)) is None else limits.model_dump(mode="json"),
                "approve_plan": self._approve_plan if request.approve_plan is None else request.approve_plan,
                "images": [_digest(image) for image in request.images],
            }
            digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
            yield _Item(index, request, RequestKey(f"batch:{batch}:{digest}:{seen[digest]}"))
            seen[digest] += 1

    async def _write_report(self, *, at_once: bool = False) -> None:
        if not at_once and time.monotonic() < self._report_at:
            return
        started = time.monotonic()
        await asyncio.to_thread(write_report, self.results, self.folder)
        now = time.monotonic()
        self._report_at = now + max(_REPORT_SECONDS, _REPORT_SHARE * (now - started))


async def run_batch(
    workspace: Workspace,
    requests: Sequence[BatchRequest],
    folder: str | Path,
    *,
    at_once: int = 8,
    profile: str | None = None,
    limits: Limits | None = None,
) -> tuple[BatchResult, ...]:
    """Runs or continues a batch and returns how every request stands; see `Batch`, which also shows progress."""
    batch = Batch(workspace, requests, folder, at_once=at_once, profile=profile, limits=limits)
    async with contextlib.aclosing(batch.run()) as results:
        async for _ in results:
            pass
    return batch.results


def _digest(image: Path) -> str:
    try:
        return hashlib.sha256(read_at_most(image, ImageLimits().max_bytes)).hexdigest()
    except (OSError, InputError):  # Told when the image is added.
        return f"unreadable {image}"


def _shows(folder: Path, trajectory: Trajectory) -> bool:
    """Returns whether a folder holds the exports of a finished trajectory; the page is written last."""
    try:
        record = json.loads((folder / "trajectory.json").read_bytes())
    except (OSError, ValueError):
        return False
    same = (record.get("id"), record.get("status")) == (trajectory.id, trajectory.status)
    return same and is_export(folder) and (folder / "index.html").is_file()


def _check_folder(folder: Path) -> None:
    """Refuses a folder in which somebody else's files would be replaced.

    Raises:
        InputError: There are such files.
    """
    if (folder / _IDENTITY).is_file():
        return
    for name in ("index.html", "report.csv"):
        if (folder / name).exists():
            raise InputError(
                f"{folder / name} exists, and no batch wrote it. Choose another folder, or move the file away."
            )


def _identity(folder: Path, root: Path) -> str:
    """Returns the ID of the batch in a folder, a new one if there is none.

    Raises:
        InputError: The batch belongs to another workspace, or its file is damaged.
    """
    path, home = folder / _IDENTITY, str(root.resolve())
    try:
        identity = json.loads(path.read_bytes())
        batch, its_home = str(identity["batch"]), str(identity["workspace"])
    except FileNotFoundError:
        new = secrets.token_hex(16)
        try:
            atomic_write(path, json.dumps({"batch": new, "workspace": home}, indent=2).encode())
        except OSError as error:
            raise InputError(f"Cannot write to {folder}: {error.strerror}. Choose another folder.") from error
        return new
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} cannot be read as a batch's identity. Choose another folder.") from error
    if its_home != home:
        raise InputError(
            f"The batch in {folder} belongs to the workspace {its_home}, not to {home}. Use that workspace, or another "
            "folder."
        )
    return batch
