"""The image server is started before the agent is imported, and ends with every kind of run."""

import subprocess
import sys
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from interleavethinker.cli import exit_codes as exits

WATCHED = """
import sys
def watch(event, arguments):
    if event == "subprocess.Popen" and "image-server" in arguments[1]:
        print("server started", "after" if "langgraph.graph" in sys.modules else "before", "LangGraph", file=sys.stderr)
sys.addaudithook(watch)
from interleavethinker.cli import main
main()
"""


def watched(home: Path, *words: str) -> tuple[int, list[str]]:
    """Runs the program in a process of its own; returns its exit code and when it started image servers."""
    command = [sys.executable, "-c", WATCHED, *words]
    done = subprocess.run(command, cwd=home, check=False, capture_output=True, text=True)
    return done.returncode, [line for line in done.stderr.splitlines() if line.startswith("server started")]


def servers_of(home: Path) -> list[str]:
    """Command lines of image servers that still run with this test's store."""
    lines = [" ".join(each.info["cmdline"] or ()) for each in psutil.process_iter(["cmdline"])]
    return [line for line in lines if str(home) in line and "image-server" in line]


@pytest.mark.parametrize(
    ("words", "code", "started"),
    [
        (["run", "a red ball on the left"], exits.OK, ["server started before LangGraph"]),
        (["run", "sell me a stapler"], exits.BAD_INPUT, ["server started before LangGraph"]),
        (["run", "a red ball on the left", "--queue"], exits.OK, []),
        (["run", "a red ball on the left", "--estimate"], exits.OK, []),
    ],
    ids=["run", "refused", "queue", "estimate"],
)
def test_run_starts_its_server_first_once_and_leaves_none(
    home: Path, words: list[str], code: int, started: list[str]
) -> None:
    assert watched(home, *words, "--profile", "cells.toml") == (code, started)
    assert servers_of(home) == []


def test_another_program_is_started_only_for_a_request_that_is_accepted(home: Path) -> None:
    command = [sys.executable, "-c", "open('started', 'w')", "image-server"]
    profile = (home / "cells.toml").read_text(encoding="utf-8")
    words = ", ".join(f'"{word}"' for word in command)
    (home / "own.toml").write_text(profile.replace('{ model = "cells" }', f"{{ command = [{words}] }}"))
    assert watched(home, "run", "sell me a stapler", "--profile", "own.toml") == (exits.BAD_INPUT, [])
    assert not (home / "started").exists()
