"""A batch that is killed with SIGKILL, several times, continues without repeating a finished generator call."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")
def test_a_killed_batch_continues_and_paints_every_image_once(tmp_path: Path) -> None:
    command = [sys.executable, str(Path(__file__).with_name("killing.py")), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rounds = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rounds) == 2
    for one in rounds:
        assert one["deaths"] >= 2
        assert one["statuses"] == ["done"] * 5
        assert len(one["painted"]) == len(set(one["painted"])) == 10
