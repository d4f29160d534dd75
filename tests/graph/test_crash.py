"""SIGKILL at every point of a trajectory in real processes; resuming gives the result of an uninterrupted run."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

CRASHING = Path(__file__).with_name("crashing.py")
POINTS = [
    ("plan", "before"),
    ("plan", "after"),
    ("check", "before"),
    ("check", "after"),
    ("generate", "before"),
    ("generate", "inside"),
    ("generate", "after"),
    ("judge", "before"),
    ("judge", "after"),
    ("checkpoint", "before"),
    ("checkpoint", "after"),
    ("writes", "before"),
    ("writes", "after"),
]


unix = pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")


def assert_every_crash_recovers(folder: Path, kind: str, moment: str, look_ahead: int, generator: str) -> None:
    command = [sys.executable, str(CRASHING), str(folder), kind, moment, str(look_ahead), generator]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    deaths = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(deaths) >= 2, "the trajectory passes each point at least twice"
    assert all(death["died"] for death in deaths)
    assert [death for death in deaths if death["different"]] == []


@unix
@pytest.mark.parametrize(
    ("kind", "moment", "look_ahead"),
    [(*point, 1) for point in POINTS]
    + [("generate", "inside", 3), ("writes", "after", 3)]
    + [("generate", "inside", 0), ("generate", "after", 0), ("checkpoint", "before", 0)],  # 0: steps side by side
)
def test_a_trajectory_killed_at_any_point_resumes_to_the_same_result_and_generates_nothing_twice(
    kind: str, moment: str, look_ahead: int, tmp_path: Path
) -> None:
    assert_every_crash_recovers(tmp_path, kind, moment, look_ahead, "memory")


@unix
@pytest.mark.parametrize(("kind", "moment"), [("generate", "inside"), ("generate", "after")])
def test_a_kill_during_a_call_to_a_real_server_repeats_no_finished_image(
    kind: str, moment: str, tmp_path: Path
) -> None:
    assert_every_crash_recovers(tmp_path, kind, moment, 1, "server")
