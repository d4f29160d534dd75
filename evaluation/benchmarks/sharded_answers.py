"""Answers of the agent in worker processes or on Ray: items are spread over shards, each with a workspace of its own.

A workspace belongs to one process at a time, so a shard is the unit that a worker takes. Which shard an item is in
depends on its id alone. A shard whose worker died, or whose command was killed, resumes in its workspace, so that no
finished trajectory runs again.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from interleavethinker.evaluation.executors import Call, ExecutorConfig, Lost, run_items
from interleavethinker.evaluation.progress import StageProgress, ignore_progress
from interleavethinker.tools.errors import InterleaveError

from .agent_answers import answer_items
from .benchmark import BenchmarkAnswer, Item
from .experiments import open_agent

__all__ = ["SHARDS", "AnswerWorker", "answer_in_shards"]

SHARDS = 32
"""Workspaces of a run: more than workers, so that all of them are busy to the end."""

_Shard: TypeAlias = tuple[int, tuple[Item, ...]]


@dataclass(frozen=True)
class AnswerWorker:
    """Answers the items of a shard; see `evaluation.executors`."""

    root: Path
    """The folder of all shards."""
    profile: str
    experiment: str
    seed: int
    at_once: int
    """Trajectories of a shard that run concurrently."""

    def for_any_folder(self) -> AnswerWorker:
        """Returns the worker with absolute paths: other processes may run in other folders."""
        profile = str(Path(self.profile).absolute()) if self.profile.endswith(".toml") else self.profile
        return replace(self, root=self.root.absolute(), profile=profile)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Call[_Shard, dict[str, BenchmarkAnswer]]]:
        """See `Worker.open`."""
        yield self._answer

    async def _answer(self, shard: _Shard) -> dict[str, BenchmarkAnswer]:
        number, items = shard
        root = self.root / f"{number:02d}"
        async with open_agent(root / "workspace", self.profile, self.experiment) as agent:
            known = root / "trajectories.jsonl"
            return await answer_items(agent, items, known, seed=self.seed, at_once=self.at_once)


async def answer_in_shards(
    root: Path,
    items: Sequence[Item],
    executor: ExecutorConfig,
    *,
    profile: str,
    experiment: str = "full",
    seed: int = 0,
    progress: StageProgress = ignore_progress,
) -> dict[str, BenchmarkAnswer]:
    """Answers every item that has no finished trajectory yet, and returns all answers by the item's id.

    Args:
        root: The folder of the shards.
        items: The items.
        executor: Where they are answered; `at_once` counts trajectories.
        profile: The profile.
        experiment: What is changed about it.
        seed: Seed of all trajectories.
        progress: Called for every finished shard, with numbers of items.

    Raises:
        InterleaveError: A model, the image server or the disk failed, or a shard's workers keep dying; running the same
            again resumes.
    """
    shards: dict[int, list[Item]] = {}
    for item in items:
        shards.setdefault(zlib.crc32(item.id.encode()) % SHARDS, []).append(item)
    jobs: list[_Shard] = [(number, tuple(found)) for number, found in sorted(shards.items())]
    workers = min(executor.processes or os.cpu_count() or 1, max(1, len(jobs)))
    at_once = max(1, executor.at_once // workers)
    answers: dict[str, BenchmarkAnswer] = {}

    def save(number: int, result: dict[str, BenchmarkAnswer] | Lost) -> None:
        if isinstance(result, Lost):
            raise InterleaveError(
                f"The processes of {result.deaths} workers ended while they answered the items of shard "
                f"{jobs[number][0]} in {root}. Run the same command again to resume.",
                code="worker_died",
            )
        answers.update(result)
        progress("answering", len(answers), len(items))

    worker = AnswerWorker(root, profile, experiment, seed, at_once).for_any_folder()
    await run_items(replace(executor, processes=workers, at_once=workers), worker, jobs, save)
    return answers
