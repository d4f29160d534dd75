"""The command line, killed with SIGKILL while it answers requests of every kind, goes on without repeating a call."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SHOWS = {
    "references, variants, checklist, knowledge": ("references", "variant", "checklist", "lookups"),
    "drift guard": ("wish",),
    "mask": ("mask",),
    "batch": ("references",),
    "sweep in processes": ("references",),
}


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")
@pytest.mark.skipif("KILL_TESTS" not in os.environ, reason="`make kill-test` takes minutes")
@pytest.mark.parametrize("name", SHOWS)
def test_a_killed_command_gives_the_uninterrupted_document_and_repeats_no_finished_image(
    name: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "tests.cli.killing", str(tmp_path), name]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["kills"] >= 2
    assert result["same"], "document, attempts and lookups are those of a run that nobody killed"
    assert result["calls"], "the same images were generated"
    assert result["repeated"] == []
    assert all(result["shown"][one] for one in SHOWS[name]), "the scenario is about what it says"
