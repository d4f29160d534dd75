"""A home of its own for each test of the agent's commands, with a profile whose pictures are coloured cells."""

from collections.abc import Callable
from pathlib import Path

import pytest

from interleavethinker.cli import main

PROFILE = """
description = "Scripted, with coloured cells for pictures."
example = "a big red ball on the left, at night"
request_check = "interleavethinker.microworld.agents.scripted_planner:check_request"
planner = { object = "interleavethinker.microworld.agents.scripted_planner:ScriptedPlanner", note = "Scripted." }
critic = { object = "interleavethinker.tools.testing.agents:accepting_critic" }
generator = { model = "cells" }
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, which holds the profile `cells.toml` and where workspace and stores will be."""
    monkeypatch.setenv("INTERLEAVETHINKER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("INTERLEAVETHINKER_IMAGE_STORE", str(tmp_path / "server"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cells.toml").write_text(PROFILE)
    return tmp_path


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs the program with some words; returns its exit code, stdout and stderr."""
    assert home.is_dir()

    def call(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as exit_:
            main(words)
        told = capsys.readouterr()
        assert isinstance(exit_.value.code, int)
        return exit_.value.code, told.out, told.err

    return call
