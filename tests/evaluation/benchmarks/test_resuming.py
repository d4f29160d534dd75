"""A run that is stopped while it answers or while it judges: the same command goes on, and nothing is paid twice."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from interleavethinker.evaluation.benchmarks.run import RunConfig, run_benchmark
from interleavethinker.evaluation.judges.cache import JudgeCache
from interleavethinker.tools.errors import ModelError
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


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_killed_while_answering_and_while_judging_the_command_resumes_without_a_repeated_call(tmp_path: Path) -> None:
    (tmp_path / "cells.toml").write_text(PROFILE)
    write_json(tmp_path / "data.json", items(6))
    seen: list[str] = []

    def answer(text: str, images: list[bytes]) -> str:
        seen.append(f"{hash(tuple(images))} {text}")
        time.sleep(0.02)
        return yes(text, len(images))

    with chat_server(answer) as url:
        environment = os.environ | {
            "OPENAI_API_KEY": "none",
            "OPENAI_BASE_URL": url,
            "INTERLEAVETHINKER_IMAGE_STORE": str(tmp_path / "server"),
        }
        options = "--data data.json --profile cells.toml --judge openai:local --judge-at-once 1 --at-once 1 --json"
        command = [sys.executable, "-m", "interleavethinker", "evaluate", "ueval", *options.split(), "--out", "out"]

        def start() -> subprocess.Popen[str]:
            return subprocess.Popen(command, cwd=tmp_path, env=environment, text=True, stdout=subprocess.PIPE)

        def kill_when(path: Path, lines: int) -> None:
            process = start()
            limit = time.monotonic() + 120
            while process.poll() is None and _lines(path) < lines:
                assert time.monotonic() < limit, "nothing happened for two minutes"
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            process.communicate()

        kill_when(tmp_path / "out" / "trajectories.jsonl", 2)
        assert not seen
        answered = _lines(tmp_path / "out" / "trajectories.jsonl")
        kill_when(tmp_path / "out" / "judge.jsonl", 5)
        kept = _lines(tmp_path / "out" / "judge.jsonl")
        assert 2 <= answered < 6 == _lines(tmp_path / "out" / "trajectories.jsonl")
        assert kept >= 5
        out, _ = (process := start()).communicate()
    assert process.returncode == 0
    report = json.loads(out)
    assert report["figures"][0]["value"] == 100
    # The call in flight when the process died may be repeated; nothing else is.
    assert len(seen) - len(set(seen)) <= 1
    assert report["cost"]["cached"] >= kept - 1


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.is_file() else 0
