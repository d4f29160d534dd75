"""The miniature of each experiment, with the real commands: killed once, it continues and writes its reports."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from interleavethinker.training.experiments import EXPERIMENTS, Size, stages_of


@pytest.mark.skipif(sys.platform == "win32", reason="needs process groups")
@pytest.mark.skipif("EXPERIMENT_TESTS" not in os.environ, reason="`make experiment-test` takes minutes")
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_killed_experiment_continues_and_compares_all_its_critics(name: str, tmp_path: Path) -> None:
    root = tmp_path / name
    command = [sys.executable, "-m", "interleavethinker.cli", "experiment", name, "--small", "--at-once", "2"]
    command += ["--out", str(root)]
    done = root / "done.json"
    with (tmp_path / "output").open("wb") as output:
        first = subprocess.Popen(command, cwd=tmp_path, stdout=output, stderr=output, start_new_session=True)
        while not done.is_file() and first.poll() is None:
            time.sleep(0.2)
        assert first.poll() is None, (tmp_path / "output").read_text()
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
    ended = json.loads(done.read_text())
    stages = stages_of(name, root, Size.miniature())
    assert 0 < len(ended) < len(stages)
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert json.loads(done.read_text()).keys() == {stage.name for stage in stages}
    assert not any(f"{one}:" in again.stderr for one in ended), "a stage that ended is not begun again"
    reports = [Path(stage.words[-1]) / "pairs.json" for stage in stages if stage.words[0] == "evaluate"]
    for path in reports:
        report = json.loads(path.read_text())
        wanted = next(stage for stage in stages if stage.words[-1] == str(path.parent))
        assert [f"{one['before']}={one['after']}" for one in report["pairs"]] == [
            word for word in wanted.words if "=" in word
        ]
        assert (report["n"], report["seed"]) == (2, 1000)
    assert again.stdout.splitlines() == sorted(str(path.with_suffix(".md")) for path in reports)
