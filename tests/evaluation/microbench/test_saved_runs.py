"""Runs that version 0.1 recorded stay valid: renaming classes or fields changes neither digests nor file names."""

from pathlib import Path

import pytest

from interleavethinker.evaluation.microbench import config
from interleavethinker.evaluation.microbench.config import ExperimentConfig
from interleavethinker.evaluation.microbench.dataset import held_out_items
from interleavethinker.tools.images.store import ImageStore


def test_the_digests_of_requests_are_those_of_version_0_1(tmp_path: Path) -> None:
    digests = [item.digest for item in held_out_items(3, 0, ImageStore(tmp_path))]
    assert digests == ["13c5bbe4eea4ea9b", "70cf71a36fc8de48", "a117508bd79b2db4"]


def test_a_run_has_the_file_name_that_version_0_1_gave_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "_folder_hash", lambda _: "weights")
    assert ExperimentConfig("scripted", "scripted", 3).key(7) == "scripted-scripted-3-a1becc4c94bf"
