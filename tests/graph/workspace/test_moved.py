"""A workspace whose folder is moved or deleted while it is in use: an error, and nothing in another place."""

import asyncio
import logging
import os
import shutil
from pathlib import Path

import pytest

from interleavethinker.graph import Components, Workspace
from interleavethinker.graph.workspace.announcements import live_workers
from interleavethinker.graph.workspace.worker import Worker
from interleavethinker.graph.workspace.worker_server import serve_worker
from interleavethinker.tools.errors import StoreError
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator, fake_image
from interleavethinker.tools.types import GeneratedImage, GenerationRequest


class Gated:
    """Stores images in the workspace's own store, as the client of an image server does; the second one waits."""

    def __init__(self) -> None:
        self.inner: MemoryGenerator
        self.second, self.gate = asyncio.Event(), asyncio.Event()

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        if self.inner.calls:
            self.second.set()
            await self.gate.wait()
        return await self.inner.generate(call, progress)

    def components(self) -> Components:
        return Components(FixedPlanner(plan_of("a", "b", "c")), RuleCritic(), self)


async def test_a_run_whose_workspace_is_moved_stops_and_goes_on_at_the_new_place(tmp_path: Path) -> None:
    old, new, generator = tmp_path / "old", tmp_path / "new", Gated()
    async with Workspace.open(old, generator.components()) as workspace:
        generator.inner = MemoryGenerator(workspace.store)
        name = await workspace.create("x")
        running = asyncio.create_task(workspace.run(name))
        await generator.second.wait()
        old.rename(new)
        generator.gate.set()
        with pytest.raises(StoreError, match="was moved, replaced or deleted while it was in use") as error:
            await running
        assert error.value.code == "moved"
        assert not old.exists()
        old.mkdir()
        shutil.copy(new / "trajectories.sqlite", old)  # Another one in its place is not this one.
        with pytest.raises(StoreError, match="was moved"):
            await workspace.create("y")
        with pytest.raises(StoreError, match="was moved"):
            await workspace.add_image(fake_image(GenerationRequest(prompt="x", seed=1)))
        assert [path.name for path in old.iterdir()] == ["trajectories.sqlite"]
    async with Workspace.open(new, generator.components()) as workspace:
        generator.inner = MemoryGenerator(workspace.store)
        done = await workspace.run(name)
        assert (done.status, len(done.attempts)) == ("done", 3)
        assert all(attempt.image in workspace.store for attempt in done.attempts)
        assert len(generator.inner.generated) == 2, "the first image was kept"


async def test_a_workspace_that_is_moved_back_can_be_used_again(tmp_path: Path) -> None:
    async with Workspace.open(tmp_path / "old") as workspace:
        (tmp_path / "old").rename(tmp_path / "new")
        with pytest.raises(StoreError, match="was moved"):
            await workspace.list()
        (tmp_path / "new").rename(tmp_path / "old")
        assert await workspace.list() == []


async def test_a_change_of_the_current_folder_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    generator = Gated()
    generator.gate.set()
    async with Workspace.open("here", generator.components()) as workspace:
        generator.inner = MemoryGenerator(workspace.store)
        (tmp_path / "there").mkdir()
        monkeypatch.chdir(tmp_path / "there")
        done = await workspace.run(await workspace.create("x"))
    assert done.status == "done"
    assert list((tmp_path / "there").iterdir()) == []
    assert len(list((tmp_path / "here" / "images").rglob("*.png"))) == 3


@pytest.mark.skipif(os.name == "nt", reason="workers listen at a Unix socket")
async def test_a_worker_turns_a_request_away_while_its_workspace_is_gone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Workspace.open(tmp_path / "old") as workspace:
        worker = Worker(workspace, lambda _: None)
        async with serve_worker(worker, workspace):
            (one,) = live_workers(tmp_path / "old")
            (tmp_path / "old").rename(tmp_path / "new")
            with caplog.at_level(logging.ERROR):
                reader, writer = await asyncio.open_unix_connection(one.socket)
                assert await reader.read() == b""
                writer.close()
            (tmp_path / "new").rename(tmp_path / "old")
        assert caplog.records == []
