"""Stages 2 and 3 in worker processes and on Ray: the same rows as in this process, whoever is killed."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from interleavethinker.evaluation.executors import ExecutorConfig
from interleavethinker.evaluation.executors.base import ExecutorName
from interleavethinker.tools.errors import InputError
from interleavethinker.training.data.folder import DataFolder
from interleavethinker.training.data.requests import add_requests
from interleavethinker.training.data.scores import ChatJudgeScoring, score
from interleavethinker.training.data.trajectories import roll_out
from tests.evaluation.benchmarks.judges import chat_server

from . import executor_throughput
from .scripted_worlds import Graders, Studied

ROOT = Path(__file__).resolve().parents[3]
REMOTE: tuple[ExecutorName, ...] = ("processes", "ray")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="workers kill themselves with SIGKILL")


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, str(ROOT)])
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)


def two(name: ExecutorName, at_once: int = 4) -> ExecutorConfig:
    if name == "ray" and "RAY_TESTS" not in os.environ:
        pytest.skip("`make ray-test` starts clusters")
    return ExecutorConfig(name, 2, at_once)


def folder_with(root: Path, *texts: str) -> DataFolder:
    folder = DataFolder(root)
    add_requests(folder, [("", {"text": text, "id": text}) for text in texts], base=root)
    return folder


@pytest.mark.parametrize("name", REMOTE)
def test_rows_are_those_of_this_process_though_a_worker_is_killed(tmp_path: Path, name: ExecutorName) -> None:
    texts = [*map(str, range(12)), "kill", *map(str, range(12, 24))]
    folders = {}
    for place, executor in (("here", ExecutorConfig()), ("there", two(name))):
        notes = tmp_path / f"notes-{place}"
        notes.mkdir()
        if place == "here":
            (notes / "made-kill-0").touch()  # in this process nobody is killed
            (notes / "graded-kill").touch()
        folder = folders[place] = folder_with(tmp_path / place, *texts)
        summary = asyncio.run(roll_out(folder, ["shown"], Studied(notes), seed=3, executor=executor))
        assert (summary.kept["shown"], summary.dropped.total()) == (25, 0)
        summary = asyncio.run(score(folder, Graders(notes), executor=executor))
        assert (summary.kept["train, good"], summary.dropped.total()) == (25, 0)
    assert len(list((tmp_path / "notes-there").glob("pid-*"))) >= 3, "the killed worker was replaced"
    for file in ("trajectories", "scored"):
        here, there = ({row.id: _without_times(row) for row in getattr(folders[place], file)} for place in folders)
        assert here == there
        assert len(there) == 25
    for row in folders["there"].trajectories:
        assert row.attempts[0].image is not None
        folders["there"].store.get(row.attempts[0].image)


@pytest.mark.parametrize("name", REMOTE)
def test_a_killed_driver_loses_nothing_and_doubles_nothing(tmp_path: Path, name: ExecutorName) -> None:
    executor = two(name, at_once=2)
    root, notes = tmp_path / "set", tmp_path / "notes"
    folder = folder_with(root, "first", *map(str, range(10)))
    notes.mkdir()
    (notes / "wait").touch()
    script = tmp_path / "driver.py"
    script.write_text(
        "import asyncio, sys\nfrom pathlib import Path\n"
        "from interleavethinker.evaluation.executors import ExecutorConfig\n"
        "from interleavethinker.training.data.folder import DataFolder\n"
        "from interleavethinker.training.data.trajectories import roll_out\n"
        "from tests.training.data.scripted_worlds import Studied\n"
        "if __name__ == '__main__':\n"
        "    root, notes, name = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]\n"
        "    where = ExecutorConfig(name, 2, 2)\n"
        "    asyncio.run(roll_out(DataFolder(root), ['shown'], Studied(notes), seed=3, executor=where))\n"
    )
    with subprocess.Popen([sys.executable, str(script), str(root), str(notes), name]) as driver:
        try:
            # One trajectory is finished, two are in progress.
            _until(lambda: len(folder.trajectories.ids()) == 1 and len(list(notes.glob("made-*"))) >= 3)
            with pytest.raises(InputError, match="Another process is writing"):
                asyncio.run(roll_out(folder, ["shown"], Studied(notes), seed=3))
        finally:
            driver.kill()  # Also after a failure: it waits for a file that nobody would remove.
    saved = next(iter(folder.trajectories))
    (notes / "wait").unlink()
    summary = asyncio.run(roll_out(folder, ["shown"], Studied(notes), seed=3, executor=executor))
    assert summary.kept == {"shown, already present": 1, "shown": 10}
    rows = list(folder.trajectories)
    assert rows[0] == saved
    assert sorted(row.prompt for row in rows) == sorted(["first", *map(str, range(10))])
    made = Counter(path.name.split("-")[1] for path in notes.glob("made-*"))
    assert made["first"] == 1, "what was saved is not made again"
    assert sum(count - 1 for count in made.values()) <= 2, "only what was in progress is made again"


def test_workers_share_a_chat_models_answers_over_kills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folder_with(tmp_path / "set", *map(str, range(6)))
    notes = tmp_path / "notes"
    notes.mkdir()
    asyncio.run(roll_out(folder, ["shown"], Studied(notes), seed=3))
    asked: list[str] = []

    def answer(text: str, _images: list[bytes]) -> str:
        asked.append(text)
        return json.dumps({"scores": [8, 9]})

    with chat_server(answer) as address:
        monkeypatch.setenv("OPENAI_BASE_URL", address)
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        summary = asyncio.run(score(folder, ChatJudgeScoring("openai:judge"), executor=two("processes")))
        assert summary.kept["train, good"] == 6
        count = len(asked)
        answers = (folder.root / "judge.jsonl").read_text().splitlines()
        assert len(answers) == count
        assert not list(folder.root.glob("judge-*.jsonl"))
        # As after a kill: half of the answers lie in a worker's file, and no row was written.
        (folder.root / "judge-0123abcd.jsonl").write_text("".join(f"{line}\n" for line in answers[count // 2 :]))
        (folder.root / "judge.jsonl").write_text("".join(f"{line}\n" for line in answers[: count // 2 + 1]))
        folder.scored.path.unlink()
        summary = asyncio.run(score(folder, ChatJudgeScoring("openai:judge"), executor=two("processes")))
    assert summary.kept["train, good"] == 6
    assert len(asked) == count, "no answer is paid for twice"
    assert sorted((folder.root / "judge.jsonl").read_text().splitlines()) == sorted(answers)


def _without_times(row: object) -> object:
    from pydantic import BaseModel

    assert isinstance(row, BaseModel)
    plain = row.model_dump(mode="json")
    for attempt in plain.get("attempts", ()):
        attempt["seconds"] = None
    return plain


def _until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + 180
    while not reached():
        assert time.monotonic() < end, "waited for three minutes"
        time.sleep(0.05)


def test_the_bench_compares_two_workers_with_one_of_the_same_executor() -> None:
    measured = [("local", 1, 50.0), ("processes", 1, 40.0), ("processes", 2, 72.0)]
    rows = [{"executor": name, "workers": n, "a_minute": rate, "trajectories": 9} for name, n, rate in measured]
    shown = executor_throughput.table({"executors": rows, "cores": 2, "run": {"date": "2026-01-01"}})
    assert shown.splitlines()[-3:] == [
        "| `local` | 1 | 50 | |",
        "| `processes` | 1 | 40 | |",
        "| `processes` | 2 | 72 | 1.80 |",
    ]
