"""Several workers of one workspace."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

import pytest

from interleavethinker.graph import Trajectory, Workspace
from interleavethinker.graph.events import Event, Finished
from interleavethinker.graph.workspace.worker import Worker
from interleavethinker.tools.errors import GeneratorError, TrajectoryError
from interleavethinker.tools.testing.agents import RuleCritic, plan_of
from interleavethinker.tools.types import CriticInput, Verdict

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]


class GatedCritic(RuleCritic):
    def __init__(self) -> None:
        super().__init__()
        self.called, self.gate = asyncio.Event(), asyncio.Event()

    async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        self.called.set()
        await self.gate.wait()
        return await super().judge(cases)


async def test_workers_share_the_waiting_trajectories_and_run_each_once(opened: Opened) -> None:
    reported: list[Trajectory] = []
    async with opened(plan_of("a ball")) as one, opened(plan_of("a ball")) as other:
        names = [await one.create(f"request {number}") for number in range(9)]
        workers = [Worker(workspace, reported.append, at_once=2, poll=0.01) for workspace in (one, other, one)]
        await asyncio.gather(*(worker.run(until_empty=True) for worker in workers))
        assert {entry.status for entry in await one.list()} == {"done"}
        assert {len((await one.get(name)).attempts) for name in names} == {1}
    assert Counter(each.id for each in reported) == Counter(names)


async def test_what_a_person_stopped_or_what_has_ended_is_left_alone(opened: Opened) -> None:
    async with opened(plan_of("a ball")) as workspace:
        paused, cancelled, done = [await workspace.create(title) for title in ("paused", "cancelled", "done")]
        await workspace.pause(paused)
        await workspace.cancel(cancelled)
        await workspace.run(done)
        await Worker(workspace, lambda _: pytest.fail("nothing waits")).run(until_empty=True)
        for name, status in ((paused, "paused"), (done, "done")):
            with pytest.raises(TrajectoryError, match=f"is {status} by now"):
                _ = [event async for event in workspace.stream(name, only_unattended=True)]
        assert (await workspace.summary(paused)).status == "paused"


async def test_a_stopped_worker_finishes_what_it_runs_and_takes_nothing_else(opened: Opened) -> None:
    reported: list[Trajectory] = []
    critic = GatedCritic()
    async with opened(plan_of("a ball"), critic) as workspace:
        first, second = await workspace.create("first"), await workspace.create("second")
        worker = Worker(workspace, reported.append, at_once=1, poll=0.01)
        async with asyncio.TaskGroup() as group:
            group.create_task(worker.run())
            await critic.called.wait()
            worker.stop()
            critic.gate.set()
        statuses = sorted([(await workspace.summary(name)).status for name in (first, second)])
    assert (statuses, [each.status for each in reported]) == (["done", "ready"], ["done"])


async def test_a_trajectory_that_fails_does_not_end_the_worker(
    opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(RuleCritic):
        async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
            if not self.calls:
                self.calls.append(tuple(cases))
                raise ZeroDivisionError
            if len(self.calls) == 1:
                self.calls.append(tuple(cases))
                raise GeneratorError("out of order")
            return await super().judge(cases)

    reported: list[Trajectory] = []
    caplog.set_level(logging.CRITICAL)
    async with opened(plan_of("a ball"), Failing()) as workspace:
        for number in range(3):
            await workspace.create(f"request {number}")
        await Worker(workspace, reported.append, at_once=1, poll=0.01).run(until_empty=True)
    assert sorted(each.status for each in reported) == ["done", "failed", "failed"]
    assert "out of order" in "".join(each.reason for each in reported)


async def test_deaths_count_only_without_progress_and_begin_anew_when_a_person_resumes(opened: Opened) -> None:
    async with opened(plan_of("a ball")) as workspace:
        name = await workspace.create("x")
        deaths, catalog = workspace._deaths, workspace._catalog  # A death in this process would end the test.
        state: dict[str, object] = {}

        async def die(*, unattended: bool = True) -> None:
            await catalog.mark(name, "running")
            await deaths.admit(await catalog.get(name), read, unattended=unattended)

        async def read(_: str) -> dict[str, object]:
            return state

        for _ in range(2):
            await die()
        assert await workspace.suspects([]) == await workspace.suspects([name]) == {name}
        state["plans"] = {1: plan_of("a ball")}
        await die()
        assert (await workspace.suspects([name]), await workspace.suspects([])) == (set(), {name})
        await die()
        await die(unattended=False)
        for _ in range(2):
            await die()
        with pytest.raises(TrajectoryError, match="3 processes in a row ended"):
            await die()
        assert (await workspace.summary(name)).status == "failed"


async def test_a_given_trajectory_runs_in_a_place_that_is_kept_for_it(opened: Opened) -> None:
    critic, events = GatedCritic(), list[Event]()
    async with opened(plan_of("a ball"), critic) as workspace:
        worker = Worker(workspace, lambda _: None, at_once=1, poll=0.01)
        async with asyncio.TaskGroup() as group:
            group.create_task(worker.run())
            async with worker.place():
                waiting = await workspace.create("waits")
                await asyncio.sleep(0.1)
                assert (await workspace.summary(waiting)).status == "ready"
                name, running = await worker.give(lambda: workspace.create("given"), events.append)
            await critic.called.wait()
            assert [(await workspace.summary(one)).status for one in (name, waiting)] == ["running", "ready"]
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1), worker.place():
                    pass
            critic.gate.set()
            assert await running is None
            async with worker.place():
                pass
            worker.stop()
        assert isinstance(events[-1], Finished)


async def test_a_worker_that_is_woken_looks_at_once_and_ends_after_a_while_without_work(opened: Opened) -> None:
    reported: asyncio.Queue[Trajectory] = asyncio.Queue()
    async with opened(plan_of("a ball")) as workspace, asyncio.timeout(20):
        worker = Worker(workspace, reported.put_nowait, poll=1000)
        async with asyncio.TaskGroup() as group:
            group.create_task(worker.run())
            await asyncio.sleep(0.1)
            name = await workspace.create("x")
            worker.wake()
            assert (await reported.get()).id == name
            worker.stop()
        begun = asyncio.get_running_loop().time()
        await Worker(workspace, lambda _: None, poll=0.01).run(idle=0.2)
        assert asyncio.get_running_loop().time() - begun >= 0.2
