"""Clocks that are ahead, or before 1970: what comes later never counts as older, and nothing fails without a word."""

import asyncio
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from interleavethinker.graph import HumanVerdict, Workspace
from interleavethinker.tools.errors import InputError

from . import fast_clock


def _begun_with_a_fast_clock(folder: Path) -> str:
    words = [sys.executable, "-P", fast_clock.__file__, str(folder)]
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=120).stdout


async def test_what_is_done_after_the_clock_went_back_counts(tmp_path: Path) -> None:
    name = await asyncio.to_thread(_begun_with_a_fast_clock, tmp_path)
    async with Workspace.open(tmp_path, fast_clock.components(tmp_path)) as workspace:
        await workspace.judge(name, HumanVerdict(success=False, prompt="draw another a"))
        assert [one.verdict.by_hand for one in (await workspace.get(name)).attempts if one.verdict] == [True]
        done = await workspace.run(name)
        assert done.status == "done"
        assert [one.prompt for one in done.attempts] == ["draw a", "draw another a", "make it b", "make it c"]
        assert done.document.complete
        assert (await workspace.unused_images(0)).removable == ()
    async with Workspace.open(tmp_path) as workspace:
        assert await workspace.get(name) == done


async def test_a_state_after_which_no_other_can_come_is_refused_and_harms_no_other_trajectory(tmp_path: Path) -> None:
    async with Workspace.open(tmp_path, fast_clock.components(tmp_path)) as workspace:
        name = await workspace.create("x")
    with closing(sqlite3.connect(tmp_path / "trajectories.sqlite")) as database, database:
        newest = "WHERE checkpoint_id = (SELECT max(checkpoint_id) FROM checkpoints)"
        for table in ("writes", "checkpoints"):
            database.execute(f"UPDATE {table} SET checkpoint_id = 'ffffffff-ffff-6fff-bfff-ffffffffffff' {newest}")  # noqa: S608
    async with Workspace.open(tmp_path, fast_clock.components(tmp_path)) as workspace:
        before = await workspace.get(name)
        refused = await workspace.run(name)
        assert refused.status == "failed"
        assert "cannot be continued" in refused.reason
        assert (await workspace.get(name)).attempts == before.attempts
        other = await workspace.create("y")
        assert (await workspace.run(other)).document.complete
    async with Workspace.open(tmp_path) as workspace:
        assert (await workspace.get(other)).document.complete


async def test_before_1970_nothing_runs_and_everything_can_be_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Workspace.open(tmp_path, fast_clock.components(tmp_path)) as workspace:
        name = await workspace.create("x")
        with monkeypatch.context() as clock:
            clock.setattr(time, "time", lambda: -18_489_570.0)
            with pytest.raises(InputError, match="clock says 1969-06-01 00:00 UTC") as caught:
                await workspace.create("y")
            assert caught.value.code == "clock"
            with pytest.raises(InputError, match="clock says 1969-06-01 00:00 UTC"):
                await workspace.run(name)
            assert [one.id for one in await workspace.list()] == [name]
            assert (await workspace.get(name)).status == "ready"
        assert (await workspace.run(name)).status == "done"
