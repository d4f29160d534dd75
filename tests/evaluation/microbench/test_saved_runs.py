"""Runs that version 0.1 recorded stay valid: renaming classes or fields changes neither digests nor file names."""

import json
from pathlib import Path

import pytest

from interleavethinker.evaluation.microbench import config
from interleavethinker.evaluation.microbench.agents import AgentFactory
from interleavethinker.evaluation.microbench.config import ExperimentConfig
from interleavethinker.evaluation.microbench.dataset import held_out_items
from interleavethinker.evaluation.microbench.runner import RequestResult
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.testing.generator import MemoryGenerator


def test_the_digests_of_requests_are_those_of_version_0_1(tmp_path: Path) -> None:
    digests = [item.digest for item in held_out_items(3, 0, ImageStore(tmp_path))]
    assert digests == ["13c5bbe4eea4ea9b", "70cf71a36fc8de48", "a117508bd79b2db4"]


def test_a_run_has_the_file_name_that_version_0_1_gave_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "_folder_hash", lambda *_: "weights")
    assert ExperimentConfig("scripted", "scripted", 3).key(7) == "scripted-scripted-3-a1becc4c94bf"


def test_results_depend_on_the_generators_weights_and_not_on_the_image_servers_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = []
    for number, (weights, settings) in enumerate([("a", "x"), ("a", "y"), ("b", "x")]):
        folder = tmp_path / str(number) / "checkpoints" / "generator"
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_text(weights)
        (folder / "server.toml").write_text(settings)
        monkeypatch.setattr(config, "files", lambda _, root=tmp_path / str(number): root)
        hashes.append(config.generator_fingerprint())
    assert hashes[0] == hashes[1] != hashes[2]


def test_results_of_version_0_1_load_under_their_old_field_name() -> None:
    scores = {"text": 50.0, "steps": None, "final": None, "calls": 2, "seconds": 1.5}
    saved = {
        "number": 3,
        "request": "13c5",
        "family": "narrative",
        "plan": [],
        "attempts": [],
        "kept": [None],
        **scores,
    }
    result = RequestResult.model_validate_json(json.dumps(saved))
    assert result.selected == (None,)
    assert (result.document_right, result.reference_images) == (None, None), "unknown, not wrong"
    assert RequestResult.model_validate_json(result.model_dump_json()) == result


def test_trajectories_follow_the_rules_of_version_0_1_about_the_last_attempt(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    agents = AgentFactory(store, MemoryGenerator(store), tmp_path, 7)
    limits = agents.components(ExperimentConfig("oracle", "oracle", 3), next(iter(held_out_items(1, 0, store)))).limits
    assert (limits.judge_last_attempt, limits.retry_unjudged) == (False, True)
