"""A run that is stopped while it answers or while it judges: the same command goes on, and nothing is paid twice."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from interleavethinker.evaluation.benchmarks.agent_answers import begun_items
from interleavethinker.evaluation.benchmarks.run import RunConfig, run_benchmark
from interleavethinker.evaluation.benchmarks.stepwise import PlanLengths
from interleavethinker.evaluation.judges.cache import JudgeCache
from interleavethinker.tools.errors import ModelError, StoreError
from tests.evaluation.benchmarks.judges import ScriptedJudge, chat_server, write_json

ITEM: dict[str, object] = {
    "task": "art",
    "text_rubrics": ["It has text."],
    "image_rubrics": ["It has an image.", "It is good."],
}
PROFILE = """
description = "Scripted agents, with colored cells as images."
planner = { object = "interleavethinker.microworld.agents.scripted_planner:ScriptedPlanner" }
critic = { object = "interleavethinker.tools.testing.agents:accepting_critic" }
generator = { model = "cells" }
"""


def items(count: int) -> list[dict[str, object]]:
    return [ITEM | {"id": str(number), "prompt": "a big red ball on the left, at night"} for number in range(count)]


def yes(_text: str, _images: int) -> str:
    return '{"criteria_met": true}'


async def test_a_judge_that_fails_stops_the_run_and_the_next_one_repeats_no_answered_question(tmp_path: Path) -> None:
    data = write_json(tmp_path / "data.json", items(10))
    rows = [{"id": str(number), "text_answer": f"text {number}", "image_answer": []} for number in range(10)]
    given = str(write_json(tmp_path / "answers.json", rows))
    config = RunConfig("ueval", str(data), tmp_path / "out", answers=given, judge_at_once=2)
    failing = ScriptedJudge(answer=yes, fail_after=11)
    with pytest.raises(ModelError, match=r"the judge is down .*run the same command again to resume"):
        await run_benchmark(config, model=failing)
    assert len(failing.asked) == 11
    second = ScriptedJudge(answer=yes)
    run = await run_benchmark(config, model=second)
    assert (len(second.asked), run.usage.calls) == (30 - 11, 19)
    assert not {text for text, _ in failing.asked} & {text for text, _ in second.asked}
    third = ScriptedJudge(answer=yes)
    await run_benchmark(config, model=third)
    assert not third.asked


async def test_unusable_answers_are_kept_too(tmp_path: Path) -> None:
    data = write_json(tmp_path / "data.json", items(1))
    given = str(write_json(tmp_path / "answers.json", [{"id": "0", "text_answer": "x", "image_answer": []}]))
    config = RunConfig("ueval", str(data), tmp_path / "out", answers=given)
    first = ScriptedJudge(answer=lambda _text, _images: "hm")
    run = await run_benchmark(config, model=first)
    assert len(first.asked) == 9  # three questions, three answers each
    assert sum(one.unreadable for one in run.judged) == 3
    again = ScriptedJudge(answer=yes)
    assert sum(one.unreadable for one in (await run_benchmark(config, model=again)).judged) == 3
    assert not again.asked


def test_a_torn_line_of_the_cache_is_dropped_and_the_rest_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "judge.jsonl"
    path.write_text('{"key": "a", "text": "1"}\n{"key": "b", "te')
    cache = JudgeCache(path)
    assert (len(cache), cache.answers("a")[0].text, list(cache.answers("b"))) == (1, "1", [])


@pytest.mark.parametrize("line", [b'{"key": 1}', b"xx", b'"\xff"'])
def test_a_damaged_line_in_the_middle_of_the_cache_is_an_error_that_names_it(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "judge.jsonl"
    good = b'{"key": "a", "text": "1"}'
    path.write_bytes(b"\n".join([good, line, good, b""]))
    with pytest.raises(StoreError, match=r"Line 2 of .*judge\.jsonl is damaged(: it is not UTF-8)?\. Remove the line"):
        JudgeCache(path)


def test_a_damaged_line_of_the_answered_items_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "trajectories.jsonl"
    path.write_text('["1", "a"]\n{}\n[1\n')
    with pytest.raises(StoreError, match=r"Line 2 of .*trajectories\.jsonl is damaged"):
        begun_items(path)


@pytest.mark.parametrize("line", ["xx", "{}", "1", '["key"]', '["key", "many"]'])
def test_a_damaged_line_of_the_lengths_of_plans_is_an_error_that_names_it(tmp_path: Path, line: str) -> None:
    path = tmp_path / "plan-lengths.jsonl"
    path.write_text(f'["key", 3]\n{line}\n["other", 2]\n')
    with pytest.raises(StoreError, match=r"Line 2 of .*plan-lengths\.jsonl is damaged\. Restore the file"):
        PlanLengths(path)


WAITING_PLANNER = """
import asyncio, os
from pathlib import Path
from interleavethinker.microworld.agents.scripted_planner import ScriptedPlanner

class WaitingPlanner(ScriptedPlanner):
    # Plans by rules, but never the third request while the file `hold` exists.

    calls = 0

    async def plan(self, request, context):
        self.calls += 1
        if self.calls == 3 and await asyncio.to_thread(Path("hold").exists):
            await asyncio.to_thread(Path("held").touch)
            await asyncio.Event().wait()
        return await super().plan(request, context)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_killed_while_answering_and_while_judging_the_command_resumes_without_a_repeated_call(tmp_path: Path) -> None:
    (tmp_path / "waiting_planner.py").write_text(WAITING_PLANNER)
    planner = "interleavethinker.microworld.agents.scripted_planner:ScriptedPlanner"
    (tmp_path / "cells.toml").write_text(PROFILE.replace(planner, "waiting_planner:WaitingPlanner"))
    write_json(tmp_path / "data.json", items(6))
    asked: list[str] = []
    fifth, killed = threading.Event(), threading.Event()

    def answer(text: str, images: list[bytes]) -> str:
        asked.append(f"{hash(tuple(images))} {text}")
        if len(asked) == 5 and not killed.is_set():
            fifth.set()
            killed.wait(600)
        return yes(text, len(images))

    with chat_server(answer) as url:
        environment = os.environ | {
            "OPENAI_API_KEY": "none",
            "OPENAI_BASE_URL": url,
            "INTERLEAVETHINKER_IMAGE_STORE": str(tmp_path / "server"),
            "PYTHONPATH": str(tmp_path),
        }
        options = "--data data.json --profile cells.toml --judge openai:local --judge-at-once 1 --at-once 1 --json"
        command = [sys.executable, "-P", "-m", "interleavethinker", "evaluate", "ueval", *options.split()]

        def start() -> subprocess.Popen[str]:
            return subprocess.Popen([*command, "--out", "out"], cwd=tmp_path, env=environment, text=True, stdout=-1)

        def kill_when(reached: Callable[[], bool]) -> None:
            process = start()
            limit = time.monotonic() + 300
            while not reached():
                assert process.poll() is None, "it ended before it could be killed"
                assert time.monotonic() < limit, "nothing happened for five minutes"
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            process.communicate()

        (tmp_path / "hold").touch()
        kill_when((tmp_path / "held").exists)
        (tmp_path / "hold").unlink()
        assert not asked
        begun = _trajectories(tmp_path)
        assert 2 <= len(begun) <= 3  # The third one may have been created, and is without a plan.
        kill_when(fifth.is_set)
        killed.set()
        assert len(_trajectories(tmp_path)) == 6
        assert _trajectories(tmp_path)[: len(begun)] == begun
        assert _lines(tmp_path / "out" / "judge.jsonl") == 4
        out, _ = (process := start()).communicate()
    assert process.returncode == 0
    report = json.loads(out)
    assert report["figures"][0]["value"] == 100
    # Of the judge's calls, only the one that was in flight when the process died is repeated.
    assert len(asked) - len(set(asked)) == 1
    assert asked[4] == asked[5]
    assert report["cost"]["cached"] >= 4


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.is_file() else 0


def _trajectories(folder: Path) -> list[str]:
    return (folder / "out" / "trajectories.jsonl").read_text(encoding="utf-8").splitlines()
