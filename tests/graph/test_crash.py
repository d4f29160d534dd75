"""SIGKILL at every point of a trajectory, in real processes, and what resuming makes of it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

CRASHING = Path(__file__).with_name("crashing.py")
POINTS = [
    ("plan", "before"),
    ("plan", "after"),
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


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")
@pytest.mark.parametrize(
    ("kind", "moment", "look_ahead"),
    [(*point, 1) for point in POINTS] + [("generate", "inside", 3), ("writes", "before", 3), ("writes", "after", 3)],
)
def test_killed_at_any_such_point_a_trajectory_resumes_to_the_same_end_and_paints_nothing_twice(
    kind: str, moment: str, look_ahead: int, tmp_path: Path
) -> None:
    command = [sys.executable, str(CRASHING), str(tmp_path), kind, moment, str(look_ahead)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    deaths = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(deaths) >= 2, "the trajectory passes each point at least twice"
    assert all(death["died"] for death in deaths)
    assert [death for death in deaths if death["different"]] == []
