"""Commands for a trajectory whose run has begun while its models are still being loaded."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from interleavethinker.graph import Components, Workspace
from interleavethinker.tools.errors import ProfileError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.testing.generator import MemoryGenerator

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]


class Loading:
    """Holds the opening of a workspace's components until it is told to go on."""

    def __init__(self, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.loaded, self.error = asyncio.Event(), asyncio.Event(), ""
        self._get = workspace.components.get
        monkeypatch.setattr(workspace.components, "get", self._slowly)

    async def _slowly(self, profile: str) -> Components:
        self.begun.set()
        await self.loaded.wait()
        if self.error:
            raise ProfileError(self.error)
        return await self._get(profile)


@pytest.mark.parametrize(("command", "status"), [("pause", "paused"), ("cancel", "cancelled")])
@pytest.mark.parametrize("elsewhere", [False, True], ids=["this process", "another one"])
async def test_a_trajectory_is_stopped_before_its_first_call(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, status: str, elsewhere: bool
) -> None:
    generator = MemoryGenerator(ImageStore(tmp_path / "workspace" / "images"))
    async with opened(generator=generator) as workspace, opened() as other:
        loading = Loading(workspace, monkeypatch)
        trajectory = await workspace.create("x")
        run = asyncio.create_task(workspace.run(trajectory))
        await loading.begun.wait()
        assert await getattr(other if elsewhere else workspace, command)(trajectory)
        loading.loaded.set()
        assert (await run).status == status
        assert generator.calls == []


async def test_a_run_that_is_left_while_its_models_load_is_paused(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = MemoryGenerator(ImageStore(tmp_path / "workspace" / "images"))
    async with opened(generator=generator) as workspace:
        loading = Loading(workspace, monkeypatch)
        trajectory = await workspace.create("x")
        run = asyncio.create_task(workspace.run(trajectory))
        await loading.begun.wait()
        assert (await workspace.summary(trajectory)).status == "running"
        run.cancel()
        await asyncio.wait([run])
        assert (await workspace.summary(trajectory)).status == "paused"
        loading.loaded.set()
        assert (await workspace.run(trajectory)).stop_reason == "complete"


async def test_models_that_cannot_be_loaded_fail_the_trajectory(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened() as workspace:
        loading = Loading(workspace, monkeypatch)
        loading.error = "no such weights"
        loading.loaded.set()
        trajectory = await workspace.create("x")
        with pytest.raises(ProfileError):
            await workspace.run(trajectory)
        failed = await workspace.get(trajectory)
    assert (failed.status, failed.reason) == ("failed", "no such weights")
