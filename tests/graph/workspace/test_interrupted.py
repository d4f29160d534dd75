"""Lists of trajectories: those whose process has died are told apart, and no more entries are read than asked for."""

import asyncio
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from interleavethinker.graph import Workspace
from interleavethinker.graph.workspace import catalog
from interleavethinker.graph.workspace.catalog import Status, TrajectorySummary, new_entry
from interleavethinker.graph.workspace.interrupted import with_interrupted
from interleavethinker.graph.workspace.lock import FileLocks
from interleavethinker.tools.errors import InputError

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]


async def _statuses(folder: Path, *readings: Status) -> list[Status]:
    """Returns what is reported if the catalog says these statuses one after the other, and nobody holds the lock."""
    entry = new_entry("x", "micro")
    left = [entry.model_copy(update={"status": status}) for status in readings]

    async def read() -> list[TrajectorySummary]:
        await asyncio.sleep(0)
        return [left.pop(0) if len(left) > 1 else left[0]]

    return [one.status for one in await with_interrupted(read, FileLocks(folder).held)]


async def test_a_run_that_ends_between_two_looks_has_ended(tmp_path: Path) -> None:
    assert await _statuses(tmp_path, "running", "waiting") == ["waiting"]
    assert await _statuses(tmp_path, "running", "done") == ["done"]


async def test_a_run_that_nobody_holds_is_interrupted(tmp_path: Path) -> None:
    assert await _statuses(tmp_path, "running", "running") == ["interrupted"]


async def test_the_newest_are_listed_by_status_and_number(opened: Opened) -> None:
    async with opened() as ws:
        made = [await ws.create(f"request {number}") for number in range(7)]
        await ws.run(made[1])
        await ws.cancel(made[2])
        await ws._catalog.mark(made[3], "running")  # Its process has died: nobody holds its lock.
        await ws._catalog.mark(made[4], "failed", "disk full")
        everything = [(one.id, one.status) for one in await ws.list()]
        ids = [name for name, _ in everything]
        assert ids == await ws.ids() == made[::-1]
        assert dict(everything)[made[3]] == "interrupted"
        for statuses in [{"ready"}, {"running"}, {"interrupted"}, {"failed", "done"}, {"ready", "interrupted"}, set()]:
            fitting = [name for name, status in everything if status in statuses]
            for limit in (None, 0, 1, 2, 99):
                found = await ws.list(limit, statuses=statuses)  # type: ignore[arg-type] # a set of literals
                assert [one.id for one in found] == fitting[:limit]
        assert [one.id for one in await ws.list(limit=3)] == ids[:3]
        with pytest.raises(InputError, match=re.escape("got limit=-1")):
            await ws.list(limit=-1)


async def test_an_entry_that_cannot_be_read_is_listed_among_the_failed_ones(opened: Opened) -> None:
    async with opened() as ws:
        name = await ws.create("x")
        await ws._catalog.mark(name, "a status of a newer version")  # type: ignore[arg-type]
        assert [one.id for one in await ws.list(statuses={"failed"})] == [name]
        assert await ws.list(statuses={"ready", "running"}) == []


async def test_a_short_list_of_many_trajectories_reads_only_its_own_entries(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[object] = []
    original = catalog._summary

    def counted(row: Mapping[str, object]) -> TrajectorySummary:
        read.append(row)
        return original(row)

    async with opened() as ws:
        for _ in range(12):
            await ws.create("x")
        monkeypatch.setattr(catalog, "_summary", counted)
        assert len(await ws.list(limit=2)) == len(read) == 2
        assert len(await ws.list(limit=3, statuses={"ready"})) == 3
        assert len(read) == 5
