"""What is lost or damaged in a workspace: healed where a call can be made again, and never harmful to the rest."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, ExitStack, closing
from pathlib import Path

import pytest

from interleavethinker.graph import Workspace
from interleavethinker.graph.events import ImageGenerated
from interleavethinker.graph.workspace.branching import BranchPoint
from interleavethinker.tools.errors import InputError, StoreError, TrajectoryError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator
from interleavethinker.tools.types import GeneratedImage, GenerationRequest, Plan, Step

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]


def execute(folder: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(folder / "workspace" / "trajectories.sqlite")) as database, database:
        database.execute(statement, values)


async def test_a_missing_image_of_the_current_step_is_generated_again_and_the_trajectory_goes_on(
    opened: Opened,
) -> None:
    async with opened() as workspace:
        name = await workspace.create("x")
        events = workspace.stream(name)
        async for event in events:
            if isinstance(event, ImageGenerated) and event.attempt.step == 1:
                break
        await events.aclose()
        before = await workspace.get(name)
        for attempt in before.attempts:
            assert attempt.image is not None
            workspace.store.delete(attempt.image)
    async with opened() as workspace:  # With a new generator, which writes to the store again.
        after = await workspace.run(name)
        assert after.status == "done"
        assert all(attempt.image in workspace.store for attempt in after.attempts)
        assert [attempt.image for attempt in after.attempts][: len(before.attempts)] == [
            attempt.image for attempt in before.attempts
        ]


async def test_garbage_collection_spares_the_images_of_running_trajectories_when_the_clock_jumps(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened() as workspace:
        name = await workspace.create("x")
        events = workspace.stream(name)
        async for event in events:
            if isinstance(event, ImageGenerated):
                break
        in_flight = workspace.store.put(b"an image whose checkpoint is not written yet")
        old = workspace.store.put(b"an image of nobody")
        os.utime(workspace.store.path(old), (1, 1))
        later = time.time() + 7200
        monkeypatch.setattr(time, "time", lambda: later)
        assert list(await workspace.collect_garbage()) == [old]
        assert in_flight in workspace.store
        await events.aclose()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE checkpoints SET checkpoint = CAST(x'c1ff00' || checkpoint AS BLOB) WHERE thread_id = ?",
        "UPDATE writes SET value = zeroblob(10) WHERE thread_id = ?",
    ],
)
async def test_a_damaged_state_is_an_error_of_its_trajectory_alone(
    opened: Opened, tmp_path: Path, statement: str
) -> None:
    async with opened() as workspace:
        good, damaged = await workspace.create("good"), await workspace.create("damaged")
        await workspace.run(good)
        images = {attempt.image for attempt in (await workspace.run(damaged)).attempts}
    execute(tmp_path, statement, damaged)
    async with opened() as workspace:
        with pytest.raises(StoreError, match="damaged") as raised:
            await workspace.get(damaged)
        assert raised.value.code == "damaged"
        assert (await workspace.get(good)).status == "done"
        assert {one.id for one in await workspace.list()} == {good, damaged}
        removed = await workspace.collect_garbage(older_than=-100)
        assert not images & {attempt.image for attempt in (await workspace.get(good)).attempts} & set(removed)
        await workspace.delete(damaged)
        assert [one.id for one in await workspace.list()] == [good]


@pytest.mark.parametrize("name", [b"iteration", b"plan_version", b"prompt", b"max_attempts"])
async def test_a_state_with_fields_of_another_version_is_an_error_of_its_trajectory_alone(
    opened: Opened, tmp_path: Path, name: bytes
) -> None:
    async with opened() as workspace:
        good, newer = await workspace.create("good"), await workspace.create("newer")
        images = {attempt.image for one in (good, newer) for attempt in (await workspace.run(one)).attempts}
    with closing(sqlite3.connect(tmp_path / "workspace" / "trajectories.sqlite")) as database, database:
        for table, column in (("writes", "value"), ("checkpoints", "checkpoint")):
            rows = database.execute(f"SELECT rowid, {column} FROM {table} WHERE thread_id = ?", (newer,))  # noqa: S608
            for row, value in rows.fetchall():
                other = value.replace(name, name[:-1] + b"_")
                database.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (other, row))  # noqa: S608
    async with opened() as workspace:
        for use in (workspace.get(newer), workspace.run(newer)):
            with pytest.raises(StoreError, match="written by a newer version") as raised:
                await use
            assert raised.value.code == "damaged"
        assert {one.id for one in await workspace.list()} == {good, newer}
        assert (await workspace.get(good)).status == "done"
        assert await workspace.collect_garbage(older_than=-100) == []
        assert all(image in workspace.store for image in images)
        await workspace.delete(newer)
        assert [one.id for one in await workspace.list()] == [good]


@pytest.mark.parametrize("change", ["status = 'hibernating'", "created = 'yesterday'"])
async def test_an_entry_of_a_newer_version_never_hides_the_others(opened: Opened, tmp_path: Path, change: str) -> None:
    async with opened() as workspace:
        good, newer = await workspace.create("good"), await workspace.create("newer")
    execute(tmp_path, f"UPDATE trajectories SET {change} WHERE id = ?", newer)  # noqa: S608
    async with opened() as workspace:
        listed = {one.id: one for one in await workspace.list()}
        assert listed[good].status == "ready"
        assert "newer version" in listed[newer].reason


async def test_a_blank_caption_leaves_a_trajectory_exportable(opened: Opened, tmp_path: Path) -> None:
    from interleavethinker.graph.export.export import export

    plan = Plan(steps=(Step(prompt="a ball", auxiliary_text=" "), Step(prompt="a cat", auxiliary_text="\n")))
    async with opened(plan) as workspace:
        name = await workspace.create("x")
        export(await workspace.run(name), workspace.store, tmp_path / "page")
    assert list((tmp_path / "page").glob("*.html"))


def test_a_new_workspace_can_be_opened_by_two_processes_at_once(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys\nfrom pathlib import Path\nfrom interleavethinker.graph import Workspace\n"
        "async def main():\n"
        "    sys.stdin.readline()\n"
        "    for index in range(25):\n"
        "        async with Workspace.open(Path(sys.argv[1]) / str(index)) as workspace:\n"
        "            await workspace.list()\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with ExitStack() as stack:
        both = [
            stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
            for _ in range(2)
        ]
        for process in both:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        results = [(process.wait(120), process.stderr.read() if process.stderr else "") for process in both]
    assert [code for code, _ in results] == [0, 0], results


async def test_garbage_collection_takes_linear_time(opened: Opened) -> None:
    async with opened(plan_of("a ball")) as workspace:

        async def seconds(count: int) -> float:
            for _ in range(count):
                await workspace.create("x")
            started = time.process_time()
            await workspace.collect_garbage()
            return time.process_time() - started

        few, many = await seconds(30), await seconds(270)
        assert many < 25 * max(few, 0.05), "300 trajectories; quadratic would be 100 times as long"


async def test_a_state_whose_entry_was_never_written_is_removed_with_its_images(opened: Opened, tmp_path: Path) -> None:
    async with opened() as workspace:
        kept, cut_off = await workspace.create("kept"), await workspace.create("cut off")
        images = {attempt.image for attempt in (await workspace.run(cut_off)).attempts}
        await workspace.run(kept)
        images -= {attempt.image for attempt in (await workspace.get(kept)).attempts}
    # What a version before this one leaves that is killed between the two transactions of `branch`.
    execute(tmp_path, "DELETE FROM trajectories WHERE id = ?", cut_off)
    async with opened() as workspace:
        assert [one.id for one in await workspace.list()] == [kept]
        assert set(await workspace.collect_garbage(older_than=-60)) == images
    with closing(sqlite3.connect(tmp_path / "workspace" / "trajectories.sqlite")) as database:
        for table in ("checkpoints", "writes"):
            assert database.execute(f"SELECT DISTINCT thread_id FROM {table}").fetchall() == [(kept,)]  # noqa: S608


class _HeldGenerator(MemoryGenerator):
    """Generates the third image only once it is released, so that a run cannot end before."""

    def __init__(self, store: ImageStore) -> None:
        super().__init__(store)
        self.released = asyncio.Event()

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        if len(self.generated) >= 2:
            await self.released.wait()
        return await super().generate(call, progress)


@pytest.mark.parametrize(("verb", "expected"), [("pause", "paused"), ("cancel", "cancelled")])
async def test_pausing_and_cancelling_are_never_lost_while_a_run_begins(
    opened: Opened, tmp_path: Path, verb: str, expected: str
) -> None:
    plan = plan_of(*"abcdef")
    for number in range(12):
        generator = _HeldGenerator(ImageStore(tmp_path / "workspace" / "images"))
        async with opened(plan, generator=generator) as workspace, opened(plan) as other:
            name = await workspace.create("x")
            running = asyncio.create_task(workspace.run(name))
            await asyncio.sleep(number * 0.004)
            was_running = await getattr(other, verb)(name)
            generator.released.set()
            ended = (await asyncio.gather(running, return_exceptions=True))[0]
            status = (await other.summary(name)).status
            # What was paused before it ran has been resumed by `run`.
            assert status == expected or (status == "done" and verb == "pause" and not was_running), (number, ended)


async def test_on_a_disk_that_is_almost_full_nothing_is_generated_that_could_not_be_kept(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = MemoryGenerator(ImageStore(tmp_path / "workspace" / "images"))
    async with opened(generator=generator) as workspace:
        name = await workspace.create("x")
        with monkeypatch.context() as full:
            full.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": 100 * 1024}))
            stopped = await workspace.run(name)
        assert stopped.status == "failed"
        assert "Only 100 KiB are free on the disk" in stopped.reason
        assert generator.calls == []
        done = await workspace.run(name)
    assert done.status == "done"
    assert len(generator.calls) == len(done.attempts) == 3


async def test_on_a_disk_that_is_almost_full_no_model_is_asked_whose_answer_could_not_be_kept(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planner, critic, free = FixedPlanner(plan_of("draw a")), RuleCritic(), [2**20]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": free[0]}))

    class Filling(MemoryGenerator):
        async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
            image = await super().generate(call, progress)
            free[0] = 2**20
            return image

    generator = Filling(ImageStore(tmp_path / "workspace" / "images"))
    async with opened(planner, critic, generator) as workspace:
        name = await workspace.create("x")
        before_planning = await workspace.run(name)
        assert (before_planning.status, planner.calls) == ("failed", [])
        assert before_planning.reason.endswith("No model was asked. Free some space.")
        free[0] = 2**40
        before_judging = await workspace.run(name)
        assert (before_judging.status, critic.calls) == ("failed", [])
        assert before_judging.reason == before_planning.reason
        free[0] = 2**40
        assert (await workspace.run(name)).status == "done"
    assert [len(calls) for calls in (planner.calls, generator.calls, critic.calls)] == [1, 1, 1]


async def test_a_database_that_a_full_disk_left_without_tables_names_the_disk(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened() as workspace:
        name = await workspace.create("x")
        execute(tmp_path, "DROP TABLE checkpoints")
        monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10 * 1024}))
        with pytest.raises(StoreError, match="the disk is full") as error:
            await workspace.run(name)
    assert error.value.code == "disk_full"


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n cut"])
async def test_an_error_about_an_image_of_a_request_names_its_file(
    opened: Opened, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "cat.png").write_bytes(content)
    async with opened() as workspace:
        with pytest.raises(InputError, match=f"^Cannot use the image {tmp_path}/cat.png: ") as error:
            await workspace.add_image(tmp_path / "cat.png")
        assert error.value.code == "invalid_image"
        assert list(workspace.store) == []


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("ALTER TABLE trajectories DROP COLUMN updated", "Missing of the table trajectories: updated."),
        ("DROP TABLE trajectories", "Missing of the table trajectories: all of them."),
        ("ALTER TABLE writes RENAME COLUMN value TO other", "SQLite says: "),
    ],
)
async def test_a_table_or_column_that_is_missing_is_named_and_not_another_programs(
    opened: Opened, tmp_path: Path, statement: str, words: str
) -> None:
    async with opened() as workspace:
        await workspace.run(name := await workspace.create("a ball"))
    execute(tmp_path, statement)

    async def use() -> None:
        async with opened() as workspace:
            await workspace.branch(name, BranchPoint(0, 0))

    with pytest.raises(StoreError) as raised:
        await use()
    said = str(raised.value)
    assert "a table or column is missing in it. A very old version made it, or it is damaged" in said
    assert words in said
    assert "another program" not in said


async def test_a_trajectory_whose_id_names_another_folder_is_left_out(tmp_path: Path, opened: Opened) -> None:
    async with opened() as workspace:
        own, foreign = await workspace.create("mine"), await workspace.create("theirs")
    place = tmp_path / "workspace" / "trajectories.sqlite"
    if not place.exists():
        pytest.skip("the rows of a folder's database are changed")
    for table, column in (("trajectories", "id"), ("checkpoints", "thread_id"), ("writes", "thread_id")):
        execute(tmp_path, f"UPDATE {table} SET {column} = '../../else' WHERE {column} = ?", foreign)  # noqa: S608
    async with opened() as workspace:
        assert [one.id for one in await workspace.list()] == await workspace.ids() == [own]
        for use in (workspace.get, workspace.run, workspace.delete, workspace.pause):
            with pytest.raises(TrajectoryError, match="No trajectory begins with"):
                await use("../../else")
        assert not (tmp_path / "else.lock").exists()
        assert (await workspace.run(own)).status == "done"
