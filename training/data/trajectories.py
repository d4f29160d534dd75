"""Stage 2: runs the agent's own graph on every request, many trajectories at once, and keeps each as a row.

Trajectories are short, so an interrupted stage repeats only the ones that were running. A trajectory whose generator or
model fails is dropped and counted; any other exception stops the stage. The stage does not know which world the
requests come from: a function makes the components of each trajectory.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from interleavethinker.graph import Components, Limits, build_graph
from interleavethinker.graph.events import ImageGenerated, Judged, Planned
from interleavethinker.tools.errors import InterleaveError, ModelAnswerError
from interleavethinker.tools.types import Attempt

from .folder import DataFolder
from .schema import PromptRow, TrajectoryRow
from .summary import StageSummary

__all__ = ["PAPER_LIMITS", "ComponentsFactory", "roll_out", "roll_out_one"]

PAPER_LIMITS = Limits(max_attempts=4, max_calls=15, max_replans=0, judge_last_attempt=False, retry_unjudged=True)
"""At most 15 generator calls per trajectory, as in the paper's script. Plans come from the teacher: no replanning."""
_NO_LIMIT = 100_000

ComponentsFactory = Callable[[PromptRow, str], Components]
"""Makes the components of a trajectory, from its prompt row and a generator's name."""


async def roll_out(
    folder: DataFolder,
    generators: Sequence[str],
    components_for: ComponentsFactory,
    *,
    seed: int,
    workers: int = 16,
    every_generator: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> StageSummary:
    """Runs the agent on every prompt.

    Args:
        folder: The data set.
        generators: Names of generators.
        components_for: Makes the components of a trajectory.
        seed: Seed of the trajectories.
        workers: Number of trajectories that run at once.
        every_generator: Whether every generator gets every prompt; by default they take turns.
        progress: Called with the number of finished trajectories and their total.
    """
    with folder.stage(folder.prompts):
        return await _roll_out(folder, generators, components_for, seed, workers, every_generator, progress)


async def _roll_out(
    folder: DataFolder,
    generators: Sequence[str],
    components_for: ComponentsFactory,
    seed: int,
    workers: int,
    every_generator: bool,
    progress: Callable[[int, int], None] | None,
) -> StageSummary:
    summary = StageSummary("trajectories")
    known = {row.id for row in folder.rows(folder.trajectories, summary)}
    waiting: list[tuple[PromptRow, str]] = []
    for number, row in enumerate(folder.rows(folder.prompts, summary)):
        if row.plan is not None and all(step.prompt is None for step in row.plan.steps):
            summary.drop("text only: no image to generate")
            continue
        for generator in generators if every_generator else [generators[(number // 7) % len(generators)]]:
            if _name(row, generator) in known:
                summary.keep(f"{generator}, already present")
            else:
                waiting.append((row, generator))
    total, gate = len(waiting), asyncio.Semaphore(workers)
    done = 0

    async def run(row: PromptRow, generator: str) -> None:
        nonlocal done
        async with gate:
            try:
                made = await roll_out_one(row, generator, components_for, seed)
            except InterleaveError as error:
                summary.drop(f"{generator} failed: {error.code}")
            else:
                folder.trajectories.append([made])
                summary.keep(generator)
            done += 1
            if progress is not None:
                progress(done, total)

    async with asyncio.TaskGroup() as group:
        for row, generator in waiting:
            group.create_task(run(row, generator))
    return summary


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
