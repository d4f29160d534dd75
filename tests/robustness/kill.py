"""Kills the program at random moments of every operation on a workspace, and compares what is left with a quiet run.

Run by `make robustness`, and for a round by the tests. Each round is a new workspace: a trajectory is created, run,
exported and branched, others are approved, judged by hand, paused and cancelled, the branch is deleted, and garbage is
collected. A process that is killed is started again until it ends. Nothing may differ then: the documents, the number
of generated images, the contents of the workspace. Processes are forked, so that none spends its life importing; hence
Unix only. Prints figures as JSON; a failure prints seed and round.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
import traceback
from contextlib import aclosing, closing
from pathlib import Path

from interleavethinker.graph import BranchPoint, Components, HumanVerdict, Limits, Trajectory, Workspace
from interleavethinker.graph.events import ReviewNeeded
from interleavethinker.graph.export.export import export
from interleavethinker.tools.errors import TrajectoryError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator, fake_image
from interleavethinker.tools.types import GeneratedImage, GenerationRequest

__all__ = ["kill_rounds", "main"]

PLAN = plan_of("draw a", "make it b", "make it c")
MOST_KILLS = 6
"""In one round; the last process may then end."""


class DurableGenerator:
    """Keeps finished images on disk, as the image server does, and logs each image that it really generates."""

    def __init__(self, folder: Path) -> None:
        self._store = ImageStore(folder / "images")
        self._finished = folder / "finished"
        self._finished.mkdir(exist_ok=True)
        self._log = folder / "generated"

    def _paint(self, call: GenerationRequest) -> bytes:
        record = self._finished / str(call.seed)
        if record.exists():
            return ImageStore(self._finished).get(record.read_text())
        data = fake_image(call)
        with self._log.open("a") as log:
            log.write(f"{call.seed}\n")
        record.with_suffix(".tmp").write_text(ImageStore(self._finished).put(data))
        record.with_suffix(".tmp").rename(record)
        return data

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        """See `ImageGenerator.generate`."""
        return await MemoryGenerator(self._store, self._paint).generate(call, progress)


async def work(folder: Path) -> str:
    """Brings the folder's workspace from any state to the final one, and returns everything that must not differ."""
    components = Components(FixedPlanner(PLAN), RuleCritic(), DurableGenerator(folder))
    async with Workspace.open(folder, components) as workspace:
        plain = await _existing(workspace, "plain", seed=7)
        finished = [await workspace.run(plain), await _approved(workspace), await _judged(workspace)]
        await _cancelled(workspace)
        for entry in await workspace.list():
            if entry.parent is not None:
                await workspace.delete(entry.id)
        branch = await workspace.branch(plain, BranchPoint(step=1, prompt="make it green"))
        export(await workspace.run(branch), workspace.store, folder / "page")
        await workspace.delete(branch)
        await workspace.collect_garbage(older_than=-60)
        await workspace.vacuum()
        for one in finished:
            for image in one.document.images:
                workspace.store.get(image)
        statuses = sorted((entry.title, entry.status) for entry in await workspace.list())
        images = sorted(workspace.store)
    record = Trajectory.model_validate_json((folder / "page" / "trajectory.json").read_text())
    documents = [one.document.model_dump_json() for one in (*finished, record)]
    return json.dumps([documents, statuses, images])


async def _existing(workspace: Workspace, title: str, seed: int, *, approve_plan: bool = False) -> str:
    """Returns the trajectory of this title; creates it if there is none."""
    found = [entry.id for entry in await workspace.list() if entry.title == title and entry.parent is None]
    limits = Limits(max_attempts=3)
    return found[0] if found else await workspace.create(title, seed=seed, approve_plan=approve_plan, limits=limits)


async def _approved(workspace: Workspace) -> Trajectory:
    name = await _existing(workspace, "approved", seed=8, approve_plan=True)
    if (await workspace.run(name)).status == "waiting":
        await workspace.approve(name)
    return await workspace.run(name)


async def _judged(workspace: Workspace) -> Trajectory:
    """Runs a trajectory whose first image a person rejects in other words."""
    name = await _existing(workspace, "judged", seed=9)
    if not (await workspace.get(name)).attempts:
        async with aclosing(workspace.stream(name, review=True)) as events:
            async for event in events:
                if isinstance(event, ReviewNeeded):
                    break
    attempts = (await workspace.get(name)).attempts
    if not any(one.verdict is not None and one.verdict.by_hand for one in attempts):
        await workspace.judge(name, HumanVerdict(success=False, prompt="draw z"))
    return await workspace.run(name)


async def _cancelled(workspace: Workspace) -> None:
    name = await _existing(workspace, "cancelled", seed=10)
    if (await workspace.summary(name)).status == "cancelled":
        return
    try:
        await workspace.pause(name)
    except TrajectoryError:
        if (await workspace.summary(name)).status != "cancelled":
            raise
    await workspace.cancel(name)


def kill_rounds(rounds: int, seed: int, seconds: float = float("inf")) -> dict[str, object]:
    """Runs and kills `work` in a process of its own until it ends, `rounds` times over, or until `seconds` are over."""
    chance = random.Random(seed)
    folder = Path(tempfile.mkdtemp(prefix="kill-"))
    started = time.monotonic()
    kills = number = 0
    try:
        quiet = _new(folder / "quiet")
        _wait(_start(quiet))
        usual = time.monotonic() - started
        expected = _result(quiet, f"the quiet run before seed {seed}")
        calls = len((quiet / "generated").read_text().split())
        while number < rounds and time.monotonic() - started < seconds:
            round_ = _new(folder / str(number))
            killed, seconds_taken = _round(round_, expected, calls, chance, usual, f"round {number} of seed {seed}")
            kills += killed
            usual = 0.8 * usual + 0.2 * seconds_taken  # The machine may become faster or slower.
            shutil.rmtree(round_)
            number += 1
    finally:
        shutil.rmtree(folder)
    return {"rounds": number, "seed": seed, "kills": kills, "calls_each": calls, "repeated_calls": 0, "lost": 0}


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _start(folder: Path) -> int:
    """Forks a process that works on the folder, and returns its id. This process never has threads."""
    process = os.fork()
    if process:
        return process
    try:
        text, name, code = asyncio.run(work(folder)), "result", 0
    except BaseException:  # noqa: BLE001 - whatever it is, the parent reports it
        text, name, code = traceback.format_exc(), "error", 1
    (folder / f"{name}.tmp").write_text(text)
    (folder / f"{name}.tmp").rename(folder / name)
    os._exit(code)


def _wait(process: int, seconds: float | None = None) -> bool:
    """Waits for a process to end; after `seconds`, kills it. Returns whether it was killed."""
    end = None if seconds is None else time.monotonic() + seconds
    while os.waitpid(process, os.WNOHANG) == (0, 0):
        if end is not None and time.monotonic() > end:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
            return True
        time.sleep(0.001)
    return False


def _result(folder: Path, name: str) -> str:
    if not (folder / "result").exists():
        raise SystemExit(f"{name}: {(folder / 'error').read_text()[-3000:]}")
    return (folder / "result").read_text()


def _round(
    folder: Path, expected: str, calls: int, chance: random.Random, usual: float, name: str
) -> tuple[int, float]:
    """Returns the number of kills, and the seconds that the whole work took."""
    kills, seconds = 0, 0.0
    while True:
        started = time.monotonic()
        killed = _wait(_start(folder), chance.expovariate(3 / usual) if kills < MOST_KILLS else None)
        seconds += time.monotonic() - started
        if not killed:
            break
        kills += 1
        _check_database(folder, name)
    if _result(folder, f"{name}, after {kills} kills") != expected:
        raise SystemExit(f"{name}: another result after {kills} kills:\n{(folder / 'result').read_text()}\n{expected}")
    generated = (folder / "generated").read_text().split()
    # A call that was killed after its log line and before its record was never finished.
    if len(generated) - kills > calls:
        raise SystemExit(f"{name}: {len(generated)} calls, {calls} expected, {kills} kills")
    return kills, seconds


def _check_database(folder: Path, name: str) -> None:
    path = folder / "trajectories.sqlite"
    if path.exists():
        with closing(sqlite3.connect(path)) as database:
            if database.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
                raise SystemExit(f"{name}: the database is damaged")


def main() -> None:
    """Runs the harness."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--seconds", type=float, default=float("inf"), help="stop after the round in which this is over"
    )
    options = parser.parse_args()
    sys.stdout.write(json.dumps(kill_rounds(options.rounds, options.seed, options.seconds)) + "\n")


if __name__ == "__main__":
    main()
