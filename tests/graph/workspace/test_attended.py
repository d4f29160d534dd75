"""What is created to be run at once, by whatever creates it, is taken by no worker that looks for work meanwhile."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from interleavethinker.graph import Trajectory, Workspace
from interleavethinker.graph.batch.batch import run_batch
from interleavethinker.graph.batch.manifest import BatchRequest
from interleavethinker.graph.profiles.profile import load_profile
from interleavethinker.graph.workspace.announcements import live_workers
from interleavethinker.graph.workspace.new_trajectory import NewTrajectory
from interleavethinker.graph.workspace.worker import Worker
from interleavethinker.graph.workspace.worker_client import free_worker
from interleavethinker.graph.workspace.worker_server import serve_worker
from interleavethinker.servers.trajectories.options import ServiceOptions
from interleavethinker.servers.trajectories.service import TrajectoryService
from interleavethinker.tools.errors import TrajectoryError
from interleavethinker.tools.request_parsing import as_request
from interleavethinker.tools.testing.agents import plan_of

from ...cli.conftest import PROFILE

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[Trajectory]:
    """What another worker takes directly after the recording of each trajectory."""
    answered: list[Trajectory] = []

    def before_a_worker(record: Any) -> Any:
        async def recorded(workspace: Workspace, *arguments: Any, **options: Any) -> str:
            name: str = await record(workspace, *arguments, **options)
            await Worker(workspace, answered.append, poll=0.01).run(until_empty=True)
            return name

        return recorded

    monkeypatch.setattr(Workspace, "create", before_a_worker(Workspace.create))
    monkeypatch.setattr(Workspace, "branch", before_a_worker(Workspace.branch))
    return answered


async def test_a_batch_runs_its_requests_itself(opened: Opened, taken: list[Trajectory], tmp_path: Path) -> None:
    async with opened(plan_of("a ball")) as workspace:
        results = await run_batch(workspace, [BatchRequest(text="a"), BatchRequest(text="b")], tmp_path / "out")
    assert [one.status for one in results] == ["done", "done"]
    assert taken == []


async def test_a_server_runs_what_it_starts_and_branches_itself(opened: Opened, taken: list[Trajectory]) -> None:
    async with (
        opened(plan_of("a ball", "make it blue")) as workspace,
        TrajectoryService(workspace, ServiceOptions(profiles=())) as service,
    ):
        begun = await service.start("a ball")
        assert (await service.wait_until(begun, lambda view: view.status == "done", 60)).calls == 2
        branch = await service.branch(begun, 2)
        assert (await service.wait_until(branch, lambda view: view.status == "done", 60)).status == "done"
        assert taken == []
        left = await service.start("left to a worker", run=False)
        assert [one.id for one in taken] == [left]


async def test_a_repeated_call_starts_what_no_run_has_begun_but_nothing_that_was_paused(opened: Opened) -> None:
    async with opened(plan_of("a ball")) as workspace:
        stopped = TrajectoryService(workspace, ServiceOptions(profiles=()))
        await stopped.__aexit__()  # It starts nothing any more, as if its process had died between creation and run.
        name, paused = await stopped.start("a", key="a"), await stopped.start("b", key="b")
        await workspace.pause(paused)
        async with TrajectoryService(workspace, ServiceOptions(profiles=())) as service:
            assert (await service.start("a", key="a"), await service.start("b", key="b")) == (name, paused)
            assert (await service.wait_until(name, lambda view: view.status == "done", 60)).status == "done"
            assert (await service.view(paused)).status == "paused"


async def test_a_new_trajectory_that_its_creator_keeps_is_run_unattended_only_by_who_names_it(opened: Opened) -> None:
    async with opened(plan_of("a ball")) as workspace:
        kept, paused = [await workspace.create(title, attended=True) for title in ("kept", "paused")]
        await workspace.pause(paused)
        await Worker(workspace, lambda _: pytest.fail("nothing waits")).run(until_empty=True)
        events = [event async for event in workspace.stream(kept, only_unattended=True)]
        assert type(events[-1]).__name__ == "Finished"
        with pytest.raises(TrajectoryError, match="is paused by now"):
            _ = [event async for event in workspace.stream(paused, only_unattended=True)]


@pytest.mark.skipif(not hasattr(asyncio, "open_unix_connection"), reason="needs Unix sockets")
async def test_a_worker_runs_what_it_was_given_itself(
    taken: list[Trajectory], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTERLEAVETHINKER_IMAGE_STORE", str(tmp_path / "server"))
    profile = tmp_path / "cells.toml"
    profile.write_text(PROFILE)
    reported: list[Trajectory] = []
    async with Workspace.open(tmp_path / "workspace") as workspace:
        worker = Worker(workspace, reported.append)
        async with serve_worker(worker, workspace):
            found = await asyncio.to_thread(live_workers, workspace.root)
            connection = await free_worker(found, 10)
            assert connection is not None
            loaded = await asyncio.to_thread(load_profile, profile)
            new = NewTrajectory(
                request=as_request("a red ball").parts,
                profile=loaded.source,
                content=loaded.model_dump_json(),
                limits=loaded.limits,
                key="one",
            )
            name = await connection.create(new)
            kinds = [event["kind"] async for event in connection.events()]
            await connection.close()
    assert (taken, [(one.id, one.status) for one in reported]) == ([], [(name, "done")])
    assert kinds[-1] == "finished"
