"""Chooses the executor and runs all items on it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Generic, TypeVar

from .base import Call, ExecutorConfig, Lost, Remote, Worker
from .scheduler import Scheduler

__all__ = ["run_items"]

In = TypeVar("In")
Out = TypeVar("Out")


async def run_items(
    config: ExecutorConfig,
    worker: Worker[In, Out],
    items: Sequence[In],
    on_result: Callable[[int, Out | Lost], None],
) -> None:
    """Works on every item, in no particular order.

    Args:
        config: The executor.
        worker: What each worker is made of.
        items: Picklable, unless the executor is local.
        on_result: Called in this process, once for each item, with its position and its result. The caller saves it:
            what it saved is not worked on again after a kill, and nothing else is saved.

    Raises:
        InputError: Ray is chosen and not installed.
        InterleaveError: A worker cannot start.
    """
    if not items:
        return
    if config.name == "local":
        await Scheduler(lambda: _Local.start(worker), items, on_result, config.at_once).run(1)
        return
    if config.name == "processes":
        from .processes import start_process

        count = min(config.processes or os.cpu_count() or 1, len(items))
        await Scheduler(lambda: start_process(worker), items, on_result, config.at_once_per_worker(count)).run(count)
        return
    from .ray_actors import RayCluster

    async with RayCluster(config) as cluster:
        count = min(config.processes or cluster.room, len(items))
        at_once = config.at_once_per_worker(count)
        await Scheduler(lambda: cluster.start(worker, at_once), items, on_result, at_once).run(count)


class _Local(Generic[In, Out]):
    """A worker in this process."""

    def __init__(self, call: Call[In, Out], exits: AsyncExitStack) -> None:
        self._call = call
        self._exits = exits

    @classmethod
    async def start(cls, worker: Worker[In, Out]) -> Remote[In, Out]:
        exits = AsyncExitStack()
        return cls(await exits.enter_async_context(worker.open()), exits)

    async def call(self, item: In) -> Out:
        return await self._call(item)

    async def close(self) -> None:
        await self._exits.aclose()
