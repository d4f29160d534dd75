"""Runs the trajectories of a workspace that wait for somebody: never run, or left behind by a process that died.

Any number of workers may share a workspace, in one process or many. The trajectory's lock decides who runs it, and is
freed when its holder dies, so no worker needs to know of another.

`WorkerServer` in `worker_server` also gives a worker new trajectories directly, from processes that wait for them.
"""

import asyncio
import contextlib
import functools
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from interleavethinker.graph.events import Event
from interleavethinker.graph.pauses import log_pause
from interleavethinker.tools.errors import InterleaveError, StoreError, TrajectoryError

from .catalog import Status
from .snapshot import Trajectory
from .workspace import Workspace

__all__ = ["Worker"]

_log = logging.getLogger(__name__)
_UNATTENDED: frozenset[Status] = frozenset({"ready", "interrupted"})
_SPREAD = 4
"""The next trajectory is chosen among this many times `at_once`, so that workers seldom try to take the same one."""
_PATIENCE_SECONDS = 600.0
"""How long a worker waits for a workspace that it could use before: a database's server that restarts, a share."""
_PLACE_SECONDS = 0.05
"""Between two looks whether a place is free, while somebody waits for one."""


class Worker:
    """Runs waiting trajectories, the oldest first, until it is stopped.

    Args:
        workspace: Open.
        report: Called with each trajectory that has ended, waits for a person, or failed.
        at_once: Most trajectories that run at the same time.
        poll: Seconds between two looks into the workspace.
    """

    def __init__(
        self, workspace: Workspace, report: Callable[[Trajectory], None], *, at_once: int = 4, poll: float = 1.0
    ) -> None:
        self._workspace = workspace
        self._report = report
        self._at_once = at_once
        self._poll = poll
        self._running: dict[str, asyncio.Task[Exception | None]] = {}
        self._places = 0
        """Kept free for trajectories that are about to be given directly."""
        self._choosing = asyncio.Lock()
        """Held while trajectories are chosen or given, so that none is started twice here."""
        self._stopped = asyncio.Event()
        self._woken = asyncio.Event()
        self._last_work = time.monotonic()
        self._last_look: float | None = None
        self._unusable = False

    def stop(self) -> None:
        """Takes no further trajectory; `run` returns once those that run have ended."""
        self._stopped.set()

    def wake(self) -> None:
        """Looks into the workspace now instead of at the next poll."""
        self._woken.set()

    @contextlib.asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Waits until one trajectory more may run here, and keeps its place free while the context is open."""
        while True:
            if await self._has_place():
                break
            await asyncio.sleep(_PLACE_SECONDS)
        self._places += 1
        try:
            yield
        finally:
            self._places -= 1
            self._last_work = time.monotonic()

    async def give(
        self, create: Callable[[], Awaitable[str]], listen: Callable[[Event], None]
    ) -> "tuple[str, asyncio.Task[Exception | None]]":
        """Creates a trajectory and runs it at once, beside what waits in the workspace; call it in a `place`.

        Args:
            create: Records the trajectory and returns its ID; its exceptions are passed on.
            listen: Called with each event.

        Returns:
            The ID, and the task that runs it. Its result is the error that ended the run without a last event, or None.
        """
        async with self._choosing:
            name = await create()
            return name, self._start(name, listen)

    async def run(self, *, until_empty: bool = False, idle: float | None = None) -> None:
        """Works until `stop`. While the workspace cannot be used any more, waits for it for up to ten minutes.

        Args:
            until_empty: Also return when nothing waits and nothing runs here.
            idle: Also return after so many seconds without work.

        Raises:
            StoreError: The workspace could not be used at all, may only be read, or could not be used for ten minutes.
        """
        await self._workspace.check_writable()
        try:
            while not self._stopped.is_set():
                waiting = await self._look()
                busy = bool(waiting or self._running or self._places)
                self._last_work = time.monotonic() if busy else self._last_work
                if not busy and (until_empty or (idle is not None and time.monotonic() - self._last_work >= idle)):
                    return
                await self._until_change()
            if self._running:
                await asyncio.wait(self._running.values())
        finally:
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _look(self) -> bool:
        """Takes trajectories and returns whether any waits; an outage of the workspace must not end what runs here."""
        try:
            waiting = await self._take()
        except StoreError as error:
            if self._last_look is None or time.monotonic() - self._last_look > _PATIENCE_SECONDS:
                raise
            if not self._unusable:
                _log.warning("waiting for the workspace: %s", error)
            self._unusable = True
            return True
        self._last_look, self._unusable = time.monotonic(), False
        return waiting

    async def _take(self) -> bool:
        """Starts as many trajectories as there is room for, and returns whether any waits that is not run here."""
        async with self._choosing:
            return await self._choose()

    async def _choose(self) -> bool:
        entries = await self._workspace.list(statuses=_UNATTENDED)
        waiting = [one.id for one in reversed(entries) if one.id not in self._running]
        suspects = await self._workspace.suspects(self._running) if waiting else set()
        room = self._at_once - len(self._running) - self._places
        occupied = self._running or self._places
        if not suspects.isdisjoint(self._running) or (waiting and waiting[0] in suspects and occupied):
            return bool(waiting)  # One that seems to kill its process runs alone.
        if waiting and waiting[0] in suspects:
            room, oldest = 1, waiting[:1]
        else:
            oldest = [name for name in waiting if name not in suspects][: room * _SPREAD]
        for name in random.sample(oldest, max(0, min(room, len(oldest)))):
            self._start(name)
        return bool(waiting)

    def _start(self, name: str, listen: Callable[[Event], None] | None = None) -> "asyncio.Task[Exception | None]":
        task = self._running[name] = asyncio.create_task(self._answer(name, listen))
        task.add_done_callback(functools.partial(self._forget, name))
        return task

    async def _has_place(self) -> bool:
        if self._stopped.is_set() or len(self._running) + self._places >= self._at_once:
            return False
        suspects = await self._workspace.suspects(self._running)  # One of them runs alone.
        return suspects.isdisjoint(self._running) and len(self._running) + self._places < self._at_once

    def _forget(self, name: str, task: "asyncio.Task[Exception | None]") -> None:
        if self._running.get(name) is task:
            del self._running[name]
        self._last_work = time.monotonic()

    async def _until_change(self) -> None:
        """Waits until a trajectory ends here, the worker is stopped, or it is time to look again."""
        told = [asyncio.create_task(event.wait()) for event in (self._stopped, self._woken)]
        try:
            await asyncio.wait(
                [*told, *self._running.values()], timeout=self._poll, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            self._woken.clear()
            for one in told:
                one.cancel()

    async def _answer(self, name: str, listen: Callable[[Event], None] | None) -> Exception | None:
        failure: Exception | None = None
        try:
            async with contextlib.aclosing(self._workspace.stream(name, only_unattended=True)) as events:
                async for event in events:
                    if listen is not None:
                        listen(event)
                    else:
                        log_pause(f"trajectory {name}", event)
        except TrajectoryError as error:
            failure = error
            if error.code in {"busy", "taken", "cancelled", "unknown_trajectory"}:  # Others were faster.
                return failure
            _log.warning("trajectory %s: %s", name, error)
        except InterleaveError as error:
            failure = error
            _log.warning("trajectory %s: %s", name, error)
        except Exception as error:  # noqa: BLE001 - a defect of one trajectory must not end the others; it is recorded there
            failure = error
            _log.exception("trajectory %s failed", name)
        with contextlib.suppress(InterleaveError):  # It may have been deleted meanwhile.
            self._report(await self._workspace.get(name))
        return failure
