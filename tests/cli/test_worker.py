"""`run --queue` and `worker`, with real processes of which one is killed."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from interleavethinker.graph import Trajectory, Workspace

from .gated_profile import GATED_PROFILE, write_gated_profile

Run = Callable[..., tuple[int, str, str]]
COUNTING = Path(__file__).parents[1] / "servers" / "images" / "counting_server.py"


@pytest.fixture
def gated(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a profile whose critic judges the second step once the file `go` exists."""
    monkeypatch.setenv("PYTHONPATH", str(home))
    monkeypatch.syspath_prepend(str(home))
    command = json.dumps([sys.executable, str(COUNTING), str(home / "server"), str(home / "log")])
    write_gated_profile(home, f"{{ command = {command} }}", ["a", "b", "c"])
    return home


def worker(*words: str) -> "subprocess.Popen[str]":
    program = "from interleavethinker.cli import main; main()"
    command = [sys.executable, "-c", program, "worker", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def until(condition: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    end = time.monotonic() + 240
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)


def seen(name: str) -> Trajectory:
    async def read() -> Trajectory:
        async with Workspace.open() as workspace:
            return await workspace.get(name)

    return asyncio.run(read())


def repeated(log: Path) -> set[str]:
    """Returns the seeds that were generated again after a server had finished them."""
    finished, again = set(), set()
    for line in log.read_text().splitlines():
        word, seed = line.split()
        if word == "finished":
            finished.add(seed)
        elif seed in finished:
            again.add(seed)
    return again


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_another_worker_goes_on_where_a_killed_one_was_and_generates_nothing_twice(gated: Path, run: Run) -> None:
    code, out, _ = run("run", "--queue", "--profile", "gated.toml", "--json", "x")
    assert code == 0, out
    name = json.loads(out)["id"]
    assert seen(name).status == "ready"
    first = worker()
    try:
        until(lambda: len(seen(name).attempts) == 2, first)
    finally:
        first.kill()
        first.communicate()
    assert seen(name).status == "interrupted"
    (gated / "go").touch()
    second = worker("--until-empty")
    out, err = second.communicate(timeout=240)
    assert (second.returncode, out) == (0, f"{name} done\n"), err
    assert [attempt.prompt for attempt in seen(name).attempts] == ["a", "b", "c"]
    assert repeated(gated / "log") == set()


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGTERM")
def test_the_first_signal_finishes_what_runs_and_the_second_leaves_it_to_others(gated: Path, run: Run) -> None:
    name = json.loads(run("run", "--queue", "--profile", "gated.toml", "--json", "x")[1])["id"]
    first = worker()
    until(lambda: len(seen(name).attempts) == 2, first)
    assert first.stderr is not None
    first.send_signal(signal.SIGTERM)
    assert "Finishing what runs" in first.stderr.readline()
    first.send_signal(signal.SIGTERM)
    assert first.wait(240) == 130
    first.communicate()
    assert seen(name).status == "interrupted"
    second = worker()
    until(lambda: seen(name).status == "running", second)
    second.send_signal(signal.SIGINT)
    assert second.stderr is not None
    assert "Finishing what runs" in second.stderr.readline()
    (gated / "go").touch()
    out, _ = second.communicate(timeout=240)
    assert (second.returncode, out) == (0, f"{name} done\n")


def test_a_queued_request_is_answered_later_so_that_nobody_can_be_asked_or_an_export_written(run: Run) -> None:
    for words in (["--ask"], ["--out", "folder"]):
        code, _, err = run("run", "--queue", *words, "x")
        assert (code, "--queue only records" in err) == (2, True)
    code, out, err = run("run", "--queue", "--profile", "cells.toml", "a red ball")
    assert (code, out.startswith("Trajectory: "), "interleavethinker worker" in err) == (0, True, True)
    code, out, _ = run("worker", "--until-empty")
    assert (code, out.split()[1:]) == (0, ["done"])
    assert run("worker", "--until-empty")[:2] == (0, "")


KILLING = """
import asyncio, os, signal
from pathlib import Path
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, plan_of

class Planner(FixedPlanner):
    def __init__(self, store):
        super().__init__(plan_of("a"))

    async def plan(self, request, context):
        with Path("taken").open("a") as file:
            file.write(request.text + "\\n")
        while request.text == "patient" and Path("poison").exists() and Path("taken").read_text().count("poison") < 3:
            await asyncio.sleep(0.02)
        if request.text == "poison" and Path("poison").exists():
            os.kill(os.getpid(), signal.SIGKILL)
        return await super().plan(request, context)

def critic(store):
    return RuleCritic()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_request_that_kills_its_worker_fails_after_three_and_harms_no_other(
    home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(home))
    (home / "killing_agents.py").write_text(KILLING)
    profile = GATED_PROFILE.replace("gated_agents:planner", "killing_agents:Planner")
    profile = profile.replace("gated_agents:Critic", "killing_agents:critic")
    (home / "killing.toml").write_text(profile % '{ model = "cells" }')
    (home / "poison").touch()
    environment = os.environ | {"PYTHONPATH": str(home)}
    queue = ("run", "--queue", "--profile", "killing.toml", "--json")
    poison, patient = (json.loads(run(*queue, request)[1])["id"] for request in ("poison", "patient"))

    def one_more_worker() -> "subprocess.CompletedProcess[str]":
        program = "from interleavethinker.cli import main; main()"
        command = [sys.executable, "-c", program, "worker", "--until-empty"]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)

    # The other request, which gets no further in these processes, is not taken for the cause of their deaths.
    assert [one_more_worker().returncode for _ in range(3)] == [-signal.SIGKILL] * 3
    last = one_more_worker()
    assert last.returncode == 0, last.stderr
    assert (home / "taken").read_text().split().count("poison") == 3
    entries = {entry["id"]: entry for entry in json.loads(run("list", "--json")[1])}
    assert (entries[poison]["status"], entries[patient]["status"]) == ("failed", "done")
    assert "3 processes in a row ended" in entries[poison]["reason"]
    assert f"{poison} failed: 3 processes in a row" in last.stdout

    (home / "poison").unlink()
    assert run("resume", poison)[0] == 0
