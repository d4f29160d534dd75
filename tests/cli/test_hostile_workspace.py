"""A workspace that another user has filled: pipes, devices and links in place of its files hold no command up."""

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from interleavethinker.graph import Components, Workspace
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="has no named pipes in folders")


@pytest.fixture
def filled(tmp_path: Path) -> tuple[Path, str, Path]:
    """A workspace's folder, the id of a trajectory that ran there, and the file of its first image."""

    async def fill() -> tuple[str, Path]:
        components = Components(
            FixedPlanner(plan_of("a", "b")), RuleCritic(), MemoryGenerator(ImageStore(tmp_path / "images"))
        )
        async with Workspace.open(tmp_path, components) as workspace:
            done = await workspace.run(await workspace.create("x"))
            return done.id, workspace.store.path(done.document.images[0])

    name, image = asyncio.run(fill())
    return tmp_path, name, image


def call(folder: Path, *words: str) -> tuple[int, str]:
    """Runs a command in a process of its own, which can be ended if it hangs, and returns its code and output."""
    command = [sys.executable, "-P", "-m", "interleavethinker", *words, "--workspace", str(folder), "--json"]
    # Address space is bounded, so that an endless file ends the command and not the machine.
    bounded = ["sh", "-c", 'ulimit -v 16000000; exec "$0" "$@"', *command]
    done = subprocess.run(bounded, capture_output=True, text=True, timeout=120, check=False, cwd=folder)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    "replace", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")], ids=["a pipe", "an endless device"]
)
def test_what_is_no_file_in_an_images_place_is_a_missing_image(
    filled: tuple[Path, str, Path], replace: Callable[[Path], None]
) -> None:
    folder, name, image = filled
    image.unlink()
    replace(image)
    code, output = call(folder, "export", name, "--out", str(folder / "out"))
    assert code == 0, output
    document = (folder / "out" / "document.md").read_text()
    assert "1 image is missing or damaged" in document
    assert document.count("![") == 1


@pytest.mark.parametrize(
    "replace", [os.mkfifo, lambda path: path.symlink_to(path.name)], ids=["a pipe", "a link to itself"]
)
def test_what_is_no_file_in_a_locks_place_is_no_process_that_runs(
    filled: tuple[Path, str, Path], replace: Callable[[Path], None]
) -> None:
    folder, name, _ = filled
    with closing(sqlite3.connect(folder / "trajectories.sqlite")) as database, database:
        database.execute("UPDATE trajectories SET status = 'running'")
    lock = folder / "locks" / f"{name}.lock"
    lock.unlink(missing_ok=True)
    replace(lock)
    code, output = call(folder, "list")
    assert code == 0, output
    assert [one["status"] for one in json.loads(output)] == ["interrupted"]


def test_a_link_in_a_locks_place_is_not_followed(filled: tuple[Path, str, Path]) -> None:
    folder, name, _ = filled
    lock = folder / "locks" / f"{name}.lock"
    lock.unlink(missing_ok=True)
    lock.symlink_to(folder / "elsewhere")
    code, output = call(folder, "delete", name)
    assert code == 3, output
    assert "Cannot create the lock file" in json.loads(output)["error"]["message"]
    assert not (folder / "elsewhere").exists()


def test_a_pipe_in_the_folder_of_an_export_is_named(filled: tuple[Path, str, Path]) -> None:
    folder, name, _ = filled
    (folder / "out").mkdir()
    os.mkfifo(folder / "out" / "trajectory.json")
    code, output = call(folder, "export", name, "--out", str(folder / "out"))
    assert code == 2, output
    assert "it is a device, a pipe or a socket, not a file" in json.loads(output)["error"]["message"]
