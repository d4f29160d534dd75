"""A workspace in PostgreSQL: locks that go with their session, concurrent use, and errors that say what is wrong."""

import asyncio
import functools
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from interleavethinker.graph import BranchPoint, Components, Trajectory, Workspace
from interleavethinker.graph.events import Failed
from interleavethinker.graph.workspace.catalog import RequestKey
from interleavethinker.graph.workspace.storage import Connection
from interleavethinker.graph.workspace.worker import Worker
from interleavethinker.tools.errors import InputError, StoreError, TrajectoryError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.mcp.config import GeneratorConfig
from interleavethinker.tools.mcp.generator import McpImageGenerator
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator, fake_image
from interleavethinker.tools.types import CriticInput, GeneratedImage, GenerationRequest, Verdict

from ...postgres import PASSWORD, Server


class Gated(RuleCritic):
    """Judges once its gate is open."""

    def __init__(self) -> None:
        super().__init__()
        self.called, self.gate = asyncio.Event(), asyncio.Event()

    async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        self.called.set()
        await self.gate.wait()
        return await super().judge(cases)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INTERLEAVETHINKER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("INTERLEAVETHINKER_IMAGE_STORE", str(tmp_path / "server"))
    return tmp_path


@pytest.fixture
def url(postgres: Server) -> str:
    return postgres.new_schema()


@asynccontextmanager
async def host(url: str, folder: Path, critic: RuleCritic | None = None, steps: int = 3) -> AsyncIterator[Workspace]:
    generator = MemoryGenerator(ImageStore(folder / "images"))
    planner = FixedPlanner(plan_of(*"abcdefgh"[:steps]))
    async with Workspace.open(
        url, Components(planner, critic or RuleCritic(), generator), images=folder / "images"
    ) as workspace:
        yield workspace


async def end_sessions(server: Server) -> None:
    """Ends all sessions on the server, as a restart or a broken network does."""
    import psycopg

    def end() -> None:
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity "
                "WHERE application_name = 'interleavethinker'"
            )

    await asyncio.to_thread(end)


async def test_a_run_that_loses_its_session_writes_nothing_more_and_another_one_goes_on(
    postgres: Server, url: str, home: Path
) -> None:
    slow = Gated()
    async with host(url, home, slow) as first, host(url, home) as second:
        name = await first.create("x")
        events = first.stream(name)
        running = asyncio.create_task(_all(events))
        await slow.called.wait()
        assert (await second.summary(name)).status == "running"
        with pytest.raises(TrajectoryError, match="is in use"):
            await second.run(name)
        await end_sessions(postgres)
        assert (await second.summary(name)).status == "interrupted"
        finished = await second.run(name)
        assert (finished.status, len(finished.attempts)) == ("done", 3)
        slow.gate.set()
        last = (await running)[-1]
        assert isinstance(last, Failed)
        assert (last.code, "connection" in last.reason) == ("lost", True)
        after = await first.get(name)
        assert (after.status, after.attempts) == ("done", finished.attempts)
        assert (await first.run(await first.create("y"))).status == "done"


async def test_a_run_whose_server_is_restarted_stops_and_goes_on_without_generating_an_image_twice(
    postgres: Server, url: str, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Restarting(McpImageGenerator):
        restarted = False

        async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
            image = await super().generate(call, progress)
            if call.prompt == "b" and not self.restarted:
                self.restarted = True
                await asyncio.to_thread(postgres.stop)
                await asyncio.sleep(0.5)  # Ten polls in a second must not fill the log.
                await asyncio.to_thread(postgres.start)
            return image

    images = home / "images"
    async with Restarting(GeneratorConfig(model="fake"), ImageStore(images)) as generator:
        components = Components(FixedPlanner(plan_of(*"abc")), RuleCritic(), generator)
        async with Workspace.open(url, components, images=images) as workspace:
            name = await workspace.create("x")
            last = (await _all(workspace.stream(name)))[-1]
            assert isinstance(last, Failed)
            assert last.code in {"lost", "store"}
            finished, status = await workspace.run(name), await generator.status()
    assert (finished.status, len(finished.attempts)) == ("done", 3)
    assert (status["generated"], status["answered_from_store"]) == (3, 0), "this process remembers the second image"
    assert len([record for record in caplog.records if record.name.endswith("workspace.commands")]) <= 1
    assert not [record for record in caplog.records if record.exc_info and record.levelname == "WARNING"]


async def _all(events: AsyncIterator[object]) -> list[object]:
    return [event async for event in events]


LOSING = """
import asyncio, sys
import psycopg
from interleavethinker.graph.workspace.postgres import PostgresDatabase
from interleavethinker.tools.errors import StoreError

def work(connection):
    with psycopg.connect(sys.argv[2], autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 30000)", (connection.psycopg.info.backend_pid,))
    connection.execute("SELECT 1")

async def main():
    async with PostgresDatabase.open(sys.argv[1]) as database:
        try:
            await database.write(work)
        except StoreError as error:
            print(error)
        print(await database.write(lambda connection: connection.execute("SELECT 'again'").fetchone()[0]))

asyncio.run(main())
"""


async def test_a_session_that_ends_in_a_transaction_is_an_error_and_nothing_else_on_the_terminal(
    postgres: Server, url: str
) -> None:
    command = [sys.executable, "-P", "-c", LOSING, url, postgres.url()]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=120)
    assert "PostgreSQL says: " in done.stdout
    assert done.stdout.endswith("again\n")
    assert (done.returncode, done.stderr) == (0, "")


async def test_the_newest_trajectory_comes_first_though_the_clock_was_set_back(url: str, home: Path) -> None:
    def set_back(connection: Connection) -> None:
        for hours, name in enumerate(made):
            connection.execute("UPDATE trajectories SET created = created - ? WHERE id = ?", (3600.0 * hours, name))

    async with host(url, home) as workspace:
        made = [await workspace.create(f"request {number}") for number in range(4)]
        await workspace._database.write(set_back)
        await workspace.run(made[0])
        assert await workspace.ids() == [one.id for one in await workspace.list()] == made[::-1]
        assert [one.id for one in await workspace.list(limit=1)] == [made[3]]


async def test_a_database_of_an_earlier_version_is_numbered_by_its_clock(url: str, home: Path) -> None:
    async with host(url, home) as workspace:
        made = [await workspace.create(f"request {number}") for number in range(4)]
        await workspace.run(made[1])
        for statement in ("DROP INDEX trajectories_by_number", "ALTER TABLE trajectories DROP COLUMN number"):
            await workspace._database.write(functools.partial(_execute, statement))
    async with host(url, home) as workspace, host(url, home) as other:
        assert await workspace.ids() == made[::-1]
        made += [await other.create("newer"), await workspace.create("newest")]
        assert await other.ids() == await workspace.ids() == made[::-1]


def _execute(statement: str, connection: Connection) -> None:
    connection.execute(statement)


async def test_a_server_that_comes_back_is_used_again(postgres: Server, url: str, home: Path) -> None:
    async with host(url, home) as workspace:
        name = await workspace.create("x")
        await end_sessions(postgres)
        assert (await workspace.run(name)).status == "done"


async def test_a_worker_waits_for_a_server_that_is_down(
    postgres: Server, url: str, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with host(url, home) as workspace:
        ended: asyncio.Queue[Trajectory] = asyncio.Queue()
        worker = Worker(workspace, ended.put_nowait, poll=0.01)
        working = asyncio.create_task(worker.run())
        names = [await workspace.create("x")]
        reported = [await ended.get()]
        await asyncio.to_thread(postgres.stop)
        try:
            while "waiting for the workspace" not in caplog.text:
                await asyncio.wait([working], timeout=0.01)
                assert not working.done(), "the worker has ended"
        finally:
            await asyncio.to_thread(postgres.start)
        names.append(await workspace.create("y"))
        reported.append(await ended.get())
        worker.stop()
        await working
    assert [(one.id, one.status) for one in reported] == [(name, "done") for name in names]
    assert caplog.text.count("waiting for the workspace") == 1


async def test_a_worker_that_never_saw_its_workspace_ends_with_the_error(
    postgres: Server, url: str, home: Path
) -> None:
    async with host(url, home) as workspace:
        await asyncio.to_thread(postgres.stop)
        try:
            with pytest.raises(StoreError, match="no server listens"):
                await Worker(workspace, lambda _: None).run()
        finally:
            await asyncio.to_thread(postgres.start)


async def test_ten_processes_may_open_a_new_database_at_once(url: str, home: Path) -> None:
    async def use(number: int) -> str:
        async with host(url, home) as workspace:
            return await workspace.create(f"request {number}", key=RequestKey("same"))

    names = await asyncio.gather(*(use(number) for number in range(10)))
    assert len(set(names)) == 1


async def test_two_schemas_of_a_database_are_two_workspaces(postgres: Server, url: str, home: Path) -> None:
    async with host(url, home / "a") as one, host(postgres.new_schema(), home / "b") as other:
        name = await one.create("x")
        assert ([entry.id for entry in await one.list()], await other.list()) == ([name], [])


async def test_garbage_collection_knows_the_images_of_branches_and_replaced_attempts(url: str, home: Path) -> None:
    async with host(url, home) as workspace:
        mine = await workspace.add_image(fake_image(GenerationRequest(prompt="mine", seed=1)))
        names = [await workspace.create("x", seed=1)]
        await workspace.run(names[0])
        for point in (BranchPoint(step=1, prompt="z"), BranchPoint(step=1, image=mine)):
            names.append(await workspace.branch(names[0], point))
        await workspace.run(names[1])
        names.append(await workspace.create("never run"))
        checkpoints = workspace._checkpoints
        for name in names:
            used_images = functools.partial(workspace._database.tables.used_images, trajectories=[name])
            read = await workspace._database.read(used_images)
            assert read == (await checkpoints._restored_image_names(name), set())
        await workspace.delete(names[1])
        kept = set().union(*[await checkpoints._restored_image_names(name) for name in (names[0], *names[2:])])
        await workspace.collect_garbage(older_than=-60)
        assert set(workspace.store) == kept


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (lambda server: server.url("postgres", "wrong"), "the user or the password is wrong"),
        (lambda server: server.url("nowhere"), "there is no such database"),
        (lambda server: server.url(schema="nowhere"), "schema that the URL .* names does not exist"),
        (lambda _: "postgresql://tester:secret@127.0.0.1:1/x", "no server listens there"),
    ],
)
async def test_an_error_says_what_is_wrong_and_never_the_password(
    postgres: Server, place: object, message: str
) -> None:
    assert callable(place)
    with pytest.raises(StoreError, match=message) as caught:
        async with Workspace.open(place(postgres), images="images"):
            pass
    assert not any(word in str(caught.value) for word in ("secret", "wrong@", PASSWORD))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:%zzsecret@h/x",
        "postgresql://u:sec@ret@h/x",
        "postgresql://u:sec/ret@h/x",
        "postgresql://u:1/secret@h/x",
        'postgresql://u:"secret@[::1/x',
        "postgresql://u:se cret@h/x",
        "postgresql://u@h:secret/x",
        "postgresql://u@h/x?password=secret&secret=1",
        "postgresql://u:sec\udcffret@h/x",
    ],
)
async def test_a_malformed_url_is_never_quoted(url: str) -> None:
    with pytest.raises(InputError, match="cannot be read") as caught:
        async with Workspace.open(url, images="images"):
            pass
    assert not any(piece in str(caught.value) for piece in ("sec", "ret"))
    assert "%40 for @" in str(caught.value)


def _recorded(url: str) -> list[str]:
    import psycopg

    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("SELECT value FROM workspace_settings WHERE name = 'images'")]


@pytest.mark.parametrize(
    "images", ["ftp://robin:hunter2@127.0.0.1:1/x", "s3://robin:hunter2@bucket/x", "postgresql://robin:hunter2@h/x"]
)
async def test_a_password_in_the_location_of_the_images_is_neither_shown_nor_stored(
    url: str, home: Path, images: str
) -> None:
    for _ in range(2):
        with pytest.raises(InputError, match="must not hold a password") as caught:
            async with Workspace.open(url, images=images):
                pass
        assert not any(piece in str(caught.value) for piece in ("robin", "hunter2"))
        async with Workspace.open(url, images=home / "images"):
            pass
    assert _recorded(url) == [str(home / "images")]


async def test_a_password_that_an_earlier_version_recorded_is_not_shown(url: str, home: Path) -> None:
    import psycopg

    recorded = f"memory://robin:hunter2@{home.name}/x"
    async with Workspace.open(url, images=home / "images"):
        pass
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE workspace_settings SET value = %s", (recorded,))
    for same in (None, recorded, f"memory://{home.name}/x"):
        async with Workspace.open(url, images=same) as workspace:
            assert workspace.store.get(workspace.store.put(b"x")) == b"x"
    with pytest.raises(StoreError, match=rf"lie at memory://{home.name}/x, not at memory://other") as caught:
        async with Workspace.open(url, images="memory://other"):
            pass
    assert "hunter2" not in str(caught.value)


async def test_only_a_place_where_images_can_be_stored_is_recorded(url: str, home: Path) -> None:
    (home / "file").write_text("no folder")
    for images in ("ftp://127.0.0.1:1/x", "carrier-pigeon://loft", str(home / "file"), " s3://b/x", "s3:/b/x"):
        with pytest.raises((InputError, StoreError)):
            async with Workspace.open(url, images=images):
                pass
        assert _recorded(url) == []
    async with Workspace.open(url, images=home / "images") as workspace:
        assert list(workspace.store) == []
    assert _recorded(url) == [str(home / "images")]


async def test_the_database_remembers_where_the_images_are(url: str, home: Path) -> None:
    with pytest.raises(InputError, match="INTERLEAVETHINKER_IMAGES"):
        async with Workspace.open(url):
            pass
    async with Workspace.open(url, images=home / "images"):
        pass
    async with Workspace.open(url) as workspace:
        assert workspace.store.root == home / "images"
    with pytest.raises(StoreError, match="lie at"):
        async with Workspace.open(url, images=home / "elsewhere"):
            pass
    with pytest.raises(InputError, match="cannot be read"):
        async with Workspace.open("postgresql://a b:c"):
            pass
    with pytest.raises(InputError, match="keeps its images there"):
        async with Workspace.open(home, images=home / "images"):
            pass


async def test_the_bytes_of_a_step_do_not_grow_with_the_plan(url: str, home: Path) -> None:
    per_step = {}
    for steps in (8, 24):
        generator = MemoryGenerator(ImageStore(home / "images"))
        planner = FixedPlanner(plan_of(*(f"step {number}" for number in range(steps))))
        parts = Components(planner, RuleCritic(), generator)
        async with Workspace.open(url, parts, images=home / "images") as workspace:
            name = await workspace.create("x")
            await workspace.run(name)
            per_step[steps] = (await workspace.checkpoint_size(name))[0] / steps
    assert per_step[24] < per_step[8] < 12_000
