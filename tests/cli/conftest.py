"""A separate home for each test of the agent's commands, with a profile whose images are colored cells."""

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from interleavethinker.cli import main

PROFILE = """
description = "Scripted agents, with colored cells as images."
example = "a big red ball on the left, at night"
request_check = "interleavethinker.microworld.agents.scripted_planner:check_request"
planner = { object = "interleavethinker.microworld.agents.scripted_planner:ScriptedPlanner", note = "Scripted." }
critic = { object = "interleavethinker.tools.testing.agents:accepting_critic" }
generator = { model = "cells" }
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the profile `cells.toml`; workspace and stores are created in it."""
    monkeypatch.setenv("INTERLEAVETHINKER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("INTERLEAVETHINKER_IMAGE_STORE", str(tmp_path / "server"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cells.toml").write_text(PROFILE)
    return tmp_path


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs the program with the given arguments; returns its exit code, stdout and stderr."""
    assert home.is_dir()

    def call(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as exit_:
            main(words)
        captured = capsys.readouterr()
        assert isinstance(exit_.value.code, int)
        return exit_.value.code, captured.out, captured.err

    return call


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets the lines that the person types."""
    return lambda lines: monkeypatch.setattr("sys.stdin", io.StringIO(lines))


@pytest.fixture
def with_critic(home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Writes a profile like `cells.toml` with the critic `Critic` of the given source, and returns its file's name."""

    def write(source: str) -> str:
        (home / "own_critic.py").write_text(source)
        monkeypatch.syspath_prepend(home)
        monkeypatch.delitem(sys.modules, "own_critic", raising=False)
        given = "interleavethinker.tools.testing.agents:accepting_critic"
        (home / "own_critic.toml").write_text(PROFILE.replace(given, "own_critic:Critic"))
        return "own_critic.toml"

    return write
