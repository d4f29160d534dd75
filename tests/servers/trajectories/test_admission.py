"""What runs in the server keeps within the operator's limits, wherever it was made."""

import contextlib
from pathlib import Path

from interleavethinker.graph import Limits
from interleavethinker.graph.events import ImageGenerated
from interleavethinker.servers.trajectories.options import LimitRequest, ServiceOptions
from interleavethinker.servers.trajectories.view import View
from interleavethinker.tools.testing.agents import RuleCritic, accept_only

from .agents import open_studio


def _done(view: View) -> bool:
    return view.status == "done"


async def test_the_operators_limits_hold_for_trajectories_that_were_made_elsewhere(tmp_path: Path) -> None:
    options = ServiceOptions(profiles=(), allowed=LimitRequest(max_attempts=2, max_calls=3))
    async with open_studio(tmp_path, critic=RuleCritic(accept_only()), options=options) as studio:
        service, workspace = studio.service, studio.service.workspace
        queued = await workspace.create("x", limits=Limits(max_attempts=9))
        await service.resume(queued)
        done = await studio.until(queued, _done)
        assert (done.calls, done.limits.max_calls, done.limits.max_attempts) == (3, 3, 2)
        waiting = await workspace.create("y", limits=Limits(max_attempts=9), approve_plan=True)
        await workspace.run(waiting)
        await service.approve(waiting)
        done = await studio.until(waiting, _done)
        assert (done.calls, done.limits.max_calls, done.limits.max_attempts) == (3, 3, 2)
        answered = await workspace.create("y", limits=Limits(max_attempts=9), approve_plan=True)
        await workspace.run(answered)
        await workspace.approve(answered)  # And no run has carried it out.
        await service.resume(answered)
        assert (await studio.until(answered, _done)).calls == 3
        begun = await workspace.create("z", limits=Limits(max_attempts=9))
        async with contextlib.aclosing(workspace.stream(begun)) as events:
            async for event in events:
                if isinstance(event, ImageGenerated):
                    break
        await service.judge(begun, accept=False)
        assert (await studio.until(begun, _done)).calls == 3
