"""Hands items to workers, starts workers that died again, and gives up items on which they keep dying.

Items of a dead worker wait until all others are done. Then each of them runs alone in a worker, so that the one item
which kills its process does not take its neighbors with it.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from interleavethinker.tools.errors import InterleaveError

from .base import Lost, Remote, WorkerDiedError

__all__ = ["MAX_DEATHS", "Scheduler"]

In = TypeVar("In")
Out = TypeVar("Out")

MAX_DEATHS = 3
"""After so many workers that died while an item was in progress, the item is lost."""


class Scheduler(Generic[In, Out]):
    """Works on all items, each until it has a result.

    Args:
        start: Starts a worker.
        items: The items.
        on_result: Called in the driver with an item's number and its result, or `Lost`, once for each item.
        at_once: Items that one worker has in progress.
    """

    def __init__(
        self,
        start: Callable[[], Awaitable[Remote[In, Out]]],
        items: Sequence[In],
        on_result: Callable[[int, Out | Lost], None],
        at_once: int,
    ) -> None:
        self._start_one = start
        self._items = items
        self._on_result = on_result
        self._at_once = at_once
        self._fresh = deque(range(len(items)))
        self._suspects: deque[int] = deque()
        self._deaths: Counter[int] = Counter()

    async def run(self, workers: int) -> None:
        """Runs so many workers until no item is left.

        Raises:
            InterleaveError: A worker cannot start.
            Exception: What a call of a worker raised.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(max(1, min(workers, len(self._items)))):
                    group.create_task(self._keep_one_running())
        except BaseExceptionGroup as failures:
            raise _first(failures) from None

    async def _keep_one_running(self) -> None:
        while self._fresh or self._suspects:
            remote = await self._start()
            try:
                await self._feed(remote)
            finally:
                await remote.close()

    async def _start(self) -> Remote[In, Out]:
        for attempt in range(MAX_DEATHS):
            try:
                return await self._start_one()
            except WorkerDiedError:
                await asyncio.sleep(attempt)
        raise InterleaveError(
            f"A worker process ended {MAX_DEATHS} times while it started; is there enough memory for so many? "
            "Its own output may say more. Run the same command again to resume.",
            code="worker_died",
        )

    async def _feed(self, remote: Remote[In, Out]) -> None:
        """Keeps a worker busy until it dies or no item is left."""
        running: dict[asyncio.Task[Out], int] = {}
        dead = False
        try:
            while True:
                while not dead and (number := self._next(len(running))) is not None:
                    running[asyncio.create_task(_call(remote, self._items[number]))] = number
                if not running:
                    return
                done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    number = running.pop(task)
                    try:
                        result = task.result()
                    except WorkerDiedError:
                        dead = True
                        self._suspect(number)
                    else:
                        self._on_result(number, result)
        finally:
            for task in running:
                task.cancel()

    def _next(self, running: int) -> int | None:
        if self._fresh:
            return self._fresh.popleft() if running < self._at_once else None
        return self._suspects.popleft() if self._suspects and not running else None

    def _suspect(self, number: int) -> None:
        self._deaths[number] += 1
        if self._deaths[number] >= MAX_DEATHS:
            self._on_result(number, Lost(self._deaths[number]))
        else:
            self._suspects.append(number)


async def _call(remote: Remote[In, Out], item: In) -> Out:
    return await remote.call(item)


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
