"""A workspace of an earlier version can be read, and its trajectories can be resumed.

LangGraph's delta channels are beta. `old/` contains one database for each released format, with its images. Add a
database when the format changes; never replace one.
"""

import shutil
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from interleavethinker.graph import Document, Workspace
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.testing.agents import accept_only, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]
OLD = Path(__file__).with_name("old")
VERSIONS = sorted(path.stem.removeprefix("trajectories-") for path in OLD.glob("*.sqlite"))


@pytest.mark.parametrize("version", VERSIONS)
async def test_an_old_workspace_can_be_read_and_its_unfinished_trajectory_resumed(
    opened: Opened, tmp_path: Path, version: str
) -> None:
    root = tmp_path / "workspace"
    root.mkdir()
    shutil.copy(OLD / f"trajectories-{version}.sqlite", root / "trajectories.sqlite")
    shutil.copytree(OLD / "images", root / "images")
    store = ImageStore(root / "images")
    async with opened(plan_of("unused"), accept_only("a!", "b!!"), MemoryGenerator(store)) as ws:
        statuses = {entry.title: entry for entry in await ws.list()}
        done = await ws.get(statuses["an old story in three steps"].id)
        half = await ws.get(statuses["half a story"].id)
        assert done.document == Document.model_validate_json((OLD / f"document-{version}.json").read_text())
        assert (half.summary.status, half.stop_reason) == ("paused", None)
        assert all(store.get(attempt.image or "") for attempt in (*done.attempts, *half.attempts))
        resumed = await ws.run(half.id)
    assert resumed.stop_reason == "complete"
    assert resumed.attempts[: len(half.attempts)] == half.attempts
    assert [attempt.prompt for attempt in resumed.attempts] == ["a", "a!", "b", "b!", "b!!"]
