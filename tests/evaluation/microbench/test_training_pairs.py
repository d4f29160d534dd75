"""Pairs of critics before and after a training stage, with a keyword generator in this process."""

import json
from pathlib import Path
from typing import Any

import pytest

from interleavethinker.evaluation.microbench import config as config_module
from interleavethinker.evaluation.microbench.config import ExperimentConfig, fingerprint, is_installed
from interleavethinker.evaluation.microbench.training_pairs import check_pairs, pairs_markdown, run_pairs
from interleavethinker.microworld.agents.registry import in_folder, weights_of
from interleavethinker.tools.errors import InputError, ModelError

from .test_benchmark import NO_WEIGHTS, InProcessGenerator


async def test_the_mean_gain_is_that_of_the_pairs_and_a_second_run_repeats_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config_module, "_AGENTS", NO_WEIGHTS)
    made: list[InProcessGenerator] = []

    def generator(store: Any) -> InProcessGenerator:
        made.append(InProcessGenerator(store))
        return made[-1]

    pairs = [("none", "scripted"), ("scripted", "oracle")]
    report: Any = await run_pairs(tmp_path, pairs, 4, 0, generator=generator)
    gains = [pair["image"]["value"] for pair in report["pairs"]]
    assert report["mean"]["image"]["value"] == pytest.approx(sum(gains) / 2, abs=0.02)
    assert report["mean"]["image"]["low"] <= min(gains) + 0.01
    assert report["mean"]["image"]["high"] >= max(gains) - 0.01
    again: Any = await run_pairs(tmp_path, pairs, 4, 0, generator=generator)
    assert again["pairs"] == report["pairs"]
    assert [one.made > 0 for one in made] == [True, False]
    text = pairs_markdown(report)
    assert "| `none` → `scripted` |" in text
    assert "| **mean** |" in text


def test_pairs_that_cannot_be_measured_are_refused(tmp_path: Path) -> None:
    for pairs, words in (
        ([], "at least one pair"),
        ([("sft", "grpo"), ("sft", "grpo")], "given twice"),
        ([("sft", str(tmp_path))], "or a folder with weights"),
    ):
        with pytest.raises(InputError, match=words):
            check_pairs(pairs)


def test_a_folder_with_weights_is_a_critic_and_its_results_change_with_the_weights(tmp_path: Path) -> None:
    model, adapter = tmp_path / "model", tmp_path / "adapter"
    for folder, config in ((model, "config.json"), (adapter, "adapter_config.json")):
        folder.mkdir()
        (folder / config).write_text(json.dumps({"base_model_name_or_path": str(model)}))
        (folder / "weights.safetensors").write_bytes(b"1")
        assert is_installed("critic", str(folder))
    weights = in_folder(str(adapter))
    assert weights is not None
    assert (weights.model, weights.adapter) == (f"qwen3-vl:{model}", str(adapter))
    before = fingerprint("critic", str(adapter)), ExperimentConfig("oracle", str(adapter)).key(0)
    assert "/" not in before[1]
    config_module._folder_hash.cache_clear()
    (model / "weights.safetensors").write_bytes(b"2")
    assert fingerprint("critic", str(adapter)) != before[0]
    assert ExperimentConfig("oracle", str(adapter)).key(0) != before[1]


def test_an_adapter_without_its_base_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    (tmp_path / "adapter.safetensors").write_bytes(b"1")
    with pytest.raises(ModelError, match="names no base model"):
        weights_of({}, str(tmp_path))
