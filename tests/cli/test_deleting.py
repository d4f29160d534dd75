"""`delete` removes what it says, says what stays, and works on a full disk."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from interleavethinker.cli import exit_codes as exits
from interleavethinker.tools.folders import default_server_store
from interleavethinker.tools.images.store import ImageStore

STORY = "a big red ball on the left, at night. then make the ball blue"
LEFT = (
    "Left: 2 images of the last hour (a running call may need them; a later `delete` removes what is not used then); "
    "the exports in {}; 2 copies in the image server's store. `delete --purge` {} along what belongs to them."
)
Run = Callable[..., tuple[int, str, str]]


def finished(run: Run, request: str = STORY) -> str:
    return str(json.loads(run("run", request, "--profile", "cells.toml", "--json")[1])["id"])


def listed(run: Run) -> list[str]:
    return [one["id"] for one in json.loads(run("list", "--json")[1])]


def stored(home: Path) -> set[str]:
    (workspace,) = {path.parent for path in home.rglob("trajectories.sqlite")}
    return set(ImageStore(workspace / "images"))


def deleted(run: Run, *words: str) -> Any:
    code, out, err = run("delete", *words, "--json")
    assert code == exits.OK, err
    return json.loads(out)


def test_what_a_deletion_leaves_is_named_and_purged_on_request(run: Run, home: Path) -> None:
    first, second = finished(run), finished(run)
    assert LEFT.format(Path("runs") / first, "takes") in run("delete", first, "--dry-run")[1]
    assert run("delete", first)[1].splitlines() == [
        "Deleted 1 trajectory and 0 unused images.",
        LEFT.format(Path("runs") / first, "would have taken"),
    ]
    for words in ((), ("--purge",)):
        left = run("delete", *words)[1].splitlines()[1]
        assert left.startswith("Left: 2 images of the last hour (")
        assert "--purge" not in left, "it has nothing more to take along"
    images = stored(home)
    copies = ImageStore(default_server_store())
    assert all(image in copies for image in images)
    before = sorted(path for path in home.rglob("*") if "settings" not in path.name)
    foreseen = deleted(run, second, "--purge", "--dry-run")
    assert sorted(path for path in home.rglob("*") if "settings" not in path.name) == before, (
        "a dry run changes nothing"
    )
    assert listed(run) == [second]
    (Path("runs") / second / "notes.txt").write_text("mine")
    done = deleted(run, second, "--purge")
    assert done["images_removed"] == foreseen["images_removed"] == 2
    assert done["left"] == {"recent_images": 2, "exports": [], "server_images": 0}
    assert [path.name for path in (Path("runs") / second).iterdir()] == ["notes.txt"], "files of others stay"
    assert len(stored(home)) == 2, "those of the first, whose deletion left them"
    assert sum(image in copies for image in images) == 2


def test_images_that_another_trajectory_uses_stay_everywhere(run: Run, home: Path) -> None:
    parent = finished(run)
    child = json.loads(run("branch", parent, "2", "--prompt", "make the ball pink", "--json")[1])["id"]
    kept = {one["image"] for one in json.loads(run("show", child, "--json")[1])["attempts"]}
    assert deleted(run, parent, "--purge")["images_removed"] == 1
    assert kept == stored(home)
    assert all(image in ImageStore(default_server_store()) for image in kept)


def test_all_trajectories_are_deleted_at_once_and_the_database_shrinks(run: Run, home: Path) -> None:
    ids = [finished(run) for _ in range(2)]
    (database,) = home.rglob("trajectories.sqlite")
    before = database.stat().st_size
    assert run("delete", "--all", ids[0])[0] == exits.BAD_INPUT
    assert set(listed(run)) == set(ids)
    assert set(deleted(run, "--all")["deleted"]) == set(ids)
    assert listed(run) == []
    assert database.stat().st_size < before / 2
    assert list((database.parent / "locks").iterdir()) == []


DISK = """
import subprocess, sys
from interleavethinker.cli import main

def run(*words):
    try:
        main(words)
    except SystemExit:
        pass

subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", "disk"], check=True)
for number in range(2):
    run("run", sys.argv[1], "--profile", "cells.toml", "--quiet", "--out", f"disk/out/{number}")
subprocess.run("rm -rf disk/out; cat /dev/zero > disk/ballast", shell=True)
print("FULL", flush=True)
run("list", "--json")
run("run", sys.argv[1], "--profile", "cells.toml", "--json")
run("delete", "--all", "--json")
run("list", "--json")
"""


@pytest.mark.skipif(sys.platform != "linux" or shutil.which("unshare") is None, reason="mounts a small disk")
def test_trajectories_are_listed_and_deleted_on_a_full_disk(home: Path) -> None:
    unshare = ["unshare", "--map-root-user", "--mount"]
    if subprocess.run([*unshare, "true"], check=False, capture_output=True).returncode:
        pytest.skip("user namespaces are not allowed here")
    (home / "disk").mkdir()
    environment = os.environ | {"INTERLEAVETHINKER_HOME": str(home / "disk" / "home")}
    command = [*unshare, sys.executable, "-P", "-c", DISK, STORY]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=home)
    assert "Traceback" not in done.stderr
    answers = done.stdout.split("FULL\n")[1].splitlines()
    before, refused, emptied, after = (json.loads(line) for line in answers)
    assert len(before) == 2, done.stderr
    assert "full" in refused["error"]["message"]
    assert len(emptied["deleted"]) == 2
    assert after == []


def test_nothing_is_lost_of_a_running_trajectory(run: Run, home: Path) -> None:
    quiet = finished(run)
    lock = next(home.rglob("trajectories.sqlite")).parent / "locks" / f"{quiet}.lock"
    holder = (
        "import fcntl, sys; file = open(sys.argv[1], 'a'); fcntl.flock(file, 2); print('held', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        started = time.monotonic()
        code, out, err = run("delete", "--all", "--json")
        assert (code, json.loads(out)["deleted"]) == (exits.OK, [])
        assert f"{quiet} is running and stays" in err
        assert run("delete", quiet)[0] == exits.FAILURE
        assert time.monotonic() - started < 30
        process.communicate("\n")
    assert listed(run) == [quiet]


def test_what_is_saved_is_not_overstated_where_the_disk_is_full(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": 2**20}))
        code, _, told = run("run", STORY, "--profile", "cells.toml")
    assert code == exits.FAILURE
    assert "Everything up to the last checkpoint is saved. Resume with:" in told
    assert "Everything so far" not in told
