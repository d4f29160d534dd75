"""Stage 2: runs the agent's own graph on every request, many trajectories at once, and keeps each as a row.

Trajectories are short, so an interrupted stage repeats only the ones that were running. A trajectory whose generator or
model fails is dropped and counted; any other exception stops the stage. The stage does not know which world the
requests come from: workers open the components of trajectories, in this process, in others, or on a cluster.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from interleavethinker.evaluation.executors import Call, ExecutorConfig, Lost, run_items
from interleavethinker.graph import Components, Limits, build_graph
from interleavethinker.graph.events import ImageGenerated, Judged, Planned
from interleavethinker.tools.errors import InputError, InterleaveError, ModelAnswerError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import Attempt

from .folder import DataFolder
from .schema import PromptRow, TrajectoryRow
from .summary import StageSummary

__all__ = [
    "PAPER_LIMITS",
    "ComponentsFactory",
    "ComponentsOpener",
    "GivenComponents",
    "RolloutWorker",
    "roll_out",
    "roll_out_one",
]

PAPER_LIMITS = Limits(max_attempts=4, max_calls=15, max_replans=0, judge_last_attempt=False, retry_unjudged=True)
"""At most 15 generator calls per trajectory, as in the paper's script. Plans come from the teacher: no replanning."""
_NO_LIMIT = 100_000

ComponentsFactory: TypeAlias = Callable[[PromptRow, str], Components]
"""Makes the components of a trajectory, from its prompt row and a generator's name."""


class ComponentsOpener(Protocol):
    """Opens teachers and generators in a worker; picklable, unless it is only used in this process."""

    def open(self, store: ImageStore) -> AbstractAsyncContextManager[ComponentsFactory]:
        """Yields what makes the components of trajectories, with images in `store`."""


@dataclass(frozen=True)
class GivenComponents:
    """Components that this process has already."""

    factory: ComponentsFactory

    @contextlib.asynccontextmanager
    async def open(self, _store: ImageStore) -> AsyncIterator[ComponentsFactory]:
        """See `ComponentsOpener.open`."""
        yield self.factory


_Job: TypeAlias = tuple[PromptRow, str]
"""A request and the name of the generator that it gets."""


@dataclass(frozen=True)
class _Failed:
    code: str


@dataclass(frozen=True)
class RolloutWorker:
    """Runs trajectories; see `evaluation.executors`."""

    root: Path
    """The data set's folder: images go there from every worker, rows do not."""
    components: ComponentsOpener
    seed: int

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Call[_Job, TrajectoryRow | _Failed]]:
        """See `Worker.open`."""
        async with self.components.open(DataFolder(self.root).store) as components_for:

            async def run(job: _Job) -> TrajectoryRow | _Failed:
                try:
                    return await roll_out_one(*job, components_for, self.seed)
                except InterleaveError as error:
                    return _Failed(error.code)

            yield run


async def roll_out(
    folder: DataFolder,
    generators: Sequence[str],
    components: ComponentsOpener,
    *,
    seed: int,
    executor: ExecutorConfig | None = None,
    every_generator: bool = False,
    plans_needed: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> StageSummary:
    """Runs the agent on every prompt.

    Args:
        folder: The data set.
        generators: Names of generators.
        components: Opens the components of trajectories in each worker.
        seed: Seed of the trajectories.
        executor: Where trajectories run, and how many at once; in this process by default.
        every_generator: Whether every generator gets every prompt; by default they take turns.
        plans_needed: Whether `components` serve only requests whose plan is known, as the micro world's teachers do.
        progress: Called with the number of finished trajectories and their total.

    Raises:
        InputError: Plans are needed, and no request has one.
    """
    with folder.stage(folder.prompts):
        summary = StageSummary("trajectories")
        waiting = _waiting(folder, generators, every_generator, summary)
        if plans_needed:
            planned = [job for job in waiting if job[0].plan is not None]
            if waiting and not planned:
                raise InputError(
                    f"No request of {folder.root} has a known plan, which the micro world's teachers need. Name a "
                    "profile whose planner and critic are the teachers: --profile."
                )
            summary.drop("no known plan: they need the planner of a profile (--profile)", len(waiting) - len(planned))
            waiting = planned
        done = 0

        def save(number: int, result: TrajectoryRow | _Failed | Lost) -> None:
            nonlocal done
            row, generator = waiting[number]
            match result:
                case TrajectoryRow():
                    folder.trajectories.append([result])
                    summary.keep(generator)
                case _Failed(code):
                    summary.drop(f"{generator} failed: {code}")
                case Lost(deaths):
                    folder.set_aside(_name(row, generator), f"its worker's process ended {deaths} times")
                    summary.drop("trajectories whose workers died, listed in quarantine.jsonl")
            done += 1
            if progress is not None:
                progress(done, len(waiting))

        await run_items(
            executor or ExecutorConfig(), RolloutWorker(folder.root.absolute(), components, seed), waiting, save
        )
        return summary


def _waiting(folder: DataFolder, generators: Sequence[str], every_generator: bool, summary: StageSummary) -> list[_Job]:
    known = {row.id for row in folder.rows(folder.trajectories, summary)}
    waiting: list[_Job] = []
    for number, row in enumerate(folder.rows(folder.prompts, summary)):
        if row.plan is not None and all(step.prompt is None for step in row.plan.steps):
            summary.drop("text only: no image to generate")
            continue
        for generator in generators if every_generator else [generators[(number // 7) % len(generators)]]:
            if _name(row, generator) in known:
                summary.keep(f"{generator}, already present")
            else:
                waiting.append((row, generator))
    return waiting


async def roll_out_one(row: PromptRow, generator: str, components_for: ComponentsFactory, seed: int) -> TrajectoryRow:
    """Runs one trajectory to its end and returns its row.

    Raises:
        InterleaveError: The generator or another component failed.
    """
    own = int.from_bytes(hashlib.sha256(f"{seed}/{row.id}".encode()).digest()[:4]) % 2**31
    components = components_for(row, generator)

    async def find(_runtime: object) -> Components:
        await asyncio.sleep(0)
        return components

    graph = build_graph(find)
    plan = row.plan
    attempts: dict[tuple[int, int], Attempt] = {}
    request: Any = {"request": list(row.request.parts), "seed": own, "limits": components.limits}
    async for event in graph.astream(request, {"recursion_limit": _NO_LIMIT}, stream_mode="custom"):
        if isinstance(event, Planned):
            plan = event.plan
        elif isinstance(event, ImageGenerated | Judged) and event.attempt.image is not None:
            attempts[event.attempt.step, event.attempt.iteration] = event.attempt
    if plan is None:
        raise ModelAnswerError("The planner gave no plan.")
    return TrajectoryRow(
        id=_name(row, generator),
        prompt=row.id,
        split=row.split,
        generator=generator,
        seed=own,
        plan=plan,
        references=row.references,
        attempts=tuple(attempts[key] for key in sorted(attempts)),
    )


def _name(row: PromptRow, generator: str) -> str:
    return f"{row.id}-{generator}"
