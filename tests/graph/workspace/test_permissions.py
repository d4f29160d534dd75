"""Whose a workspace is: private by default, and readable, not writable, for another user whom its owner lets in."""

import asyncio
import contextlib
import ctypes
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from interleavethinker.graph import Workspace
from interleavethinker.graph.context import Components
from interleavethinker.tools.errors import InputError, StoreError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator

posix = pytest.mark.skipif(sys.platform != "linux", reason="drops a Linux capability")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A workspace's folder that other users can reach, unlike pytest's own."""
    made = Path(tempfile.mkdtemp())
    made.chmod(0o755)
    yield made / "workspace"
    subprocess.run(["chmod", "-R", "u+w", str(made)], check=True)
    shutil.rmtree(made)


async def fill(folder: Path) -> str:
    generator = MemoryGenerator(ImageStore(folder / "images"))
    components = Components(FixedPlanner(plan_of("a ball")), RuleCritic(), generator)
    async with Workspace.open(folder, components) as workspace:
        name = await workspace.create("a ball")
        await workspace.run(name)
    return name


def without_privileges() -> None:
    """Makes root subject to permissions, as everybody else is: drops CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH."""
    if os.geteuid() == 0:
        for capability in (1, 2):
            ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)


def as_a_reader(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs the program as a user who may read the workspace, but not write to it."""
    subprocess.run(["chmod", "-R", "a+rX,a-w", str(folder)], check=True)
    home = {"INTERLEAVETHINKER_HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-m", "interleavethinker", *words],
        capture_output=True, text=True, cwd=folder.parent, env=os.environ | home, timeout=120, check=False,
        preexec_fn=without_privileges,
    )  # fmt: skip


@posix
async def test_everything_in_a_new_workspace_is_private(folder: Path) -> None:
    await fill(folder)
    for path in (folder, folder / "images", folder / "locks", folder / "trajectories.sqlite"):
        assert not path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO), path
    for path in folder.glob("*.sqlite*"):  # noqa: ASYNC240
        assert not path.stat().st_mode & 0o077


@posix
def test_everything_is_private_in_an_existing_folder_that_others_may_look_into(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o755)
    before = os.umask(0o022)
    try:
        asyncio.run(fill(folder))
    finally:
        os.umask(before)
    made = {one.name: stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()}
    assert {".reserve", "trajectories.sqlite", "locks", "images"} <= made.keys()
    assert not [name for name, mode in made.items() if mode & 0o077]


@posix
@pytest.mark.parametrize("suffix", ["", "-wal"])
@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (os.mkfifo, "a named pipe"),
        (os.mkdir, "a folder"),
        (lambda path: path.symlink_to("/dev/zero"), "a device"),
        (lambda path: path.symlink_to("/"), "a folder"),
    ],
)
def test_what_is_no_file_is_named_where_the_database_would_be(
    folder: Path, make: Callable[[Path], None], kind: str, suffix: str
) -> None:
    folder.mkdir()
    path = folder / f"trajectories.sqlite{suffix}"
    make(path)
    with pytest.raises(InputError, match=f"{path} is {kind}, where the workspace's database would be"):
        asyncio.run(asyncio.wait_for(fill(folder), 120))


@posix
def test_a_reader_of_a_pipe_in_the_place_of_a_database_is_told_at_once(folder: Path) -> None:
    folder.mkdir()
    os.mkfifo(folder / "trajectories.sqlite")
    listed = as_a_reader(folder, "list")
    assert listed.returncode == 2
    assert "is a named pipe, where the workspace's database would be" in " ".join(listed.stderr.split())


@posix
def test_a_workspace_that_may_only_be_read_is_listed_shown_and_exported(folder: Path) -> None:
    name = asyncio.run(fill(folder))
    listed = as_a_reader(folder, "list", "--json")
    assert listed.returncode == 0, listed.stderr
    assert name in listed.stdout
    shown = as_a_reader(folder, "show", name, "--json")
    assert json.loads(shown.stdout)["status"] == "done"
    out = Path(tempfile.mkdtemp())
    out.chmod(0o777)
    exported = as_a_reader(folder, "export", name, "--out", str(out / "page"))
    assert exported.returncode == 0, exported.stderr
    assert list((out / "page").glob("*.html"))
    refused = as_a_reader(folder, "delete", name)
    assert refused.returncode != 0
    assert "Traceback" not in refused.stderr
    shutil.rmtree(out)


@posix
def test_what_a_user_may_not_do_in_a_workspace_is_told_in_one_sentence(folder: Path) -> None:
    name = asyncio.run(fill(folder))
    resumed = as_a_reader(folder, "resume", name)
    assert resumed.returncode == 3
    assert f"This user may only read the trajectory {name}" in " ".join(resumed.stderr.split())
    checked = {one["name"]: one for one in json.loads(as_a_reader(folder, "doctor", "--json").stdout)}
    assert "may only be read by this user" in checked["workspace"]["found"]
    empty = folder.parent / "empty"
    empty.mkdir()
    useless = as_a_reader(empty, "doctor", "--json")
    assert useless.returncode == 3
    found = {one["name"]: one["found"] for one in json.loads(useless.stdout)}["workspace"]
    assert found.startswith(f"{empty} cannot be written by this user")
    private = folder.parent / "private"
    private.mkdir()
    (private / "cat.png").touch()
    private.chmod(0)
    listed = as_a_reader(private, "list")
    private.chmod(0)
    refused = as_a_reader(folder, "run", "a ball", "--image", str(private / "cat.png"))
    private.chmod(0o700)
    assert (listed.returncode, refused.returncode) == (2, 2), refused.stderr
    assert f"error: Cannot read the image {private / 'cat.png'}: Permission denied." in " ".join(refused.stderr.split())


@posix
@pytest.mark.parametrize("words", [[], ["--until-empty"]])
def test_a_worker_says_that_it_can_answer_nothing_in_a_workspace_that_may_only_be_read(
    folder: Path, words: list[str]
) -> None:
    asyncio.run(fill(folder))
    worked = as_a_reader(folder, "worker", *words)
    assert worked.returncode == 3
    assert f"The workspace {folder} may only be read by this user" in " ".join(worked.stderr.split())


RUN_WITH_FOREIGN_IMAGES = """
import asyncio, sys
from pathlib import Path
from interleavethinker.graph import Workspace
from interleavethinker.graph.context import Components
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator

async def run(folder: Path) -> None:
    planner, generator = FixedPlanner(plan_of("a ball")), MemoryGenerator(ImageStore(folder / "images"))
    async with Workspace.open(folder, Components(planner, RuleCritic(), generator)) as workspace:
        name = await workspace.create("a ball")
        (folder / "images").mkdir(exist_ok=True)
        (folder / "images").chmod(0o500)
        refused = await workspace.run(name)
        print(refused.status, len(planner.calls), len(generator.calls), refused.reason, sep=" | ")
        (folder / "images").chmod(0o700)
        print((await workspace.run(name)).status)

asyncio.run(run(Path(sys.argv[1])))
"""


@posix
def test_a_folder_of_images_that_may_not_be_written_costs_no_call(folder: Path) -> None:
    made = subprocess.run(
        [sys.executable, "-c", RUN_WITH_FOREIGN_IMAGES, str(folder)],
        capture_output=True, text=True, timeout=120, check=False, preexec_fn=without_privileges,
    )  # fmt: skip
    refused, done = made.stdout.splitlines()
    assert refused.startswith("failed | 0 | 0 | "), made.stderr
    assert f"{folder / 'images'} cannot be written" in refused
    assert "No model was asked. Change the permissions of the folder" in refused
    assert done == "done"


@posix
def test_the_log_of_a_process_that_was_killed_is_read_as_well(folder: Path) -> None:
    name = asyncio.run(fill(folder))
    copy = folder.parent / "copy"

    async def leave_a_log() -> str:
        async with Workspace.open(folder) as workspace:
            other = await workspace.create("a red ball")
            shutil.copytree(folder, copy)
            return other

    other = asyncio.run(leave_a_log())
    assert (copy / "trajectories.sqlite-wal").stat().st_size
    listed = as_a_reader(copy, "list", "--json")
    assert listed.returncode == 0, listed.stderr
    assert name in listed.stdout
    assert other in listed.stdout


async def _refusal(folder: Path) -> str:
    with pytest.raises(StoreError) as refused:
        async with Workspace.open(folder) as workspace:
            await workspace.list()
    return str(refused.value)


async def test_a_schema_or_a_text_that_is_no_utf8_is_called_damaged(tmp_path: Path) -> None:
    await fill(tmp_path / "text")
    with contextlib.closing(sqlite3.connect(tmp_path / "text" / "trajectories.sqlite")) as database:
        database.execute("UPDATE trajectories SET title = CAST(x'41ff42' AS TEXT)")
        database.commit()
    assert "it is damaged. Restore it" in await _refusal(tmp_path / "text")

    await fill(tmp_path / "schema")
    file = tmp_path / "schema" / "trajectories.sqlite"
    data = file.read_bytes()
    start = data.index(b"trajectoriestrajectories")
    file.write_bytes(data[:start] + b"\xff\xfe" + data[start + 2 :])
    assert "it is damaged. Restore it" in await _refusal(tmp_path / "schema")


@pytest.mark.parametrize("table", ["trajectories(a)", "songs(id, title)"])
async def test_another_programs_database_is_refused_and_stays_as_it_is(tmp_path: Path, table: str) -> None:
    file = tmp_path / "trajectories.sqlite"
    with contextlib.closing(sqlite3.connect(file)) as database:
        database.execute(f"CREATE TABLE {table}")
    before = file.read_bytes()
    assert "not a workspace of this program" in await _refusal(tmp_path)
    assert file.read_bytes() == before
    assert os.listdir(tmp_path) == [file.name]  # noqa: PTH208 - Path.iterdir is refused in coroutines


async def test_a_database_error_names_its_cause(tmp_path: Path) -> None:
    (tmp_path / "trajectories.sqlite").write_bytes(b"this is a letter to my aunt" * 100)
    with pytest.raises(StoreError, match="not a database"):
        async with Workspace.open(tmp_path):
            pass


@posix
async def test_the_locks_of_a_shared_workspace_can_be_used_by_whoever_may_use_its_database(folder: Path) -> None:
    first = await fill(folder)
    lock = folder / "locks" / f"{first}.lock"
    assert [stat.S_IMODE(one.stat().st_mode) for one in (lock, lock.parent)] == [0o600, 0o700]
    (folder / "trajectories.sqlite").chmod(0o660)
    second = await fill(folder)
    assert stat.S_IMODE(lock.with_name(f"{second}.lock").stat().st_mode) == 0o660
    assert stat.S_IMODE(lock.parent.stat().st_mode) == 0o770
    assert stat.S_IMODE(lock.stat().st_mode) == 0o600
    async with Workspace.open(folder) as workspace, workspace._locks.hold(first):
        assert stat.S_IMODE(lock.stat().st_mode) == 0o660
