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
import hashlib
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
from collections.abc import Awaitable, Callable, Iterable
from contextlib import aclosing, closing, suppress
from pathlib import Path

from interleavethinker.graph import BranchPoint, Components, HumanVerdict, Limits, Trajectory, Workspace
from interleavethinker.graph.events import ReviewNeeded
from interleavethinker.graph.export.export import export
from interleavethinker.tools.errors import TrajectoryError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator, fake_image
from interleavethinker.tools.types import CriticInput, GeneratedImage, GenerationRequest, ImagePart, TextPart, Verdict

__all__ = ["SCENARIOS", "kill_rounds", "main"]

_LOOKS_AHEAD = "run with look-ahead"
PLAN = plan_of("draw a", "make it b", "make it c")
MOST_KILLS = 3
"""In one round; the last process may then end."""


class DurableGenerator:
    """Keeps finished images on disk, as the image server does, and logs each image that it really generates."""

    def __init__(self, folder: Path) -> None:
        self._store = ImageStore(folder / "images")
        self._finished = folder / "finished"
        self._finished.mkdir(exist_ok=True)
        self._log = folder / "generated"

    def _paint(self, call: GenerationRequest) -> bytes:
        digest = hashlib.sha256(call.model_dump_json().encode()).hexdigest()
        record = self._finished / digest
        if record.exists():
            return ImageStore(self._finished).get(record.read_text())
        data = fake_image(call)
        with self._log.open("a") as log:
            log.write(f"{digest}\n")
        record.with_suffix(".tmp").write_text(ImageStore(self._finished).put(data))
        record.with_suffix(".tmp").rename(record)
        return data

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        """See `ImageGenerator.generate`."""
        return await MemoryGenerator(self._store, self._paint).generate(call, progress)


def strict_verdict(case: CriticInput) -> Verdict:
    """Rejects the second step's image once."""
    success = case.prompt != "make it b"
    return Verdict(success=success, refined_prompt=case.prompt if success else "make it b, really", reasoning="by rule")


async def _existing(
    workspace: Workspace, title: str, *, image: bool = False, approve_plan: bool = False, look_ahead: int = 1
) -> str:
    """Returns the trajectory of this title; creates it if there is none."""
    found = [entry.id for entry in await workspace.list() if entry.title == title and entry.parent is None]
    if found:
        return found[0]
    parts: list[TextPart | ImagePart] = [TextPart(text=title)]
    if image:
        parts.append(ImagePart(sha256=await workspace.add_image(fake_image(GenerationRequest(prompt="mine", seed=0)))))
    limits = Limits(max_attempts=3, look_ahead=look_ahead)
    return await workspace.create(parts, seed=len(title), approve_plan=approve_plan, limits=limits)


async def _answer(workspace: Workspace) -> None:
    await workspace.run(await _existing(workspace, "plain"))


async def _ahead(workspace: Workspace) -> None:
    await workspace.run(await _existing(workspace, "ahead", look_ahead=3))


async def _images(workspace: Workspace) -> None:
    await workspace.run(await _existing(workspace, "with an image", image=True))


async def _approve(workspace: Workspace) -> None:
    """Runs a trajectory whose plan a person edits."""
    name = await _existing(workspace, "approved", approve_plan=True)
    if (await workspace.run(name)).status == "waiting":
        await workspace.approve(name, plan_of("draw x", "make it b").steps)
    await workspace.run(name)


async def _judge(workspace: Workspace) -> None:
    """Runs a trajectory whose first image a person rejects in other words."""
    name = await _existing(workspace, "judged")
    if not (await workspace.get(name)).attempts:
        async with aclosing(workspace.stream(name, review=True)) as events:
            async for event in events:
                if isinstance(event, ReviewNeeded):
                    break
    attempts = (await workspace.get(name)).attempts
    if not any(one.verdict is not None and one.verdict.by_hand for one in attempts):
        await workspace.judge(name, HumanVerdict(success=False, prompt="draw z"))
    await workspace.run(name)


async def _pause(workspace: Workspace) -> None:
    name = await _existing(workspace, "paused")
    if (await workspace.summary(name)).status == "ready":
        await workspace.pause(name)
    await workspace.run(name)


async def _cancel(workspace: Workspace) -> None:
    name = await _existing(workspace, "cancelled")
    if (await workspace.summary(name)).status == "cancelled":
        return
    try:
        await workspace.pause(name)
    except TrajectoryError:
        if (await workspace.summary(name)).status != "cancelled":
            raise
    await workspace.cancel(name)


async def _branch(workspace: Workspace) -> None:
    """Branches with other words, and with an image that is there already."""
    plain = await _existing(workspace, "plain")
    branches = [entry for entry in await workspace.list() if entry.parent is not None]
    image = (await workspace.get(plain)).attempts[0].image
    for point in (BranchPoint(step=1, prompt="make it green"), BranchPoint(step=0, image=image)):
        found = [entry.id for entry in branches if entry.parent_step == point.step]
        await workspace.run(found[0] if found else await workspace.branch(plain, point))


async def _export(workspace: Workspace) -> None:
    trajectory = await workspace.get(await _existing(workspace, "plain"))
    page = workspace.root / "page"
    export(trajectory, workspace.store, page)
    record = Trajectory.model_validate_json((page / "trajectory.json").read_text())
    if record.document != trajectory.document or not (page / "index.html").read_text().rstrip().endswith("</html>"):
        raise ValueError("the exported record or page is not whole")


async def _delete(workspace: Workspace) -> None:
    for entry in await workspace.list():
        await workspace.delete(entry.id)


async def _clean(workspace: Workspace) -> None:
    for seed in range(3):
        await workspace.add_image(fake_image(GenerationRequest(prompt="nobody's", seed=seed)))
    await workspace.collect_garbage(older_than=-60)
    await workspace.vacuum()


async def _everything(workspace: Workspace) -> None:
    for scenario in (_answer, _approve, _judge, _cancel, _branch, _export, _clean):
        await scenario(workspace)


SCENARIOS: dict[str, tuple[Callable[[Workspace], Awaitable[None]], str | None]] = {
    "run": (_answer, None),
    _LOOKS_AHEAD: (_ahead, None),
    "run with an image": (_images, None),
    "approve": (_approve, None),
    "judge": (_judge, None),
    "pause": (_pause, None),
    "cancel": (_cancel, None),
    "branch": (_branch, "run"),
    "export": (_export, "run"),
    "delete": (_delete, "branch"),
    "collect garbage": (_clean, "branch"),
    "everything": (_everything, None),
}
"""What a process does, and the scenario whose end its workspace is in before."""


async def work(folder: Path, scenario: str) -> str:
    """Brings the folder's workspace from any state to the scenario's end; returns everything that must not differ."""
    components = Components(FixedPlanner(PLAN), RuleCritic(strict_verdict), DurableGenerator(folder))
    async with Workspace.open(folder, components) as workspace:
        await SCENARIOS[scenario][0](workspace)
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
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._seed = seed
        self._expected: dict[str, str] = {}
        self._calls: dict[str, int] = {}
        self._usual: dict[str, float] = {}
        self.calls = 0
        """Images that the quiet runs of all rounds would have generated."""
        self._quiet("everything")
        _import_all((folder / "everything" / "modules").read_text().split())

    def round(self, number: int) -> tuple[str, int]:
        """Runs one round, and returns its scenario and the number of kills."""
        chance = random.Random(f"{self._seed}/{number}")
        scenario = chance.choice(list(SCENARIOS))
        if scenario not in self._expected:
            self._quiet(scenario)
        name = f"round {number} of seed {self._seed} ({scenario})"
        folder = self._new(scenario, self._folder / str(number))
        kills = self._kill(folder, scenario, chance, name)
        if _result(folder, f"{name}, after {kills} kills") != self._expected[scenario]:
            found = (folder / "result").read_text()
            raise SystemExit(f"{name}: another result after {kills} kills:\n{found}\n{self._expected[scenario]}")
        generated = _generated(folder)
        # A call that was killed after its log line and before its record was never finished.
        repeated = len(generated) - len(set(generated))
        if scenario == _LOOKS_AHEAD:  # How many drafts are made depends on time; none is made twice.
            differs = repeated > kills
        else:
            differs = not 0 <= len(generated) - self._calls[scenario] <= kills
        if differs:
            raise SystemExit(f"{name}: {len(generated)} calls, {self._calls[scenario]} expected, {kills} kills")
        self.calls += self._calls[scenario]
        shutil.rmtree(folder)
        return scenario, kills

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
        self._calls[scenario] = len(_generated(folder))

    def _new(self, scenario: str, folder: Path) -> Path:
        before = SCENARIOS[scenario][1]
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
    rounds: int, seed: int, *, first: int = 0, seconds: float = float("inf"), report: Path | None = None
) -> dict[str, object]:
    """Runs rounds until their number is reached or `seconds` are over, and returns figures.

    Args:
        rounds: Number of the last round, plus one.
        seed: See `Harness`.
        first: Number of the first round.
        seconds: Ends after the round in which they are over.
        report: A file that gets the figures as JSON every hundred rounds; those of an earlier run are continued.
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
        harness = Harness(folder, seed)
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
    parser.add_argument("--seconds", type=float, default=float("inf"), help="no round begins later")
    parser.add_argument("--report", type=Path, help="file for the figures; its run is continued")
    given = parser.parse_args()
    found = kill_rounds(
        given.first + given.rounds, given.seed, first=given.first, seconds=given.seconds, report=given.report
    )
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
