"""Whose a workspace is: private by default, and readable, not writable, for another user whom its owner lets in."""

import asyncio
import ctypes
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from interleavethinker.graph import Workspace
from interleavethinker.graph.context import Components
from interleavethinker.tools.errors import StoreError
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
    """Makes root subject to permissions, as everybody else is: drops CAP_DAC_OVERRIDE from what a program gets."""
    if os.geteuid() == 0:
        ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)


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


async def test_a_database_error_names_its_cause(tmp_path: Path) -> None:
    (tmp_path / "trajectories.sqlite").write_bytes(b"this is a letter to my aunt" * 100)
    with pytest.raises(StoreError, match="not a database"):
        async with Workspace.open(tmp_path):
            pass
