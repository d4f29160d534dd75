"""`run` beside a live worker of its workspace, in real processes: the worker answers, and its death is survived."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from interleavethinker.cli import exit_codes as exits
from interleavethinker.cli.handing_over import Begun, NewEvents
from interleavethinker.graph import Trajectory, Workspace
from interleavethinker.graph.workspace.announcements import live_workers
from interleavethinker.graph.workspace.lock import TrajectoryLock

from .conftest import PROFILE
from .gated_profile import write_gated_profile

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs Unix sockets")
HELD_SERVER = Path(__file__).parent / "held_server.py"
REQUEST = "a big red ball on the left, then make it blue"
PROGRAM = """
import atexit, sys
def watch(event, arguments):
    if event == "subprocess.Popen" and "image-server" in arguments[1]:
        print("starts an image server", file=sys.stderr)
sys.addaudithook(watch)
atexit.register(lambda: print("imported", *{"torch", "transformers", "diffusers"} & {*sys.modules}, file=sys.stderr))
from interleavethinker.cli import main
main()
"""
OLD_WORKER = """
from interleavethinker.graph.workspace import announcements
announcements.package_version = lambda: "0.0.1"
from interleavethinker.cli import main
main()
"""
Process = subprocess.Popen[str]
StartWorker = Callable[..., Process]


def start(*words: str, program: str = PROGRAM) -> Process:
    command = [sys.executable, "-c", program, *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def until(condition: Callable[[], bool], *processes: Process) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        for process in processes:
            assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def announcements(home: Path) -> list[Path]:
    return [*(home / "home" / "workers").glob("*.json")]


@pytest.fixture
def worker(home: Path) -> Iterator[StartWorker]:
    """Starts workers that listen when the call returns, and ends them."""
    started: list[Process] = []

    def begin(*words: str, program: str = PROGRAM) -> Process:
        before = len(announcements(home))
        process = start("worker", *words, program=program)
        started.append(process)
        until(lambda: len(announcements(home)) > before, process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()
    assert live_workers(home / "home") == []  # Which also removes their sockets.


@pytest.fixture
def held(home: Path) -> Path:
    """A file that holds the second image of the profile `held.toml` while it is there."""
    file = home / "held"
    file.touch()
    command = json.dumps([sys.executable, str(HELD_SERVER), str(home / "held-store"), str(file)])
    (home / "held.toml").write_text(PROFILE.replace('{ model = "cells" }', f"{{ command = {command} }}"))
    return file


def end_of(process: Process) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def answer(*words: str) -> tuple[int, str, str]:
    return end_of(start("run", *words))


def shown(process: Process, text: str) -> str:
    """Returns what a process has written to stderr up to the line that contains a text."""
    assert process.stderr is not None
    lines = [""]
    while text not in lines[-1]:
        lines.append(process.stderr.readline())
        assert lines[-1], lines
    return "".join(lines)


def newest() -> Trajectory | None:
    async def read() -> Trajectory | None:
        async with Workspace.open() as workspace:
            found = await workspace.list(1)
            return await workspace.get(found[0].id) if found else None

    return asyncio.run(read())


def has(attempts: int = 0, status: str | None = None) -> bool:
    found = newest()
    return found is not None and len(found.attempts) >= attempts and status in {None, found.status}


def record(folder: Path) -> dict[str, Any]:
    """Returns what an export says, without what differs between any two runs."""
    data: dict[str, Any] = json.loads((folder / "trajectory.json").read_text())
    for name in ("id", "created", "updated", "seconds"):
        del data[name]
    for attempt in data["attempts"]:
        del attempt["seconds"]
    return data


def test_the_worker_answers_with_the_same_view_and_exports_and_run_loads_no_model(
    home: Path, worker: StartWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = worker()
    options = (REQUEST, "--profile", "cells.toml", "--seed", "3", "--out")
    code, out, err = answer(*options, "by-worker")
    assert (code, "starts an image server" in err, f"A worker answers it (process {process.pid})" in err) == (
        0,
        False,
        True,
    )
    assert "imported\n" in err
    monkeypatch.setenv("INTERLEAVETHINKER_IMAGE_STORE", str(home / "second"))  # Otherwise its images are known already.
    own_code, own_out, own = answer(*options, "by-itself", "--no-worker")
    assert (own_code, "starts an image server" in own, "A worker" in own) == (0, True, False)
    assert record(home / "by-worker") == record(home / "by-itself")
    names = [
        {path.relative_to(folder) for path in folder.rglob("*")} for folder in (home / "by-worker", home / "by-itself")
    ]
    assert names[0] == names[1]

    def plain(text: str) -> list[str]:
        shown = [line.partition(" s  ")[2] or line for line in text.splitlines()]
        words = ("A worker", "Trajectory", "Open it", "starts", "imported", "Document:", "Storyboard:")
        return [line.partition(", 0.")[0].partition("; ")[0] for line in shown if not line.startswith(words)]

    assert plain(err) == plain(own)
    assert len(out.splitlines()) == len(own_out.splitlines()) == 3


def test_json_is_the_same_and_two_requests_are_answered_at_once(home: Path, worker: StartWorker) -> None:
    worker()
    runs = [start("run", REQUEST, "--profile", "cells.toml", "--seed", "3", "--json") for _ in range(2)]
    for code, out, err in map(end_of, runs):
        assert (code, json.loads(out)["status"], json.loads(out)["attempts"], err) == (0, "done", 2, "imported\n")
    assert len([*(home / "runs").iterdir()]) == 2


def test_a_refused_request_is_refused_in_the_same_words_and_nothing_is_recorded(
    home: Path, worker: StartWorker
) -> None:
    worker()
    for words in (["sell me a stapler"], ["sell me a stapler", "--json"]):
        refused = answer(*words, "--profile", "cells.toml")
        assert refused[0] == exits.BAD_INPUT
        assert refused == tuple(
            part.replace("starts an image server\n", "") if isinstance(part, str) else part
            for part in answer(*words, "--profile", "cells.toml", "--no-worker")
        )
    assert newest() is None
    assert home.is_dir()


def test_if_the_worker_is_killed_run_goes_on_and_generates_nothing_twice(held: Path, worker: StartWorker) -> None:
    process = worker()
    run = start("run", REQUEST, "--profile", "held.toml", "--json")
    until(lambda: has(attempts=1), run, process)
    process.kill()
    process.communicate()
    code, out, _ = end_of(run)
    assert (code, json.loads(out)["status"], json.loads(out)["attempts"]) == (0, "done", 2)
    assert held.exists()  # The new server's first image is the second one.


def test_what_run_says_when_the_worker_dies_and_its_announcement_is_removed(
    home: Path, held: Path, worker: StartWorker
) -> None:
    process = worker()
    run = start("run", REQUEST, "--profile", "held.toml")
    until(lambda: has(attempts=1), run, process)
    process.kill()
    code, _, err = end_of(run)
    assert (code, "The worker has died; this process goes on." in err) == (0, True)
    assert len(announcements(home)) == 1
    held.unlink()
    code, _, err = answer(REQUEST, "--profile", "held.toml")
    assert (code, "orker" in err, announcements(home)) == (0, False, [])


def test_a_worker_of_another_version_is_left_alone(home: Path, worker: StartWorker) -> None:
    worker(program=OLD_WORKER)
    code, _, err = answer(REQUEST, "--profile", "cells.toml")
    assert (code, "The worker has version 0.0.1; this process answers." in err, home.is_dir()) == (0, True, True)


def test_ctrl_c_pauses_through_the_worker(held: Path, worker: StartWorker) -> None:
    worker()
    run = start("run", REQUEST, "--profile", "held.toml")
    shown(run, "step 2, attempt 1")
    run.send_signal(signal.SIGINT)
    assert "Press Ctrl-C again to leave that" in shown(run, "Pausing after the current generator call")
    time.sleep(0.3)
    held.unlink()
    code, _, err = end_of(run)
    assert (code, "Paused. Resume with" in err) == (130, True)
    assert has(attempts=2, status="paused")


def test_a_second_ctrl_c_ends_run_at_once_and_the_worker_pauses_later(held: Path, worker: StartWorker) -> None:
    process = worker()
    run = start("run", REQUEST, "--profile", "held.toml")
    shown(run, "step 2, attempt 1")
    run.send_signal(signal.SIGINT)
    shown(run, "Pausing after")
    run.send_signal(signal.SIGINT)
    assert end_of(run)[0] == 130
    assert has(status="running")
    held.unlink()
    until(lambda: has(attempts=2, status="paused"), process)


def test_a_killed_run_leaves_its_trajectory_to_the_worker(held: Path, worker: StartWorker) -> None:
    process = worker()
    run = start("run", REQUEST, "--profile", "held.toml")
    until(lambda: has(attempts=1), run, process)
    run.kill()
    run.communicate()
    held.unlink()
    until(lambda: has(attempts=2, status="done"), process)


def test_beside_a_worker_without_a_place_run_answers_itself(held: Path, worker: StartWorker) -> None:
    process = worker("--at-once", "1")
    run = start("run", REQUEST, "--profile", "held.toml", "--json")
    until(lambda: has(attempts=1), run, process)
    code, _, err = answer("a red ball", "--profile", "cells.toml")
    assert (code, "The worker of this workspace is busy; this process answers." in err) == (0, True)
    held.unlink()
    assert end_of(run)[0] == 0


def test_a_profile_that_has_changed_since_the_worker_opened_it_is_used_as_it_is_now(
    home: Path, worker: StartWorker
) -> None:
    worker()
    assert "A worker answers it" in answer("a red ball", "--profile", "cells.toml")[2]
    (home / "cells.toml").write_text(PROFILE + "limits = { max_calls = 1 }\n")
    code, _, err = answer(REQUEST, "--profile", "cells.toml")
    assert (code, "not the one that is open here" in err, "Raise the limit" in err) == (0, True, True)


def test_own_code_and_relative_names_of_another_folder_are_not_left_to_a_worker(
    home: Path, worker: StartWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker()
    monkeypatch.setenv("PYTHONPATH", str(home))
    write_gated_profile(home, '{ model = "cells" }', ["a"])
    code, _, err = answer("x", "--profile", "gated.toml")
    assert (code, "The profile names code of your own" in err) == (0, True)
    (home / "other").mkdir()
    monkeypatch.chdir(home / "other")
    code, _, err = answer("a red ball", "--profile", "../cells.toml")
    assert (code, "The worker runs in another folder" in err) == (0, True)


def test_a_plan_that_waits_for_approval_has_the_exit_code_of_its_own(worker: StartWorker) -> None:
    worker()
    code, _, err = answer(REQUEST, "--profile", "cells.toml", "--approve-plan")
    assert (code, "waiting for approval" in err, "A worker answers it" in err) == (exits.WAITING, True, True)


def test_a_worker_loads_a_profile_first_and_ends_after_some_minutes_without_work(
    home: Path, worker: StartWorker
) -> None:
    process = worker("--preload", "cells.toml", "--idle", "0.1")
    begun = time.monotonic()
    assert answer("a red ball", "--profile", "cells.toml")[0] == 0
    code, out, err = end_of(process)
    assert (code, out.split()[1:], "Loaded the profile cells." in err) == (0, ["done"], True)
    assert time.monotonic() - begun >= 6
    assert announcements(home) == []


def test_another_worker_that_was_faster_is_waited_for(home: Path) -> None:
    async def play() -> tuple[list[str], list[str], list[str]]:
        said: list[str] = []
        async with Workspace.open() as workspace:
            name = await workspace.create("a red ball", profile="cells.toml")
            other = TrajectoryLock(home / "home" / "locks" / f"{name}.lock", name)
            await other.__aenter__()

            def say(text: str) -> None:
                said.append(text)
                release = asyncio.create_task(other.__aexit__(None, None, None))
                release.add_done_callback(lambda _: None)

            ran = [type(event).__name__ async for event in NewEvents(Begun())(workspace, name, say)]
            again = [type(event).__name__ async for event in NewEvents(Begun())(workspace, name, say)]
        return said, ran, again

    said, ran, again = asyncio.run(play())
    assert (said, ran[-1], again) == (["Another worker runs it; waiting until it ends."], "Finished", [])


def test_queueing_wakes_the_worker(worker: StartWorker) -> None:
    process = worker()
    assert answer(REQUEST, "--profile", "cells.toml", "--queue")[0] == 0
    until(lambda: has(attempts=2, status="done"), process)


def test_an_interrupt_before_the_first_call_pauses_and_says_how_to_go_on(home: Path) -> None:
    run = start("run", REQUEST, "--profile", "cells.toml", "--no-worker")
    shown(run, "Trajectory")
    run.send_signal(signal.SIGINT)
    code, _, err = end_of(run)
    paused = newest()
    assert home.is_dir()
    assert paused is not None
    assert (code, paused.attempts) == (exits.INTERRUPTED, ())
    assert f"interleavethinker resume {paused.id}" in err


@pytest.mark.parametrize("kind", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.usefixtures("hang_up_ends_programs")
def test_a_signal_while_a_worker_answers_pauses_it_from_the_first_moment(
    held: Path, worker: StartWorker, kind: str
) -> None:
    process = worker()
    run = start("run", REQUEST, "--profile", "held.toml")
    shown(run, "Trajectory")  # Before `run` imports the agent.
    run.send_signal(getattr(signal, kind))
    code, _, err = end_of(run)
    paused = newest()
    assert paused is not None
    assert process.poll() is None
    assert (code, paused.status, len(paused.attempts) <= 1) == (exits.INTERRUPTED, "paused", True)
    assert "Pausing after the current generator call." in err
    assert f"interleavethinker resume {paused.id}" in err
    assert held.exists()
