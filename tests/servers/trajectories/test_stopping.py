"""A server that stops waits for the calls in flight, and starts nothing more."""

import asyncio
from pathlib import Path

from interleavethinker.servers.trajectories.view import View

from .agents import open_studio


def _working(view: View) -> bool:
    return view.work is not None and view.work.phase == "generating" and bool(view.steps)


async def test_the_calls_in_flight_are_waited_for_and_nothing_new_is_started(tmp_path: Path) -> None:
    async with open_studio(tmp_path) as studio:
        studio.generator.gate.clear()
        name = await studio.service.start("x")
        await studio.until(name, _working)
        await studio.service.drain(0)
        assert (await studio.service.workspace.summary(name)).status == "running", "nothing was cut"
        draining = asyncio.create_task(studio.service.drain(600))
        later = await studio.service.start("y", seed=2)
        for _ in range(200):
            await asyncio.sleep(0)
        assert not draining.done()
        studio.generator.open_gate()
        await draining
        paused = await studio.service.workspace.get(name)
        assert (paused.status, len(paused.attempts), len(studio.generator.generated)) == ("paused", 1, 1)
        left = await studio.service.workspace.summary(later)
        assert (left.status, left.is_new) == ("paused", True), "its server would have run it: no worker takes it"
