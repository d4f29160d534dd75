"""A workspace that an earlier version wrote can be read and gone on with.

LangGraph's delta channels are beta. `old/` holds one database for each format ever released, with its images; add one
when it changes, and never replace one.
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
async def test_an_old_workspace_is_read_and_its_unfinished_trajectory_goes_on(
    opened: Opened, tmp_path: Path, version: str
) -> None:
    root = tmp_path / "workspace"
    root.mkdir()
    shutil.copy(OLD / f"trajectories-{version}.sqlite", root / "trajectories.sqlite")
    shutil.copytree(OLD / "images", root / "images")
    store = ImageStore(root / "images")
    async with opened(plan_of("unused"), accept_only("a!", "b!!"), MemoryGenerator(store)) as ws:
        statuses = {entry.title: entry for entry in ws.list()}
        done = await ws.get(statuses["an old story in three steps"].id)
        half = await ws.get(statuses["half a story"].id)
        assert done.document == Document.model_validate_json((OLD / f"document-{version}.json").read_text())
        assert (half.summary.status, half.stop_reason) == ("paused", None)
        assert all(store.get(attempt.image) for attempt in (*done.attempts, *half.attempts))
        went_on = await ws.run(half.summary.id)
    assert went_on.stop_reason == "complete"
    assert went_on.attempts[: len(half.attempts)] == half.attempts
    assert [attempt.prompt for attempt in went_on.attempts] == ["a", "a!", "b", "b!", "b!!"]
