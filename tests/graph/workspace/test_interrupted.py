"""Trajectories whose process has died are told apart from those that have just ended."""

import asyncio
from pathlib import Path

from interleavethinker.graph.workspace.catalog import Status, TrajectorySummary, new_entry
from interleavethinker.graph.workspace.interrupted import with_interrupted


async def _statuses(folder: Path, *readings: Status) -> list[Status]:
    """Returns what is reported if the catalog says these statuses one after the other, and nobody holds the lock."""
    entry = new_entry("x", "micro")
    left = [entry.model_copy(update={"status": status}) for status in readings]

    async def read() -> list[TrajectorySummary]:
        await asyncio.sleep(0)
        return [left.pop(0) if len(left) > 1 else left[0]]

    return [one.status for one in await with_interrupted(read, lambda name: folder / name)]


async def test_a_run_that_ends_between_two_looks_has_ended(tmp_path: Path) -> None:
    assert await _statuses(tmp_path, "running", "waiting") == ["waiting"]
    assert await _statuses(tmp_path, "running", "done") == ["done"]


async def test_a_run_that_nobody_holds_is_interrupted(tmp_path: Path) -> None:
    assert await _statuses(tmp_path, "running", "running") == ["interrupted"]
