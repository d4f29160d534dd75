"""Workers announce themselves while they live, and what a dead one left behind is removed."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from interleavethinker.graph.workspace.announcements import (
    Announcement,
    announced,
    live_workers,
    package_version,
    private_socket,
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs Unix sockets")
KILLED = """
import os, signal, sys
from pathlib import Path
from interleavethinker.graph.workspace.announcements import announced, private_socket
with private_socket() as listening, announced(Path(sys.argv[1]), listening.getsockname()):
    print(listening.getsockname(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_worker_is_announced_while_it_lives_to_its_user_only(tmp_path: Path) -> None:
    assert live_workers(tmp_path) == []
    with private_socket() as listening:
        assert listening is not None
        path = Path(listening.getsockname())
        assert path.parent.stat().st_mode & 0o077 == 0
        with announced(tmp_path, str(path)):
            (one,) = live_workers(tmp_path)
            assert (one.pid, one.version, one.folder, one.socket) == (
                os.getpid(),
                package_version(),
                str(Path.cwd()),
                str(path),
            )
            assert [file.stat().st_mode & 0o077 for file in (tmp_path / "workers").iterdir()] == [0]
    assert (live_workers(tmp_path), path.parent.exists(), [*(tmp_path / "workers").iterdir()]) == ([], False, [])


@pytest.mark.parametrize("by", ["run", "a worker"])
def test_what_a_killed_worker_left_behind_is_removed(tmp_path: Path, by: str) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path], check=False, capture_output=True, text=True)
    left = Path(done.stdout.strip())
    assert (left.exists(), len([*(tmp_path / "workers").iterdir()])) == (True, 1)
    if by == "a worker":
        with announced(tmp_path, "/nowhere"):
            assert not left.parent.exists()
    assert live_workers(tmp_path) == []
    assert (left.parent.exists(), [*(tmp_path / "workers").iterdir()]) == (False, [])


def test_only_sockets_of_our_own_form_are_removed_and_other_files_are_no_workers(tmp_path: Path) -> None:
    folder = tmp_path / "workers"
    folder.mkdir()
    precious = tmp_path / "interleavethinker-x" / "worker"
    precious.parent.mkdir()
    precious.write_text("mine")
    with socket.socket(socket.AF_UNIX) as foreign, tempfile.TemporaryDirectory() as elsewhere:
        foreign.bind(f"{elsewhere}/worker")
        dead = Announcement(1, package_version(), os.uname().nodename, "/", str(precious))
        for number, one in enumerate((dead, replace(dead, socket=f"{elsewhere}/worker"))):
            (folder / f"{number}.json").write_text(json.dumps(asdict(one)))
        for number, text in enumerate(("", "[]", "{", '{"pid": []}', "\x00")):
            (folder / f"x{number}.json").write_text(text)
        (folder / "pipe.json").symlink_to(precious)
        assert live_workers(tmp_path) == []
        assert Path(f"{elsewhere}/worker").exists()
    assert precious.read_text() == "mine"
    assert [path.name for path in folder.iterdir()] == ["pipe.json"]


def test_a_file_of_another_user_is_no_worker_and_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with announced(tmp_path, "/nowhere"):
        me = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: me + 1)
        assert (live_workers(tmp_path), len([*(tmp_path / "workers").iterdir()])) == ([], 1)


def test_a_worker_on_another_machine_is_none_of_this_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with announced(tmp_path, "/nowhere"):
        assert len(live_workers(tmp_path)) == 1
        monkeypatch.setattr("platform.node", lambda: "elsewhere")
        assert live_workers(tmp_path) == []
