"""Operations that a workspace refuses, and its errors when its files cannot be used."""

import sqlite3
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, aclosing, closing
from pathlib import Path

import pytest

from interleavethinker.graph import HumanVerdict, Workspace
from interleavethinker.graph.events import Judged
from interleavethinker.graph.workspace.lock import TrajectoryLock
from interleavethinker.graph.workspace.request_images import request_images
from interleavethinker.tools.errors import InputError, ProfileError, StoreError, TrajectoryError
from interleavethinker.tools.testing.agents import FixedPlanner, accept_only, plan_of

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]
PROFILE = """
description = "Scripted."
planner = { object = "interleavethinker.microworld.agents.scripted_planner:ScriptedPlanner" }
critic = { object = "interleavethinker.tools.testing.agents:accepting_critic" }
generator = { model = "cells" }
"""


async def test_a_workspace_path_that_cannot_be_a_folder_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for root in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / ("x" * 300)):
        with pytest.raises(InputError, match="Cannot create the workspace folder"):
            async with Workspace.open(root):
                pass


@pytest.mark.parametrize("path", ["x" * 300, "x/" * 1000])
async def test_a_workspace_path_that_is_too_long_is_not_printed_whole(tmp_path: Path, path: str) -> None:
    with pytest.raises(InputError, match="Cannot create the workspace folder") as raised:
        async with Workspace.open(tmp_path / path):
            pass
    assert len(str(raised.value)) < 400


async def test_a_damaged_database_is_a_store_error(opened: Opened, tmp_path: Path) -> None:
    async with opened() as ws:
        trajectory = await ws.create("x")
    path = tmp_path / "workspace" / "trajectories.sqlite"
    size = path.stat().st_size
    with path.open("r+b") as file:  # The first page stays, so that opening succeeds.
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    async with opened() as ws:
        with pytest.raises(StoreError, match="Cannot use the workspace's database"):
            await ws.list()
        with pytest.raises(StoreError, match="Cannot use the workspace's database"):
            await ws._checkpoints.read(trajectory)


async def test_a_full_disk_during_create_is_a_store_error_and_leaves_no_trajectory(
    opened: Opened, tmp_path: Path
) -> None:
    async with opened() as ws:
        await ws.create("x")
        with closing(sqlite3.connect(tmp_path / "workspace" / "trajectories.sqlite")) as database:
            database.execute("CREATE TRIGGER full BEFORE INSERT ON checkpoints BEGIN SELECT RAISE(FAIL, 'full'); END")
        with pytest.raises(StoreError, match="SQLite says: full"):
            await ws.create("y")
        assert len(await ws.list()) == 1


async def test_judging_a_cancelled_trajectory_is_refused_and_changes_nothing(opened: Opened) -> None:
    async with opened(plan_of("a", "b"), accept_only("b")) as ws:
        trajectory = await ws.create("x")
        async with aclosing(ws.stream(trajectory)) as events:
            async for event in events:
                if isinstance(event, Judged):
                    await ws.pause(trajectory)
        await ws.cancel(trajectory)
        before = await ws.get(trajectory)
        with pytest.raises(TrajectoryError, match="was cancelled; branch"):
            await ws.judge(trajectory, HumanVerdict(success=True))
        assert await ws.get(trajectory) == before


async def test_pausing_a_failed_trajectory_is_refused_and_keeps_the_reason_of_the_failure(opened: Opened) -> None:
    async with opened(FixedPlanner(InputError("I only draw balls."))) as ws:
        trajectory = await ws.create("x")
        await ws.run(trajectory)
        with pytest.raises(TrajectoryError, match="is failed; there is nothing to pause"):
            await ws.pause(trajectory)
        entry = await ws.summary(trajectory)
        assert (entry.status, entry.reason) == ("failed", "I only draw balls.")


async def test_a_trajectory_that_is_cancelled_before_the_runner_has_its_lock_does_not_run(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened() as ws, opened() as other_workspace:
        trajectory = await ws.create("x")
        enter = TrajectoryLock.__aenter__

        async def cancelled_first(lock: TrajectoryLock) -> TrajectoryLock:
            monkeypatch.setattr(TrajectoryLock, "__aenter__", enter)  # Cancelling takes the lock, too.
            await other_workspace.cancel(trajectory)
            return await enter(lock)

        monkeypatch.setattr(TrajectoryLock, "__aenter__", cancelled_first)
        with pytest.raises(TrajectoryError, match="was cancelled"):
            await ws.run(trajectory)


async def test_creating_with_a_profile_that_cannot_be_imported_leaves_no_trajectory(tmp_path: Path) -> None:
    profile = tmp_path / "own.toml"
    profile.write_text(PROFILE.replace("testing.agents:accepting_critic", "testing.agents:no_critic"))
    async with Workspace.open(tmp_path / "workspace") as ws:
        with pytest.raises(ProfileError, match="no_critic"):
            await ws.create("x", profile=str(profile))
        assert await ws.list() == []


async def test_a_trajectory_whose_profile_no_longer_exists_fails_with_the_reason(tmp_path: Path) -> None:
    profile = tmp_path / "own.toml"
    profile.write_text(PROFILE)
    async with Workspace.open(tmp_path / "workspace") as ws:
        trajectory = await ws.create("x", profile=str(profile))
        profile.unlink()
        with pytest.raises(ProfileError, match="Cannot read the profile file"):
            await ws.run(trajectory)
        entry = await ws.summary(trajectory)
    assert entry.status == "failed"
    assert "Cannot read the profile file" in entry.reason


@pytest.mark.parametrize("stored", ["own components", "own ports"])
async def test_a_trajectory_that_was_created_with_components_needs_them_again(
    opened: Opened, tmp_path: Path, stored: str
) -> None:
    async with opened() as ws:
        trajectory = await ws.create("x")
    with closing(sqlite3.connect(tmp_path / "workspace" / "trajectories.sqlite")) as database, database:
        assert database.execute("SELECT profile FROM trajectories").fetchall() == [("own components",)]
        database.execute("UPDATE trajectories SET profile = ?", (stored,))
    async with Workspace.open(tmp_path / "workspace") as ws:
        with pytest.raises(ProfileError, match=r"Pass them to `Workspace\.open`"):
            await ws.run(trajectory)
    async with opened() as ws:
        assert (await ws.run(trajectory)).stop_reason == "complete"


async def test_a_closed_workspace_refuses_to_work(opened: Opened) -> None:
    async with opened() as ws:
        trajectory = await ws.create("x")
    with pytest.raises(StoreError, match="is closed"):
        await ws.get(trajectory)


@pytest.mark.parametrize("path", ["x" * 300, "cat=" + "x" * 300, "a\0b"])
async def test_a_path_of_an_image_that_no_system_takes_is_an_input_error(opened: Opened, path: str) -> None:
    async with opened() as workspace:
        with pytest.raises(InputError):
            await request_images([path], workspace.add_image)
