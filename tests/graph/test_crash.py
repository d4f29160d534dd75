"""SIGKILL at every point of a trajectory in real processes; resuming gives the result of an uninterrupted run."""

import json
import subprocess
import sys
from collections.abc import Iterator
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


@pytest.fixture(scope="module")
def loaded() -> "Iterator[subprocess.Popen[str]]":
    """A process that has loaded everything, and forks for each test."""
    command = [sys.executable, str(CRASHING)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process


def assert_every_crash_recovers(loaded: "subprocess.Popen[str]", folder: Path, *how: str | int) -> None:
    assert loaded.stdin is not None
    assert loaded.stdout is not None
    loaded.stdin.write(json.dumps([str(folder), *how]) + "\n")
    loaded.stdin.flush()
    deaths = []
    while isinstance(told := json.loads(loaded.stdout.readline()), dict):
        deaths.append(told)
    assert told == 0, "a child failed; its traceback is in the captured stderr"
    assert len(deaths) >= 2, "the trajectory passes each point at least twice"
    assert all(death["died"] for death in deaths)
    assert [death for death in deaths if death["different"]] == []


@unix
@pytest.mark.parametrize(
    ("kind", "moment", "look_ahead"),
    [(*point, 1) for point in POINTS]
    + [("generate", "inside", 3), ("writes", "after", 3)]
    + [("generate", "inside", 0), ("generate", "after", 0), ("checkpoint", "before", 0)]  # 0: steps side by side
    + [("generate", "inside", -3), ("checkpoint", "after", -3)],  # -3: three variants
)
def test_a_trajectory_killed_at_any_point_resumes_to_the_same_result_and_generates_nothing_twice(
    kind: str, moment: str, look_ahead: int, tmp_path: Path, loaded: "subprocess.Popen[str]"
) -> None:
    assert_every_crash_recovers(loaded, tmp_path, kind, moment, look_ahead, False)


@unix
@pytest.mark.parametrize(("kind", "moment"), [("generate", "inside"), ("generate", "after")])
def test_a_kill_during_a_call_to_a_real_server_repeats_no_finished_image(
    kind: str, moment: str, tmp_path: Path, loaded: "subprocess.Popen[str]"
) -> None:
    assert_every_crash_recovers(loaded, tmp_path, kind, moment, 1, True)
