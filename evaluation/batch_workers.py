"""Works on the requests of a batch in other processes of this machine, or on a Ray cluster.

Every worker opens the batch's workspace and the profiles that its requests name. The trajectories, their locks and the
image servers' stores make sure that nothing finished is done again, whichever worker goes on with a request; report and
identity of the batch stay with the process that runs it.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from interleavethinker.graph.batch.results import BatchResult, result_without_trajectory
from interleavethinker.graph.batch.working import BatchItem, BatchSettings, RequestRunner
from interleavethinker.graph.workspace.request_images import image_path
from interleavethinker.graph.workspace.workspace import Workspace
from interleavethinker.tools.errors import InputError, InterleaveError

from .executors import Call, ExecutorConfig, Lost, run_items

__all__ = ["BatchWorkers"]

_PAUSE = ".pause"
"""A file in the batch's folder that all workers see; while it exists, they leave their trajectories."""


class BatchWorkers:
    """An executor for `Batch` and `run_batch`.

    Args:
        config: Which workers, and how many. Its `at_once` is the batch's.

    Examples:
        >>> executor = BatchWorkers(ExecutorConfig("processes", 4))
    """

    def __init__(self, config: ExecutorConfig) -> None:
        self._config = config

    async def run(
        self,
        workspace: Workspace,
        settings: BatchSettings,
        items: Sequence[BatchItem],
        pausing: asyncio.Event,
        finished: Callable[[int, BatchResult], None],
    ) -> None:
        """See `BatchExecutor.run`.

        Raises:
            InputError: The workspace was opened with components, which other processes do not have; or Ray is chosen
                and not installed.
        """
        if workspace.location is None:
            raise InputError(
                "Worker processes cannot use the components that the workspace was opened with. Name a profile, or "
                "leave out the executor."
            )
        settings = await asyncio.to_thread(_anywhere, settings)
        sent = await asyncio.to_thread(lambda: [_with_paths(item) for item in items])
        config = replace(self._config, at_once=settings.at_once)

        def save(number: int, result: BatchResult | Lost) -> None:
            item = items[number]
            if isinstance(result, Lost):
                reason = (
                    f"{result.deaths} worker processes died while they worked on this request. "
                    "Check that there is enough memory."
                )
                result = result_without_trajectory(item.request, "failed", reason)
            if result.status != "not started":  # The batch is paused.
                finished(item.index, result)

        marker = settings.folder / _PAUSE
        await asyncio.to_thread(marker.unlink, missing_ok=True)
        watching = asyncio.create_task(_mark(marker, pausing))
        try:
            await run_items(config, _BatchWorker(workspace.location, settings), sent, save)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await asyncio.to_thread(marker.unlink, missing_ok=True)


@dataclass(frozen=True)
class _BatchWorker:
    """What each worker process is made of."""

    workspace: str
    settings: BatchSettings

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Call[BatchItem, BatchResult]]:
        """Opens the workspace; profiles are opened by the first trajectory that needs them."""
        marker = self.settings.folder / _PAUSE

        async def is_pausing() -> bool:
            return await asyncio.to_thread(marker.exists)

        async with Workspace.open(self.workspace) as workspace:
            runner = RequestRunner(workspace, self.settings, is_pausing)

            async def work(item: BatchItem) -> BatchResult:
                return result_without_trajectory(item.request) if await is_pausing() else await runner.run(item)

            yield work


async def _mark(marker: Path, pausing: asyncio.Event) -> None:
    await pausing.wait()
    await asyncio.to_thread(marker.touch)


def _anywhere(settings: BatchSettings) -> BatchSettings:
    """Returns settings that mean the same in another folder."""
    return replace(settings, folder=settings.folder.absolute(), profile=_profile(settings.profile))


def _with_paths(item: BatchItem) -> BatchItem:
    """Returns an item whose files are found from another folder, too."""
    request = item.request
    images = tuple(map(_image, request.images))
    return replace(item, request=request.model_copy(update={"images": images, "profile": _profile(request.profile)}))


def _profile(name: str | None) -> str | None:
    return str(Path(name).absolute()) if name is not None and name.endswith(".toml") else name


def _image(given: Path) -> Path:
    """Returns an image with its name and an absolute path; one that cannot be read is reported by its own request."""
    with contextlib.suppress(InterleaveError):
        path = image_path(given)
        return Path(f"{str(given).removesuffix(str(path))}{path.absolute()}")
    return given
