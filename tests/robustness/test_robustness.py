"""The fuzzers and the kill harness of `make robustness`, for some seconds."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .clients import HOSTILE, attack
from .fuzz import fuzz_answers, fuzz_images, timed

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("seed", [1, 2])
def test_mutated_answers_and_images_crash_and_hang_nothing(seed: int) -> None:
    assert fuzz_answers(400, seed)["read"]
    assert fuzz_images(100, seed)["accepted"]


def test_the_fuzzer_reports_a_reader_that_crashes_with_its_input() -> None:
    def broken(text: str) -> object:
        raise KeyError(text)

    with pytest.raises(SystemExit, match="answer 1: broken raised KeyError"):
        timed(broken, "x", (ValueError,), "answer 1")


async def test_hostile_clients_keep_no_honest_one_from_its_image() -> None:
    found = await attack(connections=60, seconds=0)
    assert found["clients"] == len(HOSTILE) + 1
    assert found["idle"] == 60


@pytest.mark.skipif(sys.platform == "win32", reason="forks processes")
def test_nothing_is_lost_or_repeated_when_the_program_is_killed(tmp_path: Path) -> None:
    # In a process of its own: this one has threads, and must not be forked.
    command = [sys.executable, "-m", "tests.robustness.kill"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    report = tmp_path / "report.json"
    for rounds in ("8", "10"):  # The second command continues the run of the first.
        words = ["--rounds", rounds, "--seed", "3", "--report", str(report)]
        done = subprocess.run(
            [*command, *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert found == json.loads(report.read_text())
        assert found["rounds"] == int(rounds)
        assert found["kills"]
        assert found["lost"] == found["repeated_calls"] == 0
