"""Commands where the system lets them open too few files, or has no current folder for them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[1])))
from interleavethinker.cli import main
main(sys.argv[2:])
"""


@pytest.mark.parametrize("most", [6, 7, 8, 9, 10, 11, 12, 13])
def test_a_command_that_may_open_too_few_files_names_the_cause(home: Path, most: int) -> None:
    words = [sys.executable, "-P", "-c", LIMITED, str(most), "list"]
    ended = subprocess.run(words, cwd=home, env=os.environ, capture_output=True, text=True, timeout=240, check=False)
    said = " ".join(ended.stderr.split())
    if ended.returncode != 0:
        assert (ended.returncode, "too many files are open at once" in said) == (3, True), said
    assert "Traceback" not in said
    assert (ended.returncode == 0) <= (most > 9), "the limit is reached"


@pytest.mark.parametrize("words", [["worker", "--until-empty"], ["list", "--workspace", "../mine"]])
def test_a_command_in_a_deleted_folder_names_the_cause(home: Path, words: list[str]) -> None:
    gone = home / "gone"
    gone.mkdir()
    script = "import os, sys; os.rmdir(os.getcwd()); from interleavethinker.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-P", "-c", script, *words]
    ended = subprocess.run(command, cwd=gone, env=os.environ, capture_output=True, text=True, timeout=240, check=False)
    said = " ".join(ended.stderr.split())
    assert (ended.returncode, "Traceback" in said) == (3, False), said
    assert "The command ended because the current folder was deleted." in said
