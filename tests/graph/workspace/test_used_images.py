"""Garbage collection knows exactly which images are used, without restoring each trajectory's state."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path

import pytest

from interleavethinker.graph import BranchPoint, Limits, Workspace
from interleavethinker.graph.events import ImageGenerated
from interleavethinker.graph.workspace.used_images import used_images
from interleavethinker.tools.testing.agents import FixedPlanner, accept_only, plan_of
from interleavethinker.tools.testing.generator import fake_image
from interleavethinker.tools.types import GenerationRequest, ImagePart, TextPart

from ..test_old_database import OLD

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]
KEYS = {"trajectories": "id", "provenance": "trajectory", "checkpoints": "thread_id", "writes": "thread_id"}


def found_in(folder: Path, ids: list[str]) -> tuple[set[str], set[str]]:
    with closing(sqlite3.connect(folder / "trajectories.sqlite")) as database:
        return used_images(database, ids)


async def test_replans_drafts_branches_and_verdicts_leave_exactly_the_names_of_the_restored_states(
    opened: Opened, tmp_path: Path
) -> None:
    planner = FixedPlanner(plan_of("a", "b", "c"), plan_of("z", "y"), plan_of("a"))
    async with opened(planner, accept_only("b", "z", "c!")) as workspace:
        image = await workspace.add_image(fake_image(GenerationRequest(prompt="mine", seed=1)))
        limits = Limits(max_attempts=2, replan_after=1, look_ahead=3)
        ids = [await workspace.create([TextPart(text="x"), ImagePart(sha256=image)], limits=limits, seed=1)]
        await workspace.run(ids[0])
        for point in (BranchPoint(step=0, prompt="b"), BranchPoint(step=0, image=image), BranchPoint(step=0)):
            ids.append(await workspace.branch(ids[0], point))
        await workspace.run(ids[1])
        events = workspace.stream(ids[3])
        async for event in events:
            if isinstance(event, ImageGenerated):
                break
        await events.aclose()
        ids.append(await workspace.create("never run"))
        for trajectory in ids:
            names, unclear = found_in(tmp_path / "workspace", [trajectory])
            assert not unclear
            assert names == await workspace._checkpoints._restored_image_names(trajectory)
        attempts = [one.image for name in ids for one in (await workspace.get(name)).attempts]
        assert set(attempts) <= await workspace._checkpoints.image_names(ids)


async def test_the_database_of_an_earlier_version_is_read_as_well(tmp_path: Path) -> None:
    (tmp_path / "trajectories.sqlite").write_bytes((OLD / "trajectories-0.1.sqlite").read_bytes())
    async with Workspace.open(tmp_path) as workspace:
        ids = [one.id for one in await workspace.list()]
        checkpoints = workspace._checkpoints
        expected = set().union(*[await checkpoints._restored_image_names(one) for one in ids])
        assert await checkpoints.image_names(ids) == expected != set()


async def test_five_thousand_trajectories_are_collected_and_deleted_in_less_than_a_second(
    opened: Opened, tmp_path: Path
) -> None:
    async with opened(plan_of("a ball")) as workspace:
        name = await workspace.create("x")
        await workspace.run(name)
    copy(tmp_path / "workspace" / "trajectories.sqlite", name, 5000)
    async with opened() as workspace:
        before = [one.id for one in await workspace.list()]
        assert len(before) == 5001
        started = time.process_time()
        await workspace.delete(before[17])
        assert await workspace.collect_garbage(older_than=-60) == []
        seconds = time.process_time() - started
        await workspace.get(before[18])
    assert seconds < 1.0


def copy(path: Path, name: str, count: int) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA synchronous=OFF")
        for table, key in KEYS.items():
            columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
            chosen = ", ".join("printf('200101-000000-%06x', number)" if one == key else one for one in columns)
            numbers = "WITH RECURSIVE numbers(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers LIMIT ?)"
            database.execute(
                f"{numbers} INSERT INTO {table} SELECT {chosen} FROM {table}, numbers WHERE {key} = ?",  # noqa: S608
                (count, name),
            )


@pytest.mark.parametrize("change", ["type = 'json'", "value = x'c1'"])
async def test_rows_of_another_form_are_read_through_the_state(opened: Opened, tmp_path: Path, change: str) -> None:
    async with opened() as workspace:
        name = await workspace.create("x")
        images = {one.image for one in (await workspace.run(name)).attempts}
    with closing(sqlite3.connect(tmp_path / "workspace" / "trajectories.sqlite")) as database, database:
        statement = (
            f"UPDATE writes SET {change} WHERE rowid = (SELECT min(rowid) FROM writes WHERE channel = 'attempts')"  # noqa: S608
        )
        database.execute(statement)
        assert used_images(database, [name])[1] == {name}
    async with opened() as workspace:
        await workspace.collect_garbage(older_than=-60)
        assert sum(image in workspace.store for image in images) >= len(images) - 1
