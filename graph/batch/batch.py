"""Runs the requests of a manifest side by side, as trajectories of a workspace, and keeps folder and report current.

Each request has a key made of the batch and its content, with which its trajectory is created once. Running a batch
again, after a kill or a pause, therefore finds the trajectories of the first run: finished ones are left alone, the
others are resumed, and only requests that changed are new. The folder's `batch.json` holds the batch's identity.
Answers in the folder are not replaced by requests of which none was ever one of its batch.
"""

import asyncio
import contextlib
import hashlib
import json
import secrets
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from pathlib import Path

from interleavethinker.graph.estimate import require_prices
from interleavethinker.graph.export.ownership import is_export
from interleavethinker.graph.limits import Limits
from interleavethinker.graph.profiles.profile import Profile, load_profile
from interleavethinker.graph.workspace.catalog import RequestKey
from interleavethinker.graph.workspace.request_images import image_path
from interleavethinker.graph.workspace.workspace import Workspace
from interleavethinker.tools.errors import InputError, ProfileError
from interleavethinker.tools.file_lock import only_writer
from interleavethinker.tools.files import atomic_write, is_file, read_at_most
from interleavethinker.tools.images.png import ImageLimits
from interleavethinker.tools.structured_text import parse_json

from .keys import hashed_fields
from .manifest import BatchRequest, unique_names
from .report import write_report
from .results import BatchResult, result_without_trajectory
from .working import BatchExecutor, BatchItem, BatchSettings, RequestRunner

__all__ = ["Batch", "run_batch"]

_REPORT_SECONDS, _REPORT_SHARE = 1.0, 20.0
"""A report is written at most this often, and takes at most one twentieth of the time."""
_IDENTITY = "batch.json"
_MAX_IDENTITY = 2**20
"""Bytes."""


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
        image_size: Size (`1024x576`) or aspect ratio (`16:9`) of the images, in requests that do not say; by default
            the profile's, or the model's own.
        executor: Works on the requests in other processes, such as `BatchWorkers`; None: this event loop does.
        force: Replace the answers of another batch in the folder: one that has had none of these requests.

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
        image_size: str | None = None,
        executor: BatchExecutor | None = None,
        force: bool = False,
    ) -> None:
        if at_once < 1:
            raise InputError(f"A batch must run at least one trajectory at once; got {at_once}.")
        self.folder = Path(folder)
        self._workspace = workspace
        self._requests = unique_names(requests)
        self._settings = BatchSettings(self.folder, at_once, profile, limits, approve_plan, image_size)
        self._force = force
        self._executor: BatchExecutor = executor or _Here()
        self._pausing = asyncio.Event()
        self._results = [result_without_trajectory(one) for one in self._requests]
        self._report_at = 0.0

    @property
    def results(self) -> tuple[BatchResult, ...]:
        """How every request stands, in the manifest's order."""
        return tuple(self._results)

    def pause(self) -> None:
        """Lets the calls in flight end and starts nothing more; running the batch again goes on from there."""
        self._pausing.set()

    async def run(self) -> AsyncGenerator[BatchResult]:
        """Runs or continues the batch, and yields the result of each request as soon as it ends, waits or fails.

        Raises:
            InputError: The folder belongs to something else, or to another batch or workspace; or another process
                runs this batch.
            ProfileError: A profile of the batch does not exist.
        """
        self._pausing.clear()
        async with contextlib.AsyncExitStack() as stack:
            await asyncio.to_thread(self._check_profiles)
            await asyncio.to_thread(_check_folder, self.folder)
            await asyncio.to_thread(stack.enter_context, only_writer(self.folder))
            new = not await asyncio.to_thread(is_file, self.folder / _IDENTITY)
            names = [one.name or "" for one in self._requests]
            replaces = not self._force and await asyncio.to_thread(_answers_in, self.folder, names)
            if replaces and new:
                raise _other_batch(self.folder)
            batch = await asyncio.to_thread(_identity, self.folder, self._workspace.root)
            items = await asyncio.to_thread(lambda: list(self._items(batch)))
            if replaces and not await self._has_one_of(items):
                raise _other_batch(self.folder)
            finished: asyncio.Queue[BatchResult | None] = asyncio.Queue()

            def end(index: int, result: BatchResult) -> None:
                self._results[index] = result
                finished.put_nowait(result)

            work = asyncio.create_task(self._executor.run(self._workspace, self._settings, items, self._pausing, end))
            work.add_done_callback(lambda _: finished.put_nowait(None))
            try:
                while (result := await finished.get()) is not None:
                    await self._write_report()
                    yield result
                await work
            finally:
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
                await asyncio.shield(self._write_report(at_once=True))

    def _check_profiles(self) -> None:
        loaded: dict[str, Profile] = {}
        priced: set[str] = set()  # Whether prices are known is a matter of the profile, whatever the limit is.
        for number, one in enumerate(self._requests, 1):
            profile = one.profile or self._settings.profile
            if profile is not None and profile not in loaded:
                loaded[profile] = self._loaded(number, one, profile)
            limits = self._settings.limits_of(one)
            if profile is not None and limits is not None and limits.max_cost is not None and profile not in priced:
                require_prices(loaded[profile], limits, name=f"max_cost of request {number}")
                priced.add(profile)

    def _loaded(self, number: int, request: BatchRequest, profile: str) -> Profile:
        try:
            return load_profile(profile)
        except ProfileError as error:
            if request.profile is None:
                raise
            raise ProfileError(f"Request {number}: {error}", code=error.code) from error

    def _items(self, batch: str) -> Iterator[BatchItem]:
        """Yields the requests with their keys. Equal requests differ by how many equal ones stand before them."""
        seen: Counter[str] = Counter()
        for index, request in enumerate(self._requests):
            content = hashed_fields(request)
            if size := request.image_size or self._settings.image_size:  # Left out otherwise, as by earlier versions.
                content["image_size"] = size
            limits = self._settings.limits_of(request)
            content |= {
                "profile": request.profile or self._settings.profile,
                "limits": None if limits is None else hashed_fields(limits),
                "approve_plan": self._settings.approves(request),
                "images": [_digest_of(image) for image in request.images],
            }
            digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
            yield BatchItem(index, request, RequestKey(f"batch:{batch}:{digest}:{seen[digest]}"))
            seen[digest] += 1

    async def _has_one_of(self, items: Sequence[BatchItem]) -> bool:
        """Returns whether one of these requests was ever one of the folder's batch."""
        for item in items:
            if await self._workspace.keyed(item.key) is not None:
                return True
        return False

    async def _write_report(self, *, at_once: bool = False) -> None:
        if not at_once and time.monotonic() < self._report_at:
            return
        started = time.monotonic()
        await asyncio.to_thread(write_report, self.results, self.folder)
        now = time.monotonic()
        self._report_at = now + max(_REPORT_SECONDS, _REPORT_SHARE * (now - started))


class _Here:
    """Works on the requests in this event loop."""

    async def run(
        self,
        workspace: Workspace,
        settings: BatchSettings,
        items: Sequence[BatchItem],
        pausing: asyncio.Event,
        finished: Callable[[int, BatchResult], None],
    ) -> None:
        """See `BatchExecutor.run`."""

        async def is_pausing() -> bool:
            return pausing.is_set()

        runner = RequestRunner(workspace, settings, is_pausing)
        waiting = iter(items)  # Shared: each worker takes the next one.

        async def work() -> None:
            for item in waiting:
                if pausing.is_set():
                    return
                finished(item.index, await runner.run(item))

        async with asyncio.TaskGroup() as group:
            for _ in range(min(settings.at_once, len(items))):
                group.create_task(work())


async def run_batch(
    workspace: Workspace,
    requests: Sequence[BatchRequest],
    folder: str | Path,
    *,
    at_once: int = 8,
    profile: str | None = None,
    limits: Limits | None = None,
    image_size: str | None = None,
    executor: BatchExecutor | None = None,
    force: bool = False,
) -> tuple[BatchResult, ...]:
    """Runs or continues a batch and returns how every request stands; see `Batch`, which also shows progress."""
    batch = Batch(
        workspace,
        requests,
        folder,
        at_once=at_once,
        profile=profile,
        limits=limits,
        image_size=image_size,
        executor=executor,
        force=force,
    )
    async with contextlib.aclosing(batch.run()) as results:
        async for _ in results:
            pass
    return batch.results


def _digest_of(given: Path) -> str:
    """Returns the digest of an image, with its name if it has one."""
    path = image_path(given)
    return _digest(path) if path == given else f"{str(given).removesuffix(str(path))}{_digest(path)}"


def _digest(image: Path) -> str:
    try:
        return hashlib.sha256(read_at_most(image, ImageLimits().max_bytes)).hexdigest()
    except (OSError, InputError):  # Told when the image is added.
        return f"unreadable {image}"


def _check_folder(folder: Path) -> None:
    """Refuses a folder in which somebody else's files would be replaced.

    Raises:
        InputError: There are such files.
    """
    if is_file(folder / _IDENTITY):
        return
    for name in ("index.html", "report.csv"):
        if (folder / name).exists():
            raise InputError(
                f"{folder / name} exists, and no batch wrote it. Choose another folder, or move the file away."
            )


def _answers_in(folder: Path, names: Sequence[str]) -> bool:
    """Returns whether a folder holds answers that a batch would replace, or whose report it would.

    Args:
        folder: The folder.
        names: Of the batch's requests.
    """
    places = folder.iterdir() if is_file(folder / _IDENTITY) else [folder / name for name in names]
    return any(one.is_dir() and not one.is_symlink() and is_export(one) for one in places)


def _other_batch(folder: Path) -> InputError:
    return InputError(
        f"{folder} holds answers of another batch: to other requests, to the same ones with other options, or of "
        "trajectories that were deleted. They would be replaced. Choose another folder with --out, or replace them "
        "with --force (Python: force=True)."
    )


def _identity(folder: Path, root: Path) -> str:
    """Returns the ID of the batch in a folder, a new one if there is none.

    Raises:
        InputError: The batch belongs to another workspace, or its file is damaged.
    """
    path, home = folder / _IDENTITY, str(root.resolve())
    try:
        identity = parse_json(read_at_most(path, _MAX_IDENTITY))
        batch, its_home = str(identity["batch"]), str(identity["workspace"])
    except FileNotFoundError:
        new = secrets.token_hex(16)
        try:
            atomic_write(path, json.dumps({"batch": new, "workspace": home}, indent=2).encode())
        except OSError as error:
            raise InputError(f"Cannot write to {folder}: {error.strerror}. Choose another folder.") from error
        return new
    except (OSError, ValueError, KeyError, TypeError, InputError) as error:
        raise InputError(f"{path} cannot be read as a batch's identity. Choose another folder.") from error
    if its_home != home:
        raise InputError(
            f"The batch in {folder} belongs to the workspace {its_home}, not to {home}. Use that workspace, or another "
            "folder."
        )
    return batch
