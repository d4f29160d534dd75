"""Kills the program at random moments of run, branch and delete, and compares what is left with an undisturbed run.

Run by `make robustness`, and for a few rounds by the tests. Prints figures as JSON; a failure prints seed and round.
"""

import argparse
import asyncio
import json
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from interleavethinker.graph import BranchPoint, Components, Workspace
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator, fake_image
from interleavethinker.tools.types import GeneratedImage, GenerationRequest

__all__ = ["kill_rounds", "main"]

PLAN = plan_of("draw a", "make it b", "make it c", "make it d")


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
        time.sleep(0.005)
        with self._log.open("a") as log:
            log.write(f"{call.seed}\n")
        record.with_suffix(".tmp").write_text(ImageStore(self._finished).put(data))
        record.with_suffix(".tmp").rename(record)
        return data

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        """See `ImageGenerator.generate`."""
        return await MemoryGenerator(self._store, self._paint).generate(call, progress)


async def work(folder: Path) -> str:
    """Finishes the folder's trajectory, branches it once, deletes the branch, and returns the document."""
    components = Components(FixedPlanner(PLAN), RuleCritic(), DurableGenerator(folder))
    async with Workspace.open(folder, components) as workspace:
        entries = sorted(await workspace.list(), key=lambda entry: entry.created)
        name = entries[0].id if entries else await workspace.create("x", seed=7)
        result = await workspace.run(name)
        for entry in entries[1:]:
            await workspace.delete(entry.id)
        branch = await workspace.branch(name, BranchPoint(step=2, prompt="make it green"))
        await workspace.run(branch)
        await workspace.delete(branch)
        await workspace.collect_garbage(older_than=-60)
        for image in result.document.images:
            workspace.store.get(image)
        return result.document.model_dump_json()


def kill_rounds(rounds: int, seed: int) -> dict[str, object]:
    """Runs and kills `work` in a process of its own until it ends, `rounds` times over."""
    chance = random.Random(seed)
    folder = Path(tempfile.mkdtemp(prefix="kill-"))
    try:
        expected = asyncio.run(work(_new(folder / "undisturbed")))
        calls = len((folder / "undisturbed" / "generated").read_text().split())
        kills = 0
        for number in range(rounds):
            kills += _round(_new(folder / str(number)), expected, calls, chance, f"round {number} of seed {seed}")
            shutil.rmtree(folder / str(number))
    finally:
        shutil.rmtree(folder)
    return {"rounds": rounds, "seed": seed, "kills": kills, "calls_each": calls, "repeated_calls": 0, "lost": 0}


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _round(folder: Path, expected: str, calls: int, chance: random.Random, name: str) -> int:
    kills = 0
    while True:
        started = time.monotonic()
        command = [sys.executable, "-P", __file__, "--work", str(folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()  # Everything is imported.
            try:
                output, errors = process.communicate(timeout=chance.expovariate(4) if kills < 3 else None)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                kills += 1
                _check_database(folder, name)
                continue
        if process.returncode:
            raise SystemExit(f"{name}: failed after {kills} kills: {errors[-2000:]}")
        if output.strip() != expected:
            raise SystemExit(f"{name}: another document after {kills} kills ({time.monotonic() - started:.1f} s)")
        generated = (folder / "generated").read_text().split()
        # A call that was killed after its log line and before its record was never finished.
        if len(generated) - kills > calls:
            raise SystemExit(f"{name}: {len(generated)} calls, {calls} expected, {kills} kills")
        return kills


def _check_database(folder: Path, name: str) -> None:
    path = folder / "trajectories.sqlite"
    if path.exists():
        with closing(sqlite3.connect(path)) as database:
            if database.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
                raise SystemExit(f"{name}: the database is damaged")


def main() -> None:
    """Runs the harness, or the work itself in a child process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work is None:
        sys.stdout.write(json.dumps(kill_rounds(options.rounds, options.seed)) + "\n")
        return
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdout.write(asyncio.run(work(options.work)) + "\n")


if __name__ == "__main__":
    main()
