"""The event loop keeps running while the database is locked, and many operations share one loop without a conflict."""

import asyncio
import contextlib
import os
import random
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, aclosing
from pathlib import Path

import pytest
from langgraph.checkpoint.sqlite import SqliteSaver

from interleavethinker.graph import BranchPoint, HumanVerdict, Trajectory, Workspace
from interleavethinker.graph.events import GenerationProgress
from interleavethinker.tools.errors import InputError, StoreError, TrajectoryError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.testing.agents import accept_only, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator
from interleavethinker.tools.types import GeneratedImage, GenerationRequest

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]
LOCKED_SECONDS = 2.0
SLOW_SECONDS = 120.0
OPERATIONS = int(os.environ.get("INTERLEAVETHINKER_OPERATIONS", "1000"))
"""Of the last test; `make robustness` makes more."""
FREE = 0.25
"""Seconds. Whatever blocks the loop in these tests blocks it for at least twice as long."""


class Ticker:
    """Measures the longest time for which the event loop did not run although the machine would have let it.

    A thread ticks beside the loop. Where the whole process had to wait for a core, the thread did too: its longest
    interruption is subtracted, so that the result tells of the loop and not of how busy the machine is.
    """

    def __init__(self) -> None:
        self._loop_gap = 0.0
        self._thread_gap = 0.0
        self._stopped = threading.Event()

    @property
    def largest_gap(self) -> float:
        return max(0.0, self._loop_gap - self._thread_gap)

    async def tick(self) -> None:
        last = time.monotonic()
        while True:
            await asyncio.sleep(0.005)
            now = time.monotonic()
            self._loop_gap = max(self._loop_gap, now - last)
            last = now

    def tick_beside(self) -> None:
        last = time.monotonic()
        while not self._stopped.is_set():
            time.sleep(0.005)
            now = time.monotonic()
            self._thread_gap = max(self._thread_gap, now - last)
            last = now

    def stop(self) -> None:
        self._stopped.set()


@contextlib.asynccontextmanager
async def ticking() -> AsyncIterator[Ticker]:
    ticker = Ticker()
    task = asyncio.create_task(ticker.tick())
    thread = threading.Thread(target=ticker.tick_beside)
    thread.start()
    try:
        yield ticker
    finally:
        ticker.stop()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        thread.join()


async def leaves_the_loop_free(act: Callable[[], Awaitable[None]]) -> bool:
    """Returns whether one of a few tries leaves the loop free. What blocks it does so every time."""
    for _ in range(5):
        async with ticking() as ticker:
            await act()
        if ticker.largest_gap < FREE:
            return True
    return False


async def test_the_ticker_sees_a_blocked_loop_and_not_a_busy_machine() -> None:
    async def block() -> None:
        await asyncio.sleep(0.02)
        time.sleep(1.0)  # noqa: ASYNC251 - what no method of a workspace may do
        await asyncio.sleep(0.02)

    assert await leaves_the_loop_free(lambda: asyncio.sleep(0.1))
    assert not await leaves_the_loop_free(block)


@contextlib.contextmanager
def write_locked(database: Path) -> Iterator[Callable[[], None]]:
    """Holds the database's write lock from a second connection, in a thread, as another process would.

    Yields:
        A function that releases it.
    """
    locked, released = threading.Event(), threading.Event()

    def hold() -> None:
        with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            locked.set()
            released.wait(60)
            connection.execute("ROLLBACK")

    holder = threading.Thread(target=hold)
    holder.start()
    assert locked.wait(30)
    try:
        yield released.set
    finally:
        released.set()
        holder.join()


async def test_the_event_loop_keeps_running_while_another_process_holds_the_write_lock(
    opened: Opened, tmp_path: Path
) -> None:
    async with opened(plan_of("a")) as ws:

        async def work() -> None:
            ready, unused, old = [await ws.create("x") for _ in range(3)]
            waiting = await ws.create("x", approve_plan=True)
            await ws.run(waiting)
            with write_locked(tmp_path / "workspace" / "trajectories.sqlite") as release:
                before = len(await ws.list())  # Reading does not wait for a writer.
                assert (await ws.get(ready)).summary.status == "ready"
                asyncio.get_running_loop().call_later(LOCKED_SECONDS, release)
                created, *_ = await asyncio.gather(
                    ws.create("y"), ws.pause(ready), ws.cancel(unused), ws.approve(waiting), ws.delete(old)
                )
            statuses = {entry.id: entry.status for entry in await ws.list()}
            assert len(statuses) == before
            assert old not in statuses
            expected = {ready: "paused", unused: "cancelled", waiting: "waiting", created: "ready"}
            assert {name: statuses[name] for name in expected} == expected

        assert await leaves_the_loop_free(work)


async def test_a_workspace_opens_while_another_process_holds_the_write_lock(opened: Opened, tmp_path: Path) -> None:
    async with opened() as ws:
        await ws.create("x")
    with write_locked(tmp_path / "workspace" / "trajectories.sqlite"):
        async with opened() as ws:
            assert len(await ws.list()) == 1


async def test_waiting_for_a_trajectorys_lock_does_not_stop_the_event_loop(opened: Opened, tmp_path: Path) -> None:
    slow = Slow(ImageStore(tmp_path / "workspace" / "images"), SLOW_SECONDS)
    async with opened(generator=slow) as ws, opened() as elsewhere:
        trajectory = await ws.create("x")
        running = asyncio.create_task(ws.run(trajectory))
        await slow.started.wait()

        async def wait_for_the_lock() -> None:
            with pytest.raises(TrajectoryError, match="another process"):
                await elsewhere.run(trajectory)

        assert await leaves_the_loop_free(wait_for_the_lock)
        await ws.cancel(trajectory)
        await running


class Slow:
    """A generator whose calls take some time, or until they may finish."""

    def __init__(self, store: ImageStore, seconds: float) -> None:
        self._inner = MemoryGenerator(store)
        self._seconds = seconds
        self.started = asyncio.Event()
        self.finish = asyncio.Event()

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        self.started.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._seconds):
                await self.finish.wait()
        return await self._inner.generate(call, progress)


@pytest.mark.parametrize("verb", ["pause", "cancel"])
async def test_a_command_from_another_workspace_reaches_a_running_trajectory_within_a_moment(
    opened: Opened, tmp_path: Path, verb: str
) -> None:
    slow = Slow(ImageStore(tmp_path / "workspace" / "images"), SLOW_SECONDS)
    async with opened(generator=slow) as ws, opened() as elsewhere:
        trajectory = await ws.create("x")
        running = asyncio.create_task(ws.run(trajectory))
        await slow.started.wait()
        assert await getattr(elsewhere, verb)(trajectory)
        if verb == "pause":  # It lets the call in flight end.
            slow.finish.set()
        async with asyncio.timeout(SLOW_SECONDS / 2):
            seen = await running
    assert seen.summary.status == ("paused" if verb == "pause" else "cancelled")
    assert len(seen.attempts) == (1 if verb == "pause" else 0)


async def test_commands_from_another_workspace_reach_those_that_still_run_after_others_have_ended(
    opened: Opened, tmp_path: Path
) -> None:
    slow = Slow(ImageStore(tmp_path / "workspace" / "images"), 60.0)
    async with opened(generator=slow) as ws, opened() as elsewhere, asyncio.timeout(60):

        async def started() -> tuple[str, asyncio.Task[Trajectory]]:
            trajectory = await ws.create("x")
            slow.started.clear()
            running = asyncio.create_task(ws.run(trajectory))
            await slow.started.wait()
            return trajectory, running

        async def cancelled(trajectory: str, running: asyncio.Task[Trajectory]) -> bool:
            assert await elsewhere.cancel(trajectory)
            return (await running).status == "cancelled"

        first, second = await started(), await started()
        assert await cancelled(*first)
        assert await cancelled(*second)
        assert await cancelled(*await started())


async def test_a_command_in_the_same_workspace_takes_effect_without_polling(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interleavethinker.graph.workspace.commands._POLL_SECONDS", 3600.0)
    slow = Slow(ImageStore(tmp_path / "workspace" / "images"), 60.0)
    async with opened(generator=slow) as ws:
        trajectory = await ws.create("x")
        running = asyncio.create_task(ws.run(trajectory))
        await slow.started.wait()
        assert await ws.cancel(trajectory)
        async with asyncio.timeout(60):
            assert (await running).status == "cancelled"


async def test_a_failed_or_cancelled_checkpoint_leaves_the_database_writable_at_once(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "workspace" / "trajectories.sqlite"

    def check_writable() -> int:
        with contextlib.closing(sqlite3.connect(database, timeout=0)) as other:
            other.execute("BEGIN IMMEDIATE")
            count: int = other.execute("SELECT count(*) FROM writes").fetchone()[0]
            return count

    original = SqliteSaver.put_writes

    def fail_halfway(saver: SqliteSaver, *arguments: object) -> None:
        original(saver, *arguments)  # type: ignore[arg-type]
        raise RuntimeError("defect")

    inside, proceed = threading.Event(), threading.Event()

    def wait_halfway(saver: SqliteSaver, *arguments: object) -> None:
        original(saver, *arguments)  # type: ignore[arg-type]
        inside.set()
        assert proceed.wait(60)

    async with opened() as ws:
        trajectory = await ws.create("x")
        before = check_writable()
        monkeypatch.setattr(SqliteSaver, "put_writes", fail_halfway)
        with pytest.raises(RuntimeError, match="defect"):
            await ws.run(trajectory)
        assert check_writable() == before, "a failed write must leave nothing behind"

        monkeypatch.setattr(SqliteSaver, "put_writes", wait_halfway)
        running = asyncio.create_task(ws.run(trajectory))
        await asyncio.to_thread(inside.wait, 60)
        running.cancel()
        await asyncio.sleep(0.05)
        monkeypatch.setattr(SqliteSaver, "put_writes", original)
        proceed.set()
        with pytest.raises(asyncio.CancelledError):
            await running
        check_writable()
        assert (await ws.run(trajectory)).stop_reason == "complete"


async def test_a_statement_that_fails_rolls_back_the_whole_write(opened: Opened, tmp_path: Path) -> None:
    async with opened(plan_of("a")) as ws:
        trajectory = await ws.create("x")
        with contextlib.closing(sqlite3.connect(tmp_path / "workspace" / "trajectories.sqlite")) as database:
            rows = database.execute("SELECT count(*) FROM writes").fetchone()
            database.execute(
                "CREATE TRIGGER full BEFORE INSERT ON writes WHEN new.channel = 'seconds' "
                "BEGIN SELECT RAISE(FAIL, 'full'); END"
            )
            seen = await ws.run(trajectory)
            assert (seen.summary.status, seen.plans) == ("failed", ())
            assert database.execute("SELECT count(*) FROM writes").fetchone() == rows


async def test_a_state_without_a_catalog_entry_is_collected_once_it_is_old(opened: Opened) -> None:
    async with opened() as ws:
        kept, left = await ws.create("x"), await ws.create("y")
        # As a version before this one was killed, or as a deletion on a full disk.
        await ws._database.write(lambda database: database.execute("DELETE FROM trajectories WHERE id = ?", (left,)))
        assert await ws._checkpoints.remove_orphans(older_than=3600) == 0
        assert await ws._checkpoints.remove_orphans(older_than=-1) == 1
        assert await ws._checkpoints.remove_orphans(older_than=-1) == 0
        assert (await ws.run(kept)).stop_reason == "complete"


async def test_a_trajectory_whose_entry_cannot_be_written_leaves_no_state(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened() as ws:

        def refused(*_: object) -> str:
            raise StoreError("no entry")

        with monkeypatch.context() as patch:
            patch.setattr(ws._catalog, "addition", lambda *_: refused)
            with pytest.raises(StoreError, match="no entry"):
                await ws.create("x")
        assert await ws._checkpoints.remove_orphans(older_than=-60) == 0
        assert (await ws.run(await ws.create("y"))).stop_reason == "complete"


async def test_a_thousand_mixed_operations_beside_eight_running_trajectories(opened: Opened, tmp_path: Path) -> None:
    random_ = random.Random(5)
    store = ImageStore(tmp_path / "workspace" / "images")
    stop = asyncio.Event()
    cancelled: set[str] = set()

    async def keep_running(ws: Workspace, name: str) -> None:
        """Runs a trajectory until it ends, then a new one; operations pause, judge, cancel and delete it meanwhile."""
        while not stop.is_set():
            try:
                seen = await ws.run(name)
                assert seen.summary.status != "failed", seen.summary.reason
                ended = seen.summary.status in {"done", "cancelled"}
            except TrajectoryError as error:
                ended = error.code != "busy"
            name = await ws.create("x") if ended else name

    async def operate(ws: Workspace, name: str) -> None:
        async def cancel() -> None:
            await ws.cancel(name)
            cancelled.add(name)

        operations: list[Callable[[], Awaitable[object]]] = [
            lambda: ws.pause(name),
            cancel,
            lambda: ws.judge(name, HumanVerdict(success=bool(random_.getrandbits(1)))),
            lambda: ws.branch(name, BranchPoint(step=0)),
            lambda: ws.delete(name),
            lambda: ws.delete(name),
            ws.list,
            lambda: ws.get(name),
            lambda: ws.create("x"),
            lambda: stream_a_little(ws, name),
        ]
        # Refusals are answers, too: another operation may have cancelled or deleted this one, or may be running it.
        with contextlib.suppress(TrajectoryError, InputError):
            await random_.choice(operations)()

    async def stream_a_little(ws: Workspace, name: str) -> None:
        async with aclosing(ws.stream(name)) as events:
            async for event in events:
                if isinstance(event, GenerationProgress) and event.step == 1:
                    break

    async with (
        opened(plan_of("a", "b", "c"), accept_only("a!", "b", "c!"), Slow(store, 0.02)) as ws,
        ticking() as ticker,
    ):
        runners = [asyncio.create_task(keep_running(ws, await ws.create("x"))) for _ in range(8)]
        done = 0
        while done < OPERATIONS:
            names = [entry.id for entry in (await ws.list())[:40]]
            for _ in range(4):
                await asyncio.gather(*(operate(ws, random_.choice(names)) for _ in range(8)))
                done += 8
        stop.set()
        await asyncio.gather(*runners)
        left = await ws.list()
        assert {entry.status for entry in left} <= {"ready", "paused", "done", "cancelled"}
        assert {entry.status for entry in left if entry.id in cancelled} <= {"cancelled", "done"}, "a cancel was lost"
        assert all([(await ws.get(entry.id)).request.text == "x" for entry in left])
    assert ticker.largest_gap < 1.0, "the loop is busy here, but must never wait for the database"
