"""A benchmark that worker processes answer: a killed worker costs nothing but the trajectories that it was running."""

import asyncio
import json
import os
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from interleavethinker.evaluation.benchmarks.run import RunConfig, run_benchmark
from interleavethinker.evaluation.executors import ExecutorConfig
from interleavethinker.evaluation.executors.base import ExecutorName
from interleavethinker.tools.errors import InputError
from tests.evaluation.benchmarks.judges import ScriptedJudge, write_json

from .test_resuming import PROFILE, items, yes

PLANNER = """
import os
import signal
from pathlib import Path

from interleavethinker.microworld.agents.scripted_planner import ScriptedPlanner


class MortalPlanner(ScriptedPlanner):
    # Its process is killed at its second call, once.

    calls = 0

    async def plan(self, request, context):
        notes = Path(os.environ["PLANNER_NOTES"])
        (notes / f"plan-{os.urandom(4).hex()}").touch()
        MortalPlanner.calls += 1
        if MortalPlanner.calls == 2 and not (notes / "killed").exists():
            (notes / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return await super().plan(request, context)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
@pytest.mark.parametrize("name", ["processes", "ray"])
def test_workers_answer_a_benchmark_though_one_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: ExecutorName
) -> None:
    if name == "ray" and "RAY_TESTS" not in os.environ:
        pytest.skip("`make ray-test` starts clusters")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PLANNER_NOTES", str(tmp_path))
    monkeypatch.setenv("INTERLEAVETHINKER_IMAGE_STORE", str(tmp_path / "server"))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    (tmp_path / "mortal_planner.py").write_text(PLANNER)
    scripted = "interleavethinker.microworld.agents.scripted_planner:ScriptedPlanner"
    (tmp_path / "cells.toml").write_text(PROFILE.replace(scripted, "mortal_planner:MortalPlanner"))
    data = write_json(tmp_path / "data.json", items(4))
    config = RunConfig(
        "ueval", str(data), tmp_path / "out", profile=str(tmp_path / "cells.toml"), executor=ExecutorConfig(name, 2)
    )
    run = asyncio.run(run_benchmark(config, model=ScriptedJudge(answer=yes)))
    assert (tmp_path / "killed").exists()
    assert set(run.answers) == {str(number) for number in range(4)}
    assert all(answer.images and not answer.problem for answer in run.answers.values())
    assert {item.score.main for item in run.judged} == {100.0}
    paths = (tmp_path / "out").glob("shards/*/trajectories.jsonl")
    records = [json.loads(line)[0] for path in paths for line in path.read_text().splitlines()]
    assert Counter(records) == {str(number): 1 for number in range(4)}
    planned = len(list(tmp_path.glob("plan-*")))
    assert planned <= 4 + 2, "only what the killed worker was working on is planned again"
    asyncio.run(run_benchmark(config, model=ScriptedJudge(answer=yes)))
    assert len(list(tmp_path.glob("plan-*"))) == planned, "finished trajectories are only read"
    with pytest.raises(InputError, match="shards 32, not None"):
        asyncio.run(run_benchmark(replace(config, executor=ExecutorConfig()), model=ScriptedJudge(answer=yes)))
