"""Runs the trajectories of a workspace that wait for somebody: never run, or left behind by a process that died.

Any number of workers may share a workspace, in one process or many. The trajectory's lock decides who runs it, and is
freed when its holder dies, so no worker needs to know of another.
"""

import asyncio
import contextlib
import functools
import logging
import random
import time
from collections.abc import Callable

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
        self._running: dict[str, asyncio.Task[None]] = {}
        self._stopped = asyncio.Event()
        self._last_look: float | None = None
        self._unusable = False

    def stop(self) -> None:
        """Takes no further trajectory; `run` returns once those that run have ended."""
        self._stopped.set()

    async def run(self, *, until_empty: bool = False) -> None:
        """Works until `stop`. While the workspace cannot be used any more, waits for it for up to ten minutes.

        Args:
            until_empty: Also return when nothing waits and nothing runs here.

        Raises:
            StoreError: The workspace could not be used at all, may only be read, or could not be used for ten minutes.
        """
        await self._workspace.check_writable()
        try:
            while not self._stopped.is_set():
                waiting = await self._look()
                if until_empty and not waiting and not self._running:
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
        entries = await self._workspace.list(statuses=_UNATTENDED)
        waiting = [one.id for one in reversed(entries) if one.id not in self._running]
        room = self._at_once - len(self._running)
        suspects = await self._workspace.suspects(self._running) if waiting else set()
        if not suspects.isdisjoint(self._running) or (waiting and waiting[0] in suspects and self._running):
            return bool(waiting)  # One that seems to kill its process runs alone.
        if waiting and waiting[0] in suspects:
            room, oldest = 1, waiting[:1]
        else:
            oldest = [name for name in waiting if name not in suspects][: room * _SPREAD]
        for name in random.sample(oldest, min(room, len(oldest))):
            task = self._running[name] = asyncio.create_task(self._answer(name))
            task.add_done_callback(functools.partial(self._forget, name))
        return bool(waiting)

    def _forget(self, name: str, _: "asyncio.Task[None]") -> None:
        del self._running[name]

    async def _until_change(self) -> None:
        """Waits until a trajectory ends here, the worker is stopped, or it is time to look again."""
        stopped = asyncio.create_task(self._stopped.wait())
        try:
            await asyncio.wait(
                [stopped, *self._running.values()], timeout=self._poll, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            stopped.cancel()

    async def _answer(self, name: str) -> None:
        try:
            async with contextlib.aclosing(self._workspace.stream(name, only_unattended=True)) as events:
                async for _ in events:
                    pass
        except TrajectoryError as error:
            if error.code in {"busy", "taken", "cancelled", "unknown_trajectory"}:  # Others were faster.
                return
            _log.warning("trajectory %s: %s", name, error)
        except InterleaveError as error:
            _log.warning("trajectory %s: %s", name, error)
        except Exception:  # noqa: BLE001 - a defect of one trajectory must not end the others; it is recorded there
            _log.exception("trajectory %s failed", name)
        with contextlib.suppress(InterleaveError):  # It may have been deleted meanwhile.
            self._report(await self._workspace.get(name))
