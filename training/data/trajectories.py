"""Stage 2: trajectories, rolled out by the agent's own graph with given ports; many at once, resumable one by one.

A trajectory is short, so a killed stage repeats the ones under way and no others. Failures of a generator drop a
trajectory and are counted; a defect passes through. Knows nothing of which world the requests are from: the ports of a
row come from a function.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from interleavethinker.graph import Components, Limits, build_graph
from interleavethinker.graph.events import ImageGenerated, Judged, Planned
from interleavethinker.tools.errors import InterleaveError
from interleavethinker.tools.types import Attempt, Plan

from .schema import DataFolder, PromptRow, TrajectoryRow
from .summary import StageSummary

__all__ = ["PAPER_LIMITS", "PortsFor", "roll_out", "roll_out_one"]

PAPER_LIMITS = Limits(max_attempts=4, max_calls=15, max_replans=0)
"""At most 15 generator calls a trajectory, as in the paper's script; plans are the teacher's, so none is made anew."""
_NO_LIMIT = 100_000

PortsFor = Callable[[PromptRow, str], Components]
"""From a row and a generator's name to the ports of its trajectory."""


async def roll_out(
    folder: DataFolder,
    generators: Sequence[str],
    ports_for: PortsFor,
    *,
    seed: int,
    workers: int = 16,
    progress: Callable[[int, int], None] | None = None,
) -> StageSummary:
    """Runs every prompt through one of the generators, in turn.

    Args:
        folder: The data set.
        generators: Names; a prompt's number decides which one is its own.
        ports_for: Makes a trajectory's ports.
        seed: Of the trajectories.
        workers: Trajectories under way at once.
        progress: Called with finished and all trajectories.
    """
    tally, known = StageSummary("trajectories"), folder.trajectories.ids()
    waiting: list[tuple[PromptRow, str]] = []
    for number, row in enumerate(folder.prompts):
        generator = generators[(number // 7) % len(generators)]
        if all(step.prompt is None for step in row.plan.steps):
            tally.drop("text only: nothing is drawn")
        elif _name(row, generator) in known:
            tally.keep(f"{generator}, made before")
        else:
            waiting.append((row, generator))
    total, gate = len(waiting), asyncio.Semaphore(workers)
    done = 0

    async def run(row: PromptRow, generator: str) -> None:
        nonlocal done
        async with gate:
            try:
                made = await roll_out_one(row, generator, ports_for, seed)
            except InterleaveError as error:
                tally.drop(f"{generator} failed: {error.code}")
            else:
                folder.trajectories.append([made])
                tally.keep(generator)
            done += 1
            if progress is not None:
                progress(done, total)

    async with asyncio.TaskGroup() as group:
        for row, generator in waiting:
            group.create_task(run(row, generator))
    return tally


async def roll_out_one(row: PromptRow, generator: str, ports_for: PortsFor, seed: int) -> TrajectoryRow:
    """Runs one trajectory to its end and returns its row."""
    own = int.from_bytes(hashlib.sha256(f"{seed}/{row.id}".encode()).digest()[:4]) % 2**31
    components = ports_for(row, generator)

    async def find(_runtime: object) -> Components:
        await asyncio.sleep(0)
        return components

    graph = build_graph(find)
    plan: Plan = row.plan
    attempts: dict[tuple[int, int], Attempt] = {}
    request: Any = {"request": list(row.request.parts), "seed": own, "limits": components.limits}
    async for event in graph.astream(request, {"recursion_limit": _NO_LIMIT}, stream_mode="custom"):
        if isinstance(event, Planned):
            plan = event.plan
        elif isinstance(event, ImageGenerated | Judged):
            attempts[event.attempt.step, event.attempt.iteration] = event.attempt
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
