"""The trajectories that run in this process: one task each, what each is doing, and whoever waits for a change."""

import asyncio
import contextlib
import logging
import sys
from typing import Self

from interleavethinker.graph.events import (
    Event,
    GenerationProgress,
    ImageGenerated,
    ImageRefused,
    Judged,
    ModelWaiting,
    PlanChecked,
    Planned,
    StepFinished,
)
from interleavethinker.graph.workspace.pausing import pause_run
from interleavethinker.graph.workspace.workspace import Workspace
from interleavethinker.tools.errors import InterleaveError, TrajectoryError

from .view import Work

__all__ = ["Runs"]

_log = logging.getLogger(__name__)
_LOADING_SECONDS = 2.0
"""How long an answer waits for a run that ends while its models are loaded."""
_PAUSE_SECONDS = 1.5
"""How long closing waits for generator calls in flight. Chat clients kill a server two seconds after they leave it.
`drain` waits longer where a signal ends the server."""
_CANCEL_SECONDS = 5.0
_FRACTION = 20
"""Progress is shown in steps of one twentieth: a watcher is woken no more often."""


class _Run:
    def __init__(self, task: "asyncio.Task[None]") -> None:
        self.task = task
        self.work: Work | None = Work(phase="loading")


class Runs:
    """Runs trajectories in the background. Use as an async context manager.

    Args:
        workspace: Open.
        unload_after: Seconds without a run after which the models are freed; None: never.
    """

    def __init__(self, workspace: Workspace, unload_after: float | None = None) -> None:
        self._workspace = workspace
        self._unload_after = unload_after
        self._runs: dict[str, _Run] = {}
        self._changes: dict[str, int] = {}
        self._changed = asyncio.Condition()
        self._background: set[asyncio.Task[None]] = set()
        self._unloading: asyncio.Task[None] | None = None
        self._models = asyncio.Lock()
        """Held while models are freed: a run that starts meanwhile waits, and then loads them again."""
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def start(self, trajectory: str) -> None:
        """Runs a trajectory from its current state, unless it already runs here."""
        run = self._runs.get(trajectory)
        if self._closed or (run is not None and not run.task.done()):
            return
        if self._unloading is not None:
            self._unloading.cancel()
            self._unloading = None
        task = asyncio.create_task(self._consume(trajectory), name=f"trajectory {trajectory}")
        self._runs[trajectory] = _Run(task)
        self.notify(trajectory)

    def work(self, trajectory: str) -> Work | None:
        """Returns what a trajectory is doing; None if it does not run here."""
        run = self._runs.get(trajectory)
        return None if run is None else run.work

    def changes(self, trajectory: str) -> int:
        """Returns how often this process has noticed a change of a trajectory."""
        return self._changes.get(trajectory, 0)

    def notify(self, trajectory: str) -> None:
        """Wakes everybody who waits for a change of a trajectory."""
        self._changes[trajectory] = self.changes(trajectory) + 1
        waker = asyncio.create_task(self._wake())
        self._background.add(waker)
        waker.add_done_callback(self._background.discard)

    async def wait_for_change(self, trajectory: str, number: int, seconds: float) -> None:
        """Returns once `changes` is no longer `number`, or after some seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: self.changes(trajectory) != number)

    async def pause(self, trajectory: str, *, heard: bool = False) -> None:
        """Pauses a trajectory that runs here, or is about to, after its call in flight.

        Args:
            trajectory: Its id.
            heard: Whether its run knows already; False also if it may be about to begin.
        """
        run = self._runs.get(trajectory)
        if run is None:
            return
        if not heard:
            await pause_run(lambda: self._workspace.pause(trajectory), run.task.done)
        if run.work is not None and run.work.phase == "loading":  # It ends at once then.
            await asyncio.wait([run.task], timeout=_LOADING_SECONDS)

    async def wait_until_ended(self, trajectory: str, seconds: float) -> None:
        """Returns once a trajectory does not run here, or after some seconds."""
        run = self._runs.get(trajectory)
        if run is not None:
            await asyncio.wait([run.task], timeout=seconds)

    async def drain(self, seconds: float) -> None:
        """Starts nothing any more, and pauses what runs here after the calls in flight; says so on stderr.

        Args:
            seconds: The most to wait.
        """
        running = self._pause()
        if running:
            sys.stderr.write(
                f"Pausing {len(running)} running {'trajectory' if len(running) == 1 else 'trajectories'} after the "
                f"calls in flight, within {seconds:g} s. A second signal stops at once.\n"
            )
            sys.stderr.flush()
            await asyncio.wait(running, timeout=seconds)

    async def close(self) -> None:
        """Pauses what runs here, after the generator calls in flight if they end soon. Safe to call twice."""
        running = self._pause()
        if running:
            _, late = await asyncio.wait(running, timeout=_PAUSE_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.wait(running, timeout=_CANCEL_SECONDS)

    def _pause(self) -> "list[asyncio.Task[None]]":
        self._closed = True
        if self._unloading is not None:
            self._unloading.cancel()
        running = {name: run.task for name, run in self._runs.items() if not run.task.done()}
        for name in running:
            pausing = asyncio.create_task(self.pause(name))
            self._background.add(pausing)
            pausing.add_done_callback(self._background.discard)
        return list(running.values())

    async def _consume(self, trajectory: str) -> None:
        run = self._runs[trajectory]
        try:
            async with self._models:
                pass
            async with contextlib.aclosing(self._workspace.stream(trajectory)) as events:
                async for event in events:
                    work = _work_after(event, run.work)
                    if work != run.work or not isinstance(event, GenerationProgress):
                        run.work = work
                        self.notify(trajectory)
        except TrajectoryError as error:
            # Another server runs it, or somebody has cancelled or deleted it: whoever asks sees that in the view.
            _log.info("trajectory %s does not run here: %s", trajectory, error)
        except InterleaveError as error:
            _log.info("trajectory %s failed: %s", trajectory, error)  # The catalog has the reason.
        except Exception:  # noqa: BLE001 - a defect in one trajectory must not end the server
            _log.exception("trajectory %s failed by a defect", trajectory)
        finally:
            run.work = None
            if self._runs.get(trajectory) is run:
                del self._runs[trajectory]
            self.notify(trajectory)
            self._unload_later()

    async def _wake(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def _unload_later(self) -> None:
        if self._unload_after is None or self._runs or self._closed:
            return
        if self._unloading is not None:
            self._unloading.cancel()
        self._unloading = asyncio.create_task(self._unload(self._unload_after))

    async def _unload(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._unloading = None  # From here on nobody cancels it.
        async with self._models:
            if self._runs:
                return
            await self._workspace.close_components()
            inference = sys.modules.get("interleavethinker.tools.qwen3vl.inference")
            if inference is not None:
                await asyncio.to_thread(inference.unload_models)


def _work_after(event: Event, before: Work | None) -> Work | None:
    match event:
        case GenerationProgress():
            return Work(
                phase="generating",
                step=event.step + 1,
                attempt=event.iteration + 1,
                fraction=int(event.fraction * _FRACTION) / _FRACTION,
                message=event.message,
            )
        case ImageGenerated() | ImageRefused():
            return Work(phase="judging", step=event.attempt.step + 1, attempt=event.attempt.iteration + 1)
        case PlanChecked() | Planned():
            return Work(phase="planning")
        case ModelWaiting():
            return Work(phase="waiting_for_model", message=event.reason)
        case Judged() | StepFinished():
            return before
        case _:
            return before
