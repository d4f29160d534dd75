"""Kills processes at random moments of every operation on a workspace, and checks that nothing is lost or repeated.

A round takes one scenario, such as judging an image or deleting a trajectory. A process brings a workspace from any
state to the scenario's end; one that is killed is started again until it ends. Nothing may differ then from a quiet
run: documents, statuses, the contents of the image store, the number of generated images. Processes are forked from
one that has imported everything, so that a round takes a tenth of a second; hence Unix only.

Prints figures as JSON, and writes them to `--report` as it goes: the same command continues a run that was
interrupted. A failure prints seed and round, and `--from ROUND --rounds 1` repeats it (the moment of the kill varies
with the machine's load).
"""

import argparse
import asyncio
import gc
import importlib
import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path

from interleavethinker.graph import Workspace

from .scenarios import SCENARIOS, components_of

__all__ = ["kill_rounds", "main"]

MOST_KILLS = 3
"""In one round; the last process may then end."""


async def work(folder: Path, scenario: str) -> str:
    """Brings the folder's workspace from any state to the scenario's end; returns everything that must not differ."""
    async with Workspace.open(folder, components_of(folder)) as workspace:
        await SCENARIOS[scenario].bring(workspace)
        await workspace.collect_garbage(older_than=-60)
        entries = await workspace.list()
        answers = [
            (one.title, one.status, one.parent_step, (await workspace.get(one.id)).document.model_dump_json())
            for one in entries
        ]
        for image in workspace.store:
            workspace.store.get(image)
        return json.dumps([sorted(answers, key=repr), sorted(workspace.store)])


class Harness:
    """Runs rounds below one folder, each after a quiet run of its scenario.

    Args:
        folder: Empty.
        seed: Of the scenarios and the moments of the kills; each round depends on the seed and its number only.
        only: The scenarios to choose from.
    """

    def __init__(self, folder: Path, seed: int, only: Sequence[str]) -> None:
        self._only = only
        self._folder = folder
        self._seed = seed
        self._expected: dict[str, str] = {}
        self._calls: dict[str, list[str]] = {}
        self._usual: dict[str, float] = {}
        self.calls = 0
        """Images that the quiet runs of all rounds would have generated."""
        self._quiet("everything")
        _import_all((folder / "everything" / "modules").read_text().split())

    def round(self, number: int) -> tuple[str, int]:
        """Runs one round, and returns its scenario and the number of kills."""
        chance = random.Random(f"{self._seed}/{number}")
        scenario = chance.choice(self._only)
        if scenario not in self._expected:
            self._quiet(scenario)
        name = f"round {number} of seed {self._seed} ({scenario})"
        folder = self._new(scenario, self._folder / str(number))
        kills = self._kill(folder, scenario, chance, name)
        if _result(folder, f"{name}, after {kills} kills") != self._expected[scenario]:
            found = (folder / "result").read_text()
            raise SystemExit(f"{name}: another result after {kills} kills:\n{found}\n{self._expected[scenario]}")
        self._check_calls(_generated(folder), scenario, kills, name)
        self.calls += len(self._calls[scenario])
        shutil.rmtree(folder)
        return scenario, kills

    def _check_calls(self, generated: list[str], scenario: str, kills: int, name: str) -> None:
        """Checks that the calls are those of the quiet run, and that only calls in flight at a kill are made again."""
        # A call that was killed after its log line and before its record was never finished.
        repeated = len(generated) - len(set(generated))
        expected = self._calls[scenario]
        others = set() if SCENARIOS[scenario].drafts else set(generated) ^ set(expected)
        if others or repeated > kills * SCENARIOS[scenario].at_once:
            raise SystemExit(
                f"{name}: {len(generated)} calls, {repeated} repeated, {len(others)} others than the {len(expected)} "
                f"expected, {kills} kills"
            )

    def _kill(self, folder: Path, scenario: str, chance: random.Random, name: str) -> int:
        kills, seconds = 0, 0.0
        while True:
            # The first process is nearly always killed; later ones have less and less to do.
            delay = chance.uniform(0, self._usual[scenario]) if kills < MOST_KILLS else None
            started = time.monotonic()
            killed = _wait(_start(folder, scenario), delay)
            if not killed:
                break
            seconds += time.monotonic() - started
            kills += 1
            _check_database(folder, name)
        if kills == 0:  # The machine has become faster, and the kill came too late.
            self._usual[scenario] *= 0.95
        elif kills == MOST_KILLS:
            self._usual[scenario] = 0.9 * self._usual[scenario] + 0.1 * seconds
        return kills

    def _quiet(self, scenario: str) -> None:
        folder = self._new(scenario, self._folder / scenario)
        started = time.monotonic()
        _wait(_start(folder, scenario))
        self._usual[scenario] = time.monotonic() - started
        self._expected[scenario] = _result(folder, f"the quiet run of {scenario}")
        self._calls[scenario] = _generated(folder)

    def _new(self, scenario: str, folder: Path) -> Path:
        before = SCENARIOS[scenario].before
        if before is None:
            folder.mkdir()
            return folder
        if before not in self._expected:
            self._quiet(before)
        left_out = shutil.ignore_patterns("result", "modules", "generated")
        return Path(shutil.copytree(self._folder / before, folder, ignore=left_out))


def _import_all(names: Iterable[str]) -> None:
    """Imports what a process has needed, so that those to come need not; collects no garbage in the shared memory."""
    for name in names:
        with suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()
    if threading.active_count() > 1:
        raise SystemExit("a process with threads must not be forked")


def _start(folder: Path, scenario: str) -> int:
    """Forks a process that works on the folder, and returns its id. This process never has threads."""
    process = os.fork()
    if process:
        return process
    try:
        text, name, code = asyncio.run(work(folder, scenario)), "result", 0
        (folder / "modules").write_text("\n".join(sys.modules))
    except BaseException:  # noqa: BLE001 - whatever it is, the parent reports it
        text, name, code = traceback.format_exc(), "error", 1
    (folder / f"{name}.tmp").write_text(text)
    (folder / f"{name}.tmp").rename(folder / name)
    os._exit(code)


def _wait(process: int, seconds: float | None = None) -> bool:
    """Waits for a process to end; after `seconds`, kills it. Returns whether it was killed."""
    if seconds is not None:
        time.sleep(seconds)
        os.kill(process, signal.SIGKILL)  # Its id is not given to another one before the next line.
    return os.WIFSIGNALED(os.waitpid(process, 0)[1])


def _generated(folder: Path) -> list[str]:
    log = folder / "generated"
    return log.read_text().split() if log.exists() else []


def _result(folder: Path, name: str) -> str:
    if not (folder / "result").exists():
        raise SystemExit(f"{name}: {(folder / 'error').read_text()[-3000:]}")
    return (folder / "result").read_text()


def _check_database(folder: Path, name: str) -> None:
    path = folder / "trajectories.sqlite"
    if path.exists():
        with closing(sqlite3.connect(path)) as database:
            if database.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
                raise SystemExit(f"{name}: the database is damaged")


def kill_rounds(
    rounds: int,
    seed: int,
    *,
    first: int = 0,
    seconds: float = float("inf"),
    report: Path | None = None,
    only: Sequence[str] = tuple(SCENARIOS),
) -> dict[str, object]:
    """Runs rounds until their number is reached or `seconds` are over, and returns figures.

    Args:
        rounds: Number of the last round, plus one.
        seed: See `Harness`.
        first: Number of the first round.
        seconds: Ends after the round in which they are over.
        report: A file that gets the figures as JSON every hundred rounds; those of an earlier run are continued.
        only: The scenarios to choose from.
    """
    figures: dict[str, int] = {"seed": seed, "first": first, "rounds": 0, "with_kills": 0, "kills": 0, "calls": 0}
    by_scenario: Counter[str] = Counter()
    if report is not None and report.exists():
        known = json.loads(report.read_text())
        by_scenario.update(known.pop("by_scenario"))
        figures |= {key: value for key, value in known.items() if key in figures}
        if (figures["seed"], figures["first"]) != (seed, first):
            raise SystemExit(f"{report} is the report of another seed or another first round")
    folder = Path(tempfile.mkdtemp(prefix="kill-"))
    started = time.monotonic()

    def result() -> dict[str, object]:
        found = {**figures, "repeated_calls": 0, "lost": 0, "by_scenario": dict(sorted(by_scenario.items()))}
        if report is not None:
            report.with_suffix(".tmp").write_text(json.dumps(found, indent=1) + "\n")
            report.with_suffix(".tmp").replace(report)
        return found

    try:
        harness = Harness(folder, seed, only)
        while figures["rounds"] < rounds - first and time.monotonic() - started < seconds:
            before = harness.calls
            scenario, kills = harness.round(first + figures["rounds"])
            by_scenario[scenario] += kills
            figures["rounds"] += 1
            figures["with_kills"] += kills > 0
            figures["kills"] += kills
            figures["calls"] += harness.calls - before
            if figures["rounds"] % 100 == 0:
                result()
    finally:
        shutil.rmtree(folder)
    return result()


def main() -> None:
    """Runs the harness."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--from", dest="first", type=int, default=0, help="number of the first round")
    parser.add_argument(
        "--only", nargs="+", choices=SCENARIOS, default=tuple(SCENARIOS), help="scenarios to choose from"
    )
    parser.add_argument("--seconds", type=float, default=float("inf"), help="no round begins later")
    parser.add_argument("--report", type=Path, help="file for the figures; its run is continued")
    given = parser.parse_args()
    found = kill_rounds(
        given.first + given.rounds,
        given.seed,
        first=given.first,
        seconds=given.seconds,
        report=given.report,
        only=given.only,
    )
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
