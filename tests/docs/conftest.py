"""For code in the documentation: a workspace of its own, and fakes for the profile `micro` where the models are not the
point.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

import interleavethinker as it
from interleavethinker.graph.profiles import profile

FAKE_MICRO = """
description = "The profile micro as fakes: a scripted planner, a critic that accepts everything, colored squares."
planner = { object = "interleavethinker.microworld.agents.scripted_planner:ScriptedPlanner" }
critic = { object = "interleavethinker.tools.testing.agents:accepting_critic" }
generator = { model = "fake" }
"""


@pytest.fixture
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Runs a test in an empty folder, with a workspace and an image store of its own."""
    monkeypatch.setenv("INTERLEAVETHINKER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("INTERLEAVETHINKER_IMAGE_STORE", str(tmp_path / "server"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    yield tmp_path / "here"
    it.close()


@pytest.fixture
def fake_micro(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replaces the shipped profile `micro`, which code in the documentation names, by one without models."""
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "micro.toml").write_text(FAKE_MICRO)
    monkeypatch.setattr(profile, "files", lambda _: tmp_path)
