"""Whatever ends the process-wide event loop, or one of its tasks: nobody waits for it forever."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from interleavethinker.graph.event_loop import LoopThread

_PATIENCE = 240.0
"""Seconds; a call that waits forever fails the test instead of hanging it."""
_COMPONENTS = """
import asyncio
import sys

from interleavethinker.graph.event_loop import loop_thread
from interleavethinker.tools.testing.agents import plan_of


class Planner:
    def __init__(self, store):
        pass

    async def plan(self, request, context):
        text = str(request.parts)
        if "quit" in text:
            sys.exit("the planner gave up")
        if "stop" in text:
            loop_thread().loop.stop()
            await asyncio.Event().wait()
        return plan_of("a ball")
"""
_PROFILE = """
description = "A planner that ends the program, or the event loop, if the request says so."
planner = { object = "components:Planner" }
critic = { object = "interleavethinker.tools.testing.agents:accepting_critic" }
generator = { model = "fake" }
"""
_PROGRAM = """
import asyncio
import interleavethinker as it

def attempt(prompt):
    try:
        return it.illustrate(prompt, profile="profile.toml", workspace="workspace", seed=1).complete
    except SystemExit as error:
        return f"exit: {error}"
    except RuntimeError as error:
        return f"error: {error}"

async def statuses():
    async with it.Workspace.open("workspace") as workspace:
        return sorted([one.status for one in await workspace.list()])

for prompt in ("quit", "go on", "stop", "go on"):
    print(attempt(prompt))
print(asyncio.run(statuses()))
it.close()
"""
_FORKING = """
import asyncio
import multiprocessing
import os
import sys
import interleavethinker as it

OPTIONS = dict(profile="profile.toml", workspace="workspace", seed=1)

def attempt(prompt):
    try:
        return str(it.illustrate(prompt, **OPTIONS).complete)
    except it.InterleaveError as error:
        return error.code

def raising(prompt):
    it.illustrate(prompt, **OPTIONS)

print(attempt("a ball"), flush=True)
child = os.fork()
if child == 0:
    print(attempt("a child's"), flush=True)
    try:
        asyncio.run(it.aillustrate("a child's", **OPTIONS))
    except it.InterleaveError as error:
        print(error.code, flush=True)
    it.close()
    print(attempt("a child's after close"), flush=True)
    sys.exit()  # Unlike multiprocessing's, this child runs the handlers of the interpreter's end.
assert os.waitpid(child, 0)[1] == 0
with multiprocessing.get_context("fork").Pool(1) as pool:
    try:
        pool.map(raising, ["a pool's"])
    except it.InterleaveError as error:
        print(error.code, flush=True)
print(attempt("the parent's goes on"), flush=True)
with multiprocessing.get_context("fork").Pool(1) as pool:
    pass
it.close()
print(attempt("the parent's again"), flush=True)
it.close()
"""


def run_program(program: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> subprocess.CompletedProcess[str]:
    monkeypatch.setenv("INTERLEAVETHINKER_IMAGE_STORE", str(folder / "server"))
    monkeypatch.setenv("PYTHONPATH", str(folder))
    (folder / "components.py").write_text(_COMPONENTS)
    (folder / "profile.toml").write_text(_PROFILE)
    return subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, timeout=_PATIENCE, check=False
    )


def test_a_component_that_ends_the_program_or_the_loop_leaves_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = run_program(_PROGRAM, tmp_path, monkeypatch)
    quit_, went_on, stopped, too_late, statuses = ran.stdout.splitlines()
    assert quit_ == "exit: the planner gave up"
    assert went_on == "True", "the loop has gone on"
    assert stopped.startswith("error: The event loop thread of interleavethinker has ended")
    assert too_late == stopped
    assert statuses == "['done', 'paused', 'running']", "the last one's lock is free once the program has ended"
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_that_is_forked_after_the_first_call_says_so_instead_of_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = run_program(_FORKING, tmp_path, monkeypatch)
    assert ran.stdout.splitlines() == ["True", *["forked"] * 4, "True", "True"], ran.stderr
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_a_task_that_raises_an_exit_ends_alone(kind: type[BaseException]) -> None:
    thread = LoopThread()

    async def leave() -> None:
        raise kind

    async def answer() -> int:
        return 42

    left = thread.submit(leave())
    assert isinstance(left.exception(_PATIENCE), kind)
    assert thread.submit(answer()).result(_PATIENCE) == 42

    async def stop() -> None:
        thread.loop.stop()
        await asyncio.Event().wait()

    assert isinstance(thread.submit(stop()).exception(_PATIENCE), RuntimeError)
    for task in asyncio.all_tasks(thread.loop):
        task.cancel()
    thread.loop.run_until_complete(asyncio.sleep(0))
    thread.loop.close()
