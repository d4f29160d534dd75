"""Run by tests: generates a trajectory's first image while the clock is ten hours ahead, and prints its id."""

import asyncio
import sys
import time
from pathlib import Path

from interleavethinker.graph import Components, Workspace
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator


def components(folder: Path) -> Components:
    plan = plan_of("draw a", "make it b", "make it c")
    return Components(FixedPlanner(plan), RuleCritic(), MemoryGenerator(ImageStore(folder / "images")))


async def main(folder: Path) -> None:
    true_time = time.time_ns
    time.time_ns = lambda: true_time() + 10 * 3600 * 10**9
    async with Workspace.open(folder, components(folder)) as workspace:
        name = await workspace.create("x")
        async for _ in workspace.stream(name, review=True):
            pass
    sys.stdout.write(name)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
